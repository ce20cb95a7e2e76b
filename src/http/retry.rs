//! What follows a failed attempt: pure decisions on given times and given randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, ErrorKind};
use crate::time::{Instant64, doubled};

/// The checked retry options of a client; times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct RetryPolicy {
    pub(crate) max_attempts: u32,
    pub(crate) base: u64,
    pub(crate) cap: u64,
    pub(crate) attempt_timeout: u64,
}

/// A bucket of retry tokens, shared by all calls of a client: a sick service is not hammered.
#[derive(Debug)]
pub(crate) struct Bucket {
    tokens: u32,
    capacity: u32,
}

impl Bucket {
    const RETRY: u32 = 5;
    const SUCCESS: u32 = 1;

    /// A bucket that is full with so many retries.
    pub(crate) fn full(retries: u32) -> Self {
        let capacity = retries.saturating_mul(Self::RETRY);
        Self { tokens: capacity, capacity }
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
        self.tokens = self.tokens.saturating_add(back).min(self.capacity);
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
    /// A kept connection was dead: at once again on a fresh one, uncounted. A third one counts as a plain failure.
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
    /// Sign and send again after so many milliseconds.
    Again(u64),
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
                return Decision::Again(0);
            }
            Cause::Clock { learnt } if learnt && !self.resynced => {
                self.resynced = true;
                return Decision::Again(0);
            }
            Cause::Key { renewable } if renewable && !self.renewed => {
                self.renewed = true;
                return Decision::Again(0);
            }
            Cause::Clock { .. } | Cause::Key { .. } => return Decision::GiveUp,
            Cause::StaleConnection | Cause::Nonce | Cause::Plain => {}
        }
        self.counted = self.counted.saturating_add(1);
        let again = failure.error.is_retryable() || failure.cause == Cause::Nonce;
        if !again || self.counted >= policy.max_attempts {
            return Decision::GiveUp;
        }
        let wait = match failure.cause {
            Cause::Nonce => 0,
            // The service's word is a minimum; jitter on top keeps a throttled fleet from coming back in step.
            _ => failure.error.wait().saturating_add(self.backoff(policy, random)),
        };
        if now.plus(wait) >= deadline || !bucket.take() {
            return Decision::GiveUp;
        }
        Decision::Again(wait)
    }

    /// Full jitter, in milliseconds: anything from zero to min(cap, base · 2^n).
    fn backoff(&self, policy: &RetryPolicy, random: u64) -> u64 {
        let ceiling = doubled(policy.base, self.counted.saturating_sub(1), policy.cap);
        random.checked_rem(ceiling.saturating_add(1)).unwrap_or(0)
    }
}

/// How many milliseconds one attempt may take: the policy's limit, and at most half of what is left.
pub(crate) fn attempt_timeout(policy: &RetryPolicy, now: Instant64, deadline: Instant64) -> u64 {
    let half = deadline.past(now) / 2;
    policy.attempt_timeout.min(half.max(1))
}

