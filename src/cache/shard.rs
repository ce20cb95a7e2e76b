//! One part of the cache: the slots of some names, as a pure state machine.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::ttl::{Freshness, Schedule};
use super::{Ending, Key, lease_end};
use crate::error::{Error, ErrorKind, Memory};
use crate::lease::{Flight, Lease};
use crate::secret::{Record, Secret, VersionSelector};
use crate::sync::NameMap;
use crate::time::{Instant64, Now, doubled};
use std::sync::Arc;
use std::time::Duration;

/// What a flight leaves to its waiters.
pub(crate) type Outcome = Result<Arc<Record>, Error>;

/// Why a read enters the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Intent {
    /// Any value that is fresh, and not older than `max_age`.
    Read { max_age: Option<Duration> },
    /// A value fetched by a flight that starts after this place in the order of flights.
    Refresh { after: u64 },
}

/// How a read goes on.
pub(crate) enum Entered {
    /// Answer this now.
    Ready(Secret),
    /// Answer this now, and refresh it behind the answer with this lease.
    Behind(Secret, Lease<Outcome>),
    /// This failure is remembered.
    Failed(Error),
    /// Fetch, and complete this lease.
    Lead(Lease<Outcome>, Option<Secret>),
    /// Wait for this flight.
    Follow(Arc<Flight<Outcome>>, Option<Secret>),
    /// Wait for this flight to end, then enter again: it is older than the refresh that was asked for.
    Queue(Arc<Flight<Outcome>>),
}

/// The order in which slots are evicted: by insertion generation, then whether hit since, then time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Used {
    generation: u64,
    hit: bool,
    at: u64,
    sequence: u64,
}

/// What goes first: slots that only remember a failure, then the least recently used.
pub(super) type Rank = (bool, Used);

struct Entry {
    record: Arc<Record>,
    schedule: Schedule,
    weight: usize,
    sequence: u64,
}

struct Failure {
    error: Error,
    until: Instant64,
    count: u32,
}

struct Slot {
    selector: VersionSelector,
    entry: Option<Entry>,
    flight: Option<Arc<Flight<Outcome>>>,
    failure: Option<Failure>,
    used: Used,
}

impl Slot {
    /// Its place in the order of eviction; none while a flight is under way.
    fn rank(&self, now: Instant64) -> Option<Rank> {
        let idle = !self.flight.as_ref().is_some_and(|f| f.is_running(now));
        idle.then_some((self.entry.is_some(), self.used))
    }
}

/// Counts of one client's cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) stale: u64,
    pub(crate) misses: u64,
    pub(crate) coalesced: u64,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) oldest_stale: Option<Duration>,
}

// In this order: what each hit writes lies beside the lock, on the line that the reader holds anyway.
#[repr(C)]
pub(super) struct Shard {
    hits: u64,
    names: NameMap<Vec<Slot>>,
    pub(super) sequence: u64,
    slots: usize,
    bytes: usize,
    closed: bool,
    stale: u64,
    misses: u64,
    coalesced: u64,
    pub(super) removals: u32,
}

/// The first and the longest time for which a failing key is left alone, in milliseconds.
const BACKOFF: (u64, u64) = (1_000, 60_000);
/// For how long an answer that will not change soon (not found, denied) is remembered, in milliseconds.
const SHORT: u64 = 5_000;

impl Shard {
    pub(super) fn new() -> Self {
        Self {
            names: NameMap::default(),
            sequence: 0,
            slots: 0,
            bytes: 0,
            closed: false,
            hits: 0,
            stale: 0,
            misses: 0,
            coalesced: 0,
            removals: 0,
        }
    }

    pub(super) fn fresh_for(&mut self, key: &Key, now: Now) -> Option<Duration> {
        self.find(key)?.entry.as_ref()?.schedule.fresh_for(now)
    }

    pub(super) fn touch(&mut self, name: &str, hits: u32, now: Now, generation: u64) {
        self.hits = self.hits.wrapping_add(u64::from(hits));
        let Some(slot) = self.names.get_mut(name).and_then(|versions| versions.first_mut()) else { return };
        slot.used = Used { generation, hit: true, at: now.mono.as_millis(), ..slot.used };
    }

    pub(super) fn size(&self) -> (usize, usize) {
        (self.slots, self.bytes)
    }

