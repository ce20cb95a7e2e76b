//! What the cache knows, as a pure state machine: the slots of all names, their bounds, and the counts.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::slot::{Entry, Failure, Outcome, Rank, Slot};
use super::ttl::{CachePolicy, Freshness};
use super::{Ending, Key};
use crate::error::{Error, ErrorKind, Memory};
use crate::lease::{Flight, Lease};
use crate::secret::{Record, Secret, VersionSelector};
use crate::sync::NameMap;
use crate::time::{Instant64, Now, doubled};
use std::sync::Arc;

/// Why a read enters the cache.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Intent {
    /// Any value that is fresh, and not older than `max_age` milliseconds.
    Read { max_age: Option<u64> },
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

/// Counts of one client's cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) stale: u64,
    pub(crate) misses: u64,
    pub(crate) coalesced: u64,
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    /// The age in milliseconds of the oldest value that is past its time.
    pub(crate) oldest_stale: Option<u64>,
}

#[derive(Default)]
pub(super) struct State {
    names: NameMap<Vec<Slot>>,
    books: Books,
    /// The order of flights.
    pub(super) sequence: u64,
    /// Counts insertions: the age order of the bounds.
    generation: u64,
    closed: bool,
    counts: Counts,
}

/// What the slots take in all.
#[derive(Clone, Copy, Default)]
struct Books {
    slots: usize,
    bytes: usize,
    /// How often values have left.
    removals: u32,
}

/// The first and the longest time for which a failing key is left alone, in milliseconds.
const BACKOFF: (u64, u64) = (1_000, 60_000);
/// For how long an answer that will not change soon (not found, denied) is remembered, in milliseconds.
const SHORT: u64 = 5_000;
/// For how long credentials that cannot be had are: they are asked for anew in a backoff of their own.
const BRIEF: u64 = 1_000;
/// How many slots a cache may always have twice over while flights are under way.
const SPARE: usize = 64;

impl Books {
    /// Drops the slots that `keep` refuses, and books what they, and what it took out of others, took.
    fn prune(&mut self, versions: &mut Vec<Slot>, keep: &mut dyn FnMut(&mut Slot) -> bool) {
        let weigh = |versions: &[Slot]| versions.iter().fold(0usize, |sum, s| sum.saturating_add(s.weight()));
        let (slots, bytes) = (versions.len(), weigh(versions));
        versions.retain_mut(keep);
        let freed = bytes.saturating_sub(weigh(versions));
        self.slots = self.slots.saturating_sub(slots.saturating_sub(versions.len()));
        self.bytes = self.bytes.saturating_sub(freed);
        self.removals = self.removals.wrapping_add(u32::from(freed > 0));
    }
}

impl State {
    #[inline]
    pub(super) fn fresh(&self, name: &str, now: Now) -> Option<Secret> {
        let (slot, entry) = self.current(name)?;
        if entry.schedule.freshness(now) != Freshness::Fresh {
            return None;
        }
        slot.touch(self.generation, now, true);
        Some(entry.read(now, false))
    }

    pub(super) fn fresh_for(&self, name: &str, record: &Arc<Record>, now: Now) -> u64 {
        match self.current(name) {
            Some((_, entry)) if Arc::ptr_eq(&entry.record, record) => entry.schedule.fresh_for(now),
            _ => 0,
        }
    }

    pub(super) fn touch(&self, name: &str, now: Now) {
        if let Some((slot, _)) = self.current(name) {
            slot.touch(self.generation, now, true);
        }
    }

    /// The current version, which stands first: hits look nowhere else.
    #[inline]
    fn current(&self, name: &str) -> Option<(&Slot, &Entry)> {
        let slot = self.names.get(name)?.first()?;
        let entry = slot.entry.as_ref().filter(|_| slot.selector == VersionSelector::Current)?;
        Some((slot, entry))
    }

    pub(super) fn at_hand(&self, key: &Key) -> Option<Arc<Record>> {
        Some(self.find(key)?.entry.as_ref()?.record.clone())
    }

    pub(super) fn find(&self, key: &Key) -> Option<&Slot> {
        self.names.get(key.name.as_str())?.iter().find(|s| s.selector == key.selector)
    }

