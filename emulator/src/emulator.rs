//! `Emulator`: the handle through which a test or the server steers and asks the emulator.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::answer::Reply;
use crate::entropy::Entropy;
use crate::fault::Fault;
use crate::journal::LoggedCall;
use crate::request::Incoming;
use crate::secret::{CURRENT, Kind, Record, SecretSeed, State as SecretState, Version, interval, is_value};
use crate::state::{Moment, State};
use simsim::runtime::Runtime;
use simsim::sync::{BoxFuture, MaybeSend, MaybeSync};
use simsim::{Now, Sensitive, Timestamp};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The type-erased twin of [`Runtime`].
trait Platform: MaybeSend + MaybeSync + 'static {
    fn now(&self) -> Now;
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()>;
    fn seed(&self) -> [u8; 32];
}

impl<R: Runtime> Platform for R {
    fn now(&self) -> Now {
        Runtime::now(self)
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(Runtime::sleep(self, duration))
    }
    fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        // Without randomness ids still differ by their serial number, which is enough for made-up keys.
        let _ = self.fill_random(&mut seed);
        seed
    }
}

/// A KMS and an STS in this process. Clones share one state.
///
/// It implements [`simsim::http::Fetch`], so a client takes it in the place of a transport. Time, sleeping and
/// randomness come from the [`Runtime`] that it is made with: with a manual one nothing ever waits for real.
#[derive(Clone)]
pub struct Emulator(Arc<Inner>);

struct Inner {
    platform: Box<dyn Platform>,
    state: Mutex<State>,
}

impl Emulator {
    /// An empty emulator: no keys, no secrets, the documented quota.
    pub fn new(runtime: impl Runtime) -> Self {
        Self(Arc::new(Inner { platform: Box::new(runtime), state: Mutex::default() }))
    }

