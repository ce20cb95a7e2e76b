//! What the cache should do, written down plainly: one map, no locks, no sums kept by difference.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::super::Key;
use super::super::ttl::CachePolicy;
use crate::error::ErrorKind;
use crate::secret::VersionSelector;
use crate::time::{Instant64, Now, Timestamp, millis};
use std::collections::HashMap;
use std::time::Duration;

/// The weight that a record has beside its texts and its value.
pub(super) const OVERHEAD: usize = 512;

/// What a read or a refresh is told. Versions and flights are named by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Ready { version: usize, stale: bool },
    Behind { version: usize },
    Failed(ErrorKind),
    Lead { old: Option<usize> },
    Follow { flight: usize, old: Option<usize> },
    Queue { flight: usize },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    Read {
        max_age: Option<Duration>,
    },
    /// For a value of a flight that starts when so many have been started.
    Refresh {
        after: usize,
    },
}

/// How a leader ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Value(Value),
    Failure { kind: ErrorKind, retry_after: Option<Duration> },
}

/// A value as KMS gives it. Its version is the number of the flight that brought it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) weight: usize,
    /// In how many milliseconds its next rotation is due.
    pub(super) rotation: Option<i64>,
    /// Whether rotation makes it useless.
    pub(super) login: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Fresh,
    Revalidate,
    Stale,
    Gone,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) version: usize,
    pub(super) fetched: Now,
    pub(super) weight: usize,
    /// By age in milliseconds.
    fresh: u64,
    revalidate: u64,
    stale: u64,
}

#[derive(Clone, Copy, Debug)]
struct Failure {
    kind: ErrorKind,
    until: u64,
    count: u32,
}

/// Order of eviction: first what has no value, then by completions at the last use, hit or not, and time.
pub(super) type Rank = (bool, u64, bool, u64);

#[derive(Clone, Debug, Default)]
struct Slot {
    entry: Option<Entry>,
    flight: Option<usize>,
    failure: Option<Failure>,
    used: (u64, bool, u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running { until: u64 },
    Done(Result<usize, ErrorKind>),
    Abandoned,
}

#[derive(Debug)]
pub(super) struct Reference {
    policy: CachePolicy,
    pub(super) now: Now,
    slots: HashMap<Key, Slot>,
    pub(super) flights: Vec<Phase>,
    completions: u64,
    closed: bool,
}

impl Reference {
    pub(super) fn new(policy: CachePolicy, now: Now) -> Self {
        Self { policy, now, slots: HashMap::new(), flights: Vec::new(), completions: 1, closed: false }
    }

    fn mono(&self) -> u64 {
        self.now.mono.as_millis()
    }

    /// What a waiter sees of a flight; a lease that has ended is as good as abandoned.
    pub(super) fn seen(&self, flight: usize) -> Phase {
        match self.flights[flight] {
            Phase::Running { until } if self.mono() > until => Phase::Abandoned,
            ref phase => phase.clone(),
        }
    }

    fn end(&mut self, flight: usize, phase: Phase) {
        if matches!(self.flights[flight], Phase::Running { .. }) {
            self.flights[flight] = phase;
        }
    }

    pub(super) fn renew(&mut self, flight: usize, to: u64) {
        if let Phase::Running { until } = &mut self.flights[flight] {
            *until = (*until).max(to);
        }
    }

    pub(super) fn abandon(&mut self, flight: usize) {
        self.end(flight, Phase::Abandoned);
    }

    pub(super) fn enter(&mut self, key: &Key, wish: Wish, lease_for: Duration) -> Answer {
        if self.closed {
            return Answer::Failed(ErrorKind::Closed);
        }
        let (now, used) = (self.now, (self.completions, true, self.mono()));
        let slot = self.slots.entry(key.clone()).or_default();
        slot.used = used;
        let (entry, failure, mut flight) = (slot.entry, slot.failure, slot.flight);
        if let Some(id) = flight.filter(|id| !matches!(self.seen(*id), Phase::Running { .. })) {
            self.end(id, Phase::Abandoned);
            flight = None;
            self.slots.get_mut(key).unwrap().flight = None;
        }
        let failing = failure.filter(|f| self.mono() < f.until).map(|f| f.kind);
        let lead = |reference: &mut Self, answer| {
            let until = reference.now.mono.after(lease_for).as_millis();
            reference.flights.push(Phase::Running { until });
            let id = reference.flights.len() - 1;
            reference.slots.get_mut(key).unwrap().flight = Some(id);
            answer
        };
        let max_age = match wish {
            Wish::Refresh { after } => {
                return match flight {
                    Some(flight) if flight >= after => Answer::Follow { flight, old: None },
                    Some(flight) => Answer::Queue { flight },
                    None => match entry.filter(|e| e.version >= after && e.state(now) == State::Fresh) {
                        Some(entry) => Answer::Ready { version: entry.version, stale: false },
                        None => lead(self, Answer::Lead { old: None }),
                    },
                };
            }
            Wish::Read { max_age } => max_age,
        };
        let usable = entry.filter(|e| e.state(now) != State::Gone);
        let version = usable.map(|e| e.version);
        if let Some(entry) = usable {
            let (state, version) = (entry.state(now), entry.version);
            // Zero asks for a new value, however young the one at hand is.
            let young = max_age.is_none_or(|max| !max.is_zero() && entry.age(now) <= max);
            if young && state == State::Fresh {
                return Answer::Ready { version, stale: false };
            }
            if failing.is_some() {
                return Answer::Ready { version, stale: true };
            }
            if young && state == State::Revalidate {
                return match flight {
                    Some(_) => Answer::Ready { version, stale: false },
                    None => lead(self, Answer::Behind { version }),
                };
            }
        } else if let Some(kind) = failing {
            return Answer::Failed(kind);
        }
        match flight {
            Some(flight) => Answer::Follow { flight, old: version },
            None => lead(self, Answer::Lead { old: version }),
        }
    }

