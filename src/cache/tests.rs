//! The cache by example: order of eviction, memory of failures, revocation, and locks that no foreign code runs under.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then")]

use super::ttl::CachePolicy;
use super::*;
use crate::error::{Error, ErrorKind};
use crate::lease::Status;
use crate::secret::{SecretName, SecretType, SecretValue};
use crate::sensitive::Sensitive;
use crate::time::Timestamp;
use std::task::{Wake, Waker};
use std::time::Duration;

const LEASE: u64 = 3_250;
/// In milliseconds.
const HOUR: u64 = 3_600_000;

fn policy() -> CachePolicy {
    CachePolicy {
        ttl: 60_000,
        stale_while_revalidate: 6_000,
        stale_if_error: HOUR,
        rotation_overlap: 600_000,
        max_entries: 1_000,
        max_bytes: 64 << 20,
    }
}

fn bounded(max_entries: usize, max_bytes: usize) -> Cache {
    Cache::new(CachePolicy { max_entries, max_bytes, ..policy() })
}

fn at(ms: u64) -> Now {
    Now { wall: Timestamp::from_millis(i64::try_from(ms).unwrap()), mono: Instant64::from_millis(ms) }
}

fn key(name: &str) -> Key {
    Key { name: SecretName::parse(name).unwrap(), selector: VersionSelector::Current }
}

fn previous(name: &str) -> Key {
    Key { selector: VersionSelector::Stage(String::from("ACSPrevious")), ..key(name) }
}

fn record(size: usize) -> Arc<Record> {
    Arc::new(Record {
        name: String::new(),
        version_id: String::new(),
        version_stages: Vec::new(),
        value: SecretValue::Binary(Sensitive::new(vec![0; size])),
        secret_type: SecretType::Generic,
        create_time: None,
        extended_config: None,
        automatic_rotation: None,
        rotation_interval: None,
        last_rotation_date: None,
        next_rotation_date: None,
        request_id: None,
        size,
    })
}

const READ: Intent = Intent::Read { max_age: None };

fn lead_as(cache: &Cache, key: &Key, now: Now, intent: Intent) -> Lease<Outcome> {
    match cache.enter(key, now, intent, LEASE) {
        Entered::Lead(lease, _) | Entered::Behind(_, lease) => lease,
        Entered::Ready(_) => panic!("answered {}", key.name.as_str()),
        Entered::Failed(e) => panic!("{e}"),
        Entered::Follow(..) | Entered::Queue(_) => panic!("someone else leads"),
    }
}

fn lead(cache: &Cache, key: &Key, now: Now) -> Lease<Outcome> {
    lead_as(cache, key, now, READ)
}

fn bring(cache: &Cache, key: &Key, lease: Lease<Outcome>, now: Now, size: usize) {
    let value = record(size);
    // The random number that spreads the ttl by nothing.
    cache.complete(key, lease, Ok(value), &Ending { now, ahead: 0, random: 6_000 });
}

fn put(cache: &Cache, name: &str, now: Now, size: usize) {
    let key = key(name);
    let lease = lead(cache, &key, now);
    bring(cache, &key, lease, now, size);
}

fn fail(cache: &Cache, key: &Key, lease: Lease<Outcome>, now: Now, error: &Error, random: u64) {
    cache.complete(key, lease, Err(error.clone()), &Ending { now, ahead: 0, random });
}

fn names(cache: &Cache, of: &[&str]) -> String {
    of.iter().filter(|name| cache.holds(&key(name))).copied().collect()
}

#[test]
fn the_least_recently_used_goes_first_to_the_millisecond() {
    let cache = bounded(3, usize::MAX);
    for (name, ms) in [("a", 1), ("b", 2), ("c", 3)] {
        put(&cache, name, at(ms), 0);
    }
    assert!(cache.fresh("a", at(4)).is_some());
    put(&cache, "d", at(5), 0);
    assert_eq!(names(&cache, &["a", "b", "c", "d"]), "acd");
    // A read that goes the long way counts as use, as one on the hot path does.
    assert!(matches!(cache.enter(&key("c"), at(6), READ, LEASE), Entered::Ready(_)));
    put(&cache, "e", at(7), 0);
    assert_eq!(names(&cache, &["a", "c", "d", "e"]), "cde");
}

