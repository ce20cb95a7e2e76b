//! Fields that someone wrote, in a file or as a program: what they are read as, and the first that is wrong.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::plan::Role;
use crate::error::{Error, ErrorKind, Result};
use crate::json::Value;
use crate::text::cut;
use std::cell::Cell;

/// What a field is, or why it is no text.
pub(super) type Find<'a> = dyn Fn(&str) -> std::result::Result<Option<String>, &'static str> + 'a;

/// The fields of an object.
pub(super) fn of_json(
    object: Value<'_>,
) -> impl Fn(&str) -> std::result::Result<Option<String>, &'static str> {
    move |field| match given(object, field).map(Value::text) {
        Some(Some(text)) => Ok(Some(text.into_exposed())),
        Some(None) => Err("is no text; correct it"),
        None => Ok(None),
    }
}

/// A member that is more than null, which is written for what was not given.
pub(super) fn given<'a>(object: Value<'a>, field: &str) -> Option<Value<'a>> {
    object.get(field).filter(|value| !value.is_null())
}

pub(super) struct Fields<'a> {
    /// Where they are, for faults.
    place: String,
    find: &'a Find<'a>,
    /// What to do where a field is missing.
    remedy: &'static str,
    /// The first of the faults: what is read behind it does not count.
    wrong: Cell<Option<Error>>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(place: String, remedy: &'static str, find: &'a Find<'a>) -> Self {
        Self { place, find, remedy, wrong: Cell::new(None) }
    }

    /// The error of these fields: what was found wrong before, or this.
    pub(super) fn fault(&self, field: &str, what: &str) -> Error {
        self.wrong.take().unwrap_or_else(|| {
            let what = [&self.place, ": ", field, ": ", what].concat();
            Error::new(ErrorKind::CredentialsUnavailable, what)
        })
    }

    /// Something is wrong, which [`end`](Self::end) tells.
    pub(super) fn note(&self, field: &str, what: &str) {
        self.wrong.set(Some(self.fault(field, what)));
    }

    /// What was made of the fields, unless something was wrong.
    pub(super) fn end<T>(self, made: T) -> Result<T> {
        self.wrong.into_inner().map_or(Ok(made), Err)
    }

    /// A text; none where it is missing or empty.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        match (self.find)(field) {
            Ok(text) => text.filter(|text| !text.is_empty()),
            Err(what) => {
                self.note(field, what);
                None
            }
        }
    }

    pub(super) fn required(&self, field: &str) -> String {
        self.text(field).unwrap_or_else(|| {
            self.note(field, self.remedy);
            String::new()
        })
    }

    pub(super) fn keys(&self, token: Option<String>) -> Result<Credentials> {
        let (id, secret) = (self.required("access_key_id"), self.required("access_key_secret"));
        Credentials::new(id, secret, token, None).map_err(|error| {
            let what = error.explanation();
            let what = cut(what, ": ").map_or(what, |(_, what)| what);
            let (part, what) = cut(what, " ").unwrap_or(("", what));
            let field = match part {
                "AccessKeyId" => "access_key_id",
                "AccessKeySecret" => "access_key_secret",
                _ => "sts_token",
            };
            self.fault(field, what)
        })
    }

    /// What both files of profiles say of a role, by names of their own.
    pub(super) fn role(&self, arn: &str, session_name: &str) -> Role {
        Role {
            arn: self.required(arn),
            session_name: self.text(session_name),
            policy: self.text("policy"),
            ..Role::default()
        }
    }
}