    /// The hot path: the version, if it is the current one's and fresh.
    pub(super) fn hot(&mut self, key: &Key) -> Option<usize> {
        let (now, used) = (self.now, (self.completions, true, self.mono()));
        let slot = self.slots.get_mut(key).filter(|_| key.selector == VersionSelector::Current)?;
        let entry = slot.entry.filter(|e| e.state(now) == State::Fresh)?;
        slot.used = used;
        Some(entry.version)
    }

    /// Ends a flight. What it did to the cache: whether the name was purged, in this version or in all.
    pub(super) fn complete(&mut self, key: &Key, flight: usize, end: &End, random: u64) -> Option<Purge> {
        self.completions += 1;
        let done = match end {
            End::Value(_) => Ok(flight),
            End::Failure { kind, .. } => Err(*kind),
        };
        self.end(flight, Phase::Done(done));
        let keeps = self.policy.max_entries > 0;
        let (completions, mono) = (self.completions, self.mono());
        let slot = self.slots.get_mut(key).filter(|s| s.flight == Some(flight))?;
        slot.flight = None;
        match end {
            End::Value(value) => {
                let entry = Entry::new(&self.policy, value, flight, self.now, random);
                *slot = Slot {
                    entry: Some(entry),
                    flight: None,
                    failure: None,
                    used: (completions, false, mono),
                };
                if !keeps || value.weight > self.policy.max_bytes {
                    self.slots.remove(key);
                }
                None
            }
            End::Failure { kind, retry_after } => {
                if keeps {
                    slot.failure = remembered(*kind, *retry_after, mono, slot.failure, random);
                }
                let purge = match kind {
                    ErrorKind::NotFound => Some(Purge::Version),
                    ErrorKind::PermissionDenied | ErrorKind::Disabled | ErrorKind::CredentialsRejected => {
                        Some(Purge::Name)
                    }
                    _ => None,
                };
                for (of, slot) in &mut self.slots {
                    if of == key && purge.is_some() || of.name == key.name && purge == Some(Purge::Name) {
                        (slot.entry, slot.flight) = (None, None);
                    }
                }
                self.slots.retain(|of, slot| {
                    let touched = of == key || of.name == key.name && purge == Some(Purge::Name);
                    !touched || slot.entry.is_some() || slot.failure.is_some() || slot.flight.is_some()
                });
                purge
            }
        }
    }

    /// A read has waited in vain: the version that it is answered, if there still is one. After one that waited for too
    /// long, later ones are answered the old value at once.
    pub(super) fn outlasting(&mut self, key: &Key, slow: Option<u64>) -> Option<usize> {
        let (now, mono) = (self.now, self.mono());
        let slot = self.slots.get_mut(key)?;
        let entry = slot.entry.filter(|e| e.state(now) != State::Gone)?;
        if let Some(random) = slow.filter(|_| slot.failure.is_none_or(|f| mono >= f.until)) {
            slot.failure = remembered(ErrorKind::Timeout, None, mono, slot.failure, random);
        }
        Some(entry.version)
    }

    pub(super) fn invalidate(&mut self, name: Option<&str>) {
        self.slots.retain(|key, _| name.is_some_and(|name| key.name.as_str() != name));
    }

    pub(super) fn close(&mut self) {
        self.slots.clear();
        self.closed = true;
    }

    /// Slots and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let bytes = self.slots.values().filter_map(|s| s.entry).map(|e| e.weight).sum();
        (self.slots.len(), bytes)
    }

    pub(super) fn entry(&self, key: &Key) -> Option<Entry> {
        self.slots.get(key)?.entry
    }

    /// Whether a flight under way keeps this slot.
    fn busy(&self, slot: &Slot) -> bool {
        slot.flight.is_some_and(|id| matches!(self.seen(id), Phase::Running { .. }))
    }

