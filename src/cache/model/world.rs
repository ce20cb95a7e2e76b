//! The callers of the model: each action is done to the cache and to the reference, and the two are compared.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::super::ttl::CachePolicy;
use super::super::{Cache, Ending, Entered, Intent, Key, Outcome};
use super::reference::{Answer, End, Phase, Purge, Reference, Value, Wish, time};
use super::{Action, KEYS};
use crate::error::{Error, ErrorKind};
use crate::lease::{Ended, Flight, Lease, Status};
use crate::secret::{Record, Secret, SecretName, SecretType, SecretValue, VersionSelector};
use crate::sensitive::Sensitive;
use crate::time::millis;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};
use std::time::Duration;

const LEASE: u64 = 3_250;
const NAMES: [&str; 3] = ["db/password", "acs:kms:cn-hangzhou:1234567890:secret/db/password", "b"];
fn key(index: usize) -> Key {
    let selector = match index % 3 {
        0 => VersionSelector::Current,
        1 => VersionSelector::Stage(String::from("ACSPrevious")),
        _ => VersionSelector::Id(String::from("v1")),
    };
    Key { name: SecretName::parse(NAMES[index / 3]).unwrap(), selector }
}

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Leader {
    key: Key,
    flight: usize,
    lease: Lease<Outcome>,
}

/// What a leader brings: a value of a size, with its rotation if it has one; or a failure.
type Harvest = Result<(usize, Option<(i64, bool)>), (ErrorKind, Option<u64>)>;

struct Waiter {
    key: Key,
    flight: usize,
    /// Its place at the flight, given up when the waiter goes.
    _place: Ended<Outcome>,
    bell: Arc<Bell>,
    /// A refresh: what it joins, as the cache and as the reference count flights.
    after: Option<(u64, usize)>,
    queues: bool,
}

/// What a flight brought, and when.
struct Brought {
    record: Arc<Record>,
    login_bound: Option<u64>,
}

pub(super) struct World {
    cache: Cache,
    policy: CachePolicy,
    reference: Reference,
    flights: Vec<Arc<Flight<Outcome>>>,
    leaders: Vec<Leader>,
    waiters: Vec<Waiter>,
    brought: HashMap<usize, Brought>,
    asked: HashMap<Key, (u64, usize)>,
    /// The first flight whose value may be answered for a key: those before were invalidated or purged.
    barriers: HashMap<Key, usize>,
    closed: bool,
    pub(super) seen: BTreeMap<&'static str, u64>,
    keys: Vec<Key>,
}

type Check = Result<(), TestCaseError>;

impl World {
    pub(super) fn new(policy: CachePolicy) -> Self {
        let now = time(1_700_000_000_000, 1_000_000);
        Self {
            cache: Cache::new(policy.clone()),
            reference: Reference::new(policy.clone(), now),
            policy,
            flights: Vec::new(),
            leaders: Vec::new(),
            waiters: Vec::new(),
            brought: HashMap::new(),
            asked: HashMap::new(),
            barriers: HashMap::new(),
            closed: false,
            seen: BTreeMap::new(),
            keys: (0..KEYS).map(key).collect(),
        }
    }

