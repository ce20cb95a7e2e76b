//! The credentials of one client: kept as one snapshot, refreshed ahead of expiry, coalesced by a lease of their own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, DynProvideCredentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::http::retry::out_of_time;
use crate::lease::{Flight, Lease, Renew, Status};
use crate::openapi::{Limit, Upstream};
use crate::runtime::{Clock, wait_for_end};
use crate::sync::{BoxFuture, Guarded};
use crate::time::{Instant64, Now, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// For how many milliseconds a provider may be silent before someone else asks it.
const LEASE: u64 = 3_250;
/// For how many a failed provider is left alone at most while it is needed.
const NEEDED: u64 = 1_000;
/// The same while an old session still serves, or after a refusal that will not change in a moment.
const PAUSE: u64 = 5_000;
/// How many milliseconds a provider may take, or as long as the caller has, where that is longer. The caller's own time may end
/// earlier, and leaves the asking to another.
pub(crate) const PROVIDING: u64 = 10_000;
/// How many milliseconds before its end a session counts as over: a request needs time to arrive.
const MARGIN: u64 = 5_000;
/// How many a call waits for a refresh while the old session is still valid; never more than half of its time.
const PATIENCE: u64 = 2_000;
/// For how many a refused credential is not signed with again, should the provider insist on it.
const REFUSED: u64 = 5_000;

/// Where the credentials come from.
enum Source {
    Fixed(Credentials),
    Provider(Arc<dyn DynProvideCredentials>),
}

type Outcome = Result<Credentials>;

pub(crate) struct CachedCredentials {
    source: Source,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    snapshot: Option<Snapshot>,
    flight: Option<Arc<Flight<Outcome>>>,
    failure: Option<Failure>,
    /// What the service refused, how, and until when it is not signed with again.
    rejected: Option<(Credentials, Error, Instant64)>,
    /// What was given in place of a refused session, and until when a refusal of it as well means a pause.
    renewed: Option<(Credentials, Instant64)>,
    sequence: u64,
}

/// What the provider failed with last, and until when it is left alone.
struct Failure {
    error: Error,
    /// While an old session still serves.
    serving: Instant64,
    /// While there is none.
    needed: Instant64,
}

#[derive(Clone)]
struct Snapshot {
    credentials: Credentials,
    obtained: Now,
    expiration: Timestamp,
    /// By how many milliseconds the refresh is later than it might be: a fleet that started at once does not ask at once.
    jitter: u64,
}

/// Whether a session may be signed with, and whether it is time for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    Fresh,
    Due,
    Over,
}

impl Snapshot {
    /// Judges on the corrected wall clock and on the monotonic one, whichever says that more time has passed.
    fn judge(&self, now: Now) -> Session {
        let lifetime = self.expiration.past(self.obtained.wall);
        let by_wall = now.wall.past(self.obtained.wall);
        let passed = by_wall.max(now.mono.past(self.obtained.mono));
        if passed.saturating_add(MARGIN) > lifetime {
            return Session::Over;
        }
        let due = refresh_at(lifetime);
        let jitter = self.jitter.checked_rem(lifetime.saturating_sub(due) / 10).unwrap_or_default();
        if passed >= due.saturating_add(jitter) { Session::Due } else { Session::Fresh }
    }
}

/// After how many milliseconds of its lifetime a session is refreshed: max(5 min, min(15 min, lifetime / 5)) before
/// its end, but never before half of it has passed.
fn refresh_at(lifetime: u64) -> u64 {
    const MINUTE: u64 = 60_000;
    let ahead = (lifetime / 5).clamp(5 * MINUTE, 15 * MINUTE);
    lifetime.saturating_sub(ahead).max(lifetime / 2)
}

enum Next<'a> {
    Known(Outcome),
    /// What the provider gives, asked as the leader of a flight.
    Lead(BoxFuture<'a, Outcome>),
    Follow(Arc<Flight<Outcome>>),
}

impl CachedCredentials {
    pub(crate) fn new<P: ProvideCredentials>(provider: P) -> Self {
        let source = match provider.fixed() {
            Some(credentials) => Source::Fixed(credentials),
            None => Source::Provider(Arc::new(provider)),
        };
        Self { source, state: Guarded::new(State::default()) }
    }

    /// Those of a provider that is kept elsewhere as well.
    pub(crate) fn shared(provider: Arc<dyn DynProvideCredentials>) -> Self {
        Self { source: Source::Provider(provider), state: Guarded::new(State::default()) }
    }