#[test]
fn a_large_cache_makes_room_for_several_at_once_among_the_oldest_only() {
    let cache = bounded(640, usize::MAX);
    let name = |n: u64| format!("secret/{n}");
    for n in 0..640 {
        put(&cache, &name(n), at(n), 0);
    }
    // The first of all is used again, so it is among the newest.
    assert!(cache.fresh(&name(0), at(640)).is_some());
    put(&cache, &name(640), at(641), 0);
    let gone: Vec<u64> = (0..=640).filter(|n| !cache.holds(&key(&name(*n)))).collect();
    assert!(!gone.is_empty() && gone.len() <= 640 / 32, "{gone:?}");
    assert!(gone.iter().all(|n| (1..=1 + 640 / 32).contains(n)), "{gone:?}");
    assert_eq!(cache.recount(), [(641 - gone.len(), (641 - gone.len()) * 512); 2]);
}

#[test]
fn insertions_order_uses_even_where_the_clock_stands_still() {
    let cache = bounded(2, usize::MAX);
    put(&cache, "a", at(1), 0);
    put(&cache, "b", at(1), 0);
    // Used since b came, at the same millisecond.
    assert!(cache.fresh("a", at(1)).is_some());
    put(&cache, "c", at(1), 0);
    assert_eq!(names(&cache, &["a", "b", "c"]), "ac");
}

#[test]
fn a_failure_without_a_value_goes_before_any_value() {
    let cache = bounded(2, usize::MAX);
    put(&cache, "old", at(1), 0);
    let (gone, now) = (key("gone"), at(50));
    let lease = lead(&cache, &gone, now);
    fail(&cache, &gone, lease, now, &Error::new(ErrorKind::NotFound, ""), 0);
    assert!(cache.holds(&gone));
    put(&cache, "new", at(60), 0);
    assert_eq!(names(&cache, &["old", "gone", "new"]), "oldnew");
}

#[test]
fn bytes_are_bounded_and_a_value_that_never_fits_displaces_nothing() {
    let cache = bounded(1_000, 4_000);
    put(&cache, "a", at(1), 1_400);
    put(&cache, "b", at(2), 1_400);
    assert_eq!(names(&cache, &["a", "b"]), "ab");
    put(&cache, "big", at(3), 4_000);
    assert_eq!(names(&cache, &["a", "b", "big"]), "ab");
    put(&cache, "c", at(4), 1_400);
    assert_eq!(names(&cache, &["a", "b", "c"]), "bc");
    assert_eq!(cache.recount(), [(2, 2 * (1_400 + 512)); 2]);
}

#[test]
fn a_flight_under_way_is_never_evicted_and_followed_to_its_end() {
    let cache = bounded(1, usize::MAX);
    let slow = key("slow");
    let lease = lead(&cache, &slow, at(1));
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        put(&cache, name, at(2 + n as u64), 0);
    }
    assert!(matches!(cache.enter(&slow, at(9), READ, LEASE), Entered::Follow(..)));
    bring(&cache, &slow, lease, at(10), 0);
    assert_eq!((names(&cache, &["a", "b", "c", "slow"]), cache.recount()[0].0), (String::from("slow"), 1));
}

#[test]
fn leaders_that_are_dropped_one_after_another_leave_no_growing_heap() {
    let cache = bounded(10, usize::MAX);
    for n in 0..10_000u64 {
        drop(lead(&cache, &key(&format!("cancelled/{n}")), at(n)));
    }
    let [(slots, _), ..] = cache.recount();
    assert!(slots <= 3 * 64, "{slots} slots");
    assert_eq!(cache.recount(), [(slots, 0); 2]);
}

/// Fails again and again, each time as soon as the key may be tried; how long each failure was remembered.
fn backoff(error: &Error, random: u64, times: usize) -> Vec<u64> {
    let (cache, key) = (Cache::new(policy()), key("a"));
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..times {
        let lease = lead(&cache, &key, at(now));
        fail(&cache, &key, lease, at(now), error, random);
        let from = now;
        while matches!(cache.enter(&key, at(now), READ, LEASE), Entered::Failed(_)) {
            now += 1;
            assert!(now - from <= 120_000, "remembered for ever");
        }
        waits.push(now - from);
    }
    waits
}

#[test]
fn a_failing_key_is_left_alone_for_longer_and_longer_up_to_a_minute() {
    let down = Error::new(ErrorKind::Unavailable, "");
    let least = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
    assert_eq!(backoff(&down, 0, 8), least);
    // The greatest random part: the half of each ceiling that is not certain.
    let most = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    for (n, most) in most.into_iter().enumerate() {
        assert_eq!(backoff(&down, most / 2, n + 1)[n], most);
    }
}

#[test]
fn an_answer_that_will_not_change_soon_is_remembered_five_seconds_each_time() {
    for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::Disabled] {
        assert_eq!(backoff(&Error::new(kind, ""), u64::MAX, 3), [5_000; 3], "{kind:?}");
    }
    // Their provider is asked in a backoff of the credentials' own.
    assert_eq!(backoff(&Error::new(ErrorKind::CredentialsUnavailable, ""), u64::MAX, 3), [1_000; 3]);
}

