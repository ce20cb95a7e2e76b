//! The runtime of the server: the system's clocks, tokio's timer, the TLS provider's randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::disallowed_methods, reason = "this file is the server's adapter to clocks and timers")]

use simsim::runtime::Runtime;
use simsim::{Error, ErrorKind, Instant64, Timestamp};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio_rustls::rustls::crypto::ring::default_provider;

/// Real time, for the server and for tests against a real one. Sleeping needs a tokio runtime around it.
#[derive(Clone, Copy, Debug)]
pub struct SystemRuntime {
    start: Instant,
}

impl SystemRuntime {
    /// A monotonic clock that starts now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for SystemRuntime {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::default().after(since)
    }

    fn mono(&self) -> Instant64 {
        Instant64::default().after(self.start.elapsed())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn fill_random(&self, buf: &mut [u8]) -> simsim::Result<()> {
        let filled = default_provider().secure_random.fill(buf);
        filled.map_err(|_| Error::new(ErrorKind::Internal, "the system gives no randomness"))
    }
}
