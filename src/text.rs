//! Small steps on texts, by bytes: std's own searches, number parsers and formatting link several kilobytes of wasm.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::sync::ISOLATE;

/// The bytes as a text; how many of them are one where not all are.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, usize> {
    // Ten times as fast, and twice as large.
    if !ISOLATE {
        return std::str::from_utf8(bytes).map_err(|e| e.valid_up_to());
    }
    by_chunks(bytes)
}

fn by_chunks(bytes: &[u8]) -> Result<&str, usize> {
    match bytes.utf8_chunks().next() {
        None => Ok(""),
        Some(chunk) if chunk.invalid().is_empty() => Ok(chunk.valid()),
        Some(chunk) => Err(chunk.valid().len()),
    }
}

/// The text before and after the first `separator`.
pub(crate) fn cut<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let at = (0..text.len())
        .find(|at| text.as_bytes().get(*at..).is_some_and(|b| b.starts_with(separator.as_bytes())))?;
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.strip_prefix(separator)?))
}

/// Whether `part` occurs in `text`.
pub(crate) fn has(text: &str, part: &str) -> bool {
    cut(text, part).is_some()
}

/// A decimal number: digits only, `None` where it does not fit.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.bytes().try_fold(0u64, |number, byte| {
        let digit = u64::from(byte.checked_sub(b'0').filter(|digit| *digit < 10)?);
        // Not a checked product: that calls a function which wasm has to bring along.
        (number <= u64::MAX / 10).then(|| number.wrapping_mul(10))?.checked_add(digit)
    })
}

/// A number in decimal digits.
pub(crate) fn digits(number: usize) -> String {
    let mut out = if number < 10 { String::new() } else { digits(number / 10) };
    out.push(char::from(b'0'.wrapping_add(u8::try_from(number % 10).unwrap_or_default())));
    out
}

/// Appends both hexadecimal digits of a byte; `ten` is the letter that stands for 10.
pub(crate) fn push_hex(out: &mut String, byte: u8, ten: u8) {
    for value in [byte >> 4, byte & 15] {
        let first = if value < 10 { b'0' } else { ten.wrapping_sub(10) };
        out.push(char::from(first.wrapping_add(value)));
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn lower_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().wrapping_mul(2));
    for byte in bytes {
        push_hex(&mut out, *byte, b'a');
    }
    out
}

/// Made fit to be printed: the characters that codes and ids have, at most so many of them.
pub(crate) fn printable(text: &str, most: usize) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if out.len() < most && (byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            out.push(char::from(byte));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn these_steps_do_what_std_does(text in "[a:]{0,6}", part in "[a:]{1,3}", number: u64, size: usize) {
            prop_assert_eq!(cut(&text, &part), text.split_once(&part));
            prop_assert_eq!(has(&text, &part), text.contains(&part));
            prop_assert_eq!(decimal(&number.to_string()), Some(number));
            prop_assert_eq!(digits(size), size.to_string());
        }
    }

    #[test]
    fn what_is_no_text_is_told_by_how_much_of_it_is_one() {
        for (bytes, read) in [
            (&b""[..], Ok("")),
            ("open \u{4e2d}\u{1f600}".as_bytes(), Ok("open \u{4e2d}\u{1f600}")),
            (b"open \xff sesame", Err(5)),
            (b"\xc0\x80", Err(0)),
            (b"a\xed\xa0\x80", Err(1)),
            (b"a\xf0\x9f\x98", Err(1)),
        ] {
            assert_eq!(utf8(bytes), read);
            assert_eq!(by_chunks(bytes), read);
        }
    }

    #[test]
    fn a_decimal_number_is_nothing_but_digits_and_fits() {
        for wrong in ["", "+1", "-1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "١"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
        assert_eq!(decimal("007"), Some(7));
        assert_eq!(cut("x", "longer than x"), None);
    }
}
