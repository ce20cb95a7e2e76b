//! Credentials from an async function of the user.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, ProvideCredentials};
use crate::error::Result;
use crate::sync::{MaybeSend, MaybeSync};
use std::fmt;
use std::future::Future;

/// Asks an async function. Sessions that it returns with an expiry are kept until shortly before it;
/// without one the function is asked again for every call to the service.
///
/// ```
/// use simsim::credentials::CallbackCredentials;
/// use simsim::{Client, Credentials};
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.add_access_key("LTAI-example", "not-a-real-secret");
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
/// let credentials = CallbackCredentials::new(|| async {
///     // … ask whatever issues sessions …
///     Credentials::access_key("LTAI-example", "not-a-real-secret")
/// });
/// let client = Client::builder()
///     .region("cn-hangzhou")
///     .credentials(credentials)
///     # .fetch(kms).runtime(runtime)
///     .build()?;
/// client.get_secret("db/login").await?;
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub struct CallbackCredentials<F>(F);

impl<F, R> CallbackCredentials<F>
where
    F: Fn() -> R + MaybeSend + MaybeSync + 'static,
    R: Future<Output = Result<Credentials>> + MaybeSend,
{
    /// Provides whatever `ask` returns.
    pub fn new(ask: F) -> Self {
        Self(ask)
    }
}

impl<F> fmt::Debug for CallbackCredentials<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackCredentials")
    }
}

impl<F, R> ProvideCredentials for CallbackCredentials<F>
where
    F: Fn() -> R + MaybeSend + MaybeSync + 'static,
    R: Future<Output = Result<Credentials>> + MaybeSend,
{
    async fn provide(&self, _cx: &Context<'_>) -> Result<Option<Credentials>> {
        (self.0)().await.map(Some)
    }

    fn name(&self) -> &'static str {
        "callback"
    }
}
