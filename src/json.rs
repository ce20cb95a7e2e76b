//! What wire JSON is read into: values that wipe their text, and errors that never quote it.
//!
//! The reader accepts what RFC 8259 defines and nothing else. When a name occurs twice in an object, the last one counts.
//! Errors say what and where, never what was read: bodies carry secrets.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod reader;
#[cfg(test)]
mod tests;

pub(crate) use reader::parse;

use crate::sensitive::Sensitive;
use std::fmt;

/// A JSON value. Texts, names and numbers are overwritten on drop. `Debug` shows the type only.
pub(crate) enum Value {
    Null,
    #[cfg_attr(not(any(test, fuzzing)), expect(dead_code, reason = "no field that is read holds one yet"))]
    Bool(bool),
    /// As it was written.
    Number(Sensitive<String>),
    String(Sensitive<String>),
    Array(Vec<Value>),
    /// Members in the order of the text, names that occur twice included.
    Object(Vec<(Sensitive<String>, Value)>),
}

impl Value {
    /// The member of that name; the last one where the name occurs twice. `None` for anything but an object.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let Self::Object(members) = self else { return None };
        members.iter().rev().find(|(n, _)| n.expose() == name).map(|(_, value)| value)
    }

    fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let Self::Object(members) = self else { return None };
        members.iter_mut().rev().find(|(n, _)| n.expose() == name).map(|(_, value)| value)
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text.expose()),
            _ => None,
        }
    }

    /// Moves the text of the member of that name out, without a copy. The member is `Null` afterwards.
    pub(crate) fn take_str(&mut self, name: &str) -> Option<Sensitive<String>> {
        let member = self.get_mut(name)?;
        member.as_str()?;
        match std::mem::replace(member, Self::Null) {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Moves the elements of the member of that name out. The member is `Null` afterwards.
    pub(crate) fn take_array(&mut self, name: &str) -> Option<Vec<Value>> {
        let member = self.get_mut(name)?;
        member.as_array()?;
        match std::mem::replace(member, Self::Null) {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of an array.
    pub(crate) fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(elements) => Some(elements),
            _ => None,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::Number(_) => "Number",
            Self::String(_) => "String",
            Self::Array(_) => "Array",
            Self::Object(_) => "Object",
        })
    }
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonErrorKind {
    /// It ends too early.
    UnexpectedEnd,
    /// A byte that cannot stand there.
    UnexpectedByte,
    /// Something follows the value.
    TrailingByte,
    /// It is not UTF-8.
    NotUtf8,
    /// A control character inside of a string.
    ControlCharacter,
    /// An escape that there is not, or half of a surrogate pair.
    BadEscape,
    /// Nested too deeply.
    TooDeep,
    /// Too many values.
    TooLarge,
}

/// What is wrong, and at which byte; never what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) kind: JsonErrorKind,
    pub(crate) position: usize,
}

impl JsonError {
    /// What is wrong and where, in words.
    pub(crate) fn text(self) -> String {
        [self.message(), " (byte ", &crate::text::digits(self.position), ")"].concat()
    }

    /// What is wrong, in words.
    pub(crate) const fn message(self) -> &'static str {
        match self.kind {
            JsonErrorKind::UnexpectedEnd => "the JSON text ends too early",
            JsonErrorKind::UnexpectedByte => "the JSON text has a character that cannot stand there",
            JsonErrorKind::TrailingByte => "something follows the JSON text",
            JsonErrorKind::NotUtf8 => "the JSON text is not UTF-8",
            JsonErrorKind::ControlCharacter => "the JSON text has a control character in a string",
            JsonErrorKind::BadEscape => "the JSON text has an invalid escape",
            JsonErrorKind::TooDeep => "the JSON text is nested too deeply",
            JsonErrorKind::TooLarge => "the JSON text has too many values",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for JsonError {}
