//! Cache and retry options, with their defaults and their checks.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::cache::ttl::CachePolicy;
use crate::error::{Error, Result};
use crate::http::retry::RetryPolicy;
use crate::sync::ISOLATE;
use crate::time::{check_longest, check_time, millis};
use std::time::Duration;

const DAY: u64 = 24 * 3_600_000;

/// How long values are kept, and how much of them.
///
/// A value is *fresh* for `ttl`; then for `stale_while_revalidate` it is answered while it is refreshed behind the
/// answer; then reads wait for KMS, and only if KMS cannot be asked get the value, marked stale, up to
/// `stale_if_error` past the ttl.
///
/// ```
/// use simsim::CacheOptions;
/// use std::time::Duration;
/// // A revoked permission is noticed within a minute, and an outage is bridged for an hour.
/// let options = CacheOptions::default().ttl(Duration::from_secs(60)).stale_if_error(Duration::from_secs(3600));
/// # let _ = simsim::Client::builder().cache(options);
/// ```
#[derive(Clone, Debug)]
pub struct CacheOptions {
    // Times in milliseconds, as below.
    pub(crate) ttl: u64,
    pub(crate) stale_while_revalidate: Option<u64>,
    pub(crate) stale_if_error: u64,
    pub(crate) rotation_overlap: u64,
    pub(crate) max_entries: usize,
    pub(crate) max_bytes: usize,
    /// Nothing is kept.
    pub(crate) off: bool,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            ttl: 600_000,
            stale_while_revalidate: None,
            stale_if_error: DAY,
            rotation_overlap: 600_000,
            max_entries: 1_000,
            max_bytes: if ISOLATE { 8 << 20 } else { 64 << 20 },
            off: false,
        }
    }
}

impl CacheOptions {
    /// How long a value counts as fresh; spread by ±10 %, shorter when its next rotation is nearer. Default 10 min.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = millis(ttl);
        self
    }

    /// For how long past its ttl a value is still answered at once while one reader refreshes it behind the answer.
    /// Default min(ttl / 10, 60 s); zero turns it off.
    #[must_use]
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.stale_while_revalidate = Some(millis(time));
        self
    }

    /// For how long past its ttl a value is answered when KMS cannot be asked. Default 24 h; zero turns it off.
    #[must_use]
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.stale_if_error = millis(time);
        self
    }

    /// How long after its next rotation (or its fetch, if that rotation was overdue then) a database or RAM secret may
    /// still be answered stale. Default 10 min.
    #[must_use]
    pub fn rotation_overlap(mut self, time: Duration) -> Self {
        self.rotation_overlap = millis(time);
        self
    }

    /// How many values are kept; the least recently used goes first. Default 1,000.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self
    }

    /// About how many bytes are kept. Default 64 MiB natively, 8 MiB in an isolate.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        check_time("cache.ttl", self.ttl)?;
        check_longest("cache.stale_while_revalidate", self.stale_while_revalidate.unwrap_or_default())?;
        check_longest("cache.stale_if_error", self.stale_if_error)?;
        check_longest("cache.rotation_overlap", self.rotation_overlap)?;
        for (field, value) in [("cache.max_entries", self.max_entries), ("cache.max_bytes", self.max_bytes)] {
            if value == 0 {
                return Err(Error::config(
                    [field, ": must be at least 1; no_cache() turns the cache off"].concat(),
                ));
            }
        }
        Ok(())
    }

    /// What the cache goes by. Total: whoever describes the options has checked them.
    pub(crate) fn policy(self) -> CachePolicy {
        CachePolicy {
            ttl: self.ttl,
            stale_while_revalidate: self.stale_while_revalidate.unwrap_or((self.ttl / 10).min(60_000)),
            stale_if_error: self.stale_if_error,
            rotation_overlap: self.rotation_overlap,
            max_entries: if self.off { 0 } else { self.max_entries },
            max_bytes: self.max_bytes,
        }
    }
}

/// How failed requests are sent again.
///
/// ```
/// use simsim::RetryOptions;
/// use std::time::Duration;
/// let options = RetryOptions::default().max_attempts(3).attempt_timeout(Duration::from_secs(1));
/// # let _ = simsim::Client::builder().retry(options);
/// ```
#[derive(Clone, Debug)]
pub struct RetryOptions {
    pub(crate) max_attempts: u32,
    pub(crate) base: u64,
    pub(crate) cap: u64,
    pub(crate) attempt_timeout: u64,
    pub(crate) budget: u32,
}

/// How many retries a client has in store.
pub(crate) const BUDGET: u32 = 100;

impl Default for RetryOptions {
    fn default() -> Self {
        Self { max_attempts: 4, base: 100, cap: 10_000, attempt_timeout: 3_000, budget: BUDGET }
    }
}

impl RetryOptions {
    /// How many requests one call may send, corrections of clock and credentials not counted. Default 4.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The ceiling of the first wait; it doubles with each further one, and the wait is a random part of it.
    /// Default 100 ms.
    #[must_use]
    pub fn base(mut self, base: Duration) -> Self {
        self.base = millis(base);
        self
    }

    /// The ceiling that the waits never exceed. Default 10 s.
    #[must_use]
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = millis(cap);
        self
    }

    /// How long one request may take; never more than half of the call's time that is left. Default 3 s.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = millis(timeout);
        self
    }

    /// How many retries the client has in store for all its calls, so that a sick KMS is not hammered: each retry takes
    /// one, a call that succeeds after retries puts one back, and so do five that succeed at once. Default 100.
    #[must_use]
    pub fn budget(mut self, retries: u32) -> Self {
        self.budget = retries;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        for (field, value) in [("retry.max_attempts", self.max_attempts), ("retry.budget", self.budget)] {
            if value == 0 {
                return Err(Error::config(
                    [field, ": must be at least 1; no_retry() turns retries off"].concat(),
                ));
            }
        }
        check_time("retry.base", self.base)?;
        check_time("retry.cap", self.cap)?;
        check_time("retry.attempt_timeout", self.attempt_timeout)
    }

    /// What calls go by. Total: whoever describes the options has checked them.
    pub(crate) fn policy(self) -> RetryPolicy {
        let Self { max_attempts, base, cap, attempt_timeout, .. } = self;
        RetryPolicy { max_attempts, base, cap, attempt_timeout }
    }
}