    /// Whether a key has neither a value nor a flight under way.
    pub(super) fn is_cold(&self, key: &Key, now: Instant64) -> bool {
        self.find(key).is_none_or(|slot| {
            slot.entry.is_none() && !slot.flight.as_ref().is_some_and(|flight| flight.is_running(now))
        })
    }

    fn find_mut(&mut self, key: &Key) -> Option<&mut Slot> {
        self.names.get_mut(key.name.as_str())?.iter_mut().find(|s| s.selector == key.selector)
    }

    /// How a read goes on. A leader whose lease has ended loses its place; its flight is left in `displaced`, to be
    /// abandoned outside the lock, so that its followers look for the new one.
    pub(super) fn enter(
        &mut self,
        key: &Key,
        now: Now,
        intent: Intent,
        lease_for: u64,
        displaced: &mut Option<Arc<Flight<Outcome>>>,
    ) -> Entered {
        let sequence = self.sequence.wrapping_add(1);
        let slot = if self.closed { None } else { slot(&mut self.names, &mut self.books, key) };
        let Some(slot) = slot else {
            return Entered::Failed(Error::closed());
        };
        slot.touch(self.generation, now, true);
        slot.place(sequence);
        *displaced = slot.flight.take_if(|f| !f.is_running(now.mono));
        let entered = decide(slot, &mut self.counts, now, intent, (sequence, now.mono.plus(lease_for)));
        if let Entered::Lead(..) | Entered::Behind(..) = entered {
            self.sequence = sequence;
        }
        entered
    }

    /// Books the end of a flight, if it is still the key's own.
    pub(super) fn settle(
        &mut self,
        key: &Key,
        flight: &Arc<Flight<Outcome>>,
        outcome: &Outcome,
        ending: &Ending,
        policy: &CachePolicy,
    ) {
        self.generation = self.generation.wrapping_add(1);
        let generation = self.generation;
        let Some(slot) = self.find_mut(key) else { return };
        if !slot.flight.as_ref().is_some_and(|f| Arc::ptr_eq(f, flight)) {
            return;
        }
        slot.flight = None;
        let weight = outcome.as_ref().map_or(0, |record| record.weight());
        match outcome {
            Ok(record) if policy.max_entries > 0 && weight <= policy.max_bytes => {
                slot.failure = None;
                slot.touch(generation, ending.now, false);
                let schedule = policy.schedule(record, ending.now, ending.ahead, ending.random);
                let sequence = flight.sequence;
                let old = slot.entry.replace(Entry { record: record.clone(), schedule, weight, sequence });
                let freed = old.map_or(0, |e| e.weight);
                self.books.bytes = self.books.bytes.saturating_add(weight).saturating_sub(freed);
            }
            Ok(_) => self.prune(key.name.as_str(), &mut |slot| slot.selector != key.selector),
            Err(error) => {
                if policy.max_entries > 0 {
                    self.remember(key, ending.now, error, ending.random);
                }
                // What may not be served any more goes: this version where it is gone, every version where the principal
                // may no longer read the secret. Flights of those versions lose their place: what they bring was read
                // before. The failure itself stays remembered.
                let (purge, gone) = (error.kind().consequence().purge, error.kind() == ErrorKind::NotFound);
                self.prune(key.name.as_str(), &mut |slot| {
                    if purge && (!gone || slot.selector == key.selector) {
                        slot.entry = None;
                        slot.flight = None;
                    }
                    !slot.is_empty()
                });
            }
        }
    }

    /// Whether the last try failed, and the time to leave the key alone is not long over.
    pub(super) fn keeps_failing(&self, key: &Key, now: Instant64) -> bool {
        let failure = self.find(key).and_then(|s| s.failure.as_ref());
        failure.is_some_and(|f| now < f.until.plus(BACKOFF.1))
    }

    /// Remembers a slow flight with the value, unless a failure is being remembered: many readers may notice the same.
    pub(super) fn outlasting(&mut self, key: &Key, now: Now, slow: Option<u64>) -> Option<Secret> {
        let slot = self.find(key)?;
        let entry = slot.entry.as_ref().filter(|e| e.schedule.freshness(now) != Freshness::Gone)?;
        let old = entry.read(now, true);
        let failing = slot.failure.as_ref().is_some_and(|f| now.mono < f.until);
        if let Some(random) = slow.filter(|_| !failing) {
            self.remember(key, now, &Error::new(ErrorKind::Timeout, ""), random);
        }
        self.counts.stale = self.counts.stale.wrapping_add(1);
        Some(old)
    }

