//! The public keys of an issuer: which tokens each may have signed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::rsa::RsaKey;
use p256::ecdsa::VerifyingKey;

/// A public key, for the one algorithm that it is used with.
#[derive(Clone, Debug)]
pub(crate) enum PublicKey {
    Es256(VerifyingKey),
    Rs256(RsaKey),
}

/// A key as the issuer publishes it.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) id: Option<String>,
    pub(crate) key: PublicKey,
}

impl Published {
    /// Whether a token that names that key, or none, can have been signed with it.
    pub(super) fn answers_to(&self, named: Option<&str>) -> bool {
        self.id.is_none() || named.is_none() || self.id.as_deref() == named
    }
}
