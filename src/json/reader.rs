//! The reader of wire JSON: strict, bounded in depth and in the number of values.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Json, JsonError, JsonErrorKind, Node};
use crate::sensitive::Sensitive;
use zeroize::Zeroizing;

/// How deep arrays and objects may be nested (the service's answers: 4).
pub(super) const MAX_DEPTH: u32 = 32;
/// How many values one text may have, so that a small body cannot become a large list (a page of secrets: 2,000).
pub(super) const MAX_VALUES: usize = 16_384;

/// Reads one JSON text. The caller bounds its length.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json<'_>, JsonError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => return Err(JsonError { kind: JsonErrorKind::NotUtf8, position: e.valid_up_to() }),
    };
    let mut reader = Reader::new(text);
    reader.skip_space();
    reader.value(0, "", 0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(Json(reader.nodes)),
        Some(_) => reader.fail(JsonErrorKind::TrailingByte),
    }
}

/// What a string stands for; nothing where `raw` is another value.
pub(crate) fn text(raw: &str) -> Option<Sensitive<String>> {
    // No escape is shorter than what it stands for, so that a buffer of the raw length never grows: growing
    // would leave copies behind.
    let mut out = Zeroizing::new(String::with_capacity(raw.len().saturating_sub(2)));
    Reader::new(raw).string(Some(&mut out)).ok()?;
    Some(Sensitive::new(std::mem::take(&mut *out)))
}

/// Whether `raw` is a string that stands for `name`.
pub(super) fn is(raw: &str, name: &str) -> bool {
    match raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) {
        Some(plain) if plain.bytes().all(|b| b != b'\\') => plain == name,
        _ => text(raw).is_some_and(|text| text.expose() == name),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node<'a>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, nodes: Vec::new() }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn step(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    fn fail<T>(&self, kind: JsonErrorKind) -> Result<T, JsonError> {
        Err(JsonError { kind, position: self.at })
    }

    /// The error for a byte that does not fit, or for there being none.
    fn unexpected<T>(&self) -> Result<T, JsonError> {
        self.fail(match self.peek() {
            Some(_) => JsonErrorKind::UnexpectedByte,
            None => JsonErrorKind::UnexpectedEnd,
        })
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.step();
        }
    }

    fn value(&mut self, within: usize, name: &'a str, depth: u32) -> Result<(), JsonError> {
        let (place, start) = (self.nodes.len(), self.at);
        if place >= MAX_VALUES {
            return self.fail(JsonErrorKind::TooLarge);
        }
        self.nodes.push(Node { within, name, text: "" });
        match self.peek() {
            Some(b'{') => self.parts(b'}', place, depth)?,
            Some(b'[') => self.parts(b']', place, depth)?,
            Some(b'"') => self.string(None)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            _ => return self.unexpected(),
        }
        let text = self.slice(start);
        if let Some(node) = self.nodes.get_mut(place) {
            node.text = text;
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return self.unexpected();
            }
            self.step();
        }
        Ok(())
    }

    /// An array or an object, from its opening bracket on.
    fn parts(&mut self, close: u8, place: usize, depth: u32) -> Result<(), JsonError> {
        if depth >= MAX_DEPTH {
            return self.fail(JsonErrorKind::TooDeep);
        }
        self.step();
        self.skip_space();
        if self.peek() == Some(close) {
            self.step();
            return Ok(());
        }
        loop {
            let start = self.at;
            let mut name = "";
            if close == b'}' {
                self.string(None)?;
                name = self.slice(start);
                self.skip_space();
                self.word(":")?;
                self.skip_space();
            }
            self.value(place, name, depth.wrapping_add(1))?;
            self.skip_space();
            match self.peek() {
                Some(b',') => self.step(),
                Some(b) if b == close => {
                    self.step();
                    return Ok(());
                }
                _ => return self.unexpected(),
            }
            self.skip_space();
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return self.unexpected();
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.step();
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.step();
        }
        if self.peek() == Some(b'0') {
            self.step();
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.step();
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.step();
            if let Some(b'+' | b'-') = self.peek() {
                self.step();
            }
            self.digits()?;
        }
        Ok(())
    }

    /// What was read since `start`.
    fn slice(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A string, from its opening quote on; what it stands for goes to `out`.
    fn string(&mut self, mut out: Option<&mut String>) -> Result<(), JsonError> {
        self.word("\"")?;
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b >= b' ' && b != b'"' && b != b'\\') {
                self.step();
            }
            if let Some(out) = &mut out {
                out.push_str(self.slice(start));
            }
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(());
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    if let Some(out) = &mut out {
                        out.push(character);
                    }
                }
                Some(_) => return self.fail(JsonErrorKind::ControlCharacter),
                None => return self.unexpected(),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        self.step();
        let character = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.step();
                let mut code = self.hex4()?;
                if (0xD800..0xDC00).contains(&code) && self.peek() == Some(b'\\') {
                    self.step();
                    if self.peek() != Some(b'u') {
                        return self.escape_error(start);
                    }
                    self.step();
                    let low = self.hex4()?;
                    if !(0xDC00..0xE000).contains(&low) {
                        return self.escape_error(start);
                    }
                    code = (((code & 0x3FF) << 10) | (low & 0x3FF)).wrapping_add(0x1_0000);
                }
                return match char::from_u32(code) {
                    Some(character) => Ok(character),
                    None => self.escape_error(start),
                };
            }
            Some(_) => return self.fail(JsonErrorKind::BadEscape),
            None => return self.unexpected(),
        };
        self.step();
        Ok(character)
    }

    fn escape_error<T>(&self, position: usize) -> Result<T, JsonError> {
        Err(JsonError { kind: JsonErrorKind::BadEscape, position })
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let mut code = 0u32;
        for _ in 0..4 {
            let Some(byte) = self.peek() else { return self.unexpected() };
            let Some(digit) = char::from(byte).to_digit(16) else {
                return self.fail(JsonErrorKind::BadEscape);
            };
            code = (code << 4) | digit;
            self.step();
        }
        Ok(code)
    }
}
