//! The strict reader of base64: the standard alphabet, padded, and no second way to write the same bytes.
//!
//! The engine of the crate `base64`, which has every dialect, is six times this in wasm; tests compare the two.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// The bytes that `text` stands for.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let padding = text.bytes().rev().take_while(|b| *b == b'=').count();
    let digits = text.as_bytes().get(..text.len().checked_sub(padding)?)?;
    if !text.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    // Sized beforehand: a growing buffer would leave copies of a secret behind.
    let mut out = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0u32, 0u32);
    for digit in digits {
        bits = bits << 6 | u32::from(value(*digit)?);
        count = count.wrapping_add(6);
        if count >= 8 {
            count = count.wrapping_sub(8);
            out.push(u8::try_from(bits >> count & 0xFF).ok()?);
        }
    }
    // What is left of the last digit says nothing and must be zero.
    (bits.trailing_zeros() >= count).then_some(out)
}

fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit.wrapping_sub(b'A'),
        b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::decode;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_the_base64_crate_writes_is_read(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&STANDARD.encode(&bytes)), Some(bytes));
        }

        #[test]
        fn what_the_base64_crate_refuses_is_refused(text in "[AQgw+/=_ -]{0,12}|\\PC{0,6}") {
            prop_assert_eq!(decode(&text), STANDARD.decode(&text).ok());
        }
    }
}