    /// The source's name for `status()`.
    pub(crate) fn name(&self) -> &'static str {
        match &self.source {
            Source::Fixed(credentials) => ProvideCredentials::name(credentials),
            Source::Provider(provider) => provider.name(),
        }
    }

    /// The credentials to sign with now.
    pub(crate) fn get<'a>(&'a self, upstream: Upstream<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            loop {
                let flight = match self.next(upstream) {
                    Next::Known(outcome) => return outcome,
                    Next::Lead(asking) => return asking.await,
                    Next::Follow(flight) => flight,
                };
                match wait_for_end(&flight, &upstream.api.clock, upstream.limit.deadline).await {
                    Some(Status::Done(outcome)) => return outcome,
                    Some(_) => {}
                    None => return Err(too_late()),
                }
            }
        })
    }

    /// Asks the provider as the leader of a flight, for so many milliseconds, and ends the flight with what it gave.
    /// The old session is answered instead where there is one.
    pub(crate) fn lead<'a>(
        &'a self,
        lease: Lease<Outcome>,
        old: Option<Credentials>,
        ms: u64,
        Upstream { api, limit }: Upstream<'a>,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let clock = &api.clock;
            let now = clock.corrected();
            let provider = match &self.source {
                Source::Provider(provider) if ms > 0 => provider,
                // Nobody is left to take what the provider would give.
                _ => return old.ok_or_else(too_late),
            };
            lease.led_by(clock.task());
            let both = Both(&lease, limit.lease);
            let deadline = now.mono.plus(PROVIDING).max(limit.deadline);
            // Where the old session serves, its renewal leaves half of the requests for what the call is about.
            let all = limit.requests.load(Ordering::Relaxed);
            let kept = if old.is_some() { all.div_ceil(2) } else { 0 };
            let requests = AtomicU32::new(all.saturating_sub(kept));
            // Whatever the provider renews in turn is no session of the client.
            let own = Limit { deadline, lease: &both, behind: None, requests: &requests, ..*limit };
            let rejected = self.state.with(|s| s.rejected.is_some());
            let cx = Context::new(now.wall, rejected, Upstream { api, limit: &own });
            let given = clock.within(ms, provider.provide(&cx)).await;
            limit.requests.store(requests.load(Ordering::Relaxed).saturating_add(kept), Ordering::Relaxed);
            let outcome = match given {
                // The caller's own time is over, which says little of the provider: the flight is abandoned, and
                // another waiter asks.
                None if ms >= limit.deadline.past(now.mono) => Err(too_late()),
                given => {
                    let given = given.unwrap_or_else(|| Err(unavailable(LATE)));
                    let outcome = self.settle(&lease, given, clock);
                    if let (Ok(credentials), Some(client)) = (&outcome, limit.behind) {
                        client.given(credentials);
                    }
                    lease.finish(outcome.clone());
                    outcome
                }
            };
            outcome.or_else(|error| old.ok_or(error))
        })
    }

    fn next<'a>(&'a self, upstream: Upstream<'a>) -> Next<'a> {
        let (clock, limit) = (&upstream.api.clock, upstream.limit);
        let now = clock.corrected();
        let begun = self.state.with(|s| {
            if let Source::Fixed(credentials) = &self.source {
                return Err(Next::Known(check(credentials.clone(), s.refused(now), now, clock.has_heard())));
            }
            let old = match s.snapshot.as_ref().map(|snapshot| (snapshot.judge(now), snapshot)) {
                Some((Session::Fresh, snapshot)) => {
                    return Err(Next::Known(Ok(snapshot.credentials.clone())));
                }
                Some((Session::Due, snapshot)) => Some(snapshot.credentials.clone()),
                Some((Session::Over, _)) | None => None,
            };
            let running = s.flight.as_ref().filter(|f| f.is_running(now.mono)).cloned();
            let until = |failure: &Failure| if old.is_some() { failure.serving } else { failure.needed };
            let failing = s.failure.as_ref().filter(|failure| now.mono < until(failure));
            match (old, running, failing) {
                (Some(old), running, failing) if running.is_some() || failing.is_some() => {
                    Err(Next::Known(Ok(old)))
                }
                (None, Some(flight), _) => Err(Next::Follow(flight)),
                (None, None, Some(failure)) => Err(Next::Known(Err(failure.error.clone()))),
                (old, ..) => Ok((s.begin(now), old)),
            }
        });
        let (mut lease, old) = match begun {
            Ok(begun) => begun,
            Err(next) => return next,
        };
        let mut ms = limit.deadline.past(now.mono);
        if let Some(old) = &old {
            if let Some(behind) = limit.behind {
                if behind.renew(lease, old) {
                    return Next::Known(Ok(old.clone()));
                }
                lease = self.state.with(|s| s.begin(now));
            }
            ms = (ms / 2).min(PATIENCE);
        }
        Next::Lead(self.lead(lease, old, ms, upstream))
    }

    /// Books what the provider gave. A session without expiry is used for the calls that wait for it and not kept.
    fn settle(&self, lease: &Lease<Outcome>, given: Result<Option<Credentials>>, clock: &Clock) -> Outcome {
        use ErrorKind::{BudgetExceeded, ClockSkew};
        let (now, heard, random) = (clock.corrected(), clock.has_heard(), clock.random().unwrap_or_default());
        self.state.with(|s| {
            let current = s.flight.as_ref().is_some_and(|f| Arc::ptr_eq(f, lease.flight()));
            if current {
                s.flight = None;
            }
            let again = s
                .refused(now)
                .is_some_and(|(refused, _)| matches!(&given, Ok(Some(given)) if given == refused));
            let outcome = match given {
                Ok(Some(given)) => check(given, s.refused(now), now, heard),
                Ok(None) => Err(unavailable("the provider is not configured here")),
                Err(error) => Err(failed(error)),
            };
            match &outcome {
                Ok(credentials) => {
                    s.failure = None;
                    if s.rejected.take().is_some() {
                        s.renewed = Some((credentials.clone(), now.mono.plus(REFUSED)));
                    }
                    if let Some(expiration) = credentials.expiration().filter(|_| current) {
                        let credentials = credentials.clone();
                        s.snapshot =
                            Some(Snapshot { credentials, obtained: now, expiration, jitter: random });
                    }
                }
                // A late failure of a leader that was replaced says nothing of what the provider gives now, and one that
                // repeats itself may have another session at any time (a function's next invocation brings one). A clock
                // that is not known yet, and a caller's own budget, say nothing of it either.
                Err(error) if current && !again && !matches!(error.kind(), ClockSkew | BudgetExceeded) => {
                    let asked = error.wait();
                    // At least half of it: a fleet does not come back in step.
                    let until = |most: u64| {
                        let pause =
                            (most / 2).saturating_add(random.checked_rem(most / 2).unwrap_or_default());
                        now.mono.plus(pause.max(asked))
                    };
                    let refusal = error.kind() == ErrorKind::CredentialsRejected;
                    let needed = until(if refusal { PAUSE } else { NEEDED });
                    s.failure = Some(Failure { error: error.clone(), serving: until(PAUSE), needed });
                }
                Err(_) => {}
            }
            outcome
        })
    }

    /// The service refused these credentials: they are dropped. Returns whether others may be had.
    pub(crate) fn reject(&self, refused: &Credentials, error: &Error, now: Now) -> bool {
        self.state.with(|s| {
            if s.snapshot.as_ref().is_some_and(|snapshot| snapshot.credentials == *refused) {
                s.snapshot = None;
            }
            // Not only the session but whatever comes in its place: asking on would hammer whoever gives it.
            let both = s.renewed.take().is_some_and(|(given, until)| given == *refused && now.mono < until);
            let until = now.mono.plus(PAUSE);
            s.failure = both.then(|| Failure { error: error.clone(), serving: until, needed: until });
            s.rejected = Some((refused.clone(), error.clone(), now.mono.plus(REFUSED)));
        });
        matches!(self.source, Source::Provider(_))
    }

    /// The session at hand, whatever became of it.
    pub(crate) fn given(&self) -> Option<Credentials> {
        self.state.with(|s| s.snapshot.as_ref().map(|snapshot| snapshot.credentials.clone()))
    }

    /// Forgets the session.
    pub(crate) fn clear(&self) {
        self.state.with(|s| *s = State::default());
    }
}

