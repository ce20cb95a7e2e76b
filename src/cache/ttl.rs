//! How long a value counts as fresh, to be revalidated, or fit to be served stale: pure arithmetic on given times.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::secret::Record;
use crate::time::{Now, millis};
use std::time::Duration;

/// For how long a value is fresh when its rotation is due but has not happened, in milliseconds.
const ROTATION_DUE: u64 = 30_000;

/// The checked cache options of a client.
#[derive(Clone, Debug)]
pub(crate) struct CachePolicy {
    pub(crate) ttl: Duration,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) rotation_overlap: Duration,
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
        let ttl = millis(self.ttl);
        let spread = ttl / 10;
        let jitter = random.checked_rem(spread.saturating_mul(2).saturating_add(1)).unwrap_or(0);
        let mut fresh = ttl.saturating_sub(spread).saturating_add(jitter);
        let mut stale = ttl.saturating_add(millis(self.stale_if_error));
        if let Some(rotation) = record.next_rotation_date {
            let there = now.wall.offset(server_ahead);
            let until = rotation.since(there);
            if !until.is_zero() {
                fresh = fresh.min(millis(until));
                if record.secret_type.rotates_away() {
                    stale = stale.min(millis(until).saturating_add(millis(self.rotation_overlap)));
                }
            } else if there.since(rotation) < self.rotation_overlap {
                // The rotation is due and may happen at any moment: look again soon.
                fresh = fresh.min(ROTATION_DUE);
                if record.secret_type.rotates_away() {
                    stale = stale.min(millis(self.rotation_overlap.saturating_sub(there.since(rotation))));
                }
            }
        }
        let revalidate = fresh.saturating_add(millis(self.stale_while_revalidate)).min(stale);
        Schedule { fetched: now, fresh: fresh.min(stale), revalidate, stale: stale.max(revalidate) }
    }
}

impl Schedule {
    /// The value's age: the larger of what the two clocks say (a frozen machine's monotonic clock may stand still).
    pub(crate) fn age(&self, now: Now) -> Duration {
        now.mono.since(self.fetched.mono).max(now.wall.since(self.fetched.wall))
    }

    /// Fresh, revalidate, stale or gone. A wall clock that went back makes a value stale: its true age is unknown.
    pub(crate) fn freshness(&self, now: Now) -> Freshness {
        let age = millis(self.age(now));
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
