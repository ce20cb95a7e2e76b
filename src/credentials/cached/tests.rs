//! Sessions on given clocks, and callers that share one provider, driven step by step through the mailbox.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then")]

use super::*;
use crate::builder::{BUDGET, RetryOptions};
use crate::http::retry::Bucket;
use crate::mailbox::driver::{Driven, Effect, Reply};
use crate::mailbox::{EffectId, OpId, Turn};
use crate::observe::Watch;
use crate::openapi::{OpenApi, Place};
use crate::runtime::Clock;
use proptest::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicU32};

const MINUTE: u64 = 60_000;

fn at(wall: i64, mono: u64) -> Now {
    Now { wall: Timestamp::from_millis(wall), mono: Instant64::from_millis(mono) }
}

/// Both clocks at once.
fn both(ms: u64) -> Now {
    at(i64::try_from(ms).unwrap(), ms)
}

fn session(id: &str, end: u64) -> Credentials {
    let end = Timestamp::from_millis(i64::try_from(end).unwrap());
    Credentials::session(id, "secret", "token").unwrap().with_expiration(end)
}

#[test]
fn a_session_is_refreshed_ahead_but_never_in_its_first_half() {
    let minutes = |m: u64| m * MINUTE;
    assert_eq!(refresh_at(minutes(60)), minutes(48));
    assert_eq!(refresh_at(minutes(15)), minutes(10));
    assert_eq!(refresh_at(minutes(8)), minutes(4));
    assert_eq!(refresh_at(minutes(36 * 60)), minutes(36 * 60 - 15));
}

proptest! {
    #[test]
    fn a_refresh_comes_between_half_of_the_lifetime_and_its_end(lifetime in any::<u64>()) {
        let at = refresh_at(lifetime);
        prop_assert!(at >= lifetime / 2 && at <= lifetime);
        prop_assert!(lifetime - at <= 15 * MINUTE || at == lifetime / 2);
        prop_assert!(lifetime - at >= 5 * MINUTE || at == lifetime / 2);
    }

    #[test]
    fn no_clock_makes_a_session_younger(
        (obtained_wall, obtained_mono, end) in any::<(i64, u64, i64)>(),
        (wall, mono) in any::<(i64, u64)>(),
    ) {
        let snapshot = Snapshot {
            credentials: session("id", 1),
            obtained: at(obtained_wall, obtained_mono),
            expiration: Timestamp::from_millis(end),
            jitter: 0,
        };
        let judged = snapshot.judge(at(wall, mono));
        let by_wall = snapshot.judge(at(wall, obtained_mono));
        let by_mono = snapshot.judge(at(obtained_wall, mono));
        let worst = |a, b| if a == Session::Over || b == Session::Over { Session::Over } else { a };
        prop_assert_eq!(judged == Session::Over, worst(by_wall, by_mono) == Session::Over);
        if end <= wall && end > obtained_wall {
            prop_assert_eq!(judged, Session::Over);
        }
    }
}

#[test]
fn a_session_is_over_a_margin_before_its_end_on_either_clock() {
    let snapshot = |lifetime: u64| Snapshot {
        credentials: session("id", 1),
        obtained: both(1_000),
        expiration: both(1_000 + lifetime).wall,
        jitter: 0,
    };
    let hour = snapshot(60 * MINUTE);
    for (passed, expected) in [
        (0, Session::Fresh),
        (48 * MINUTE - 1, Session::Fresh),
        (48 * MINUTE, Session::Due),
        (60 * MINUTE - 5_000, Session::Due),
        (60 * MINUTE - 4_999, Session::Over),
    ] {
        assert_eq!(hour.judge(both(1_000 + passed)), expected, "{passed}");
        assert_eq!(hour.judge(at(1_000, 1_000 + passed)), expected, "monotonic, {passed}");
        assert_eq!(hour.judge(at(i64::try_from(1_000 + passed).unwrap(), 1_000)), expected, "wall, {passed}");
    }
    // The wall clock went back an hour: the monotonic one still counts.
    assert_eq!(hour.judge(at(1_000 - 3_600_000, 1_000 + 48 * MINUTE)), Session::Due);
    assert_eq!(snapshot(4_000).judge(both(1_000)), Session::Over);
}

/// A mailbox whose operations each ask one `CachedCredentials`.
struct Asked {
    mailbox: Driven,
    asking: Arc<Asking>,
    now: u64,
}

