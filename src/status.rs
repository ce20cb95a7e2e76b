//! What a client tells of itself: status and readiness, without secrets.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::client::Client;
use crate::error::{Error, Result};
use crate::openapi::Upstream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// For how many milliseconds a failed fetch is held against a client. Not for ever: a program that is taken out of
/// service for it reads nothing, and would never be found ready again.
const HELD: u64 = 60_000;

/// A client's state at one moment. Holds no secrets: fit for logs and health pages.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientStatus {
    /// The region that reads by plain name go to, where one is known.
    pub region: Option<String>,
    /// The name of the source of credentials, such as `static_sts`.
    pub credential_source: &'static str,
    /// How far the service's clock is ahead of the local one, in milliseconds; 0 when within a minute.
    pub clock_offset_ms: i64,
    /// Reads answered from the cache while KMS was thought well.
    pub hits: u64,
    /// Reads answered with an old value because a refresh had failed.
    pub stale: u64,
    /// Reads that fetched from KMS (refreshes behind an answer are not among them).
    pub misses: u64,
    /// Reads that waited for another's fetch.
    pub coalesced: u64,
    /// Values in the cache.
    pub entries: u64,
    /// About how many bytes they take.
    pub bytes: u64,
    /// The age of the oldest value that is past its time.
    pub oldest_stale: Option<Duration>,
    /// How the last fetch failed; `None` after a success. A read that set itself a shorter time is not counted.
    pub last_error: Option<Error>,
    /// Whether the client was closed.
    pub closed: bool,
}

impl Client {
    /// The client's state.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> simsim::Result<()> {
    /// # let runtime = simsim::runtime::TokioRuntime::new();
    /// # let kms = simsim_emulator::Emulator::new(runtime);
    /// # kms.add_access_key("LTAI-example", "not-a-real-secret");
    /// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
    /// # let client = simsim::Client::builder()
    /// #     .region("cn-hangzhou").fetch(kms.clone()).runtime(runtime)
    /// #     .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?).build()?;
    /// client.get_secret("db/login").await?;
    /// let status = client.status();
    /// assert_eq!((status.region.as_deref(), status.credential_source), (Some("cn-hangzhou"), "static_ak"));
    /// assert_eq!((status.entries, status.misses), (1, 1));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub fn status(&self) -> ClientStatus {
        let inner = &self.inner;
        let counts = inner.cache.counts(inner.clock().now());
        ClientStatus {
            region: inner.target.region.clone(),
            credential_source: inner.credentials.name(),
            clock_offset_ms: inner.clock().ahead(),
            hits: counts.hits,
            stale: counts.stale,
            misses: counts.misses,
            coalesced: counts.coalesced,
            entries: counts.entries,
            bytes: counts.bytes,
            oldest_stale: counts.oldest_stale.map(Duration::from_millis),
            last_error: inner.last_error.with(|last| Some(last.as_ref()?.0.clone())),
            closed: inner.closed.load(Ordering::Relaxed),
        }
    }

    /// Whether the client is ready to serve: it is open, its credentials can be had, and the last fetch, if there was
    /// one in the last minute, did not fail, or only for reasons of that one secret (there is none, it may not be
    /// read). Sends nothing to KMS, so it costs nothing of the quota; a credentials provider may be asked.
    ///
    /// # Errors
    /// What stands in the way.
    pub async fn check(&self) -> Result<()> {
        let inner = &self.inner;
        if inner.closed.load(Ordering::Relaxed) {
            return Err(Error::closed());
        }
        let deadline = inner.clock().now().mono.plus(inner.target.timeout);
        let requests = AtomicU32::new(inner.target.max_requests);
        let limit = self.bounds("", None, deadline, &(), &requests);
        inner.credentials.get(Upstream { api: &inner.api, limit: &limit }).await?;
        let now = inner.clock().now().mono;
        match inner.last_error.with(|last| last.clone()) {
            Some((error, at)) if now < at.plus(HELD) && !error.kind().is_of_one_secret() => Err(error),
            _ => Ok(()),
        }
    }
}
