//! The cache of one client: which value answers a read at a given time, who fetches it, and what stays in memory.
//!
//! Pure and synchronous: every method is given the time. State is split into shards by name, each behind one lock.
// SPDX-License-Identifier: Apache-2.0 OR MIT

#[cfg(test)]
mod model;
mod shard;
#[cfg(test)]
mod tests;
pub(crate) mod ttl;

pub(crate) use shard::{Counts, Entered, Intent, Outcome};

use crate::error::Error;
use crate::lease::Lease;
use crate::secret::{Record, Secret, VersionSelector};
use crate::sync::{Guarded, SHARDS};
use crate::time::{Instant64, Now};
use shard::Shard;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use ttl::{CachePolicy, Schedule};

/// What a read is for: the name as it was asked for, and the version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) name: crate::secret::SecretName,
    pub(crate) selector: VersionSelector,
}

/// How many slots a cache may always have twice over while flights are under way.
const SPARE: usize = 64;

/// The bits of a name's hash that choose its shard.
const SHARD_MASK: u64 = SHARDS as u64 - 1;
const _: () = assert!(SHARDS.is_power_of_two());

/// One shard on cache lines of its own, so that readers of different secrets do not slow each other.
#[repr(align(128))]
struct Aligned(Guarded<Shard>);

pub(crate) struct Cache {
    shards: Box<[Aligned]>,
    /// Spreads names over the shards, where there are several.
    hasher: Option<foldhash::fast::RandomState>,
    policy: CachePolicy,
    slots: AtomicUsize,
    bytes: AtomicUsize,
    /// Counts insertions: the age order of the bounds, read but not written by hits.
    generation: AtomicU64,
}