/// What the callers share: the transport, and the credentials that are asked.
struct Asking {
    api: OpenApi,
    credentials: CachedCredentials,
    closed: AtomicBool,
    requests: AtomicU32,
}

impl Asking {
    /// Nothing runs behind an answer.
    fn limit(&self, deadline: Instant64) -> Limit<'_> {
        let (closed, requests) = (&self.closed, &self.requests);
        Limit { deadline, closed, name: "", lease: &(), behind: None, requests, place: Place::default() }
    }

    async fn get(self: &Arc<Self>, deadline: Instant64) -> Outcome {
        let limit = self.limit(deadline);
        self.credentials.get(Upstream { api: &self.api, limit: &limit }).await
    }
}

impl Context<'static> {
    /// A context whose transport nobody answers: for providers that do not use it.
    pub(crate) fn alone(now: Timestamp, rejected: bool) -> Self {
        let asking = Box::leak(Box::new(Asked::new().asking));
        let limit = Box::leak(Box::new(asking.limit(Instant64::default())));
        Self::new(now, rejected, Upstream { api: &asking.api, limit })
    }
}

/// One caller, with what its driver still owes it.
struct Caller {
    op: OpId,
    owed: Vec<(EffectId, Effect)>,
}

impl Asked {
    fn new() -> Self {
        let mailbox = Driven::new();
        let api = OpenApi {
            fetch: Arc::new(mailbox.seams()),
            clock: Clock::new(Arc::new(mailbox.seams())),
            policy: RetryOptions::default().policy(),
            bucket: Guarded::new(Bucket::full(BUDGET)),
            watch: Watch { observer: None, names: false },
        };
        let credentials = CachedCredentials::new(mailbox.seams());
        let (closed, requests) = (AtomicBool::new(false), AtomicU32::new(u32::MAX));
        let asking = Arc::new(Asking { api, credentials, closed, requests });
        Self { mailbox, asking, now: 1_000 }
    }

    fn reject(&self, refused: &Credentials) -> bool {
        let error = Error::new(ErrorKind::CredentialsRejected, "of the service");
        self.asking.credentials.reject(refused, &error, both(self.now))
    }

    fn caller(&mut self, timeout: u64) -> Caller {
        let asking = self.asking.clone();
        let deadline = Instant64::from_millis(self.now + timeout);
        let future = Box::pin(async move {
            match asking.get(deadline).await {
                Ok(credentials) => credentials.access_key_id().as_bytes().to_vec(),
                Err(error) => error.kind().name().as_bytes().to_vec(),
            }
        });
        let turn = Turn { now: both(self.now), entropy: &[7; 32] };
        let (op, owed) = self.mailbox.start(turn, false, future);
        Caller { op, owed }
    }

    /// Answers the first effect that `wanted` picks.
    fn answer(&mut self, caller: &mut Caller, wanted: fn(&Effect) -> bool, reply: Reply) {
        let index = caller.owed.iter().position(|(_, effect)| wanted(effect)).expect("such an effect");
        let (id, _) = caller.owed.swap_remove(index);
        let turn = Turn { now: both(self.now), entropy: &[] };
        let more = self.mailbox.step(caller.op, id, reply, turn);
        for (id, effect) in more {
            match effect {
                Effect::Abort(aborted) => caller.owed.retain(|(owed, _)| *owed != aborted),
                effect => caller.owed.push((id, effect)),
            }
        }
    }

    fn give(&mut self, caller: &mut Caller, given: Result<Option<Credentials>>) {
        let none = || Error::new(ErrorKind::CredentialsUnavailable, "none");
        let given = given.and_then(|given| given.ok_or_else(none));
        self.answer(caller, |e| matches!(e, Effect::Provide { .. }), Reply::Credentials(given));
    }

    fn wake(&mut self, caller: &mut Caller) {
        // The timer that is over first: the others are of longer waits.
        let first = caller.owed.iter().filter_map(|(id, effect)| match effect {
            Effect::Sleep(time) | Effect::Wait(_, time) => Some((*time, *id)),
            _ => None,
        });
        let (_, first) = first.min().expect("a timer");
        caller.owed.sort_by_key(|(id, _)| *id != first);
        self.answer(caller, |e| matches!(e, Effect::Sleep(_) | Effect::Wait(..)), Reply::Slept);
    }
}

