//! The reader of wire JSON: strict, bounded in depth and in the number of values.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Json, JsonError, JsonErrorKind, Node};
use crate::sensitive::Sensitive;
use crate::text::{has, utf8};

/// How deep arrays and objects may be nested (the service's answers: 4).
pub(super) const MAX_DEPTH: u32 = 32;
/// How many values one text may have, so that a small body cannot become a large list (a page of secrets: 2,000).
pub(super) const MAX_VALUES: usize = 16_384;

/// Reads one JSON text. The caller bounds its length.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json<'_>, JsonError> {
    let text = utf8(bytes).map_err(|position| JsonError { kind: JsonErrorKind::NotUtf8, position })?;
    let mut reader = Reader::new(text);
    match reader.whole() {
        Ok(()) => Ok(Json(reader.nodes)),
        Err(kind) => Err(JsonError { kind, position: reader.at }),
    }
}

/// What a string stands for; nothing where `raw` is another value.
pub(crate) fn text(raw: &str) -> Option<Sensitive<String>> {
    // No escape is shorter than what it stands for, so that a buffer of the raw length never grows: growing
    // would leave copies behind.
    let mut out = String::with_capacity(raw.len().saturating_sub(2));
    let read = Reader::new(raw).string(Some(&mut out));
    let out = Sensitive::new(out);
    read.is_ok().then_some(out)
}

/// Whether `raw`, a string or empty, stands for `name`.
pub(super) fn is(raw: &str, name: &str) -> bool {
    let quoted = raw.as_bytes();
    match has(raw, "\\") {
        true => text(raw).is_some_and(|text| text.expose() == name),
        false => quoted.get(1..quoted.len().wrapping_sub(1)) == Some(name.as_bytes()),
    }
}

/// What was read, or what is wrong where the reader stands.
type Read<T = ()> = Result<T, JsonErrorKind>;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node<'a>>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, nodes: Vec::new() }
    }

    /// The byte at hand; 0, which may stand nowhere in JSON, at the end of the text.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    fn step(&mut self) {
        self.at = self.at.wrapping_add(1);
    }

    /// Takes this byte, if it is the one at hand.
    fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        if found {
            self.step();
        }
        found
    }

    /// The error for a byte that does not fit, or for there being none.
    fn misfit(&self, kind: JsonErrorKind) -> JsonErrorKind {
        if self.at < self.text.len() { kind } else { JsonErrorKind::UnexpectedEnd }
    }

    fn unexpected<T>(&self) -> Read<T> {
        Err(self.misfit(JsonErrorKind::UnexpectedByte))
    }

    fn skip_space(&mut self) {
        while let b' ' | b'\t' | b'\n' | b'\r' = self.peek() {
            self.step();
        }
    }

    fn whole(&mut self) -> Read {
        self.skip_space();
        self.value(0, "", 0)?;
        self.skip_space();
        if self.at < self.text.len() { Err(JsonErrorKind::TrailingByte) } else { Ok(()) }
    }

    fn value(&mut self, within: usize, name: &'a str, depth: u32) -> Read {
        let (place, start) = (self.nodes.len(), self.at);
        if place >= MAX_VALUES {
            return Err(JsonErrorKind::TooLarge);
        }
        self.nodes.push(Node { within, name, text: "" });
        match self.peek() {
            b'{' => self.parts(b'}', place, depth)?,
            b'[' => self.parts(b']', place, depth)?,
            b'"' => self.string(None)?,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        let text = self.slice(start);
        if let Some(node) = self.nodes.get_mut(place) {
            node.text = text;
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Read {
        for expected in word.bytes() {
            if !self.skip(expected) {
                return self.unexpected();
            }
        }
        Ok(())
    }

    /// An array or an object, from its opening bracket on.
    fn parts(&mut self, close: u8, place: usize, depth: u32) -> Read {
        if depth >= MAX_DEPTH {
            return Err(JsonErrorKind::TooDeep);
        }
        self.step();
        self.skip_space();
        if self.skip(close) {
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
            if self.skip(close) {
                return Ok(());
            }
            self.word(",")?;
            self.skip_space();
        }
    }

    fn digits(&mut self) -> Read {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.step();
        }
        if self.at > start { Ok(()) } else { self.unexpected() }
    }

    fn number(&mut self) -> Read {
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            if !self.skip(b'+') {
                self.skip(b'-');
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
    fn string(&mut self, mut out: Option<&mut String>) -> Read {
        self.word("\"")?;
        loop {
            let start = self.at;
            while self.peek() >= b' ' && !matches!(self.peek(), b'"' | b'\\') {
                self.step();
            }
            if let Some(out) = &mut out {
                out.push_str(self.slice(start));
            }
            if self.skip(b'"') {
                return Ok(());
            }
            if self.peek() != b'\\' {
                return Err(self.misfit(JsonErrorKind::ControlCharacter));
            }
            let character = self.escape()?;
            if let Some(out) = &mut out {
                out.push(character);
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.step();
        let character = match self.peek() {
            c @ (b'"' | b'\\' | b'/') => c,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let mut code = self.hex4()?;
                if (0xD800..0xDC00).contains(&code) && self.skip(b'\\') {
                    let low = if self.peek() == b'u' { self.hex4()? } else { 0 };
                    code = match low {
                        0xDC00..0xE000 => (((code & 0x3FF) << 10) | (low & 0x3FF)).wrapping_add(0x1_0000),
                        // Half of a pair.
                        _ => code,
                    };
                }
                return char::from_u32(code).ok_or_else(|| {
                    self.at = start;
                    JsonErrorKind::BadEscape
                });
            }
            _ => return Err(self.misfit(JsonErrorKind::BadEscape)),
        };
        self.step();
        Ok(char::from(character))
    }

    /// The four digits behind a `u`.
    fn hex4(&mut self) -> Read<u32> {
        let mut code = 0u32;
        for _ in 0..4 {
            self.step();
            let Some(digit) = char::from(self.peek()).to_digit(16) else {
                return Err(self.misfit(JsonErrorKind::BadEscape));
            };
            code = (code << 4) | digit;
        }
        self.step();
        Ok(code)
    }
}
