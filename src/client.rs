//! The client, and the read path: lookup → flight → call → insert.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::builder::{ClientBuilder, Target};
use crate::cache::{Cache, Ending, Entered, Intent, Key, Outcome, just_fetched};
use crate::credentials::ProvideCredentials;
use crate::credentials::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result};
use crate::gateway::shared;
use crate::http::retry::out_of_time;
use crate::lease::{Flight, Lease, Status};
use crate::observe::EventKind;
use crate::openapi::{GRACE, OpenApi};
use crate::read::{Wish, key};
use crate::runtime::{Background, Clock, wait_for_end};
use crate::secret::Secret;
use crate::sync::{BoxFuture, Guarded};
use crate::time::{Instant64, Now};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How many milliseconds a read waits for a refresh while a stale value is at hand.
const PATIENCE: u64 = 1_000;

/// A KMS secret client: names in, secrets out; cached, coalesced, refreshed, served through outages.
///
/// Cheap to clone; clones share everything. One client is one principal: what it caches belongs to its credentials.
///
/// ```
/// use simsim::{Client, Credentials};
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.add_session("STS.example", "not-a-real-secret", "not-a-real-token", None);
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/password", "open sesame"));
/// let client = Client::builder()
///     .region("cn-hangzhou")
///     .credentials(Credentials::session("STS.example", "not-a-real-secret", "not-a-real-token")?)
///     # .fetch(kms.clone()).runtime(runtime)
///     .build()?;
/// let secret = client.get_secret("db/password").await?;
/// assert_eq!(secret.text()?, "open sesame");
/// // A second read costs no call.
/// client.get_secret("db/password").await?;
/// # assert_eq!(kms.calls("GetSecretValue"), 1);
/// assert_eq!((client.status().misses, client.status().hits), (1, 1));
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() { let _ = (Client::builder(), Credentials::access_key("a", "b")); }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) api: Arc<OpenApi>,
    pub(crate) target: Arc<Target>,
    pub(crate) background: Option<Arc<dyn Background>>,
    pub(crate) credentials: CachedCredentials,
    pub(crate) cache: Cache,
    pub(crate) closed: AtomicBool,
    /// The service or the permissions do not know BatchGetSecretValue.
    pub(crate) batch_refused: AtomicBool,
    pub(crate) principal: Guarded<Option<String>>,
    /// How the last fetch failed, and when.
    pub(crate) last_error: Guarded<Option<(Error, Instant64)>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl Client {
    /// Begins a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Reads the current version of a secret, by name or ARN.
    ///
    /// # Errors
    /// See [`ErrorKind`]; a value at hand is answered through outages instead (see [`Secret::stale`]).
    pub async fn get_secret(&self, name: &str) -> Result<Secret> {
        let inner = &self.inner;
        if let Some(secret) = inner.cache.fresh(name, inner.clock().now()) {
            if inner.api.watch.listens() {
                inner.api.watch.emit(EventKind::Hit, name, 0, None);
            }
            return Ok(secret);
        }
        self.get(name).send().await
    }

    /// Fetches the current version from KMS now, whatever is cached and whatever failed a moment ago.
    ///
    /// Never joins a fetch that began before this call; many refreshes at once share one.
    ///
    /// # Errors
    /// As [`get_secret`](Self::get_secret), but a value at hand is not answered instead.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> simsim::Result<()> {
    /// # let runtime = simsim::runtime::TokioRuntime::new();
    /// # let kms = simsim_emulator::Emulator::new(runtime);
    /// # kms.add_access_key("LTAI-example", "not-a-real-secret");
    /// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
    /// # let client = simsim::Client::builder()
    /// #     .region("cn-hangzhou").fetch(kms.clone()).runtime(runtime)
    /// #     .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?).build()?;
    /// client.get_secret("db/login").await?;
    /// kms.rotate("db/login", "second");
    /// assert_ne!(client.get_secret("db/login").await?.text()?, "second", "the cache does not know yet");
    /// assert_eq!(client.refresh("db/login").await?.text()?, "second");
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub async fn refresh(&self, name: &str) -> Result<Secret> {
        let key = key(name, None, None)?;
        let intent = self.newer(&key, None);
        self.read(Wish { key, intent, timeout: None }).await
    }

    /// Forgets a secret in all its versions: the next read asks KMS. A fetch under way does not bring it back.
    pub fn invalidate(&self, name: &str) {
        self.inner.cache.invalidate(Some(name));
    }

    /// Forgets every secret.
    pub fn invalidate_all(&self) {
        self.inner.cache.invalidate(None);
    }

    /// A client of another principal: shares transport and limits with this one, never a cached value.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> simsim::Result<()> {
    /// # let runtime = simsim::runtime::TokioRuntime::new();
    /// # let kms = simsim_emulator::Emulator::new(runtime);
    /// # kms.add_access_key("LTAI-example", "not-a-real-secret");
    /// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
    /// # let client = simsim::Client::builder()
    /// #     .region("cn-hangzhou").fetch(kms.clone()).runtime(runtime)
    /// #     .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?).build()?;
    /// let tenant = client.for_principal(simsim::Credentials::access_key("LTAI-unknown", "not-a-real-secret")?);
    /// client.get_secret("db/login").await?;
    /// let error = tenant.get_secret("db/login").await.unwrap_err();
    /// assert_eq!(error.kind(), simsim::ErrorKind::CredentialsRejected);
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    #[must_use]
    pub fn for_principal(&self, credentials: impl ProvideCredentials) -> Self {
        let inner = &self.inner;
        Self::assemble(
            inner.api.clone(),
            inner.target.clone(),
            inner.background.clone(),
            CachedCredentials::new(credentials),
            inner.cache.policy().clone(),
        )
    }

    pub(crate) fn assemble(
        api: Arc<OpenApi>,
        target: Arc<Target>,
        background: Option<Arc<dyn Background>>,
        credentials: CachedCredentials,
        policy: crate::cache::ttl::CachePolicy,
    ) -> Self {
        let inner = Inner {
            api,
            target,
            background,
            credentials,
            cache: Cache::new(policy),
            closed: AtomicBool::new(false),
            batch_refused: AtomicBool::new(false),
            principal: Guarded::new(None),
            last_error: Guarded::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Ends the client, with all its clones: cached values are wiped, calls under way end at their next step, later
    /// ones fail with [`ErrorKind::Closed`]. Closing twice is harmless.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        self.inner.cache.close();
        self.inner.credentials.clear();
    }

    /// One read, with its event. Boxed: the future of a hit stays small, and there is one way for all reads.
    pub(crate) fn read(&self, wish: Wish) -> BoxFuture<'_, Result<Secret>> {
        Box::pin(async move {
            let Wish { key, intent, timeout } = wish;
            self.inner.target.endpoint_for(&key.name)?;
            let started = self.inner.clock().now().mono;
            let (kind, result) = self.walk(&key, intent, timeout, started).await;
            self.tell(kind, &key, started, result.as_ref().err());
            result
        })
    }

    /// Tells the observer what became of a key, since when.
    pub(crate) fn tell(&self, kind: EventKind, key: &Key, since: Instant64, failed: Option<&Error>) {
        let took = self.inner.clock().now().mono.past(since);
        self.inner.api.watch.emit(kind, key.name.as_str(), took, failed.map(Error::kind));
    }

    /// When a read that began then has to end, and whether that is its caller's own hurry.
    pub(crate) fn limit(&self, started: Instant64, timeout: Option<u64>) -> (Instant64, bool) {
        let usual = self.inner.target.timeout;
        (started.plus(timeout.unwrap_or(usual)), timeout.is_some_and(|t| t < usual))
    }

    #[expect(clippy::manual_async_fn, reason = "the future of an async fn holds what it is given twice")]
    fn walk(
        &self,
        key: &Key,
        intent: Intent,
        timeout: Option<u64>,
        started: Instant64,
    ) -> impl Future<Output = (EventKind, Result<Secret>)> {
        async move {
            let clock = self.inner.clock();
            let (deadline, own_limit) = self.limit(started, timeout);
            loop {
                let now = clock.now();
                let mut wait = match self.enter(key, intent, now, started, deadline) {
                    Way::Known(kind, result) => return (kind, result),
                    Way::Lead(kind, lease) => {
                        let outcome = self.lead(key, lease, deadline, own_limit).await;
                        return (kind, outcome.map(|record| just_fetched(&record)));
                    }
                    Way::Wait(wait) => wait,
                };
                if let Some(lease) = wait.lease.take() {
                    let silent = matches!(wait.with, With::Own) && wait.patient;
                    self.refresh_behind(key, lease, wait.behind, !silent).await;
                }
                let status = wait_for_end(&wait.flight, clock, wait.limit).await;
                if let Some(answer) = self.answer(key, wait, status) {
                    return answer;
                }
            }
        }
    }

    /// How a read goes on.
    fn enter(&self, key: &Key, intent: Intent, now: Now, started: Instant64, deadline: Instant64) -> Way {
        let inner = &self.inner;
        let (flight, lease, old, with) = match inner.cache.enter(key, now, intent, inner.first_lease()) {
            Entered::Ready(secret) => {
                let kind = if secret.stale() { EventKind::Stale } else { EventKind::Hit };
                return Way::Known(kind, Ok(secret));
            }
            Entered::Failed(error) => return Way::Known(EventKind::Miss, Err(error)),
            Entered::Lead(lease, None) => {
                let refresh = matches!(intent, Intent::Refresh { .. });
                return Way::Lead(if refresh { EventKind::Refresh } else { EventKind::Miss }, lease);
            }
            Entered::Behind(secret, lease) => {
                (lease.flight().clone(), Some(lease), Some(secret), With::Answer)
            }
            Entered::Lead(lease, old) => (lease.flight().clone(), Some(lease), old, With::Own),
            Entered::Follow(flight, old) => (flight, None, old, With::Others),
            Entered::Queue(flight) => (flight, None, None, With::Former),
        };
        let any_age = matches!(intent, Intent::Read { max_age: None });
        let patient = !(any_age && old.is_some() && inner.cache.keeps_failing(key, now.mono));
        let most = if patient { PATIENCE } else { 0 };
        let (behind, limit) = match with {
            With::Answer => (now.mono.plus(PATIENCE), now.mono),
            _ if old.is_some() => (started.plus(PATIENCE), started.plus(most)),
            _ => (deadline, deadline),
        };
        let (behind, limit) = (behind.min(deadline), limit.min(deadline));
        let hurried = deadline < started.plus(PATIENCE.min(inner.target.timeout));
        Way::Wait(Wait { flight, lease, old, with, patient, hurried, behind, limit })
    }

    /// What a read answers after its wait; nothing where it has to enter again.
    fn answer(
        &self,
        key: &Key,
        wait: Wait,
        status: Option<Status<Outcome>>,
    ) -> Option<(EventKind, Result<Secret>)> {
        let after = self.inner.clock().now();
        let at_once = matches!(wait.with, With::Answer);
        let well = match wait.with {
            With::Answer => EventKind::Hit,
            // Whatever came of that flight, it was too old.
            With::Former if status.is_some() => return None,
            With::Own if !wait.patient => EventKind::Coalesced,
            With::Own | With::Former => EventKind::Refresh,
            With::Others => EventKind::Coalesced,
        };
        let badly = if at_once { EventKind::Miss } else { well };
        let in_time = status.is_some();
        let failure = match status {
            Some(Status::Done(Ok(record))) => return Some((well, Ok(just_fetched(&record)))),
            Some(Status::Done(Err(error))) => Some(error),
            // The leader is gone: lead, or follow whoever leads now. A refresh of one's own that was lost behind the
            // answer is not begun over and over.
            Some(_) if matches!(wait.with, With::Others) && after.mono < wait.limit => return None,
            _ => None,
        };
        let served = failure.as_ref().is_none_or(|error| error.kind().consequence().stale);
        let Some(old) = wait.old.filter(|_| served) else {
            return Some((badly, Err(failure.unwrap_or_else(|| out_of_time(None, 0)))));
        };
        if failure.is_none() && at_once && !in_time {
            return Some((well, Ok(old)));
        }
        // A try that goes on behind the answer of a failing key notes its end itself, and one's own hurry says nothing
        // of KMS.
        let slow = failure.is_none() && (in_time || wait.patient) && !wait.hurried;
        let random = self.inner.clock().random().ok().filter(|_| slow);
        match self.inner.cache.outlasting(key, after, random) {
            Some(old) => Some((EventKind::Stale, Ok(old))),
            // Forgotten meanwhile, or past its bound: the read goes on as if there had been none.
            None => failure.map(|failure| (badly, Err(failure))),
        }
    }

    /// Refreshes behind the answer where something can run it there; else at once, until `limit`. `report`: the read
    /// that asked for it does not wait for it, so that it is an event of its own.
    #[expect(clippy::manual_async_fn, reason = "the future of an async fn holds what it is given twice")]
    fn refresh_behind(
        &self,
        key: &Key,
        lease: Lease<Outcome>,
        limit: Instant64,
        report: bool,
    ) -> impl Future<Output = ()> {
        async move {
            let clock = self.inner.clock();
            let now = clock.now().mono;
            let deadline = now.plus(self.inner.target.timeout);
            let (client, key) = (self.clone(), key.clone());
            let task = Box::pin(async move {
                // Waiters get the outcome from the flight, and a failure is remembered by the cache.
                let outcome = client.lead(&key, lease, deadline, false).await;
                if report {
                    client.tell(EventKind::Refresh, &key, now, outcome.as_ref().err());
                }
            });
            let left = match &self.inner.background {
                Some(background) => background.run(task),
                None => Err(task as BoxFuture<'static, ()>),
            };
            if let Err(task) = left {
                clock.within(limit.past(now), task).await;
            }
        }
    }

    /// Fetches as the leader of a flight, and ends the flight with what came.
    #[expect(clippy::manual_async_fn, reason = "the future of an async fn holds what it is given twice")]
    fn lead(
        &self,
        key: &Key,
        lease: Lease<Outcome>,
        deadline: Instant64,
        own_limit: bool,
    ) -> impl Future<Output = Outcome> {
        async move {
            lease.led_by(self.inner.clock().task());
            let query = shared::query(&key.name, &key.selector, self.inner.target.extended_config);
            let answer = self.ask(&key.name, shared::ACTION, query, &lease, deadline).await;
            let outcome = answer.and_then(|answer| {
                let record = shared::decode(&answer.response, &key.name);
                record.map_err(|e| e.with_attempts(answer.attempts))
            });
            self.conclude(key, lease, outcome, own_limit)
        }
    }

    /// Ends a flight with what came of it, and remembers that.
    pub(crate) fn conclude(
        &self,
        key: &Key,
        lease: Lease<Outcome>,
        outcome: Outcome,
        own_limit: bool,
    ) -> Outcome {
        let inner = &self.inner;
        let clock = inner.clock();
        let random = clock.random().unwrap_or_default();
        let now = clock.now();
        // More time would have meant more attempts.
        let cut_short = |e: &Error| {
            e.kind() == ErrorKind::Timeout
                || e.is_retryable()
                    && e.attempts() < inner.api.policy.max_attempts
                    && e.wait() < inner.target.timeout
        };
        if own_limit && outcome.as_ref().is_err_and(cut_short) {
            // The caller's own hurry is nobody else's failure: the flight is abandoned, another waiter leads.
            return outcome;
        }
        inner.last_error.with(|last| *last = outcome.as_ref().err().map(|e| (e.clone(), now.mono)));
        inner.cache.complete(key, lease, outcome.clone(), &Ending { now, ahead: clock.ahead(), random });
        outcome
    }
}

impl Inner {
    /// For how many milliseconds a leader's lease runs when it starts: as long as its first attempt may take.
    pub(crate) fn first_lease(&self) -> u64 {
        self.api.policy.attempt_timeout.min(self.target.timeout / 2).saturating_add(GRACE)
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        &self.api.clock
    }
}

/// How a read goes on.
enum Way {
    Known(EventKind, Result<Secret>),
    Lead(EventKind, Lease<Outcome>),
    Wait(Wait),
}

/// A wait for a flight.
struct Wait {
    flight: Arc<Flight<Outcome>>,
    /// Of a flight that is still to be led, behind the answer where that is possible.
    lease: Option<Lease<Outcome>>,
    /// What can be answered instead.
    old: Option<Secret>,
    with: With,
    /// Whether the flight is waited for at all where there is an old value.
    patient: bool,
    /// Whether the read has less time than that.
    hurried: bool,
    /// Until when the flight is led here if it cannot be led behind the answer.
    behind: Instant64,
    limit: Instant64,
}

/// What a read waits with, or for.
enum With {
    /// An answer at hand that is good as it is.
    Answer,
    /// A refresh of its own.
    Own,
    /// The flight of others.
    Others,
    /// The end of a flight that is older than the refresh that was asked for.
    Former,
}