    #[inline]
    pub(super) fn fresh(&mut self, name: &str, now: Now, generation: u64) -> Option<Secret> {
        let slot = self.names.get_mut(name)?.first_mut()?;
        if slot.selector != VersionSelector::Current {
            return None;
        }
        let entry = slot.entry.as_ref()?;
        if entry.schedule.freshness(now) != Freshness::Fresh {
            return None;
        }
        // Written only when it changes: threads that read one secret would else take this line from each other.
        let used = Used { generation, hit: true, at: now.mono.as_millis(), sequence: slot.used.sequence };
        if slot.used != used {
            slot.used = used;
        }
        self.hits = self.hits.wrapping_add(1);
        Some(Secret::new(entry.record.clone(), entry.schedule.age(now), false))
    }

    pub(super) fn at_hand(&mut self, key: &Key) -> Option<Arc<Record>> {
        Some(self.find(key)?.entry.as_ref()?.record.clone())
    }

    fn find(&mut self, key: &Key) -> Option<&mut Slot> {
        self.names.get_mut(key.name.as_str())?.iter_mut().find(|s| s.selector == key.selector)
    }

    /// Takes its place from a leader whose lease has ended. The flight is to be abandoned outside the lock, so that its
    /// followers look for the new one.
    pub(super) fn displace(&mut self, key: &Key, now: Instant64) -> Option<Arc<Flight<Outcome>>> {
        self.find(key)?.flight.take_if(|f| !f.is_running(now))
    }

    pub(super) fn enter(
        &mut self,
        key: &Key,
        now: Now,
        intent: Intent,
        lease_for: Duration,
        generation: u64,
    ) -> Entered {
        if self.closed {
            return Entered::Failed(Error::new(ErrorKind::Closed, "make a new client"));
        }
        let sequence = self.sequence.wrapping_add(1);
        let used = Used { generation, hit: true, at: now.mono.as_millis(), sequence };
        let Some(slot) = self.slot(key, used) else {
            return Entered::Failed(Error::new(ErrorKind::Internal, "no cache slot"));
        };
        slot.used = used;
        // When its time is over the count stays: the next failure backs off for longer.
        let failing = slot.failure.as_ref().filter(|f| now.mono < f.until);
        let freshness = slot.entry.as_ref().map_or(Freshness::Gone, |e| e.schedule.freshness(now));
        let read = |entry: &Entry, stale| Secret::new(entry.record.clone(), entry.schedule.age(now), stale);
        let mut old = None;
        match intent {
            Intent::Refresh { after } => {
                if let Some(flight) = &slot.flight {
                    let flight = flight.clone();
                    self.coalesced = self.coalesced.wrapping_add(1);
                    return if flight.sequence > after {
                        Entered::Follow(flight, None)
                    } else {
                        Entered::Queue(flight)
                    };
                }
                // Fetched since this was asked for, while it waited for an older flight: just what it wants.
                if freshness == Freshness::Fresh
                    && let Some(entry) = slot.entry.as_ref().filter(|entry| entry.sequence > after)
                {
                    return Entered::Ready(read(entry, false));
                }
            }
            Intent::Read { max_age } => {
                if let Some(entry) = slot.entry.as_ref().filter(|_| freshness != Freshness::Gone) {
                    let young = max_age.is_none_or(|max| !max.is_zero() && entry.schedule.age(now) <= max);
                    match (freshness, young) {
                        (Freshness::Fresh, true) => {
                            let secret = read(entry, false);
                            self.hits = self.hits.wrapping_add(1);
                            return Entered::Ready(secret);
                        }
                        (Freshness::Revalidate, true) => {
                            let secret = read(entry, failing.is_some());
                            if failing.is_some() {
                                self.stale = self.stale.wrapping_add(1);
                                return Entered::Ready(secret);
                            }
                            let idle = slot.flight.is_none();
                            let lease = idle.then(|| {
                                let (flight, lease) = Flight::start(sequence, lease_end(now.mono, lease_for));
                                slot.flight = Some(flight);
                                lease
                            });
                            self.hits = self.hits.wrapping_add(1);
                            return match lease {
                                Some(lease) => {
                                    self.sequence = sequence;
                                    Entered::Behind(secret, lease)
                                }
                                None => Entered::Ready(secret),
                            };
                        }
                        _ if failing.is_some() => {
                            let secret = read(entry, true);
                            self.stale = self.stale.wrapping_add(1);
                            return Entered::Ready(secret);
                        }
                        _ => old = Some(read(entry, true)),
                    }
                } else if let Some(failure) = failing {
                    return Entered::Failed(failure.error.clone());
                }
                if let Some(flight) = &slot.flight {
                    let flight = flight.clone();
                    self.coalesced = self.coalesced.wrapping_add(1);
                    return Entered::Follow(flight, old);
                }
            }
        }
        let (flight, lease) = Flight::start(sequence, lease_end(now.mono, lease_for));
        slot.flight = Some(flight);
        self.sequence = sequence;
        self.misses = self.misses.wrapping_add(1);
        Entered::Lead(lease, old)
    }