/// The error of a call that ran out of time; the last failure is its source.
pub(crate) fn out_of_time(last: Option<Error>, sent: u32) -> Error {
    Error::caused(ErrorKind::Timeout, "the call's time is over".into(), last, 0).with_attempts(sent)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BUDGET: u32 = 100;
    const CAUSES: [Cause; 7] = [
        Cause::Plain,
        Cause::StaleConnection,
        Cause::Clock { learnt: true },
        Cause::Clock { learnt: false },
        Cause::Nonce,
        Cause::Key { renewable: true },
        Cause::Key { renewable: false },
    ];

    fn policy() -> RetryPolicy {
        RetryPolicy { max_attempts: 4, base: 100, cap: 10_000, attempt_timeout: 3_000 }
    }

    fn failure(kind: ErrorKind, cause: Cause, after: Option<u64>) -> Failure {
        Failure { error: Error::new(kind, "").with_wait(after.unwrap_or_default()), cause }
    }

    fn at(ms: u64) -> Instant64 {
        Instant64::from_millis(ms)
    }

    fn again(ms: u64) -> Decision {
        Decision::Again(ms)
    }

    /// The decisions after failures of one kind, all at the same time, with fixed jitter.
    fn decisions(kind: ErrorKind, cause: Cause, policy: &RetryPolicy, random: u64) -> Vec<Decision> {
        let (mut attempts, mut bucket) = (Attempts::default(), Bucket::full(BUDGET));
        let failure = failure(kind, cause, None);
        let mut decide = || attempts.decide(&failure, policy, &mut bucket, at(0), at(u64::MAX), random);
        let mut made = Vec::new();
        while made.last() != Some(&Decision::GiveUp) {
            made.push(decide());
        }
        made
    }

    #[test]
    fn waits_double_up_to_the_cap_and_are_a_random_part_of_it() {
        let policy = RetryPolicy { max_attempts: 10, ..policy() };
        let made = |random| decisions(ErrorKind::Unavailable, Cause::Plain, &policy, random);
        // 12345 modulo 101, 201, 401, … and, once the cap of ten seconds is met, 10001.
        let golden = [23, 84, 315, 330, 1_138, 2_742, 5_944, 2_344, 2_344].map(again);
        assert_eq!(made(12_345)[..9], golden);
        assert_eq!(made(0), [vec![again(0); 9], vec![Decision::GiveUp]].concat());
        assert_eq!(made(100)[0], again(100));
        assert_eq!(made(101)[0], again(0));
    }

    #[test]
    fn each_cause_has_its_own_number_of_further_tries() {
        let zero = again(0);
        for (kind, cause, tries) in [
            (ErrorKind::Throttled, Cause::Plain, 3),
            (ErrorKind::Transport, Cause::Plain, 3),
            (ErrorKind::Timeout, Cause::Plain, 3),
            (ErrorKind::PermissionDenied, Cause::Plain, 0),
            (ErrorKind::InDebt, Cause::Plain, 0),
            (ErrorKind::Protocol, Cause::Plain, 0),
            (ErrorKind::Unavailable, Cause::Nonce, 3),
            (ErrorKind::ClockSkew, Cause::Clock { learnt: true }, 1),
            (ErrorKind::ClockSkew, Cause::Clock { learnt: false }, 0),
            (ErrorKind::CredentialsRejected, Cause::Key { renewable: true }, 1),
            (ErrorKind::CredentialsRejected, Cause::Key { renewable: false }, 0),
            // Two that do not count, then as any broken connection.
            (ErrorKind::Transport, Cause::StaleConnection, 2 + 3),
        ] {
            let made = decisions(kind, cause, &policy(), 0);
            assert_eq!(
                made,
                [vec![zero.clone(); tries], vec![Decision::GiveUp]].concat(),
                "{kind:?} {cause:?}"
            );
        }
    }

    #[test]
    fn a_single_attempt_is_not_repeated_but_corrections_still_are() {
        let once = RetryPolicy { max_attempts: 1, ..policy() };
        assert_eq!(decisions(ErrorKind::Throttled, Cause::Plain, &once, 0), [Decision::GiveUp]);
        let skew = Cause::Clock { learnt: true };
        assert_eq!(decisions(ErrorKind::ClockSkew, skew, &once, 0), [again(0), Decision::GiveUp]);
    }

    #[test]
    fn a_sick_service_empties_the_bucket_and_successes_fill_it_again() {
        let (policy, mut bucket) = (policy(), Bucket::full(BUDGET));
        let down = failure(ErrorKind::Unavailable, Cause::Plain, None);
        let mut retries = 0;
        for _ in 0..1_000 {
            let mut attempts = Attempts::default();
            while attempts.decide(&down, &policy, &mut bucket, at(0), at(u64::MAX), 0) != Decision::GiveUp {
                retries += 1;
            }
        }
        assert_eq!((retries, bucket.tokens), (100, 0));
        let waits = |bucket: &mut Bucket| {
            Attempts::default().decide(&down, &policy, bucket, at(0), at(u64::MAX), 0) != Decision::GiveUp
        };
        assert!(!waits(&mut bucket));
        for _ in 0..4 {
            bucket.refund(false);
        }
        assert!(!waits(&mut bucket));
        bucket.refund(false);
        assert!(waits(&mut bucket));
        bucket.refund(true);
        assert!(waits(&mut bucket));
        (0..1_000).for_each(|_| bucket.refund(true));
        assert_eq!(bucket.tokens, 5 * BUDGET);
    }

    #[test]
    fn a_wait_that_would_meet_the_deadline_is_not_begun_and_costs_nothing() {
        let mut bucket = Bucket::full(BUDGET);
        let throttled = failure(ErrorKind::Throttled, Cause::Plain, Some(1_000));
        let mut decide = |now, deadline| {
            Attempts::default().decide(&throttled, &policy(), &mut bucket, at(now), at(deadline), 0)
        };
        assert_eq!(decide(0, 1_000), Decision::GiveUp);
        assert_eq!(decide(1_000, 1_000), Decision::GiveUp);
        assert_eq!(decide(0, 1_001), again(1_000));
        assert_eq!(bucket.tokens, 5 * BUDGET - Bucket::RETRY);
    }

    #[test]
    fn one_attempt_gets_its_limit_and_at_most_half_of_what_is_left() {
        let timeout = |left: u64| attempt_timeout(&policy(), at(7), at(7 + left));
        assert_eq!([10_000, 6_000, 5_999, 2, 1].map(timeout), [3_000, 3_000, 2_999, 1, 1]);
        assert_eq!(attempt_timeout(&policy(), at(0), at(u64::MAX)), policy().attempt_timeout);
    }

    #[test]
    fn extreme_options_neither_panic_nor_wait_beyond_time() {
        let longest = u64::MAX;
        let policy =
            RetryPolicy { max_attempts: u32::MAX, base: longest, cap: longest, attempt_timeout: longest };
        for random in [0, 1, u64::MAX] {
            let (mut attempts, mut bucket) = (Attempts::default(), Bucket::full(BUDGET));
            let late = failure(ErrorKind::Throttled, Cause::Plain, Some(u64::MAX));
            let mut decide =
                |now, deadline| attempts.decide(&late, &policy, &mut bucket, at(now), at(deadline), random);
            assert_eq!(decide(u64::MAX - 1, u64::MAX), Decision::GiveUp);
            assert_eq!(decide(0, u64::MAX), Decision::GiveUp);
        }
    }

    type Step = (usize, ErrorKind, Option<u64>, u64, u64);

    fn step() -> impl Strategy<Value = Step> {
        use ErrorKind::*;
        static KINDS: [ErrorKind; 7] =
            [Throttled, Unavailable, Transport, Timeout, Protocol, PermissionDenied, InDebt];
        let kind = prop::sample::select(&KINDS[..]);
        let after = prop::option::weighted(0.3, 0..5_000u64);
        (0..CAUSES.len(), kind, after, any::<u64>(), 0..500u64)
    }

    proptest! {
        #[test]
        fn a_call_keeps_to_its_attempts_its_time_and_its_tokens(
            steps in prop::collection::vec(step(), 1..30),
            (max_attempts, base, cap) in (1..6u32, 1..3_000u64, 1..20_000u64),
            (deadline, tokens) in (1..30_000u64, 0..40u32),
        ) {
            let policy = RetryPolicy { max_attempts, base, cap, ..policy() };
            let (mut attempts, mut bucket) = (Attempts::default(), Bucket { tokens, ..Bucket::full(BUDGET) });
            let (mut now, mut sent, mut counted) = (0, 0, 0);
            let mut free = std::collections::HashMap::<usize, u32>::new();
            for (cause_at, kind, after, random, took) in steps {
                sent += 1;
                now += took;
                let (cause, before) = (CAUSES[cause_at], bucket.tokens);
                let failed = failure(kind, cause, after);
                match attempts.decide(&failed, &policy, &mut bucket, at(now), at(deadline), random) {
                    Decision::GiveUp => {
                        prop_assert_eq!(bucket.tokens, before);
                        break;
                    }
                    Decision::Again(wait) => {
                        prop_assert!(now + wait < deadline);
                        if bucket.tokens == before {
                            // A correction: at once, and only so often.
                            let most = if cause == Cause::StaleConnection { 2 } else { 1 };
                            let times = free.entry(cause_at).or_default();
                            *times += 1;
                            prop_assert!(wait == 0 && *times <= most);
                            let corrects = !matches!(cause, Cause::Plain | Cause::Nonce
                                | Cause::Clock { learnt: false } | Cause::Key { renewable: false });
                            prop_assert!(corrects, "{:?}", cause);
                        } else {
                            prop_assert_eq!(bucket.tokens + Bucket::RETRY, before);
                            counted += 1;
                            prop_assert!(failed.error.is_retryable() || cause == Cause::Nonce);
                            let ceiling = base.saturating_mul(1 << (counted - 1)).min(cap);
                            let least = if cause == Cause::Nonce { 0 } else { after.unwrap_or(0) };
                            prop_assert!((least..=least + ceiling).contains(&wait));
                        }
                        now += wait;
                    }
                }
            }
            prop_assert!(counted < max_attempts);
            prop_assert!(sent <= max_attempts + 2 + 1 + 1);
        }
    }
}
