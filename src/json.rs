//! What wire JSON is read into: slices of the text itself, so that nothing is copied but what is asked for.
//!
//! The reader accepts what RFC 8259 defines and nothing else. When a name occurs twice in an object, the last one counts.
//! Errors say what and where, never what was read: bodies carry secrets.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod reader;
#[cfg(test)]
mod tests;

pub(crate) use reader::parse;
#[cfg(any(test, fuzzing))]
pub(crate) use reader::text;

use crate::sensitive::Sensitive;
use std::fmt;

/// A text that was read: its values in the order of the text, the outermost first.
pub(crate) struct Json<'a>(Vec<Node<'a>>);

/// One value, as it was written.
struct Node<'a> {
    /// The place of the array or object that it is in.
    within: usize,
    /// With its quotes; empty in an array.
    name: &'a str,
    text: &'a str,
}

/// A value of a text. `Debug` shows its type only.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    json: &'a Json<'a>,
    at: usize,
    text: &'a str,
}

impl Json<'_> {
    /// The outermost value.
    pub(crate) fn root(&self) -> Value<'_> {
        Value { json: self, at: 0, text: self.0.first().map_or("", |node| node.text) }
    }
}

impl<'a> Value<'a> {
    /// Looks at what this value consists of, with the names as an object has them.
    pub(crate) fn parts(self, look: &mut dyn FnMut(&'a str, Self)) {
        for (at, node) in self.json.0.iter().enumerate() {
            // The outermost value is within no other: that it names itself must not count.
            if node.within == self.at && at > 0 {
                look(node.name, Self { json: self.json, at, text: node.text });
            }
        }
    }

    /// The member of that name; the last one where the name occurs twice. `None` for anything but an object.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        let mut member = None;
        self.parts(&mut |raw, value| {
            if reader::is(raw, name) {
                member = Some(value);
            }
        });
        member
    }

    /// How long the text is that it was written as.
    pub(crate) fn size(self) -> usize {
        self.text.len()
    }

    /// The text of a string.
    pub(crate) fn text(self) -> Option<Sensitive<String>> {
        reader::text(self.text)
    }

    /// Whether it is that text.
    pub(crate) fn is(self, text: &str) -> bool {
        // The reader is asked for names otherwise, which are texts.
        self.text.starts_with('"') && reader::is(self.text, text)
    }

    /// A whole number that is not negative.
    pub(crate) fn number(self) -> Option<u64> {
        crate::text::decimal(self.text)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self.text {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    pub(crate) fn is_null(self) -> bool {
        self.text == "null"
    }

    pub(crate) fn is_array(self) -> bool {
        self.text.starts_with('[')
    }

    /// Looks at the elements of an array; at nothing for anything else.
    pub(crate) fn elements(self, look: &mut dyn FnMut(Self)) {
        self.parts(&mut |name, value| {
            if name.is_empty() {
                look(value);
            }
        });
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.text.as_bytes().first() {
            Some(b'{') => "Object",
            Some(b'[') => "Array",
            Some(b'"') => "String",
            Some(b't' | b'f') => "Bool",
            Some(b'n') => "Null",
            _ => "Number",
        })
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
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
            JsonErrorKind::UnexpectedEnd => "it ends too early",
            JsonErrorKind::UnexpectedByte => "unexpected character",
            JsonErrorKind::TrailingByte => "something follows it",
            JsonErrorKind::NotUtf8 => "not UTF-8",
            JsonErrorKind::ControlCharacter => "control character in a string",
            JsonErrorKind::BadEscape => "invalid escape",
            JsonErrorKind::TooDeep => "nested too deeply",
            JsonErrorKind::TooLarge => "too many values",
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for JsonError {}
