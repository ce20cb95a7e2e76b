//! Credentials given in code: an AccessKey pair or a session triple.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, ProvideCredentials};
use crate::error::Result;

/// Always the same credentials.
#[derive(Clone, Debug)]
pub struct StaticCredentials(Credentials);

impl StaticCredentials {
    /// Provides `credentials` for ever (or until they expire, if they say when).
    pub fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }
}

impl ProvideCredentials for StaticCredentials {
    async fn provide(&self, _cx: &Context<'_>) -> Result<Option<Credentials>> {
        Ok(Some(self.0.clone()))
    }

    fn name(&self) -> &'static str {
        if self.0.security_token().is_some() { "static_sts" } else { "static_ak" }
    }
}
