//! SHA-256 of a text in parts, and HMAC on top of it: in one place, since every use of the hasher's own interface links
//! its steps again.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The length of a block, in bytes.
const BLOCK: usize = 64;

/// The hash of these parts, one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// HMAC-SHA256 (RFC 2104). What is made of the key is wiped.
pub(crate) fn hmac_sha256(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut pad = Zeroizing::new([0x36u8; BLOCK]);
    let mut hashed = Zeroizing::new([0; 32]);
    let key = match key.len() {
        ..=BLOCK => key,
        _ => {
            *hashed = sha256(&[key]);
            &hashed[..]
        }
    };
    for (byte, key) in pad.iter_mut().zip(key) {
        *byte ^= key;
    }
    let inner = Zeroizing::new(sha256(&[&pad[..], text]));
    pad.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
    sha256(&[&pad[..], &inner[..]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_hmac_of_the_crate_for_keys_of_every_length(key in prop::collection::vec(any::<u8>(), 0..200), text: Vec<u8>) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&text);
            let theirs: [u8; 32] = mac.finalize().into_bytes().into();
            prop_assert_eq!(hmac_sha256(&key, &text), theirs);
        }
    }
}