    /// The slot of a key, made if there is none. The current version stands first: hits look nowhere else.
    fn slot(&mut self, key: &Key, used: Used) -> Option<&mut Slot> {
        let name = key.name.as_str();
        if self.names.get_mut(name).is_none() {
            self.names.insert(Box::from(name), Vec::new());
        }
        let versions = self.names.get_mut(name)?;
        let at = match versions.iter().position(|s| s.selector == key.selector) {
            Some(at) => at,
            None => {
                let at = if key.selector == VersionSelector::Current { 0 } else { versions.len() };
                let selector = key.selector.clone();
                versions.insert(at, Slot { selector, entry: None, flight: None, failure: None, used });
                self.slots = self.slots.saturating_add(1);
                at
            }
        };
        versions.get_mut(at)
    }

    /// Books the end of a flight, if it is still the key's own.
    pub(super) fn settle(
        &mut self,
        key: &Key,
        flight: &Arc<Flight<Outcome>>,
        outcome: &Outcome,
        ending: &Ending,
        generation: u64,
        kept: bool,
    ) {
        let Some(slot) = self.find(key) else { return };
        if !slot.flight.as_ref().is_some_and(|f| Arc::ptr_eq(f, flight)) {
            return;
        }
        slot.flight = None;
        match (outcome, ending.schedule) {
            (Ok(record), Some(schedule)) => {
                slot.failure = None;
                let now = ending.now.mono.as_millis();
                slot.used = Used { generation, hit: false, at: now, sequence: slot.used.sequence };
                let weight = record.weight();
                let fresh = Entry { record: record.clone(), schedule, weight, sequence: flight.sequence };
                let old = slot.entry.replace(fresh);
                let freed = old.map_or(0, |e| e.weight);
                self.bytes = self.bytes.saturating_add(weight).saturating_sub(freed);
                if !kept {
                    self.drop_slot(key);
                }
            }
            (Err(error), _) => {
                let consequence = error.kind().consequence();
                if kept {
                    self.remember(key, ending.now, error, ending.random);
                }
                if consequence.purge {
                    self.purge(key, error.kind());
                }
                self.drop_if_empty(key);
            }
            (Ok(_), None) => self.drop_if_empty(key),
        }
    }

    /// Remembers a failure unless one is being remembered (many readers may notice the same slow flight) or there is
    /// no value to answer meanwhile (it was invalidated since: later reads wait for the flight of their own time).
    pub(super) fn remember_once(&mut self, key: &Key, now: Now, error: &Error, random: u64) {
        let wanted = self
            .find(key)
            .is_some_and(|s| s.entry.is_some() && s.failure.as_ref().is_none_or(|f| now.mono >= f.until));
        if wanted {
            self.remember(key, now, error, random);
        }
    }

    /// Whether the last try failed, and the time to leave the key alone is not long over.
    pub(super) fn keeps_failing(&mut self, key: &Key, now: Instant64) -> bool {
        let failure = self.find(key).and_then(|s| s.failure.as_ref());
        failure.is_some_and(|f| now < f.until.after(Duration::from_millis(BACKOFF.1)))
    }

    pub(super) fn count_stale(&mut self) {
        self.stale = self.stale.wrapping_add(1);
    }

    /// Remembers a failure for the time that its kind asks for.
    fn remember(&mut self, key: &Key, now: Now, error: &Error, random: u64) {
        let Some(slot) = self.find(key) else { return };
        let count = slot.failure.as_ref().map_or(0, |f| f.count);
        let wait = match error.kind().consequence().memory {
            Memory::None => return,
            Memory::Short => SHORT,
            Memory::Backoff => {
                let (first, cap) = BACKOFF;
                let ceiling = doubled(first, count, cap);
                // Half of the time is certain, the other half is jitter: a fleet does not come back in step.
                let half = ceiling / 2;
                half.saturating_add(random.checked_rem(half.saturating_add(1)).unwrap_or(0))
            }
        };
        let until = now.mono.after(error.retry_after().unwrap_or_default().max(Duration::from_millis(wait)));
        slot.failure = Some(Failure { error: error.clone(), until, count: count.saturating_add(1) });
    }

