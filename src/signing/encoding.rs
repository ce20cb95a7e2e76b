//! The encodings that both signature schemes share: RFC 3986 percent encoding, the canonical query, lower-case hex.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::text;
use std::borrow::Cow;

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Room for a text of this length, whatever is to be encoded in it: a growing buffer would leave copies of a token behind.
fn room(length: usize) -> usize {
    length.saturating_mul(3)
}

/// Appends `plain`, percent-encoded: everything but `A-Z a-z 0-9 - _ . ~` becomes `%XX` (upper case) per UTF-8 byte.
pub fn push_percent_encoded(out: &mut String, plain: &str) {
    for byte in plain.bytes() {
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            text::push_hex(out, byte, b'A');
        }
    }
}

/// `text`, percent-encoded.
///
/// ```
/// assert_eq!(simsim::signing::encoding::percent_encode("a b*中~"), "a%20b%2A%E4%B8%AD~");
/// ```
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(room(text.len()));
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
        length = length.saturating_add(pair.0.len()).saturating_add(pair.1.len()).saturating_add(1);
    }
    let mut out = String::with_capacity(room(length));
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