    fn saw(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    pub(super) fn act(&mut self, action: &Action) -> Check {
        let now = self.reference.now;
        match *action {
            Action::Read { key: index, max_age } => self.enter(&self.keys[index].clone(), max_age, None)?,
            Action::Hot { key: index } => {
                let key = self.keys[index - index % 3].clone();
                let expected = self.reference.hot(&key);
                let got = self.cache.fresh(key.name.as_str(), now);
                prop_assert_eq!(got.as_ref().map(version), expected);
                if let Some(secret) = got {
                    self.saw("hot hit");
                    self.promises(&key, &secret, false)?;
                }
            }
            Action::Ask { key: index } => {
                let key = self.keys[index].clone();
                let place = (self.cache.sequence(), self.flights.len());
                self.asked.insert(key, place);
            }
            Action::Refresh { key: index } => {
                let key = self.keys[index].clone();
                let fresh = (self.cache.sequence(), self.flights.len());
                let place = self.asked.remove(&key).unwrap_or(fresh);
                self.enter(&key, None, Some(place))?;
            }
            Action::Renew { leader, ms } => {
                if let Some(leader) = pick(&self.leaders, leader).map(|at| &self.leaders[at]) {
                    let until = now.mono.after(Duration::from_millis(ms));
                    leader.lease.renew(until);
                    self.reference.renew(leader.flight, until.as_millis());
                }
            }
            Action::Succeed { leader, size, rotation, random } => {
                self.finish(leader, Ok((size, rotation)), random)?;
            }
            Action::Fail { leader, kind, retry_after, random } => {
                self.finish(leader, Err((ErrorKind::ALL[kind], retry_after)), random)?;
            }
            Action::DropLeader { leader } => {
                if let Some(at) = pick(&self.leaders, leader) {
                    let leader = self.leaders.swap_remove(at);
                    drop(leader.lease);
                    self.reference.abandon(leader.flight);
                }
            }
            Action::CancelWaiter { waiter } => {
                if let Some(at) = pick(&self.waiters, waiter) {
                    self.waiters.swap_remove(at);
                }
            }
            Action::Look => self.look()?,
            Action::Pass { mono, wall } => self.pass(mono, wall),
            Action::ToEdge { edge, past } => {
                let edges = self.reference.edges();
                if let Some(at) = edges.get(edge) {
                    let ahead = at - now.mono.as_millis() + u64::from(past);
                    self.pass(ahead, i64::try_from(ahead).unwrap());
                    self.saw("edge of a bound");
                }
            }
            Action::Outlast { key: index, slow } => {
                let key = self.keys[index].clone();
                let old = self.cache.outlasting(&key, now, slow);
                prop_assert_eq!(old.as_ref().map(version), self.reference.outlasting(&key, slow));
                self.saw(if old.is_some() { "outlasted" } else { "nothing left" });
                if let Some(secret) = old {
                    prop_assert!(secret.stale());
                    self.promises(&key, &secret, true)?;
                }
            }
            Action::Invalidate { key: index } => {
                let name = self.keys[index].name.clone();
                self.cache.invalidate(Some(name.as_str()));
                self.reference.invalidate(Some(name.as_str()));
                self.bar(|key| key.name == name);
            }
            Action::InvalidateAll => {
                self.cache.invalidate(None);
                self.reference.invalidate(None);
                self.bar(|_| true);
            }
            Action::Close => {
                self.cache.close();
                self.reference.close();
                self.closed = true;
            }
        }
        self.books()?;
        self.wakes()?;
        self.one_leader_each()
    }

    fn pass(&mut self, mono: u64, wall: i64) {
        let now = self.reference.now;
        self.reference.now = time(now.wall.as_millis() + wall, now.mono.as_millis() + mono);
        if wall < 0 {
            self.saw("clock went back");
        }
    }

    /// Values of flights that have begun before now are never answered from the cache any more.
    fn bar(&mut self, of: impl Fn(&Key) -> bool) {
        for key in self.keys.iter().filter(|key| of(key)) {
            self.barriers.insert(key.clone(), self.flights.len());
        }
    }

    fn enter(&mut self, key: &Key, max_age: Option<u64>, after: Option<(u64, usize)>) -> Check {
        let now = self.reference.now;
        let (intent, wish) = match after {
            None => (Intent::Read { max_age }, Wish::Read { max_age: max_age.map(Duration::from_millis) }),
            Some((place, count)) => (Intent::Refresh { after: place }, Wish::Refresh { after: count }),
        };
        let expected = self.reference.enter(key, wish, Duration::from_millis(LEASE));
        let mut lease = None;
        let mut values = Vec::new();
        let answer = match self.cache.enter(key, now, intent, LEASE) {
            Entered::Ready(secret) => {
                values.push(secret.clone());
                Answer::Ready { version: version(&secret), stale: secret.stale() }
            }
            Entered::Behind(secret, new) => {
                lease = Some(new);
                values.push(secret.clone());
                Answer::Behind { version: version(&secret) }
            }
            Entered::Failed(error) => Answer::Failed(error.kind()),
            Entered::Lead(new, old) => {
                lease = Some(new);
                let answer = Answer::Lead { old: old.as_ref().map(version) };
                values.extend(old);
                answer
            }
            Entered::Follow(flight, old) => {
                let answer = Answer::Follow { flight: self.number(&flight), old: old.as_ref().map(version) };
                values.extend(old);
                answer
            }
            Entered::Queue(flight) => Answer::Queue { flight: self.number(&flight) },
        };
        prop_assert_eq!(answer, expected);
        let waits = match answer {
            Answer::Follow { flight, .. } => {
                prop_assert!(
                    after.is_none_or(|(_, count)| flight >= count),
                    "a refresh joined an older flight"
                );
                prop_assert!(flight >= self.barrier(key), "joined a flight of before a purge");
                Some((flight, false))
            }
            Answer::Queue { flight } => Some((flight, true)),
            _ => None,
        };
        if let Some((flight, queues)) = waits {
            prop_assert_eq!(
                std::mem::discriminant(&self.flights[flight].status(now.mono)),
                std::mem::discriminant(&Status::Running { until: now.mono })
            );
            let mut place = self.flights[flight].ended();
            let bell = Arc::new(Bell::default());
            let waker = Waker::from(bell.clone());
            prop_assert!(!place.watch(&waker));
            self.waiters.push(Waiter { key: key.clone(), flight, _place: place, bell, after, queues });
        }
        if let Some(lease) = lease {
            self.flights.push(lease.flight().clone());
            self.leaders.push(Leader { key: key.clone(), flight: self.flights.len() - 1, lease });
        }
        prop_assert_eq!(self.flights.len(), self.reference.flights.len());
        for secret in &values {
            let shown_stale = !matches!(answer, Answer::Ready { stale: false, .. } | Answer::Behind { .. });
            prop_assert_eq!(secret.stale(), shown_stale);
            self.promises(key, secret, shown_stale)?;
        }
        prop_assert!(!self.closed || answer == Answer::Failed(ErrorKind::Closed));
        self.saw(match answer {
            Answer::Ready { stale: false, .. } => "ready",
            Answer::Ready { stale: true, .. } => "ready, stale",
            Answer::Behind { .. } => "refresh behind",
            Answer::Failed(ErrorKind::Closed) => "closed",
            Answer::Failed(_) => "remembered failure",
            Answer::Lead { old: None } => "lead",
            Answer::Lead { old: Some(_) } => "lead with an old value",
            Answer::Follow { old: None, .. } => "follow",
            Answer::Follow { old: Some(_), .. } => "follow with an old value",
            Answer::Queue { .. } => "queue",
        });
        Ok(())
    }

    fn number(&self, flight: &Arc<Flight<Outcome>>) -> usize {
        self.flights.iter().position(|f| Arc::ptr_eq(f, flight)).expect("a flight that a caller leads")
    }

    fn barrier(&self, key: &Key) -> usize {
        self.barriers.get(key).copied().unwrap_or_default()
    }

    /// What holds for every value that is answered, whatever the reference says.
    fn promises(&self, key: &Key, secret: &Secret, stale: bool) -> Check {
        let now = self.reference.now;
        let version = version(secret);
        prop_assert!(version >= self.barrier(key), "a value of before an invalidation or a purge");
        let entry = self.reference.entry(key).expect("a cached value");
        let brought = &self.brought[&version];
        prop_assert!(Arc::ptr_eq(secret.record(), &brought.record));
        prop_assert_eq!(secret.age(), entry.age(now));
        let age = millis(secret.age());
        let (ttl, policy) = (self.policy.ttl, &self.policy);
        prop_assert!(age <= ttl + ttl / 10 + policy.stale_if_error);
        prop_assert!(brought.login_bound.is_none_or(|bound| age <= bound), "a login of before its rotation");
        if !stale {
            prop_assert!(age <= ttl + ttl / 10 + policy.stale_while_revalidate);
            prop_assert!(now.wall >= entry.fetched.wall, "fresh though the clock went back");
        }
        Ok(())
    }

    fn finish(&mut self, leader: usize, result: Harvest, random: u64) -> Check {
        let Some(at) = pick(&self.leaders, leader) else { return Ok(()) };
        let Leader { key, flight, lease } = self.leaders.swap_remove(at);
        let now = self.reference.now;
        let (outcome, end) = match result {
            Ok((size, rotation)) => {
                let record = Arc::new(record(&key, flight, size, rotation, now.wall.as_millis()));
                let login = rotation.is_some_and(|(_, login)| login);
                let rotation = rotation.map(|(ms, _)| ms);
                let overlap = self.policy.rotation_overlap;
                // A rotation that is due may happen at any moment; one that is long due has evidently not come.
                let soon = rotation.filter(|ms| login && ms + i64::try_from(overlap).unwrap() > 0);
                let login_bound = soon.map(|ms| ms.max(0).unsigned_abs() + overlap);
                self.brought.insert(flight, Brought { record: record.clone(), login_bound });
                let weight = record.weight();
                (Ok(record), End::Value(Value { weight, rotation, login }))
            }
            Err((kind, ms)) => {
                let retry_after = ms.map(Duration::from_millis);
                let error = Error::new(kind, "").with_wait(retry_after.map_or(0, crate::time::millis));
                (Err(error), End::Failure { kind, retry_after })
            }
        };
        self.cache.complete(&key, lease, outcome, &Ending { now, ahead: 0, random });
        let purged = self.reference.complete(&key, flight, &end, random);
        match purged {
            Some(Purge::Name) => {
                self.bar(|other| other.name == key.name);
                self.saw("purge of a name");
            }
            Some(Purge::Version) => {
                self.bar(|other| *other == key);
                self.saw("purge of a version");
            }
            None => {}
        }
        let most = self.policy.max_entries.max(1);
        let evicted = self.reference.evict(most, |key| self.cache.holds(key));
        for evicted in evicted.map_err(TestCaseError::fail)? {
            // A leader that comes back after its lease has no place here any more.
            self.bar(|key| *key == evicted);
            self.saw("eviction");
        }
        Ok(())
    }

    fn look(&mut self) -> Check {
        for waiter in std::mem::take(&mut self.waiters) {
            let status = match self.flights[waiter.flight].status(self.reference.now.mono) {
                Status::Running { until } => Phase::Running { until: until.as_millis() },
                Status::Done(Ok(record)) => {
                    prop_assert!(Arc::ptr_eq(&record, &self.brought[&waiter.flight].record));
                    Phase::Done(Ok(waiter.flight))
                }
                Status::Done(Err(error)) => Phase::Done(Err(error.kind())),
                Status::Over => Phase::Abandoned,
            };
            prop_assert_eq!(&status, &self.reference.seen(waiter.flight));
            match status {
                Phase::Running { .. } => self.waiters.push(waiter),
                Phase::Done(_) if !waiter.queues => self.saw("answered by the leader"),
                Phase::Done(_) | Phase::Abandoned => {
                    self.saw("entered again");
                    self.enter(&waiter.key, None, waiter.after)?;
                }
            }
        }
        Ok(())
    }

    /// Slots and bytes are booked exactly, and nothing is lost or left over.
    fn books(&self) -> Check {
        prop_assert_eq!(self.cache.recount(), [self.reference.size(); 2]);
        for key in &self.keys {
            let held = self.cache.at_hand(key).map(|record| record.version_id.parse().unwrap());
            prop_assert_eq!(held, self.reference.entry(key).map(|e| e.version), "{:?}", key);
        }
        Ok(())
    }

    /// A waiter is woken when its flight has ended, once, and never before.
    fn wakes(&self) -> Check {
        for waiter in &self.waiters {
            let ended = !matches!(self.reference.flights[waiter.flight], Phase::Running { .. });
            prop_assert_eq!(waiter.bell.0.load(Ordering::Relaxed), usize::from(ended));
        }
        Ok(())
    }

    /// At most one leader of a key holds a lease that counts.
    fn one_leader_each(&self) -> Check {
        let mut leading: Vec<&Key> = Vec::new();
        for leader in &self.leaders {
            let runs = self.flights[leader.flight].is_running(self.reference.now.mono);
            if runs && leader.flight >= self.barrier(&leader.key) && !self.closed {
                prop_assert!(!leading.contains(&&leader.key), "two leaders of {:?}", leader.key);
                leading.push(&leader.key);
            }
        }
        Ok(())
    }
}

fn pick<T>(from: &[T], index: usize) -> Option<usize> {
    index.checked_rem(from.len())
}

fn version(secret: &Secret) -> usize {
    secret.version_id().parse().unwrap()
}

fn record(key: &Key, flight: usize, size: usize, rotation: Option<(i64, bool)>, wall: i64) -> Record {
    let login = rotation.is_some_and(|(_, login)| login);
    Record {
        name: key.name.plain().to_owned(),
        version_id: flight.to_string(),
        version_stages: Vec::new(),
        value: SecretValue::Text(Sensitive::new("x".repeat(size))),
        secret_type: if login { SecretType::Rds } else { SecretType::Generic },
        create_time: None,
        extended_config: None,
        automatic_rotation: None,
        rotation_interval: None,
        last_rotation_date: None,
        next_rotation_date: rotation.map(|(ms, _)| crate::Timestamp::from_millis(wall + ms)),
        request_id: None,
        size,
    }
}
