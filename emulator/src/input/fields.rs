//! A strict reader of JSON objects: unknown fields are named, values are never quoted.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use serde_json::{Map, Value};
use simsim::Timestamp;
use std::fmt;

/// Why a seed or a control call was not taken. Names the place and the field, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError(String);

impl InputError {
    pub(super) fn new(explanation: impl Into<String>) -> Self {
        Self(explanation.into())
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InputError {}

/// Reads text as JSON. The parser's own message can quote the text, so only its position is kept.
pub(super) fn parse(text: &[u8]) -> Result<Value, InputError> {
    serde_json::from_slice(text).map_err(|error| {
        InputError::new(format!("not JSON at line {}, column {}", error.line(), error.column()))
    })
}

/// One object on its way into a typed thing: each field is asked for by name, what was not asked for is unknown.
pub(super) struct Fields<'a> {
    place: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value, place: impl Into<String>) -> Result<Self, InputError> {
        let place = place.into();
        match value {
            Value::Object(map) => Ok(Self { place, map, known: Vec::new() }),
            _ => Err(InputError::new(format!("{place}: must be an object"))),
        }
    }

    pub(super) fn wrong(&self, name: &str, rule: &str) -> InputError {
        InputError::new(format!("{}: field `{name}` {rule}", self.place))
    }

    /// A field that is there and not null.
    pub(super) fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, InputError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong(name, "must be a string"))
    }

    /// A text that is not empty.
    pub(super) fn filled(&mut self, name: &'static str) -> Result<Option<&'a str>, InputError> {
        let text = self.text(name)?;
        if text.is_some_and(str::is_empty) { Err(self.wrong(name, "is empty")) } else { Ok(text) }
    }

    /// A text that must be there and not be empty.
    pub(super) fn required(&mut self, name: &'static str) -> Result<&'a str, InputError> {
        self.filled(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn unsigned(&mut self, name: &'static str) -> Result<Option<u64>, InputError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value
            .as_u64()
            .map(Some)
            .ok_or_else(|| self.wrong(name, "must be a whole number that is not negative"))
    }

    /// A number that must fit a smaller type.
    pub(super) fn small<T: TryFrom<u64>>(&mut self, name: &'static str) -> Result<Option<T>, InputError> {
        let Some(number) = self.unsigned(name)? else { return Ok(None) };
        T::try_from(number).map(Some).map_err(|_| self.wrong(name, "is too large"))
    }

    pub(super) fn signed(&mut self, name: &'static str) -> Result<Option<i64>, InputError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| self.wrong(name, "must be a whole number"))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, InputError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong(name, "must be true or false"))
    }

    pub(super) fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>, InputError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let at = crate::clock::parse_iso(text);
        at.map(Some).ok_or_else(|| self.wrong(name, "must be a time such as 2026-01-02T03:04:05Z"))
    }

    /// A list of texts that are not empty.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Option<Vec<String>>, InputError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let items = value.as_array().ok_or_else(|| self.wrong(name, "must be a list"))?;
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
            .collect();
        texts.map(Some).ok_or_else(|| self.wrong(name, "must list texts that are not empty"))
    }

    /// The items of a list, each with its place.
    pub(super) fn list(&mut self, name: &'static str) -> Result<Vec<(String, &'a Value)>, InputError> {
        let Some(value) = self.value(name) else { return Ok(Vec::new()) };
        let items = value.as_array().ok_or_else(|| self.wrong(name, "must be a list"))?;
        Ok(items.iter().enumerate().map(|(at, item)| (format!("{name}[{at}]"), item)).collect())
    }

    /// Refuses whatever was not asked for.
    pub(super) fn finish(self) -> Result<(), InputError> {
        let unknown = self.map.keys().find(|name| !self.known.contains(&name.as_str()));
        match unknown {
            Some(name) => {
                let known = self.known.join(", ");
                Err(InputError::new(format!("{}: unknown field `{name}`; known are: {known}", self.place)))
            }
            None => Ok(()),
        }
    }
}
