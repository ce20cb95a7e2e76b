//! Sessions from an address that issues them: a sidecar, or a token endpoint of one's own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::answer::Answer;
use super::checked::Obtain;
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, Result};
use crate::http::{Method, Request};
use crate::openapi::USER_AGENT;
use crate::region::{Endpoint, Origin};
use crate::text::cut;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// How every explanation begins; never the address, which may hold a key of its own.
const FROM: &str = "credentials_uri";
/// How long one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The largest answer that is read, in bytes: a token of 64 kB has room.
const MAX_BODY: usize = 128 * 1024;

/// Asks an address for a session (`GET`) and reads what Alibaba Cloud's own SDKs read from a CredentialsURI:
///
/// ```json
/// {"Code": "Success", "AccessKeyId": "STS.…", "AccessKeySecret": "…", "SecurityToken": "…", "Expiration": "2026-01-02T03:04:05Z"}
/// ```
///
/// `https`, or `http` to this machine only (`localhost`, `127.0.0.0/8`, `[::1]`). Redirects are not followed. All five
/// members are required: a session whose end is unknown would be used after it. One exchange may take 3 s and bring
/// 128 KiB.
///
/// # Errors
/// `provide` fails, and with it a read that has no session left, with
/// - [`Config`](crate::ErrorKind::Config) for an address that is none, or is `http` to another machine,
/// - [`CredentialsUnavailable`](crate::ErrorKind::CredentialsUnavailable) for an answer that is no session (a status
///   that is not 200, a redirect, HTML, a member that is missing, an `Expiration` that is past), which names the member
///   and never quotes it, or for no answer, with the cause as [`source`](std::error::Error::source).
///
/// Source of the protocol's facts: what the official credential packages for Node, Python, Go and Java send and accept.
///
/// ```
/// use simsim::Client;
/// use simsim::credentials::CredentialsUri;
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.put_credentials_uri(simsim_emulator::CredentialsUri::at("/credentials"));
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/password", "open sesame"));
/// let client = Client::builder()
///     .region("cn-hangzhou")
///     .credentials(CredentialsUri::new("http://127.0.0.1:6666/credentials"))
///     # .fetch(kms.clone()).runtime(runtime)
///     .build()?;
/// assert_eq!(client.get_secret("db/password").await?.text()?, "open sesame");
/// # assert_eq!(kms.calls("CredentialsUri"), 1);
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub struct CredentialsUri(String);

impl CredentialsUri {
    /// Sessions from that address, query included.
    pub fn new(uri: impl Into<String>) -> Self {
        Self(uri.into())
    }
}

/// Shows nothing of the address.
impl fmt::Debug for CredentialsUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsUri").finish_non_exhaustive()
    }
}

impl Obtain for CredentialsUri {
    async fn obtain(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        let request = Request {
            method: Method::Get,
            url: self.0.clone(),
            headers: vec![
                (Cow::Borrowed("accept"), String::from("application/json")),
                (Cow::Borrowed("user-agent"), String::from(USER_AGENT)),
            ],
            body: Vec::new(),
            timeout: TIMEOUT,
            max_body: MAX_BODY,
        };
        let response = cx.upstream().exchange(request).await?;
        Answer { from: FROM, response: &response }.flat().map(Some)
    }
}

impl ProvideCredentials for CredentialsUri {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        self.validate()?;
        self.obtain(cx).await
    }

    fn name(&self) -> &'static str {
        "credentials_uri"
    }

    fn validate(&self) -> Result<()> {
        let fault = |what: &str| Err(Error::config([FROM, ": ", what].concat()));
        if !self.0.bytes().all(|b| b.is_ascii_graphic()) {
            return fault("has a space or another character that no address has");
        }
        let Some((scheme, rest)) = cut(&self.0, "://") else {
            return fault("must be a whole address, such as https://host/path");
        };
        if rest.bytes().any(|b| b == b'#') {
            return fault("must not have a fragment");
        }
        let end = rest.bytes().position(|b| matches!(b, b'/' | b'?')).unwrap_or(rest.len());
        let authority = rest.get(..end).unwrap_or_default();
        // Everything of the host is checked there, and that plain http stays on this machine.
        Endpoint::parse(FROM, &[scheme, "://", authority].concat(), Origin::Code { allow_http: false })
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn an_address_is_https_or_on_this_machine() {
        for right in [
            "https://tokens.example/credentials?app=1",
            "https://tokens.example",
            "https://tokens.example?app=1",
            "http://127.0.0.1:6666/creds?app=1",
            "http://localhost/creds",
            "http://[::1]:1/a%20b",
        ] {
            assert!(CredentialsUri::new(right).validate().is_ok(), "{right}");
        }
        for wrong in [
            "",
            "needle",
            "tokens.example/needle",
            "http://tokens.example/needle",
            "http://100.100.100.200/needle",
            "http://127.0.0.1.needle.example/",
            "ftp://127.0.0.1/needle",
            "https://user:needle@tokens.example/",
            "https:///needle",
            "https://tokens.example/needle#part",
            "https://tokens.example/need le\n",
            "https://tokens.example:99999/needle",
        ] {
            let error = CredentialsUri::new(wrong).validate().expect_err(wrong);
            assert_eq!(error.kind(), ErrorKind::Config, "{wrong}");
            let shown = format!("{error} {error:?} {:?}", CredentialsUri::new(wrong));
            assert!(shown.contains("credentials_uri: ") && !shown.contains("needle"), "{shown}");
        }
    }
}