impl Cache {
    pub(crate) fn new(policy: CachePolicy) -> Self {
        let hasher = (SHARDS > 1).then(foldhash::fast::RandomState::default);
        let shards = (0..SHARDS).map(|_| Aligned(Guarded::new(Shard::new()))).collect();
        let (slots, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { shards, hasher, policy, slots, bytes, generation: AtomicU64::new(1) }
    }

    pub(crate) fn policy(&self) -> &CachePolicy {
        &self.policy
    }

    fn with<R>(&self, name: &str, f: impl FnOnce(&mut Shard) -> R) -> Option<R> {
        // The map inside the shard uses the low and the top bits of its hash: take the middle ones.
        let hash = self.hasher.as_ref().filter(|_| SHARDS > 1).map_or(0, |hasher| hasher.hash_one(name));
        let index = usize::try_from((hash >> 24) & SHARD_MASK).ok()?;
        Some(self.shards.get(index)?.0.with(f))
    }

    /// Applies `f` and books what it added or freed.
    fn booked<R>(&self, name: &str, f: impl FnOnce(&mut Shard) -> R) -> Option<R> {
        self.with(name, |shard| {
            let before = shard.size();
            let result = f(shard);
            self.book(before, shard.size());
            result
        })
    }

    fn book(&self, before: (usize, usize), after: (usize, usize)) {
        // Wrapping addition of a difference: exact, whatever the order of the threads.
        self.slots.fetch_add(after.0.wrapping_sub(before.0), Ordering::Relaxed);
        self.bytes.fetch_add(after.1.wrapping_sub(before.1), Ordering::Relaxed);
    }

    /// The hot path: a fresh value of the current version, or nothing.
    #[inline]
    pub(crate) fn fresh(&self, name: &str, now: Now) -> Option<Secret> {
        let generation = self.generation.load(Ordering::Relaxed);
        self.with(name, |shard| shard.fresh(name, now, generation)).flatten()
    }

    /// Decides how a read goes on. `lease_for` is how long a new leader's lease runs.
    pub(crate) fn enter(&self, key: &Key, now: Now, intent: Intent, lease_for: Duration) -> Entered {
        let generation = self.generation.load(Ordering::Relaxed);
        let entered = self.booked(key.name.as_str(), |s| {
            let displaced = s.displace(key, now.mono);
            (s.enter(key, now, intent, lease_for, generation), displaced)
        });
        let Some((entered, displaced)) = entered else {
            return Entered::Failed(Error::new(crate::ErrorKind::Internal, "no cache shard"));
        };
        if let Some(flight) = displaced {
            flight.abandon();
        }
        // A dropped leader leaves an empty slot behind, and perhaps no completion ever comes to clear it away.
        // Looked for now and then only: while all of them are under way, there is nothing to clear.
        let slots = self.slots.load(Ordering::Relaxed);
        if slots > self.policy.max_entries.max(SPARE).saturating_mul(2) && slots.is_multiple_of(SPARE) {
            self.make_room(now.mono);
        }
        entered
    }

    /// The place in the order of flights of this name: a refresh joins only later ones.
    pub(crate) fn sequence(&self, name: &str) -> u64 {
        self.with(name, |s| s.sequence).unwrap_or_default()
    }

    /// Ends the leader's flight with what it brought. The value is kept only if the flight is still the key's own:
    /// after an invalidation or a purge in mid-flight it is answered to its waiters and forgotten.
    pub(crate) fn complete(&self, key: &Key, lease: Lease<Outcome>, outcome: Outcome, ending: &Ending) {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let fits = |r: &Arc<Record>| r.weight() <= self.policy.max_bytes;
        let kept = self.policy.max_entries > 0 && outcome.as_ref().map_or(true, fits);
        self.booked(key.name.as_str(), |s| s.settle(key, lease.flight(), &outcome, ending, generation, kept));
        lease.finish(outcome);
        self.make_room(ending.now.mono);
    }

    /// Notes that a refresh takes longer than a read may wait: later reads answer the stale value at once.
    pub(crate) fn note_slow(&self, key: &Key, now: Now, error: &Error, random: u64) {
        self.booked(key.name.as_str(), |s| s.remember_once(key, now, error, random));
    }

    /// Whether asking KMS for the key failed a moment ago: then nobody waits for the next try either.
    pub(crate) fn keeps_failing(&self, key: &Key, now: Instant64) -> bool {
        self.with(key.name.as_str(), |s| s.keeps_failing(key, now)).unwrap_or_default()
    }

    /// Counts a read that waited and was answered with an old value in the end.
    pub(crate) fn count_stale(&self, key: &Key) {
        self.with(key.name.as_str(), Shard::count_stale);
    }

    /// Evicts the least recently used until the bounds hold. A flight under way is never evicted.
    ///
    /// Looking for the oldest means looking at every slot, so a large cache makes room for several at once: those
    /// that are as old as the oldest thirty-second. A small one evicts exactly the oldest.
    fn make_room(&self, now: Instant64) {
        while self.is_over() {
            let window = u64::try_from(self.slots.load(Ordering::Relaxed) / 32).unwrap_or(0);
            let ranks = self.shards.iter().filter_map(|shard| shard.0.with(|s| s.oldest(now)));
            let Some(oldest) = ranks.min() else { return };
            let mut quota = window.max(1);
            self.each(|s| s.evict(oldest, window, &mut quota, now));
        }
    }

    fn is_over(&self) -> bool {
        self.slots.load(Ordering::Relaxed) > self.policy.max_entries.max(1)
            || self.bytes.load(Ordering::Relaxed) > self.policy.max_bytes
    }

    /// Forgets one name in all its versions, or everything; flights under way no longer count for the cache.
    pub(crate) fn invalidate(&self, name: Option<&str>) {
        match name {
            Some(name) => {
                self.booked(name, |s| s.remove(name));
            }
            None => self.each(Shard::clear),
        }
    }

    /// Forgets everything and refuses every later read.
    pub(crate) fn close(&self) {
        self.each(Shard::close);
    }

    fn each(&self, mut f: impl FnMut(&mut Shard)) {
        for shard in &self.shards {
            shard.0.with(|s| {
                let before = s.size();
                f(s);
                self.book(before, s.size());
            });
        }
    }

    /// The value of a key that is at hand, however old, without asking for it.
    pub(crate) fn at_hand(&self, key: &Key) -> Option<Arc<Record>> {
        self.with(key.name.as_str(), |s| s.at_hand(key)).flatten()
    }

    /// Counts for `status()`.
    pub(crate) fn counts(&self, now: Now) -> Counts {
        let mut total = Counts::default();
        for shard in &self.shards {
            shard.0.with(|s| s.count(&mut total, now));
        }
        total
    }

    /// For how long the value of a key will stay fresh, if nothing happens to it; none when it is not fresh.
    pub(crate) fn fresh_for(&self, key: &Key, now: Now) -> Option<Duration> {
        self.with(key.name.as_str(), |s| s.fresh_for(key, now)).flatten()
    }

    /// A count that changes with everything that leaves the cache (evicted, purged, invalidated, not: replaced), so that
    /// who keeps a copy of what it answers knows when to drop it.
    pub(crate) fn removals(&self) -> u32 {
        self.shards.iter().fold(0, |sum, shard| sum.wrapping_add(shard.0.with(|s| s.removals)))
    }

    /// Counts reads of a name that were answered from such a copy: as hits, and as its latest use.
    pub(crate) fn touch(&self, name: &str, hits: u32, now: Now) {
        let generation = self.generation.load(Ordering::Relaxed);
        self.with(name, |s| s.touch(name, hits, now, generation));
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then")]
impl Cache {
    /// What is booked, and what a recount of every shard gives: slots and bytes.
    fn recount(&self) -> [(usize, usize); 3] {
        let booked = (self.slots.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed));
        let (mut sizes, mut weights) = ((0, 0), (0, 0));
        for shard in &self.shards {
            let (size, weight) = shard.0.with(|s| (s.size(), s.weigh()));
            sizes = (sizes.0 + size.0, sizes.1 + size.1);
            weights = (weights.0 + weight.0, weights.1 + weight.1);
        }
        [booked, sizes, weights]
    }

    /// Whether there is a slot for this key, with a value or without.
    fn holds(&self, key: &Key) -> bool {
        self.with(key.name.as_str(), |s| s.holds(key)).unwrap_or_default()
    }
}

/// How a flight ended, as far as the cache is concerned.
pub(crate) struct Ending {
    pub(crate) now: Now,
    /// The bounds of the value that came; `None` with a failure.
    pub(crate) schedule: Option<Schedule>,
    pub(crate) random: u64,
}

/// The value that a flight left, as a read of `now` sees it.
pub(crate) fn just_fetched(record: &Arc<Record>) -> Secret {
    Secret::new(record.clone(), Duration::ZERO, false)
}

/// The end of a lease that starts now.
pub(crate) fn lease_end(now: Instant64, lease_for: Duration) -> Instant64 {
    now.after(lease_for)
}
