//! One key's place in the cache: its value, the flight that fetches it, a remembered failure, and when it was used.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::ttl::Schedule;
use crate::error::Error;
use crate::lease::Flight;
use crate::secret::{Record, Secret, VersionSelector};
use crate::time::{Instant64, Now};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a flight leaves to its waiters.
pub(crate) type Outcome = Result<Arc<Record>, Error>;

pub(super) struct Slot {
    pub(super) selector: VersionSelector,
    pub(super) entry: Option<Entry>,
    pub(super) flight: Option<Arc<Flight<Outcome>>>,
    pub(super) failure: Option<Failure>,
    used: Used,
}

pub(super) struct Entry {
    pub(super) record: Arc<Record>,
    pub(super) schedule: Schedule,
    pub(super) weight: usize,
    /// The place of the flight that brought it.
    pub(super) sequence: u64,
}

pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) until: Instant64,
    pub(super) count: u32,
}

/// When a slot was last used. Hits write it while others read, each part for itself: it only orders evictions.
#[derive(Default)]
struct Used {
    generation: AtomicU64,
    hit: AtomicBool,
    at: AtomicU64,
    sequence: u64,
}

/// What goes first: slots that only remember a failure (0, others 1), then by insertions since the last use, whether it was
/// a hit, its time, and the order of flights.
pub(super) type Rank = [u64; 5];

impl Entry {
    pub(super) fn read(&self, now: Now, stale: bool) -> Secret {
        Secret::new(self.record.clone(), self.schedule.age(now), stale)
    }
}

impl Slot {
    pub(super) fn new(selector: VersionSelector) -> Self {
        Self { selector, entry: None, flight: None, failure: None, used: Used::default() }
    }

    /// Whether nothing is left that would make it worth its place.
    pub(super) fn is_empty(&self) -> bool {
        self.entry.is_none() && self.flight.is_none() && self.failure.is_none()
    }

    /// What its value takes in memory.
    pub(super) fn weight(&self) -> usize {
        self.entry.as_ref().map_or(0, |e| e.weight)
    }

    /// Notes a use. Written only where it changes: threads that read one secret would else take the line from each
    /// other.
    #[inline]
    pub(super) fn touch(&self, generation: u64, now: Now, hit: bool) {
        let at = now.mono.as_millis();
        if self.used.at.load(Ordering::Relaxed) != at {
            self.used.at.store(at, Ordering::Relaxed);
        }
        if self.used.generation.load(Ordering::Relaxed) != generation {
            self.used.generation.store(generation, Ordering::Relaxed);
        }
        if self.used.hit.load(Ordering::Relaxed) != hit {
            self.used.hit.store(hit, Ordering::Relaxed);
        }
    }

    /// Notes its place in the order of flights.
    pub(super) fn place(&mut self, sequence: u64) {
        self.used.sequence = sequence;
    }

    /// Its place in the order of eviction; none while a flight is under way.
    pub(super) fn rank(&self, now: Instant64) -> Option<Rank> {
        let idle = !self.flight.as_ref().is_some_and(|f| f.is_running(now));
        let used = &self.used;
        let (generation, at) = (used.generation.load(Ordering::Relaxed), used.at.load(Ordering::Relaxed));
        let (valuable, hit) = (self.entry.is_some(), used.hit.load(Ordering::Relaxed));
        idle.then(|| [valuable.into(), generation, hit.into(), at, used.sequence])
    }
}
