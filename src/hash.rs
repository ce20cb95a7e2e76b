//! SHA-256 of a text in parts, and HMAC on top of it: only the rounds are sha2's, since its hasher, made for texts that
//! arrive piece by piece, links a buffer and what becomes of it at every step.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use sha2::block_api::compress256;
use zeroize::Zeroizing;

/// The length of a block, in bytes.
const BLOCK: usize = 64;
/// Where the length of the text stands in the last block.
const LENGTH: usize = 56;
/// What every hash starts from.
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The hash (FIPS 180-4) of these parts, one after another. What is made of them is wiped.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    // A growing buffer would leave copies behind.
    let room = parts.iter().fold(2 * BLOCK, |room, part| room.saturating_add(part.len()));
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    for part in parts {
        text.extend_from_slice(part);
    }
    let mut bits = u64::try_from(text.len()).unwrap_or_default().wrapping_mul(8);
    text.push(0x80);
    while text.len() % BLOCK != LENGTH {
        text.push(0);
    }
    for _ in 0..size_of_val(&bits) {
        bits = bits.rotate_left(8);
        text.push(bits.to_le_bytes()[0]);
    }
    let mut state = Zeroizing::new(START);
    compress256(&mut state, text.as_chunks().0);
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state.iter()) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// HMAC-SHA256 (RFC 2104). What is made of the key is wiped.
pub(crate) fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut hashed = Zeroizing::new([0; 32]);
    let key = match key.len() {
        ..=BLOCK => key,
        _ => {
            *hashed = sha256(&[key]);
            &hashed[..]
        }
    };
    let keyed = |pad: u8, text: &[u8]| {
        let mut block = Zeroizing::new([pad; BLOCK]);
        for (byte, key) in block.iter_mut().zip(key) {
            *byte ^= key;
        }
        sha256(&[&block[..], text])
    };
    let inner = Zeroizing::new(keyed(0x36, text));
    keyed(0x5c, &inner[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    proptest! {
        #[test]
        fn it_is_the_hash_of_the_crate_for_texts_of_every_length_in_any_parts(text in prop::collection::vec(any::<u8>(), 0..300), at: prop::sample::Index) {
            let (first, second) = text.split_at(at.index(text.len().saturating_add(1)));
            let theirs: [u8; 32] = Sha256::digest(&text).into();
            prop_assert_eq!(sha256(&[first, second]), theirs);
        }

        #[test]
        fn it_is_the_hmac_of_the_crate_for_keys_of_every_length(key in prop::collection::vec(any::<u8>(), 0..200), text: Vec<u8>) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&text);
            let theirs: [u8; 32] = mac.finalize().into_bytes().into();
            prop_assert_eq!(hmac_sha256(&key, &text), theirs);
        }
    }
}
