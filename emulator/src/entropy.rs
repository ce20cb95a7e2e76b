//! Ids and made-up keys, stretched from the random bytes that the runtime gave.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::encoding::hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A stream of bytes for one request. The serial number keeps ids apart even where a runtime gives no randomness.
pub(crate) struct Entropy {
    seed: [u8; 32],
    serial: u64,
    block: u64,
}

impl Entropy {
    pub(crate) fn new(seed: [u8; 32], serial: u64) -> Self {
        Self { seed, serial, block: 0 }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count);
        while out.len() < count {
            let hash = Sha256::new()
                .chain_update(self.seed)
                .chain_update(self.serial.to_be_bytes())
                .chain_update(self.block.to_be_bytes());
            self.block = self.block.saturating_add(1);
            out.extend_from_slice(&hash.finalize());
        }
        out.truncate(count);
        out
    }

    /// An id in the shape that request ids have.
    pub(crate) fn id(&mut self) -> String {
        let digits = hex(&self.bytes(16)).to_ascii_uppercase();
        let mut rest = digits.as_str();
        let mut groups = Vec::with_capacity(5);
        for length in [8, 4, 4, 4, 12] {
            let (group, tail) = rest.split_at_checked(length).unwrap_or((rest, ""));
            groups.push(group);
            rest = tail;
        }
        groups.join("-")
    }

    /// `count` random bytes as base64.
    pub(crate) fn base64(&mut self, count: usize) -> String {
        STANDARD.encode(self.bytes(count))
    }

    /// `count` letters and digits.
    pub(crate) fn letters(&mut self, count: usize) -> String {
        let bytes = self.bytes(count.saturating_mul(2));
        let text = STANDARD.encode(bytes);
        text.chars().filter(char::is_ascii_alphanumeric).take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_request_ids_and_differ() {
        let mut entropy = Entropy::new([0; 32], 1);
        let (first, second) = (entropy.id(), entropy.id());
        assert_ne!(first, second);
        assert_ne!(first, Entropy::new([0; 32], 2).id());
        let lengths: Vec<usize> = first.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(entropy.letters(20).len(), 20);
    }
}
