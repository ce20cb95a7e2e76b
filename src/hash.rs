//! SHA-256 of a text in parts: in one place, since every use of the hasher's own interface links its steps again.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use sha2::{Digest as _, Sha256};

/// The hash of these parts, one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}
