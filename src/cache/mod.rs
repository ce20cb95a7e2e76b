//! The cache of one client: which value answers a read at a given time, who fetches it, and what stays in memory.
//!
//! Pure and synchronous: every method is given the time. Hits only read the state; whatever changes it has it alone.
// SPDX-License-Identifier: Apache-2.0 OR MIT

#[cfg(test)]
mod model;
mod slot;
mod state;
#[cfg(test)]
mod tests;
pub(crate) mod ttl;

pub(crate) use slot::Outcome;
pub(crate) use state::{Counts, Entered, Intent};

use crate::lease::Lease;
use crate::secret::{Record, Secret, VersionSelector};
use crate::sync::{Shared, Tally};
use crate::time::{Instant64, Now};
use state::State;
use std::sync::Arc;
use ttl::CachePolicy;

/// What a read is for: the name as it was asked for, and the version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) name: crate::secret::SecretName,
    pub(crate) selector: VersionSelector,
}

pub(crate) struct Cache {
    state: Shared<State>,
    /// Hits on the hot path, which writes nothing into the state.
    hits: Tally,
    policy: CachePolicy,
}

impl Cache {
    pub(crate) fn new(policy: CachePolicy) -> Self {
        Self { state: Shared::new(State::default()), hits: Tally::default(), policy }
    }

    pub(crate) fn policy(&self) -> &CachePolicy {
        &self.policy
    }

    /// The hot path: a fresh value of the current version, or nothing.
    #[inline]
    pub(crate) fn fresh(&self, name: &str, now: Now) -> Option<Secret> {
        let secret = self.state.read(|s| s.fresh(name, now))?;
        self.hits.add(1);
        Some(secret)
    }

    /// Decides how a read goes on. `lease_for`: for how many milliseconds a new leader's lease runs.
    pub(crate) fn enter(&self, key: &Key, now: Now, intent: Intent, lease_for: u64) -> Entered {
        let mut displaced = None;
        let entered = self.state.write(|s| {
            let entered = s.enter(key, now, intent, lease_for, &mut displaced);
            s.clear_away(&self.policy, now.mono);
            entered
        });
        if let Some(flight) = displaced {
            flight.abandon();
        }
        entered
    }

    /// The lead of a key that nobody has, fetches or saw fail a moment ago; nothing for any other.
    pub(crate) fn lead_cold(&self, key: &Key, now: Now, lease_for: u64) -> Option<Lease<Outcome>> {
        if !self.state.read(|s| s.is_cold(key, now.mono)) {
            return None;
        }
        match self.enter(key, now, Intent::Read { max_age: None }, lease_for) {
            Entered::Lead(lease, None) => Some(lease),
            _ => None,
        }
    }

    /// The place in the order of flights: a refresh joins only later ones.
    pub(crate) fn sequence(&self) -> u64 {
        self.state.read(|s| s.sequence)
    }

    /// Ends the leader's flight with what it brought. The value is kept only if the flight is still the key's own:
    /// after an invalidation or a purge in mid-flight it is answered to its waiters and forgotten.
    pub(crate) fn complete(&self, key: &Key, lease: Lease<Outcome>, outcome: Outcome, ending: &Ending) {
        self.state.write(|s| {
            s.settle(key, lease.flight(), &outcome, ending, &self.policy);
            s.make_room(&self.policy, ending.now.mono);
        });
        lease.finish(outcome);
    }

    /// Whether asking KMS for the key failed a moment ago: then nobody waits for the next try either.
    pub(crate) fn keeps_failing(&self, key: &Key, now: Instant64) -> bool {
        self.state.read(|s| s.keeps_failing(key, now))
    }

    /// The old value for a read that has waited in vain, by the time of its answer; nothing where it was forgotten
    /// meanwhile or may not be answered any more. `slow`: the jitter, where KMS took longer than a read waits; later
    /// reads are answered the old value at once then.
    pub(crate) fn outlasting(&self, key: &Key, now: Now, slow: Option<u64>) -> Option<Secret> {
        self.state.write(|s| s.outlasting(key, now, slow))
    }

    /// Forgets one name in all its versions, or everything; flights under way no longer count for the cache.
    pub(crate) fn invalidate(&self, name: Option<&str>) {
        self.state.write(|s| match name {
            Some(name) => s.remove(name),
            None => s.clear(),
        });
    }

    /// Forgets everything and refuses every later read.
    pub(crate) fn close(&self) {
        self.state.write(State::close);
    }

    /// The value of a key that is at hand, however old, without asking for it.
    pub(crate) fn at_hand(&self, key: &Key) -> Option<Arc<Record>> {
        self.state.read(|s| s.at_hand(key))
    }

    /// For how many milliseconds this value stays fresh under this name; 0 where it is not, or not kept.
    pub(crate) fn fresh_for(&self, name: &str, record: &Arc<Record>, now: Now) -> u64 {
        self.state.read(|s| s.fresh_for(name, record, now))
    }

    /// Counts hits that were answered from a copy of the value outside, as if they had been asked for here.
    pub(crate) fn touch(&self, name: &str, hits: u32, now: Now) {
        self.state.read(|s| s.touch(name, now));
        self.hits.add(hits.into());
    }

    /// How often values have left (evicted, purged, invalidated): whoever holds copies compares it.
    pub(crate) fn removals(&self) -> u32 {
        self.state.read(|s| s.removals())
    }

    /// Counts for `status()`.
    pub(crate) fn counts(&self, now: Now) -> Counts {
        let mut counts = self.state.read(|s| s.count(now));
        counts.hits = counts.hits.wrapping_add(self.hits.sum());
        counts
    }
}

#[cfg(test)]
impl Cache {
    /// What is booked, and what a recount gives: slots and bytes.
    fn recount(&self) -> [(usize, usize); 2] {
        self.state.read(State::recount)
    }

    /// Whether there is a slot for this key, with a value or without.
    fn holds(&self, key: &Key) -> bool {
        self.state.read(|s| s.find(key).is_some())
    }
}

/// How a flight ended, as far as the cache is concerned.
pub(crate) struct Ending {
    pub(crate) now: Now,
    /// How far the service's clock is ahead, in milliseconds.
    pub(crate) ahead: i64,
    pub(crate) random: u64,
}

/// The value that a flight left, as a read of `now` sees it.
pub(crate) fn just_fetched(record: &Arc<Record>) -> Secret {
    Secret::new(record.clone(), 0, false)
}