    /// Drops what the cache evicted, and checks that it had to and took the right ones.
    pub(super) fn evict(
        &mut self,
        most: usize,
        held: impl Fn(&Key) -> bool,
    ) -> Result<Vec<Key>, &'static str> {
        let rank = |slot: &Slot| -> Rank {
            let (completions, hit, at) = slot.used;
            (slot.entry.is_some(), completions, hit, at)
        };
        let fits = |(slots, bytes): (usize, usize)| slots <= most && bytes <= self.policy.max_bytes;
        let before = self.size();
        let gone: Vec<Key> = self.slots.keys().filter(|key| !held(key)).cloned().collect();
        if gone.iter().any(|key| self.busy(&self.slots[key])) {
            return Err("a slot with a flight under way was evicted");
        }
        let last =
            gone.iter().map(|key| (rank(&self.slots[key]), self.slots[key].entry)).max_by_key(|(r, _)| *r);
        let idle = self.slots.iter().filter(|(key, slot)| held(key) && !self.busy(slot));
        let first = idle.map(|(_, slot)| rank(slot)).min();
        if let (Some((last, _)), Some(first)) = (last, first)
            && last > first
        {
            return Err("a more recently used slot was evicted");
        }
        if gone.is_empty() && !fits(before) && first.is_some() {
            return Err("the bounds do not hold");
        }
        let Some((_, entry)) = last else { return Ok(gone) };
        self.slots.retain(|key, _| held(key));
        let after = self.size();
        if !fits(after) && first.is_some() {
            return Err("the bounds do not hold");
        }
        if fits((after.0 + 1, after.1 + entry.map_or(0, |e| e.weight))) {
            return Err("more was evicted than the bounds ask for");
        }
        Ok(gone)
    }

    /// Times ahead at which something changes, on the monotonic clock: the last millisecond before each change.
    pub(super) fn edges(&self) -> Vec<u64> {
        let leases = self.flights.iter().filter_map(|f| match f {
            Phase::Running { until } => Some(*until),
            _ => None,
        });
        let slots = self.slots.values().flat_map(|slot| {
            let failure = slot.failure.map(|f| f.until.saturating_sub(1));
            let of_entry = slot.entry.into_iter().flat_map(|e| {
                [e.fresh, e.revalidate, e.stale].map(|age| e.fetched.mono.as_millis().saturating_add(age))
            });
            of_entry.chain(failure)
        });
        let mut edges: Vec<u64> = leases.chain(slots).filter(|at| *at >= self.mono()).collect();
        edges.sort_unstable();
        edges
    }
}

/// What a failure took out of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purge {
    Version,
    Name,
}

impl Entry {
    fn new(policy: &CachePolicy, value: &Value, version: usize, now: Now, random: u64) -> Self {
        let ttl = policy.ttl;
        let mut fresh = ttl - ttl / 10 + random % (2 * (ttl / 10) + 1);
        let mut stale = ttl + policy.stale_if_error;
        let overlap = policy.rotation_overlap;
        if let Some(rotation) = value.rotation {
            let (ahead, behind) = (rotation.max(0).unsigned_abs(), rotation.min(0).unsigned_abs());
            let due_soon = ahead == 0 && behind < overlap;
            if ahead > 0 {
                fresh = fresh.min(ahead);
            } else if due_soon {
                fresh = fresh.min(30_000);
            }
            if value.login && (ahead > 0 || due_soon) {
                stale = stale.min(ahead + overlap);
            }
        }
        let fresh = fresh.min(stale);
        let revalidate = (fresh + policy.stale_while_revalidate).min(stale);
        Self { version, fetched: now, weight: value.weight, fresh, revalidate, stale }
    }

    pub(super) fn age(&self, now: Now) -> Duration {
        let by_wall = now.wall.as_millis() - self.fetched.wall.as_millis();
        let by_mono = now.mono.as_millis() - self.fetched.mono.as_millis();
        Duration::from_millis(by_mono.max(u64::try_from(by_wall).unwrap_or(0)))
    }

    fn state(&self, now: Now) -> State {
        let age = millis(self.age(now));
        let bounds =
            [(self.fresh, State::Fresh), (self.revalidate, State::Revalidate), (self.stale, State::Stale)];
        let by_age = bounds.into_iter().find(|(bound, _)| age <= *bound).map_or(State::Gone, |(_, s)| s);
        if now.wall < self.fetched.wall { by_age.max(State::Stale) } else { by_age }
    }
}

fn remembered(
    kind: ErrorKind,
    retry_after: Option<Duration>,
    mono: u64,
    before: Option<Failure>,
    random: u64,
) -> Option<Failure> {
    use ErrorKind::*;
    let count = before.map_or(0, |f| f.count);
    let wait = match kind {
        NotFound | PermissionDenied | Disabled => 5_000,
        CredentialsUnavailable => 1_000,
        Transport | Timeout | Throttled | Unavailable | InDebt | Protocol | ClockSkew => {
            let most =
                [1_000, 2_000, 4_000, 8_000, 16_000, 32_000].get(count as usize).copied().unwrap_or(60_000);
            most / 2 + random % (most / 2 + 1)
        }
        CredentialsRejected | Config | BudgetExceeded => return before,
        Unsupported | Internal | Cancelled | Closed => return before,
    };
    let until = mono + wait.max(retry_after.map_or(0, millis));
    Some(Failure { kind, until, count: count + 1 })
}

/// A time of both clocks.
pub(super) fn time(wall: i64, mono: u64) -> Now {
    Now { wall: Timestamp::from_millis(wall), mono: Instant64::from_millis(mono) }
}
