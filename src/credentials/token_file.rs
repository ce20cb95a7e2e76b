//! An OIDC token in a file that something else keeps up to date.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::ProvideToken;
use super::host::{Host, Question, SharedHost, content, shown};
use crate::error::{Error, ErrorKind, Result};
use crate::sensitive::Sensitive;
use std::fmt;
use std::sync::Arc;

/// The longest file that is read, in bytes (STS takes tokens of at most 20,000 characters).
const MAX_FILE: usize = 64 * 1024;

/// The token for [`AssumeRoleWithOidc`](super::AssumeRoleWithOidc) from a file: ACK's RRSA, a projected service account.
///
/// The file is read at every refresh, because the platform replaces it; white space around the token is cut off.
///
/// # Errors
/// [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) with the file's name where it is missing, empty or
/// cannot be read.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use simsim::credentials::{AssumeRoleWithOidc, NativeHost, TokenFile};
/// let credentials = AssumeRoleWithOidc::new(
///     "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c123",
///     "acs:ram::1234567890123456:role/secret-reader",
///     TokenFile::new(NativeHost::new(), "/var/run/secrets/ack.alibabacloud.com/rrsa-tokens/token"),
/// );
/// # let _ = simsim::Client::builder().credentials(credentials);
/// # }
/// ```
pub struct TokenFile {
    host: SharedHost,
    path: String,
}

impl TokenFile {
    /// The file of that path on `host`.
    pub fn new(host: impl Host, path: impl Into<String>) -> Self {
        Self::shared(Arc::new(host), path.into())
    }

    pub(super) fn shared(host: SharedHost, path: String) -> Self {
        Self { host, path }
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ProvideToken for TokenFile {
    async fn token(&self) -> Result<Sensitive<String>> {
        let said = self.host.ask(Question::File(&self.path, MAX_FILE)).await;
        let text = content(&self.path, &said)?.map(|content| crate::text::utf8(content).map(str::trim_ascii));
        let what = match text {
            None => "not there",
            Some(Ok("")) => "empty",
            Some(Ok(token)) => return Ok(Sensitive::new(token.to_owned())),
            Some(Err(_)) => "not text",
        };
        let what = [&shown(&self.path), ": the file of the OIDC token is ", what].concat();
        Err(Error::new(ErrorKind::CredentialsUnavailable, what))
    }
}
