//! The reader of wire JSON: strict, bounded in depth and in the number of values.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{JsonError, JsonErrorKind, Value};
use crate::sensitive::Sensitive;
use zeroize::Zeroizing;

/// How deep arrays and objects may be nested (the service's answers: 4).
pub(super) const MAX_DEPTH: u32 = 32;
/// How many values one text may have, so that a small body cannot become a large tree (a page of secrets: 2,000).
pub(super) const MAX_VALUES: u32 = 16_384;

/// Reads one JSON text. The caller bounds its length.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => return Err(JsonError { kind: JsonErrorKind::NotUtf8, position: e.valid_up_to() }),
    };
    let mut reader = Reader { text, at: 0, values: 0 };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => reader.fail(JsonErrorKind::TrailingByte),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    values: u32,
}

impl Reader<'_> {
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

    fn value(&mut self, depth: u32) -> Result<Value, JsonError> {
        self.values = self.values.wrapping_add(1);
        if self.values > MAX_VALUES {
            return self.fail(JsonErrorKind::TooLarge);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => self.unexpected(),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        for expected in word.bytes() {
            if self.peek() != Some(expected) {
                return self.unexpected();
            }
            self.step();
        }
        Ok(value)
    }

    /// Steps over an opening bracket, unless that is one too many.
    fn open(&mut self, depth: u32) -> Result<u32, JsonError> {
        if depth >= MAX_DEPTH {
            return self.fail(JsonErrorKind::TooDeep);
        }
        self.step();
        self.skip_space();
        Ok(depth.wrapping_add(1))
    }

    /// After an element: whether another one follows.
    fn more(&mut self, close: u8) -> Result<bool, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b',') => {
                self.step();
                self.skip_space();
                Ok(true)
            }
            Some(b) if b == close => {
                self.step();
                Ok(false)
            }
            _ => self.unexpected(),
        }
    }

    fn array(&mut self, depth: u32) -> Result<Value, JsonError> {
        let depth = self.open(depth)?;
        let mut elements = Vec::new();
        if self.peek() == Some(b']') {
            self.step();
            return Ok(Value::Array(elements));
        }
        loop {
            elements.push(self.value(depth)?);
            if !self.more(b']')? {
                return Ok(Value::Array(elements));
            }
        }
    }

    fn object(&mut self, depth: u32) -> Result<Value, JsonError> {
        let depth = self.open(depth)?;
        let mut members = Vec::new();
        if self.peek() == Some(b'}') {
            self.step();
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.unexpected();
            }
            let name = self.string()?;
            self.skip_space();
            self.word(":", Value::Null)?;
            self.skip_space();
            members.push((name, self.value(depth)?));
            if !self.more(b'}')? {
                return Ok(Value::Object(members));
            }
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

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
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
        Ok(Value::Number(Sensitive::new(self.slice(start).to_owned())))
    }

    /// What was read since `start`.
    fn slice(&self, start: usize) -> &str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Result<Sensitive<String>, JsonError> {
        self.step();
        // No escape is shorter than what it stands for, so that a buffer of the raw length never grows: growing
        // would leave copies behind.
        let raw = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let mut escaped = false;
        let length = raw.iter().take_while(|b| {
            let ends = **b == b'"' && !escaped;
            escaped = **b == b'\\' && !escaped;
            !ends
        });
        let mut out = Zeroizing::new(String::with_capacity(length.count()));
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b >= b' ' && b != b'"' && b != b'\\') {
                self.step();
            }
            out.push_str(self.slice(start));
            match self.peek() {
                Some(b'"') => {
                    self.step();
                    return Ok(Sensitive::new(std::mem::take(&mut *out)));
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    out.push(character);
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
