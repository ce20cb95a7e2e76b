//! The encodings that both signature schemes share: RFC 3986 percent encoding, the canonical query, lower-case hex.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::text;
use std::borrow::Cow;

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// The digit of a value below 16; `ten` is the letter that stands for 10.
fn digit(value: u8, ten: u8) -> char {
    char::from(if value < 10 { b'0'.wrapping_add(value) } else { ten.wrapping_add(value).wrapping_sub(10) })
}

fn encoded_len(text: &str) -> usize {
    text.bytes().fold(0usize, |n, b| n.saturating_add(if is_unreserved(b) { 1 } else { 3 }))
}

/// Appends `text`, percent-encoded: everything but `A-Z a-z 0-9 - _ . ~` becomes `%XX` (upper case) per UTF-8 byte.
pub fn push_percent_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(digit(byte >> 4, b'A'));
            out.push(digit(byte & 15, b'A'));
        }
    }
}

/// `text`, percent-encoded.
///
/// ```
/// assert_eq!(simsim::signing::encoding::percent_encode("a b*中~"), "a%20b%2A%E4%B8%AD~");
/// ```
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(encoded_len(text));
    push_percent_encoded(&mut out, text);
    out
}

/// The canonical query, which is also a valid query and form body: pairs sorted by name, then by value, in byte order
/// of the plain text, names and values percent-encoded. An empty value stays, as `name=`.
pub fn query_string(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> String {
    // A handful of pairs: inserting in order links less code than the standard sort.
    let mut sorted: Vec<&(Cow<'_, str>, Cow<'_, str>)> = Vec::with_capacity(pairs.len());
    let mut length = 0usize;
    for pair in pairs {
        let at = sorted.iter().take_while(|other| ***other <= *pair).count();
        sorted.insert(at, pair);
        length = length.saturating_add(encoded_len(&pair.0)).saturating_add(encoded_len(&pair.1));
        length = length.saturating_add(2);
    }
    // Sized beforehand: a growing buffer would leave copies of a token behind.
    let mut out = String::with_capacity(length);
    for (name, value) in sorted {
        if !out.is_empty() {
            out.push('&');
        }
        push_percent_encoded(&mut out, name);
        out.push('=');
        push_percent_encoded(&mut out, value);
    }
    out
}

/// Bytes as lower-case hexadecimal digits.
pub fn lower_hex(bytes: &[u8]) -> String {
    text::lower_hex(bytes)
}