#[test]
fn the_service_may_ask_for_a_longer_rest_but_not_for_a_shorter() {
    let after = |ms| Error::new(ErrorKind::Throttled, "").with_wait(ms);
    assert_eq!(backoff(&after(90_000), 0, 1), [90_000]);
    assert_eq!(backoff(&after(1), 0, 1), [500]);
}

#[test]
fn a_success_ends_the_memory_of_failures() {
    let (cache, key) = (Cache::new(policy()), key("a"));
    let down = Error::new(ErrorKind::Transport, "");
    for now in [0, 1_000, 3_000] {
        let lease = lead(&cache, &key, at(now));
        fail(&cache, &key, lease, at(now), &down, 0);
    }
    // A refresh passes the memory by.
    let lease = lead_as(&cache, &key, at(3_001), Intent::Refresh { after: cache.sequence() });
    bring(&cache, &key, lease, at(3_002), 0);
    assert!(cache.fresh("a", at(3_003)).is_some());
    cache.invalidate(None);
    let lease = lead(&cache, &key, at(4_000));
    fail(&cache, &key, lease, at(4_000), &down, 0);
    assert!(matches!(cache.enter(&key, at(4_499), READ, LEASE), Entered::Failed(_)));
    assert!(matches!(cache.enter(&key, at(4_500), READ, LEASE), Entered::Lead(..)));
}

#[test]
fn a_fault_of_the_caller_is_not_remembered() {
    for kind in [ErrorKind::Config, ErrorKind::Cancelled, ErrorKind::BudgetExceeded, ErrorKind::Internal] {
        let (cache, key) = (Cache::new(policy()), key("a"));
        let lease = lead(&cache, &key, at(0));
        fail(&cache, &key, lease, at(0), &Error::new(kind, ""), 0);
        assert_eq!(cache.recount(), [(0, 0); 2]);
        drop(lead(&cache, &key, at(0)));
    }
}

#[test]
fn a_revoked_permission_reaches_every_version_and_every_flight_that_began_before() {
    for kind in [ErrorKind::PermissionDenied, ErrorKind::Disabled, ErrorKind::CredentialsRejected] {
        let cache = Cache::new(policy());
        let (current, before) = (key("a"), previous("a"));
        put(&cache, "a", at(0), 10);
        put(&cache, "b", at(0), 10);
        let under_way = lead(&cache, &before, at(1));
        let refresh = lead_as(&cache, &current, at(2), Intent::Refresh { after: cache.sequence() });
        fail(&cache, &current, refresh, at(3), &Error::new(kind, ""), 0);
        assert!(cache.at_hand(&current).is_none() && cache.at_hand(&key("b")).is_some());
        bring(&cache, &before, under_way, at(4), 10);
        assert!(cache.at_hand(&before).is_none(), "{kind:?}: read before the revocation, kept after it");
        assert!(matches!(cache.enter(&before, at(5), READ, LEASE), Entered::Lead(..)));
        let after = cache.enter(&current, at(5), READ, LEASE);
        match kind {
            // Others may come at any time, and what was refused is remembered with the credentials.
            ErrorKind::CredentialsRejected => assert!(matches!(after, Entered::Lead(..))),
            _ => assert!(matches!(after, Entered::Failed(e) if e.kind() == kind)),
        }
    }
}

#[test]
fn a_version_that_is_gone_takes_no_other_version_with_it() {
    let cache = Cache::new(policy());
    put(&cache, "a", at(0), 10);
    let before = previous("a");
    let lease = lead(&cache, &before, at(1));
    fail(&cache, &before, lease, at(2), &Error::new(ErrorKind::NotFound, ""), 0);
    assert!(cache.at_hand(&key("a")).is_some());
}

#[test]
fn a_read_that_was_too_slow_for_a_value_now_invalidated_fails_nobody() {
    let (cache, key) = (Cache::new(policy()), key("a"));
    put(&cache, "a", at(0), 0);
    let stale = at(100_000);
    let _old_lease = lead(&cache, &key, stale);
    assert!(cache.outlasting(&key, stale, Some(0)).is_some_and(|old| old.stale()));
    assert!(matches!(cache.enter(&key, stale, READ, LEASE), Entered::Ready(secret) if secret.stale()));
    cache.invalidate(Some("a"));
    let _lease = lead(&cache, &key, stale);
    assert!(cache.outlasting(&key, stale, Some(0)).is_none());
    assert!(matches!(cache.enter(&key, stale, READ, LEASE), Entered::Follow(..)));
}

