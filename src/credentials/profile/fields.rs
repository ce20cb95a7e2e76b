//! The fields of one profile, whichever file it is in: what they are read as, and what is wrong with them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::plan::Role;
use crate::error::{Error, ErrorKind, Result};
use crate::text::cut;
use std::cell::Cell;

/// How a file says what a field is, or why it is no text.
pub(super) type Find<'a> = dyn Fn(&str) -> std::result::Result<Option<String>, &'static str> + 'a;

pub(super) struct Fields<'a> {
    /// The file and the profile.
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

    /// What both files say of a role, by names of their own.
    pub(super) fn role(&self, arn: &str, session_name: &str) -> Role {
        Role {
            arn: self.required(arn),
            session_name: self.text(session_name),
            policy: self.text("policy"),
            ..Role::default()
        }
    }
}
