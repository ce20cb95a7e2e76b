//! Credentials given in code provide themselves.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, ProvideCredentials};
use crate::error::Result;

/// An AccessKey pair, or a session triple: always the same, until the session expires (if it says when).
impl ProvideCredentials for Credentials {
    async fn provide(&self, _cx: &Context<'_>) -> Result<Option<Credentials>> {
        Ok(Some(self.clone()))
    }

    fn name(&self) -> &'static str {
        if self.security_token().is_some() { "static_sts" } else { "static_ak" }
    }

    fn fixed(&self) -> Option<Credentials> {
        Some(self.clone())
    }
}