#[test]
fn many_slow_reads_of_one_flight_count_as_one_failure() {
    let (cache, key) = (Cache::new(policy()), key("a"));
    put(&cache, "a", at(0), 0);
    let _lease = lead(&cache, &key, at(100_000));
    for reader in 0..50 {
        assert!(cache.outlasting(&key, at(100_000 + reader), Some(0)).is_some());
    }
    assert!(matches!(cache.enter(&key, at(100_499), READ, 0), Entered::Ready(_)));
    assert!(matches!(cache.enter(&key, at(100_500), READ, LEASE), Entered::Follow(..)));
}

#[test]
fn a_closed_cache_answers_only_that_and_keeps_nothing_that_comes_later() {
    let (cache, key) = (Cache::new(policy()), key("a"));
    put(&cache, "b", at(0), 10);
    let under_way = lead(&cache, &key, at(1));
    let flight = under_way.flight().clone();
    cache.close();
    bring(&cache, &key, under_way, at(2), 10);
    assert!(matches!(flight.status(at(2).mono), Status::Done(Ok(_))), "its own waiters are answered");
    for intent in [READ, Intent::Refresh { after: 0 }] {
        assert!(
            matches!(cache.enter(&key, at(3), intent, LEASE), Entered::Failed(e) if e.kind() == ErrorKind::Closed)
        );
    }
    assert!(cache.fresh("b", at(3)).is_none());
    assert_eq!(cache.recount(), [(0, 0); 2]);
}

#[test]
fn extreme_times_neither_panic_nor_make_anything_fresh_for_ever() {
    let longest = Duration::from_millis(u64::MAX);
    let cache = Cache::new(CachePolicy { stale_if_error: u64::MAX, max_bytes: usize::MAX, ..policy() });
    let ends = [
        Now { wall: Timestamp::from_millis(i64::MIN), mono: Instant64::from_millis(0) },
        Now { wall: Timestamp::from_millis(i64::MAX), mono: Instant64::from_millis(u64::MAX) },
        Now { wall: Timestamp::from_millis(0), mono: Instant64::from_millis(u64::MAX) },
    ];
    for before in ends {
        for after in ends {
            let (key, name) = (key("a"), "a");
            cache.invalidate(None);
            let lease = lead(&cache, &key, before);
            lease.renew(before.mono.after(longest));
            bring(&cache, &key, lease, before, 0);
            assert_eq!(cache.fresh(name, after).is_some(), before == after);
            let forced = lead_as(&cache, &key, after, Intent::Refresh { after: u64::MAX });
            fail(
                &cache,
                &key,
                forced,
                after,
                &Error::new(ErrorKind::Transport, "").with_wait(crate::time::millis(longest)),
                u64::MAX,
            );
            drop(cache.outlasting(&key, after, Some(u64::MAX)));
            let _ = cache.counts(after);
            assert_eq!(cache.recount()[0], cache.recount()[1]);
        }
    }
}

/// A waker that looks into the cache when it is woken, as a task that is run at once would.
struct Curious(Arc<Cache>);

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        assert!(self.0.at_hand(&key("a")).is_none());
    }
}

#[test]
fn followers_of_a_hung_leader_are_woken_outside_of_the_lock() {
    let (done, ends) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (cache, key) = (Arc::new(Cache::new(policy())), key("a"));
        let hung = lead(&cache, &key, at(0));
        let mut ended = hung.flight().ended();
        let waker = Waker::from(Arc::new(Curious(cache.clone())));
        assert!(!ended.watch(&waker));
        assert!(matches!(cache.enter(&key, at(3_250), READ, LEASE), Entered::Follow(..)));
        drop(lead(&cache, &key, at(3_251)));
        let _ = done.send(());
    });
    ends.recv_timeout(Duration::from_secs(20)).expect("no deadlock");
}

#[test]
fn a_refresh_joins_what_began_after_it_and_waits_for_what_began_before() {
    let (cache, key) = (Cache::new(policy()), key("a"));
    let older = lead(&cache, &key, at(0));
    let after = cache.sequence();
    let refresh = || cache.enter(&key, at(1), Intent::Refresh { after }, LEASE);
    assert!(matches!(refresh(), Entered::Queue(flight) if Arc::ptr_eq(&flight, older.flight())));
    bring(&cache, &key, older, at(2), 0);
    let Entered::Lead(newer, None) = refresh() else { panic!("the value of before does not answer it") };
    assert!(matches!(refresh(), Entered::Follow(flight, None) if Arc::ptr_eq(&flight, newer.flight())));
    // Also across an invalidation.
    cache.invalidate(Some("a"));
    let newest = lead(&cache, &key, at(3));
    assert!(matches!(refresh(), Entered::Follow(flight, None) if Arc::ptr_eq(&flight, newest.flight())));
}