impl Caller {
    fn asks(&self) -> bool {
        self.owed.iter().any(|(_, effect)| matches!(effect, Effect::Provide { .. }))
    }

    fn told_of_a_refusal(&self) -> bool {
        self.owed.iter().any(|(_, effect)| matches!(effect, Effect::Provide { rejected: true }))
    }

    fn result(&self) -> Option<&str> {
        self.owed.iter().find_map(|(_, effect)| match effect {
            Effect::Done(result) => std::str::from_utf8(result).ok(),
            _ => None,
        })
    }
}

#[test]
fn many_callers_ask_the_provider_once() {
    let mut w = Asked::new();
    let mut callers: Vec<_> = (0..20).map(|_| w.caller(10_000)).collect();
    assert_eq!(callers.iter().filter(|c| c.asks()).count(), 1);
    let leader = callers[0].op;
    let waits_for =
        |c: &Caller| c.owed.iter().any(|(_, e)| matches!(e, Effect::Wait(op, _) if *op == leader));
    assert!(callers[1..].iter().all(waits_for), "the driver can tell them that the leader is done");
    w.give(&mut callers[0], Ok(Some(session("shared", 60 * MINUTE))));
    for caller in &mut callers[1..] {
        w.wake(caller);
    }
    assert!(callers.iter().all(|c| c.result() == Some("shared")));
    assert_eq!(w.caller(10_000).result(), Some("shared"));
}

#[test]
fn a_caller_in_a_hurry_fails_nobody_else() {
    let mut w = Asked::new();
    let mut hurried = w.caller(50);
    let mut patient = w.caller(10_000);
    w.now += 50;
    w.wake(&mut hurried);
    assert_eq!(hurried.result(), Some("TIMEOUT"));
    // The patient one asks again itself, and nothing is remembered against later callers.
    w.wake(&mut patient);
    assert!(patient.asks() && patient.result().is_none());
    let mut later = w.caller(10_000);
    assert!(later.result().is_none() && !later.asks());
    w.give(&mut patient, Ok(Some(session("id", 60 * MINUTE))));
    w.wake(&mut later);
    assert_eq!((patient.result(), later.result()), (Some("id"), Some("id")));
}

#[test]
fn a_follower_whose_time_is_over_ends_with_a_timeout() {
    let mut w = Asked::new();
    let _asking = w.caller(10_000);
    let mut follower = w.caller(30);
    for _ in 0..20 {
        w.now += 5;
        if follower.result().is_none() {
            w.wake(&mut follower);
        }
    }
    assert_eq!(follower.result(), Some("TIMEOUT"));
}

#[test]
fn a_cancelled_or_silent_caller_is_replaced() {
    let mut w = Asked::new();
    let (cancelled, mut second) = (w.caller(10_000), w.caller(10_000));
    w.mailbox.cancel(cancelled.op);
    w.wake(&mut second);
    assert!(second.asks());
    let mut third = w.caller(10_000);
    w.now += 3_250;
    w.wake(&mut third);
    assert!(!third.asks(), "the lease of the second runs to this millisecond");
    w.now += 1;
    w.wake(&mut third);
    assert!(third.asks());
    // The silent one comes back late: its session serves its own call, the newer flight's is the one that is kept.
    w.give(&mut second, Ok(Some(session("late", 60 * MINUTE))));
    w.give(&mut third, Ok(Some(session("kept", 60 * MINUTE))));
    assert_eq!((second.result(), third.result()), (Some("late"), Some("kept")));
    assert_eq!(w.caller(10_000).result(), Some("kept"));
}

#[test]
fn a_late_failure_of_a_replaced_caller_is_not_remembered() {
    let mut w = Asked::new();
    let mut silent = w.caller(10_000);
    w.now += 3_251;
    let mut second = w.caller(10_000);
    w.give(&mut second, Ok(Some(Credentials::session("endless", "secret", "token").unwrap())));
    w.give(&mut silent, Ok(None));
    assert_eq!((silent.result(), second.result()), (Some("CREDENTIALS_UNAVAILABLE"), Some("endless")));
    assert!(w.caller(10_000).asks());
}

