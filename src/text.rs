//! Small steps on texts, by bytes: std's own searches, number parsers and formatting link several kilobytes of wasm.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The text before and after the first `separator`.
pub(crate) fn cut<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let at = text.as_bytes().windows(separator.len().max(1)).position(|w| w == separator.as_bytes())?;
    Some((text.get(..at)?, text.get(at.checked_add(separator.len())?..)?))
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
pub(crate) fn digits(mut number: usize) -> String {
    let mut out = String::new();
    loop {
        let digit = u8::try_from(number % 10).unwrap_or_default();
        out.insert(0, char::from(b'0'.wrapping_add(digit)));
        number /= 10;
        if number == 0 {
            return out;
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn lower_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
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
    fn a_decimal_number_is_nothing_but_digits_and_fits() {
        for wrong in ["", "+1", "-1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "١"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
        assert_eq!(decimal("007"), Some(7));
        assert_eq!(cut("x", "longer than x"), None);
    }
}
