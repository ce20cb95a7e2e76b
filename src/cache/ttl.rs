//! How long a value counts as fresh, to be revalidated, or fit to be served stale: pure arithmetic on given times.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::secret::Record;
use crate::time::Now;

/// For how long a value is fresh when its rotation is due but has not happened, in milliseconds.
const ROTATION_DUE: u64 = 30_000;

/// The checked cache options of a client; times in milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct CachePolicy {
    pub(crate) ttl: u64,
    pub(crate) stale_while_revalidate: u64,
    pub(crate) stale_if_error: u64,
    pub(crate) rotation_overlap: u64,
    pub(crate) max_entries: usize,
    pub(crate) max_bytes: usize,
}

/// The state of a value at a given time (architecture §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    Revalidate,
    Stale,
    /// Too old for anything.
    Gone,
}

/// The bounds of one value, by its age in milliseconds; fixed when it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    fetched: Now,
    fresh: u64,
    revalidate: u64,
    stale: u64,
}

impl CachePolicy {
    /// The bounds of `record`, fetched at `now`; `server_ahead` is how far the service's clock is ahead of the local
    /// one in milliseconds, and `random` spreads the ttl over ±10 %.
    pub(crate) fn schedule(&self, record: &Record, now: Now, server_ahead: i64, random: u64) -> Schedule {
        let ttl = self.ttl;
        let spread = ttl / 10;
        let jitter = random.checked_rem(spread.saturating_mul(2).saturating_add(1)).unwrap_or(0);
        let mut fresh = ttl.saturating_sub(spread).saturating_add(jitter);
        let mut stale = ttl.saturating_add(self.stale_if_error);
        if let Some(rotation) = record.next_rotation_date {
            let there = now.wall.offset(server_ahead);
            let until = rotation.past(there);
            if until > 0 {
                fresh = fresh.min(until);
                if record.secret_type.rotates_away() {
                    stale = stale.min(until.saturating_add(self.rotation_overlap));
                }
            } else if there.past(rotation) < self.rotation_overlap {
                // The rotation is due and may happen at any moment: look again soon.
                fresh = fresh.min(ROTATION_DUE);
                if record.secret_type.rotates_away() {
                    stale = stale.min(self.rotation_overlap);
                }
            }
        }
        let revalidate = fresh.saturating_add(self.stale_while_revalidate).min(stale);
        Schedule { fetched: now, fresh: fresh.min(stale), revalidate, stale: stale.max(revalidate) }
    }
}

impl Schedule {
    /// The value's age in milliseconds: the larger of what the two clocks say (a frozen machine's monotonic clock may stand still).
    #[inline]
    pub(crate) fn age(&self, now: Now) -> u64 {
        let by_mono = now.mono.as_millis().saturating_sub(self.fetched.mono.as_millis());
        let by_wall = now.wall.as_millis().saturating_sub(self.fetched.wall.as_millis());
        by_mono.max(u64::try_from(by_wall).unwrap_or(0))
    }

    /// For how many milliseconds it stays fresh from now on; 0 when it is not.
    pub(crate) fn fresh_for(&self, now: Now) -> u64 {
        match self.freshness(now) {
            Freshness::Fresh => self.fresh.saturating_sub(self.age(now)),
            _ => 0,
        }
    }