    /// Remembers a failure for the time that its kind asks for.
    fn remember(&mut self, key: &Key, now: Now, error: &Error, random: u64) {
        let Some(slot) = self.find_mut(key) else { return };
        let count = slot.failure.as_ref().map_or(0, |f| f.count);
        let wait = match error.memory() {
            Memory::None => return,
            Memory::Brief => BRIEF,
            Memory::Short => SHORT,
            Memory::Backoff => {
                let (first, cap) = BACKOFF;
                let ceiling = doubled(first, count, cap);
                // Half of the time is certain, the other half is jitter: a fleet does not come back in step.
                let half = ceiling / 2;
                half.saturating_add(random.checked_rem(half.saturating_add(1)).unwrap_or(0))
            }
        };
        let until = now.mono.plus(error.wait().max(wait));
        slot.failure = Some(Failure { error: error.clone(), until, count: count.saturating_add(1) });
    }

    /// Keeps of one name what `keep` says, and the name if anything is left.
    fn prune(&mut self, name: &str, keep: &mut dyn FnMut(&mut Slot) -> bool) {
        let Some(versions) = self.names.get_mut(name) else { return };
        self.books.prune(versions, keep);
        if versions.is_empty() {
            self.names.remove(name);
        }
    }

    /// Forgets a name in all its versions. Flights under way lose their place here.
    pub(super) fn remove(&mut self, name: &str) {
        self.prune(name, &mut |_| false);
    }

    pub(super) fn clear(&mut self) {
        self.names = NameMap::default();
        self.books = Books { removals: self.books.removals.wrapping_add(1), ..Books::default() };
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
        self.clear();
    }

    /// A dropped leader leaves an empty slot behind, and perhaps no completion ever comes to clear it away. Looked for
    /// now and then only: while all of them are under way, there is nothing to clear.
    pub(super) fn clear_away(&mut self, policy: &CachePolicy, now: Instant64) {
        let slots = self.books.slots;
        if slots > policy.max_entries.max(SPARE).saturating_mul(2) && slots.is_multiple_of(SPARE) {
            self.make_room(policy, now);
        }
    }

    /// Evicts the least recently used until the bounds hold. A flight under way is never evicted.
    ///
    /// Looking for the oldest means looking at every slot, so a large cache makes room for several at once: those
    /// that are as old as the oldest thirty-second. A small one evicts exactly the oldest.
    pub(super) fn make_room(&mut self, policy: &CachePolicy, now: Instant64) {
        while self.books.slots > policy.max_entries.max(1) || self.books.bytes > policy.max_bytes {
            let mut oldest: Option<Rank> = None;
            self.each_slot(&mut |slot| {
                if let Some(rank) = slot.rank(now)
                    && oldest.is_none_or(|oldest| rank < oldest)
                {
                    oldest = Some(rank);
                }
            });
            let Some(oldest) = oldest else { return };
            let [valuable, generation, ..] = oldest;
            let quota = self.books.slots / 32;
            let newest = generation.saturating_add(u64::try_from(quota).unwrap_or(0));
            let (books, mut left) = (&mut self.books, quota.max(1));
            self.names.retain(|_, versions| {
                if left > 0 {
                    books.prune(versions, &mut |slot| {
                        let goes = slot.rank(now).is_some_and(|rank| {
                            let [worth, generation, ..] = rank;
                            let among_the_oldest = quota > 0 && worth == valuable && generation <= newest;
                            left > 0 && (rank == oldest || among_the_oldest)
                        });
                        left = left.saturating_sub(usize::from(goes));
                        !goes
                    });
                }
                !versions.is_empty()
            });
        }
    }

    fn each_slot(&self, look: &mut dyn FnMut(&Slot)) {
        for versions in self.names.values() {
            for slot in versions {
                look(slot);
            }
        }
    }

    pub(super) fn removals(&self) -> u32 {
        self.books.removals
    }