#[test]
fn a_broken_provider_is_left_alone_for_a_second() {
    let mut w = Asked::new();
    let mut first = w.caller(10_000);
    w.give(&mut first, Err(Error::new(ErrorKind::Transport, "down")));
    assert_eq!(first.result(), Some("CREDENTIALS_UNAVAILABLE"));
    w.now += 499;
    assert_eq!(w.caller(10_000).result(), Some("CREDENTIALS_UNAVAILABLE"));
    w.now += 501;
    assert!(w.caller(10_000).asks());
}

#[test]
fn a_session_that_still_serves_outlives_a_failing_refresh() {
    let mut w = Asked::new();
    let mut first = w.caller(10_000);
    w.give(&mut first, Ok(Some(session("old", 1_000 + 60 * MINUTE))));
    w.now += 50 * MINUTE;
    let mut refreshing = w.caller(10_000);
    assert!(refreshing.asks());
    assert_eq!(w.caller(10_000).result(), Some("old"), "others do not wait");
    w.give(&mut refreshing, Ok(None));
    assert_eq!(refreshing.result(), Some("old"));
    assert_eq!(w.caller(10_000).result(), Some("old"));
    w.now += 5_000;
    let mut slow = w.caller(10_000);
    assert!(slow.asks());
    w.now += 2_000;
    w.wake(&mut slow);
    assert_eq!(slow.result(), Some("old"), "two seconds are all that a refresh may cost");
    w.now += 10 * MINUTE;
    let mut over = w.caller(10_000);
    w.give(&mut over, Ok(None));
    assert_eq!(over.result(), Some("CREDENTIALS_UNAVAILABLE"), "an expired session is never signed with");
}

#[test]
fn a_refused_session_is_dropped_and_not_taken_again() {
    let mut w = Asked::new();
    let refused = session("refused", 60 * MINUTE);
    let mut first = w.caller(10_000);
    w.give(&mut first, Ok(Some(refused.clone())));
    assert!(w.reject(&refused));
    let mut second = w.caller(10_000);
    assert!(second.told_of_a_refusal());
    w.give(&mut second, Ok(Some(refused.clone())));
    assert_eq!(second.result(), Some("CREDENTIALS_REJECTED"));
    // Another may come at any time, and is asked for at once.
    let mut third = w.caller(10_000);
    w.give(&mut third, Ok(Some(session("new", 60 * MINUTE))));
    assert_eq!(third.result(), Some("new"));
    // A late refusal of the former session does not cost the new one.
    assert!(w.reject(&refused));
    assert_eq!(w.caller(10_000).result(), Some("new"));
}

#[test]
fn when_a_new_session_is_refused_as_well_the_provider_is_left_alone() {
    let mut w = Asked::new();
    for id in ["first", "second"] {
        let mut caller = w.caller(10_000);
        w.give(&mut caller, Ok(Some(session(id, 60 * MINUTE))));
        assert_eq!(caller.result(), Some(id));
        assert!(w.reject(&session(id, 60 * MINUTE)));
    }
    w.now += 4_999;
    assert_eq!(w.caller(10_000).result(), Some("CREDENTIALS_REJECTED"));
    w.now += 1;
    assert!(w.caller(10_000).asks());
}

#[test]
fn a_session_without_an_end_is_asked_for_again_and_an_ended_one_is_refused() {
    let mut w = Asked::new();
    for _ in 0..2 {
        let mut caller = w.caller(10_000);
        w.give(&mut caller, Ok(Some(Credentials::session("endless", "secret", "token").unwrap())));
        assert_eq!(caller.result(), Some("endless"));
    }
    let mut caller = w.caller(10_000);
    w.give(&mut caller, Ok(Some(session("ended", 1_000))));
    assert_eq!(caller.result(), Some("CLOCK_SKEW"), "no answer has told the time yet");
}

#[test]
fn keys_given_in_code_ask_nobody_and_end_with_their_session() {
    let keys = Credentials::access_key("id", "secret").unwrap();
    assert!(check(keys, None, both(0), true).is_ok());
    assert!(check(session("id", 5), None, both(4), true).is_ok());
    assert_eq!(
        check(session("id", 5), None, both(5), true).unwrap_err().kind(),
        ErrorKind::CredentialsUnavailable
    );
    // Or is it the clock that is fast?
    assert_eq!(check(session("id", 5), None, both(5), false).unwrap_err().kind(), ErrorKind::ClockSkew);
}