    /// Takes away what may not be served any more: this version where it is gone, every version where the principal
    /// may no longer read the secret. Flights of those versions lose their place: what they bring was read before. The
    /// failure itself stays remembered.
    fn purge(&mut self, key: &Key, kind: ErrorKind) {
        let Some(versions) = self.names.get_mut(key.name.as_str()) else { return };
        self.removals = self.removals.wrapping_add(1);
        let before = versions.len();
        let mut freed = 0usize;
        versions.retain_mut(|slot| {
            if kind != ErrorKind::NotFound || slot.selector == key.selector {
                freed = freed.saturating_add(slot.entry.take().map_or(0, |e| e.weight));
                slot.flight = None;
            }
            slot.entry.is_some() || slot.flight.is_some() || slot.failure.is_some()
        });
        self.slots = self.slots.saturating_sub(before.saturating_sub(versions.len()));
        self.bytes = self.bytes.saturating_sub(freed);
        if versions.is_empty() {
            self.names.remove(key.name.as_str());
        }
    }

    fn drop_if_empty(&mut self, key: &Key) {
        if self.find(key).is_some_and(|s| s.entry.is_none() && s.failure.is_none() && s.flight.is_none()) {
            self.drop_slot(key);
        }
    }

    fn drop_slot(&mut self, key: &Key) {
        let versions = self.names.get_mut(key.name.as_str());
        if let Some(at) = versions.and_then(|v| v.iter().position(|s| s.selector == key.selector)) {
            self.take_out(key.name.as_str(), at);
        }
    }

    fn take_out(&mut self, name: &str, at: usize) {
        let Some(versions) = self.names.get_mut(name).filter(|v| at < v.len()) else { return };
        let slot = versions.remove(at);
        self.removals = self.removals.wrapping_add(u32::from(slot.entry.is_some()));
        self.slots = self.slots.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(slot.entry.map_or(0, |e| e.weight));
        if versions.is_empty() {
            self.names.remove(name);
        }
    }

    /// Forgets a name in all its versions. Flights under way lose their place here.
    pub(super) fn remove(&mut self, name: &str) {
        let Some(versions) = self.names.remove(name) else { return };
        self.removals = self.removals.wrapping_add(1);
        self.slots = self.slots.saturating_sub(versions.len());
        let weight = versions.iter().filter_map(|s| s.entry.as_ref()).map(|e| e.weight).sum::<usize>();
        self.bytes = self.bytes.saturating_sub(weight);
    }

    pub(super) fn clear(&mut self) {
        self.names = NameMap::default();
        self.removals = self.removals.wrapping_add(1);
        self.slots = 0;
        self.bytes = 0;
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.clear();
    }

    fn each_slot(&self) -> impl Iterator<Item = &Slot> {
        IntoIterator::into_iter(&self.names).flat_map(|(_, versions)| versions)
    }

    /// The slot that would be evicted next; one with a flight under way never is.
    pub(super) fn oldest(&self, now: Instant64) -> Option<Rank> {
        self.each_slot().filter_map(|s| s.rank(now)).min()
    }

    /// Evicts up to `quota` slots of the oldest's kind whose last use lies within `window` insertions of its own;
    /// with a window of zero, the oldest alone.
    pub(super) fn evict(&mut self, oldest: Rank, window: u64, quota: &mut u64, now: Instant64) {
        let (valuable, used) = oldest;
        let newest = used.generation.saturating_add(window);
        while *quota > 0 {
            let found = IntoIterator::into_iter(&self.names).find_map(|(name, versions)| {
                let goes = |slot: &Slot| {
                    slot.rank(now).is_some_and(|rank| {
                        rank == oldest || (window > 0 && rank.0 == valuable && rank.1.generation <= newest)
                    })
                };
                let at = versions.iter().position(goes)?;
                Some((name.clone(), at))
            });
            let Some((name, at)) = found else { return };
            self.take_out(&name, at);
            *quota = quota.saturating_sub(1);
        }
    }

    pub(super) fn count(&self, total: &mut Counts, now: Now) {
        total.hits = total.hits.wrapping_add(self.hits);
        total.stale = total.stale.wrapping_add(self.stale);
        total.misses = total.misses.wrapping_add(self.misses);
        total.coalesced = total.coalesced.wrapping_add(self.coalesced);
        total.bytes = total.bytes.saturating_add(u64::try_from(self.bytes).unwrap_or(u64::MAX));
        for entry in self.each_slot().filter_map(|s| s.entry.as_ref()) {
            total.entries = total.entries.saturating_add(1);
            if entry.schedule.freshness(now) == Freshness::Stale {
                total.oldest_stale = total.oldest_stale.max(Some(entry.schedule.age(now)));
            }
        }
    }

    #[cfg(test)]
    pub(super) fn holds(&mut self, key: &Key) -> bool {
        self.find(key).is_some()
    }

    #[cfg(test)]
    pub(super) fn weigh(&self) -> (usize, usize) {
        let slots = self.each_slot().count();
        let bytes = self.each_slot().filter_map(|s| s.entry.as_ref()).map(|e| e.weight).sum();
        (slots, bytes)
    }
}