    /// The state is touched only inside `f`: no guard crosses an await, no foreign code runs inside.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn handle(&self, incoming: &Incoming) -> Reply {
        let moment = Moment { now: self.0.platform.now(), seed: self.0.platform.seed() };
        self.with(|state| state.handle(incoming, &moment))
    }

    /// The server's time, and randomness that no other call has.
    pub(crate) fn moment(&self) -> (Timestamp, Entropy) {
        let (now, random) = (self.0.platform.now(), self.0.platform.seed());
        self.with(|state| (state.clock(now.wall), state.entropy(random)))
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            self.0.platform.sleep(duration).await;
        }
    }

    /// Creates a secret, or replaces it with all its versions.
    pub fn put_secret(&self, seed: SecretSeed) {
        let (now, random) = (self.0.platform.now(), self.0.platform.seed());
        self.with(|state| {
            let version_id = state.entropy(random).id();
            let record = Record::new(seed, version_id, state.clock(now.wall));
            state.vault.put(record);
        });
    }

    /// Creates a secret that has rotated once: with the value of `previous` as `ACSPrevious`.
    pub(crate) fn put_secret_with_previous(&self, mut seed: SecretSeed, previous: Option<SecretSeed>) {
        let Some(previous) = previous else { return self.put_secret(seed) };
        let (now, random) = (self.0.platform.now(), self.0.platform.seed());
        self.with(|state| {
            let mut entropy = state.entropy(random);
            let now = state.clock(now.wall);
            let current = Version {
                id: seed.version_id.take().unwrap_or_else(|| entropy.id()),
                kind: seed.kind,
                data: std::mem::replace(&mut seed.data, previous.data),
                created: now,
                stages: vec![CURRENT.to_owned()],
            };
            seed.kind = previous.kind;
            let mut record = Record::new(seed, entropy.id(), now);
            // A second version always has room.
            let _ = record.add(current);
            state.vault.put(record);
        });
    }

    /// Gives the secrets of that name a new current value; the old one becomes `ACSPrevious`.
    /// The id of the new version, or an empty text when there is no such secret, or it does not take the value. A binary
    /// secret takes base64.
    pub fn rotate(&self, name: &str, new_value: &str) -> String {
        self.rotate_to(name, None, new_value)
    }

    /// The same for a value of that kind; without one, of the kind that the old value has.
    pub(crate) fn rotate_to(&self, name: &str, kind: Option<Kind>, new_value: &str) -> String {
        let (now, random) = (self.0.platform.now(), self.0.platform.seed());
        self.with(|state| {
            let id = state.entropy(random).id();
            let now = state.clock(now.wall);
            let mut rotated = false;
            for record in state.vault.all_mut(name) {
                let old = record.with_stage(CURRENT).map_or(Kind::Text, |version| version.kind);
                let kind = kind.unwrap_or(old);
                let data = Sensitive::new(new_value.to_owned());
                let version =
                    Version { id: id.clone(), kind, data, created: now, stages: vec![CURRENT.to_owned()] };
                if !is_value(kind, new_value) || record.add(version).is_err() {
                    continue;
                }
                rotated = true;
                record.last_rotation = Some(now);
                let interval = record.rotation_interval.as_deref().and_then(interval);
                if let (Some(_), Some(interval)) = (record.next_rotation, interval) {
                    record.next_rotation = Some(now.after(interval));
                }
            }
            if rotated { id } else { String::new() }
        })
    }

    /// Refuses every call for that name with 403 `Forbidden.NoPermission`.
    pub fn deny(&self, name: &str) {
        self.with(|state| state.vault.deny(name));
    }

    /// Takes [`deny`](Self::deny) back.
    pub fn allow(&self, name: &str) {
        self.with(|state| state.vault.allow(name));
    }

    pub(crate) fn has_secret(&self, name: &str) -> bool {
        self.with(|state| state.vault.all_mut(name).next().is_some())
    }

    fn set_state(&self, name: &str, to: SecretState) {
        self.with(|state| state.vault.all_mut(name).for_each(|record| record.state = to));
    }

    /// Disables a secret: calls get `Rejected.Disabled`.
    pub fn disable(&self, name: &str) {
        self.set_state(name, SecretState::Disabled);
    }

    /// Plans a secret's deletion: calls get `Rejected.PendingDeletion`.
    pub fn schedule_deletion(&self, name: &str) {
        self.set_state(name, SecretState::PendingDeletion);
    }

    /// Takes [`disable`](Self::disable) and [`schedule_deletion`](Self::schedule_deletion) back.
    pub fn restore(&self, name: &str) {
        self.set_state(name, SecretState::Enabled);
    }

    /// Removes a secret: calls get 404 `Forbidden.ResourceNotFound`.
    pub fn remove_secret(&self, name: &str) {
        self.with(|state| state.vault.remove(name));
    }

    /// Queues a fault.
    pub fn inject(&self, fault: Fault) {
        self.with(|state| state.faults.add(fault));
    }

    /// Removes all faults. Requests that hang already go on hanging.
    pub fn clear_faults(&self) {
        self.with(|state| state.faults.clear());
    }

    /// Sets the server's clock to the runtime's wall clock plus `ms`. The `Date` header follows.
    pub fn set_clock_offset(&self, ms: i64) {
        self.with(|state| state.clock_offset_ms = ms);
    }

    /// Sets how many reads per second each account gets in each region (450 at first); `None` lifts the limit.
    pub fn set_quota(&self, per_second: Option<u32>) {
        self.with(|state| state.quota.set(per_second));
    }

    /// How many requests for that action arrived, whatever became of them (faults and refusals included).
    pub fn calls(&self, action: &str) -> u64 {
        self.with(|state| state.journal.count(action))
    }

    /// How many requests for each action arrived.
    pub fn call_counts(&self) -> Vec<(String, u64)> {
        self.with(|state| state.journal.counts().iter().map(|(action, n)| (action.clone(), *n)).collect())
    }

    /// How many reads were answered with what they asked for (a batch is one), whatever a fault did to it on its way.
    pub fn reads_answered(&self) -> u64 {
        self.with(|state| state.journal.reads())
    }

    /// The last requests in the order they arrived, at most 16,384.
    pub fn log(&self) -> Vec<LoggedCall> {
        self.with(|state| state.journal.calls())
    }

    /// Empties the log and sets all counts to zero.
    pub fn reset_log(&self) {
        self.with(|state| state.journal.reset());
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, roles, secrets) = self.with(|state| {
            let (keys, roles) = state.accounts.counts();
            (keys, roles, state.vault.len())
        });
        f.debug_struct("Emulator")
            .field("access_keys", &keys)
            .field("roles", &roles)
            .field("secrets", &secrets)
            .finish_non_exhaustive()
    }
}