    /// Fresh, revalidate, stale or gone. A wall clock that went back makes a value stale: its true age is unknown.
    pub(crate) fn freshness(&self, now: Now) -> Freshness {
        let age = self.age(now);
        if age > self.stale {
            Freshness::Gone
        } else if now.wall < self.fetched.wall || now.mono < self.fetched.mono || age > self.revalidate {
            Freshness::Stale
        } else if age > self.fresh {
            Freshness::Revalidate
        } else {
            Freshness::Fresh
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then")]
mod tests {
    use super::*;
    use crate::secret::{SecretType, SecretValue};
    use crate::sensitive::Sensitive;
    use crate::time::{Instant64, Timestamp};
    use proptest::prelude::*;

    const TTL: u64 = 600_000;

    fn policy() -> CachePolicy {
        CachePolicy {
            ttl: TTL,
            stale_while_revalidate: 60_000,
            stale_if_error: DAY,
            rotation_overlap: 600_000,
            max_entries: 1,
            max_bytes: 1,
        }
    }

    fn time(wall: i64, mono: u64) -> Now {
        Now { wall: Timestamp::from_millis(wall), mono: Instant64::from_millis(mono) }
    }

    fn record(secret_type: SecretType, rotation: Option<i64>) -> Record {
        Record {
            name: String::new(),
            version_id: String::new(),
            version_stages: Vec::new(),
            value: SecretValue::Text(Sensitive::new(String::new())),
            secret_type,
            create_time: None,
            extended_config: None,
            automatic_rotation: None,
            rotation_interval: None,
            last_rotation_date: None,
            next_rotation_date: rotation.map(Timestamp::from_millis),
            request_id: None,
            size: 0,
        }
    }

    /// Fresh, revalidate and stale bounds of a value fetched at 0 with its rotation at `rotation`, without jitter.
    fn bounds(secret_type: SecretType, rotation: i64) -> [u64; 3] {
        let schedule = policy().schedule(&record(secret_type, Some(rotation)), time(0, 0), 0, TTL / 10);
        [schedule.fresh, schedule.revalidate, schedule.stale]
    }

    const DAY: u64 = 24 * 3_600_000;

    #[test]
    fn each_state_ends_on_its_millisecond() {
        let schedule = policy().schedule(&record(SecretType::Generic, None), time(0, 0), 0, TTL / 10);
        for (age, state) in [
            (0, Freshness::Fresh),
            (TTL, Freshness::Fresh),
            (TTL + 1, Freshness::Revalidate),
            (TTL + 60_000, Freshness::Revalidate),
            (TTL + 60_001, Freshness::Stale),
            (TTL + DAY, Freshness::Stale),
            (TTL + DAY + 1, Freshness::Gone),
            (u64::MAX, Freshness::Gone),
        ] {
            assert_eq!(schedule.freshness(time(0, age)), state, "{age} on the monotonic clock");
            if let Ok(wall) = i64::try_from(age) {
                assert_eq!(schedule.freshness(time(wall, 0)), state, "{age} on the wall clock");
            }
        }
    }

    #[test]
    fn a_clock_that_went_back_makes_a_value_stale_and_never_fresh() {
        let schedule = policy().schedule(&record(SecretType::Generic, None), time(5_000, 5_000), 0, 0);
        assert_eq!(schedule.freshness(time(4_999, 5_001)), Freshness::Stale);
        assert_eq!(schedule.freshness(time(5_001, 4_999)), Freshness::Stale);
        assert_eq!(schedule.freshness(time(i64::MIN, 5_000)), Freshness::Stale);
        assert_eq!(schedule.freshness(time(i64::MIN, u64::MAX)), Freshness::Gone);
        assert_eq!(schedule.age(time(0, 6_000)), 1_000);
        assert_eq!(schedule.freshness(time(5_000, 5_000)), Freshness::Fresh);
    }

    #[test]
    fn a_value_is_looked_at_again_when_its_rotation_is_due() {
        assert_eq!(bounds(SecretType::Generic, 100_000), [100_000, 160_000, TTL + DAY]);
        assert_eq!(bounds(SecretType::Generic, i64::MAX)[0], TTL);
        // Due, within the overlap: any moment. Long past: it does not happen, so there is nothing to wait for.
        assert_eq!(bounds(SecretType::Generic, 0), [30_000, 90_000, TTL + DAY]);
        assert_eq!(bounds(SecretType::Generic, -599_999)[0], 30_000);
        assert_eq!(bounds(SecretType::Generic, -600_000)[0], TTL);
        assert_eq!(bounds(SecretType::Generic, i64::MIN)[0], TTL);
    }

    #[test]
    fn a_login_is_not_served_past_its_rotation_and_the_overlap() {
        for login in [SecretType::Rds, SecretType::Redis, SecretType::PolarDb, SecretType::RamCredentials] {
            assert_eq!(bounds(login.clone(), 100_000)[2], 700_000);
            // While it is due it may happen at any moment; then it has evidently not come.
            assert_eq!(bounds(login.clone(), 1)[2], 600_001);
            assert_eq!(bounds(login.clone(), 0)[2], 600_000);
            assert_eq!(bounds(login.clone(), -599_999), [30_000, 90_000, 600_000]);
            assert_eq!(bounds(login, -600_000)[2], TTL + DAY);
        }
        assert_eq!(bounds(SecretType::Ecs, 0)[2], TTL + DAY);
    }

    #[test]
    fn the_rotation_is_judged_by_the_clock_of_the_service() {
        let value = record(SecretType::Generic, Some(100_000));
        let fresh = |ahead| policy().schedule(&value, time(0, 0), ahead, TTL / 10).fresh;
        assert_eq!(
            (fresh(0), fresh(40_000), fresh(-40_000), fresh(100_000)),
            (100_000, 60_000, 140_000, 30_000)
        );
    }

    proptest! {
        #[test]
        fn the_ttl_is_spread_by_a_tenth_either_way(ttl in 1..u64::MAX / 4, random in any::<u64>()) {
            let policy = CachePolicy { ttl, ..policy() };
            let schedule = policy.schedule(&record(SecretType::Generic, None), time(0, 0), 0, random);
            prop_assert!((ttl - ttl / 10..=ttl + ttl / 10).contains(&schedule.fresh));
        }

        #[test]
        fn bounds_are_ordered_and_nothing_overflows(
            durations in any::<[u64; 4]>(),
            (wall, mono, ahead, random) in any::<(i64, u64, i64, u64)>(),
            rotation in any::<Option<i64>>(),
            login in any::<bool>(),
            later in any::<(i64, u64)>(),
        ) {
            let [ttl, stale_while_revalidate, stale_if_error, rotation_overlap] = durations;
            let policy = CachePolicy { ttl, stale_while_revalidate, stale_if_error, rotation_overlap, ..policy() };
            let secret_type = if login { SecretType::Rds } else { SecretType::Generic };
            let fetched = time(wall, mono);
            let schedule = policy.schedule(&record(secret_type, rotation), fetched, ahead, random);
            prop_assert!(schedule.fresh <= schedule.revalidate && schedule.revalidate <= schedule.stale);
            prop_assert!(schedule.stale <= ttl.saturating_add(stale_if_error));
            prop_assert_eq!(schedule.freshness(fetched), Freshness::Fresh);
            let later = time(later.0, later.1);
            if later.wall < fetched.wall || later.mono < fetched.mono {
                prop_assert!(matches!(schedule.freshness(later), Freshness::Stale | Freshness::Gone));
            }
        }
    }

    #[test]
    fn the_jitter_takes_both_of_its_ends() {
        let fresh =
            |random| policy().schedule(&record(SecretType::Generic, None), time(0, 0), 0, random).fresh;
        let spread = TTL / 10;
        assert_eq!(
            (fresh(0), fresh(2 * spread), fresh(2 * spread + 1)),
            (TTL - spread, TTL + spread, TTL - spread)
        );
    }

    #[test]
    fn without_stale_if_error_nothing_outlives_its_ttl() {
        let policy = CachePolicy { stale_if_error: 0, ..policy() };
        let schedule = policy.schedule(&record(SecretType::Generic, None), time(0, 0), 0, TTL / 5);
        assert_eq!([schedule.fresh, schedule.revalidate, schedule.stale], [TTL; 3]);
    }
}