    pub(super) fn count(&self, now: Now) -> Counts {
        let mut counts = self.counts;
        counts.bytes = u64::try_from(self.books.bytes).unwrap_or(u64::MAX);
        self.each_slot(&mut |slot| {
            let Some(entry) = &slot.entry else { return };
            counts.entries = counts.entries.saturating_add(1);
            if entry.schedule.freshness(now) == Freshness::Stale {
                counts.oldest_stale = counts.oldest_stale.max(Some(entry.schedule.age(now)));
            }
        });
        counts
    }

    /// What is booked, and what is there: slots and bytes.
    #[cfg(test)]
    pub(super) fn recount(&self) -> [(usize, usize); 2] {
        let (mut slots, mut bytes) = (0usize, 0usize);
        self.each_slot(&mut |slot| {
            slots = slots.saturating_add(1);
            bytes = bytes.saturating_add(slot.weight());
        });
        [(self.books.slots, self.books.bytes), (slots, bytes)]
    }
}

/// The slot of a key, made if there is none. The current version stands first.
fn slot<'a>(names: &'a mut NameMap<Vec<Slot>>, books: &mut Books, key: &Key) -> Option<&'a mut Slot> {
    let name = key.name.as_str();
    if names.get_mut(name).is_none() {
        names.insert(Box::from(name), Vec::new());
    }
    let versions = names.get_mut(name)?;
    let at = match versions.iter().position(|s| s.selector == key.selector) {
        Some(at) => at,
        None => {
            let at = if key.selector == VersionSelector::Current { 0 } else { versions.len() };
            versions.insert(at, Slot::new(key.selector.clone()));
            books.slots = books.slots.saturating_add(1);
            at
        }
    };
    versions.get_mut(at)
}

/// How a read goes on, by what its slot holds. `next` is the place of a new flight, and when its lease ends.
fn decide(slot: &mut Slot, counts: &mut Counts, now: Now, intent: Intent, next: (u64, Instant64)) -> Entered {
    let count = |count: &mut u64| *count = count.wrapping_add(1);
    // When its time is over the count stays: the next failure backs off for longer.
    let failing = slot.failure.as_ref().filter(|f| now.mono < f.until);
    let mut old = None;
    // Whether that is good enough to be answered now.
    let mut good = false;
    match intent {
        Intent::Refresh { after } => {
            if let Some(flight) = slot.flight.clone() {
                count(&mut counts.coalesced);
                return if flight.sequence > after {
                    Entered::Follow(flight, None)
                } else {
                    Entered::Queue(flight)
                };
            }
            // Fetched since this refresh was asked for, while it waited for an older flight: that is what it wants.
            let fetched = slot.entry.as_ref().filter(|entry| entry.sequence > after);
            if let Some(entry) = fetched.filter(|entry| entry.schedule.freshness(now) == Freshness::Fresh) {
                return Entered::Ready(entry.read(now, false));
            }
        }
        Intent::Read { max_age } => {
            let entry = slot.entry.as_ref().map(|e| (e, e.schedule.freshness(now)));
            match (entry.filter(|(_, freshness)| *freshness != Freshness::Gone), failing) {
                (None, Some(failure)) => return Entered::Failed(failure.error.clone()),
                (None, None) => {}
                (Some((entry, freshness)), failing) => {
                    let age = entry.schedule.age(now);
                    let young = max_age.is_none_or(|max| max > 0 && age <= max);
                    match (freshness, young, failing) {
                        (Freshness::Fresh, true, _) => {
                            count(&mut counts.hits);
                            return Entered::Ready(entry.read(now, false));
                        }
                        (_, _, Some(_)) => {
                            count(&mut counts.stale);
                            return Entered::Ready(entry.read(now, true));
                        }
                        (Freshness::Revalidate, true, None) => {
                            count(&mut counts.hits);
                            good = true;
                        }
                        _ => {}
                    }
                    old = Some(entry.read(now, !good));
                }
            }
            if let Some(flight) = &slot.flight {
                return match old {
                    Some(secret) if good => Entered::Ready(secret),
                    old => {
                        count(&mut counts.coalesced);
                        Entered::Follow(flight.clone(), old)
                    }
                };
            }
        }
    }
    let (flight, lease) = Flight::start(next.0, next.1);
    slot.flight = Some(flight);
    match old {
        Some(secret) if good => Entered::Behind(secret, lease),
        old => {
            count(&mut counts.misses);
            Entered::Lead(lease, old)
        }
    }
}