impl State {
    /// A flight in place of one that is over.
    fn begin(&mut self, now: Now) -> Lease<Outcome> {
        if let Some(dead) = self.flight.take() {
            dead.abandon();
        }
        self.sequence = self.sequence.wrapping_add(1);
        let (flight, lease) = Flight::start(self.sequence, now.mono.plus(LEASE));
        self.flight = Some(flight);
        lease
    }

    /// What was refused a moment ago.
    fn refused(&self, now: Now) -> Option<(&Credentials, &Error)> {
        self.rejected
            .as_ref()
            .filter(|(_, _, until)| now.mono < *until)
            .map(|(refused, error, _)| (refused, error))
    }
}

/// Two flights that wait for the same answer.
struct Both<'a>(&'a dyn Renew, &'a dyn Renew);

impl Renew for Both<'_> {
    fn renew(&self, until: Instant64) {
        self.0.renew(until);
        self.1.renew(until);
    }
}

/// Refuses what must not be signed with: a session that is over, or the one that the service has just refused. `heard`:
/// the clock is known to be right.
fn check(given: Credentials, refused: Option<(&Credentials, &Error)>, now: Now, heard: bool) -> Outcome {
    if given.expiration().is_some_and(|end| end <= now.wall) {
        let kind = if heard { ErrorKind::CredentialsUnavailable } else { ErrorKind::ClockSkew };
        return Err(Error::new(kind, "an expired session was given; use a provider that renews it"));
    }
    match refused {
        Some((refused, error)) if *refused == given => Err(error.clone()),
        _ => Ok(given),
    }
}

const LATE: &str = "the provider did not answer in time";

fn unavailable(why: &'static str) -> Error {
    Error::new(ErrorKind::CredentialsUnavailable, why)
}

/// The caller's time was over before the provider answered.
fn too_late() -> Error {
    out_of_time(Some(unavailable(LATE)), 0)
}

/// The provider's own failure.
fn failed(source: Error) -> Error {
    use ErrorKind::{BudgetExceeded, Closed, Config, CredentialsRejected, CredentialsUnavailable};
    if matches!(
        source.kind(),
        BudgetExceeded | Closed | Config | CredentialsRejected | CredentialsUnavailable
    ) {
        return source;
    }
    let wait = source.wait();
    Error::caused(ErrorKind::CredentialsUnavailable, "the provider failed".into(), Some(source), wait)
}

#[cfg(test)]
mod tests;
