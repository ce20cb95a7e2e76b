//! What follows a failed attempt: pure decisions on given times and given randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, ErrorKind};
use crate::time::{Instant64, doubled, millis};
use std::time::Duration;

/// The checked retry options of a client.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    pub(crate) attempt_timeout: Duration,
}

/// A bucket of retry tokens, shared by all calls of a client: a sick service is not hammered.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: u32,
}

impl Bucket {
    const CAPACITY: u32 = 500;
    const RETRY: u32 = 5;
    const SUCCESS: u32 = 1;

    pub(crate) fn full() -> Self {
        Self { tokens: Self::CAPACITY }
    }

    fn take(&mut self) -> bool {
        match self.tokens.checked_sub(Self::RETRY) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }

    /// A call succeeded; one that needed retries gives back what its last one cost.
    pub(crate) fn refund(&mut self, retried: bool) {
        let back = if retried { Self::RETRY } else { Self::SUCCESS };
        self.tokens = self.tokens.saturating_add(back).min(Self::CAPACITY);
    }
}

/// A failed attempt, with what the loop needs to know beyond its error.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) cause: Cause,
}

/// Failures that sending the same thing later would not mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Judge by the error's kind.
    Plain,
    /// A kept connection was dead: once more, at once, on a fresh one, uncounted.
    StaleConnection,
    /// The service refuses the date; `learnt`: its own clock has been taken over since.
    Clock { learnt: bool },
    /// The nonce was seen before: sign again.
    Nonce,
    /// The key or session is refused; `renewable`: another may be had.
    Key { renewable: bool },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Sign and send again after this time.
    Again(Duration),
    /// Give up with the failure's error.
    GiveUp,
}

/// The attempts of one call so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    /// Requests sent, all of them.
    pub(crate) sent: u32,
    counted: u32,
    reconnects: u32,
    resynced: bool,
    renewed: bool,
}

impl Attempts {
    /// Whether anything was sent more than once.
    pub(crate) fn retried(&self) -> bool {
        self.sent > 1
    }

    /// Decides after a failure at `now`; `random` is the jitter.
    pub(crate) fn decide(
        &mut self,
        failure: &Failure,
        policy: &RetryPolicy,
        bucket: &mut Bucket,
        now: Instant64,
        deadline: Instant64,
        random: u64,
    ) -> Decision {
        if now >= deadline {
            return Decision::GiveUp;
        }
        match failure.cause {
            Cause::StaleConnection if self.reconnects < 2 => {
                self.reconnects = self.reconnects.saturating_add(1);
                return Decision::Again(Duration::ZERO);
            }
            Cause::Clock { learnt } if learnt && !self.resynced => {
                self.resynced = true;
                return Decision::Again(Duration::ZERO);
            }
            Cause::Key { renewable } if renewable && !self.renewed => {
                self.renewed = true;
                return Decision::Again(Duration::ZERO);
            }
            Cause::Clock { .. } | Cause::Key { .. } => return Decision::GiveUp,
            Cause::StaleConnection | Cause::Nonce | Cause::Plain => {}
        }
        self.counted = self.counted.saturating_add(1);
        let again = failure.error.is_retryable() || failure.cause == Cause::Nonce;
        if !again || self.counted >= policy.max_attempts {
            return Decision::GiveUp;
        }
        let wait = match (failure.cause, failure.error.retry_after()) {
            (Cause::Nonce, _) => Duration::ZERO,
            // The service's word is a minimum; jitter on top keeps a throttled fleet from coming back in step.
            (_, Some(after)) => after.saturating_add(self.backoff(policy, random)),
            (_, None) => self.backoff(policy, random),
        };
        if now.after(wait) >= deadline || !bucket.take() {
            return Decision::GiveUp;
        }
        Decision::Again(wait)
    }

    /// Full jitter: anything from zero to min(cap, base · 2^n).
    fn backoff(&self, policy: &RetryPolicy, random: u64) -> Duration {
        let ceiling = doubled(millis(policy.base), self.counted.saturating_sub(1), millis(policy.cap));
        Duration::from_millis(random.checked_rem(ceiling.saturating_add(1)).unwrap_or(0))
    }
}

/// How long one attempt may take: the policy's limit, and at most half of what is left.
pub(crate) fn attempt_timeout(policy: &RetryPolicy, now: Instant64, deadline: Instant64) -> Duration {
    let half = millis(deadline.since(now)) / 2;
    policy.attempt_timeout.min(Duration::from_millis(half.max(1)))
}

/// The error of a call that ran out of time; the last failure is its source.
pub(crate) fn out_of_time(last: Option<Error>, sent: u32) -> Error {
    let error = Error::new(ErrorKind::Timeout, "the call's time is over").with_attempts(sent);
    match last {
        Some(last) => error.with_source(last),
        None => error,
    }
}
