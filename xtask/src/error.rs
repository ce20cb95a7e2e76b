//! The one error of the project's commands: what failed, and what a person can do about it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::fmt;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Error {
    what: String,
    advice: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), advice: None }
    }

    /// A failure that the reader has been told of already.
    pub(crate) fn told() -> Self {
        Self::new("")
    }

    pub(crate) fn is_told(&self) -> bool {
        self.what.is_empty()
    }

    /// Adds what the reader can do.
    pub(crate) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  to do: {advice}"),
            None => Ok(()),
        }
    }
}

/// Puts the thing that was being done in front of a foreign error.
pub(crate) trait During<T> {
    fn during(self, doing: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> During<T> for std::result::Result<T, E> {
    fn during(self, doing: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::new(format!("{}: {error}", doing())))
    }
}
