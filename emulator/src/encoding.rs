//! Percent-encoding, form decoding and hex, written for this judge alone so that no error is shared with the client.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::fmt::Write;

/// Names and values in the order they were sent.
pub(crate) type Pairs = Vec<(String, String)>;

/// RFC 3986 over UTF-8 bytes: everything but `A-Z a-z 0-9 - _ . ~` becomes `%XX`.
pub(crate) fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Decodes one name or value of a query or form, where `+` is a space. A broken escape or broken UTF-8 is `None`.
fn form_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

/// The pairs of a query or a form body.
pub(crate) fn form_pairs(text: &str) -> Option<Pairs> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((form_decode(name)?, form_decode(value)?))
        })
        .collect()
}

/// `name=value` joined by `&`, sorted by the raw name and then the raw value, both sides encoded again.
pub(crate) fn canonical_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut sorted: Vec<_> = pairs.collect();
    sorted.sort_unstable();
    let encoded: Vec<String> =
        sorted.iter().map(|(name, value)| percent_encode(name) + "=" + &percent_encode(value)).collect();
    encoded.join("&")
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Reads lower-case hex; upper-case digits are refused, as they are not what the algorithm gives.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() || text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| {
            let high = char::from(*high).to_digit(16)?;
            let low = char::from(*low).to_digit(16)?;
            u8::try_from(high.checked_mul(16)?.checked_add(low)?).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_keeps_only_the_unreserved_characters() {
        assert_eq!(percent_encode("aZ09-_.~"), "aZ09-_.~");
        assert_eq!(percent_encode(" *+/!'()%\n"), "%20%2A%2B%2F%21%27%28%29%25%0A");
        assert_eq!(percent_encode("中😀"), "%E4%B8%AD%F0%9F%98%80");
    }

    #[test]
    fn a_form_decodes_plus_escapes_and_empty_values() {
        let pairs = form_pairs("a=1+2&b=%2B%e4%b8%ad&c=&d&&=x").unwrap();
        let expected = [("a", "1 2"), ("b", "+中"), ("c", ""), ("d", ""), ("", "x")];
        assert_eq!(pairs, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        for broken in ["a=%", "a=%2", "a=%zz", "a=%FF"] {
            assert_eq!(form_pairs(broken), None, "{broken}");
        }
    }

    #[test]
    fn hex_is_lower_case_only() {
        assert_eq!(hex(&[0, 171, 255]), "00abff");
        assert_eq!(unhex("00abff"), Some(vec![0, 171, 255]));
        for broken in ["00ABFF", "0", "zz"] {
            assert_eq!(unhex(broken), None, "{broken}");
        }
    }
}
