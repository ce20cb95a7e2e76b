//! The credentials of one client: kept as one snapshot, refreshed ahead of expiry, coalesced by a lease of their own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, DynProvideCredentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Facts, Result};
use crate::http::retry::out_of_time;
use crate::lease::{Flight, Lease, Status};
use crate::runtime::{Clock, wait_for_end};
use crate::sync::Guarded;
use crate::time::{Instant64, Now, Timestamp, millis};
use std::sync::Arc;
use std::time::Duration;

/// For how long a provider may be silent before someone else asks it.
const LEASE: Duration = Duration::from_millis(3_250);
/// For how long a failed provider is left alone while it is needed, and while an old session still serves.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// How long before its end a session counts as over: a request needs time to arrive.
const MARGIN: Duration = Duration::from_secs(5);
/// How long a call waits for a refresh while the old session is still valid.
const PATIENCE: Duration = Duration::from_secs(2);
/// For how long a refused credential is not signed with again, should the provider insist on it.
const REFUSED: Duration = Duration::from_secs(5);

/// Where the credentials come from.
enum Source {
    Fixed(Credentials),
    Provider(Arc<dyn DynProvideCredentials>),
}

type Outcome = Result<Credentials>;

pub(crate) struct CachedCredentials {
    source: Source,
    name: &'static str,
    state: Guarded<State>,
}

#[derive(Default)]
struct State {
    snapshot: Option<Snapshot>,
    flight: Option<Arc<Flight<Outcome>>>,
    failure: Option<(Error, Instant64)>,
    rejected: Option<(Credentials, Instant64)>,
    sequence: u64,
}

#[derive(Clone)]
struct Snapshot {
    credentials: Credentials,
    obtained: Now,
    expiration: Timestamp,
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
        let lifetime = millis(self.expiration.since(self.obtained.wall));
        let by_wall = millis(now.wall.since(self.obtained.wall));
        let passed = by_wall.max(millis(now.mono.since(self.obtained.mono)));
        if passed.saturating_add(millis(MARGIN)) > lifetime {
            return Session::Over;
        }
        if passed >= refresh_at(lifetime) { Session::Due } else { Session::Fresh }
    }
}

/// After how many milliseconds of its lifetime a session is refreshed: max(5 min, min(15 min, lifetime / 5)) before
/// its end, but never before half of it has passed.
fn refresh_at(lifetime: u64) -> u64 {
    const MINUTE: u64 = 60_000;
    let ahead = (lifetime / 5).clamp(5 * MINUTE, 15 * MINUTE);
    lifetime.saturating_sub(ahead).max(lifetime / 2)
}

fn fixed(credentials: &Credentials, now: Now) -> Result<Credentials> {
    if credentials.expiration().is_some_and(|end| end <= now.wall) {
        return Err(unavailable("the session has expired; use a provider that renews it"));
    }
    Ok(credentials.clone())
}

enum Next {
    Known(Outcome),
    /// Ask the provider; the old session still serves.
    Lead(Lease<Outcome>, Option<Credentials>),
    Follow(Arc<Flight<Outcome>>),
}

impl CachedCredentials {
    pub(crate) fn new<P: ProvideCredentials>(provider: P) -> Self {
        let name = ProvideCredentials::name(&provider);
        let source = match provider.fixed() {
            Some(credentials) => Source::Fixed(credentials),
            None => Source::Provider(Arc::new(provider)),
        };
        Self { source, name, state: Guarded::new(State::default()) }
    }

    /// The source's name for `status()`.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The credentials to sign with now.
    pub(crate) async fn get(&self, clock: &Clock, deadline: Instant64) -> Result<Credentials> {
        let provider = match &self.source {
            Source::Fixed(credentials) => return fixed(credentials, clock.corrected()),
            Source::Provider(provider) => provider,
        };
        loop {
            let now = clock.corrected();
            let (lease, old) = match self.next(now) {
                Next::Known(outcome) => return outcome,
                Next::Follow(flight) => match wait_for_end(&flight, clock, deadline).await {
                    Some(Status::Done(outcome)) => return outcome,
                    Some(_) => continue,
                    None => return Err(too_late()),
                },
                Next::Lead(lease, old) => (lease, old),
            };
            let limit = match old {
                Some(_) => deadline.min(now.mono.after(PATIENCE)),
                None => deadline,
            };
            if now.mono >= deadline {
                // Nobody is left to take what the provider would give.
                return old.ok_or_else(too_late);
            }
            let cx = Context::new(now.wall, self.state.with(|s| s.rejected.is_some()));
            let given = match clock.within(limit.since(now.mono), provider.provide(&cx)).await {
                Some(given) => given,
                // The caller's own time is over, which says little of the provider: the flight is abandoned, and
                // another waiter asks.
                None if limit == deadline => return old.ok_or_else(too_late),
                None => Err(unavailable(LATE)),
            };
            let outcome = self.settle(&lease, given, clock.corrected(), old.is_some());
            lease.finish(outcome.clone());
            return outcome.or_else(|error| old.ok_or(error));
        }
    }

    fn next(&self, now: Now) -> Next {
        self.state.with(|s| {
            let old = match s.snapshot.as_ref().map(|snapshot| (snapshot.judge(now), snapshot)) {
                Some((Session::Fresh, snapshot)) => return Next::Known(Ok(snapshot.credentials.clone())),
                Some((Session::Due, snapshot)) => Some(snapshot.credentials.clone()),
                Some((Session::Over, _)) | None => None,
            };
            let running = s.flight.as_ref().filter(|f| f.is_running(now.mono)).cloned();
            let failing = s.failure.as_ref().filter(|(_, until)| now.mono < *until);
            match (old, running, failing) {
                (Some(old), running, failing) if running.is_some() || failing.is_some() => {
                    Next::Known(Ok(old))
                }
                (None, Some(flight), _) => Next::Follow(flight),
                (None, None, Some((error, _))) => Next::Known(Err(error.clone())),
                (old, ..) => {
                    if let Some(dead) = s.flight.take() {
                        dead.abandon();
                    }
                    s.sequence = s.sequence.wrapping_add(1);
                    let (flight, lease) = Flight::start(s.sequence, now.mono.after(LEASE));
                    s.flight = Some(flight);
                    Next::Lead(lease, old)
                }
            }
        })
    }

    /// Books what the provider gave. A session without expiry is used for the calls that wait for it and not kept.
    fn settle(
        &self,
        lease: &Lease<Outcome>,
        given: Result<Option<Credentials>>,
        now: Now,
        old_serves: bool,
    ) -> Outcome {
        self.state.with(|s| {
            let current = s.flight.as_ref().is_some_and(|f| Arc::ptr_eq(f, lease.flight()));
            if current {
                s.flight = None;
            }
            let refused = s.rejected.as_ref().filter(|(_, until)| now.mono < *until).map(|(c, _)| c);
            let outcome = match given {
                Ok(Some(given)) => check(given, refused, now),
                Ok(None) => Err(unavailable("the provider is not configured here")),
                Err(error) => Err(failed(error)),
            };
            match &outcome {
                Ok(credentials) => {
                    s.failure = None;
                    s.rejected = None;
                    if let Some(expiration) = credentials.expiration().filter(|_| current) {
                        s.snapshot =
                            Some(Snapshot { credentials: credentials.clone(), obtained: now, expiration });
                    }
                }
                // A late failure of a leader that was replaced says nothing of what the provider gives now.
                Err(error) if current => {
                    let pause = if old_serves { PAUSE.1 } else { PAUSE.0 };
                    s.failure = Some((error.clone(), now.mono.after(pause)));
                }
                Err(_) => {}
            }
            outcome
        })
    }

    /// The service refused these credentials: they are dropped. Returns whether others may be had.
    pub(crate) fn reject(&self, refused: &Credentials, now: Now) -> bool {
        if matches!(self.source, Source::Fixed(_)) {
            return false;
        }
        self.state.with(|s| {
            if s.snapshot.as_ref().is_some_and(|snapshot| snapshot.credentials == *refused) {
                s.snapshot = None;
            }
            s.failure = None;
            s.rejected = Some((refused.clone(), now.mono.after(REFUSED)));
        });
        true
    }

    /// Forgets the session.
    pub(crate) fn clear(&self) {
        self.state.with(|s| *s = State::default());
    }
}

/// Refuses what must not be signed with: a session that is over, or the one that the service has just refused.
fn check(given: Credentials, refused: Option<&Credentials>, now: Now) -> Outcome {
    if given.expiration().is_some_and(|end| end <= now.wall) {
        return Err(unavailable("the provider gave an expired session"));
    }
    if refused == Some(&given) {
        return Err(Error::new(
            ErrorKind::CredentialsRejected,
            "the provider gave the session again that the service refused",
        ));
    }
    Ok(given)
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
    if source.kind() == ErrorKind::CredentialsUnavailable {
        return source;
    }
    let facts = Facts::new(ErrorKind::CredentialsUnavailable, "the provider failed".into());
    Facts { source: Some(source), ..facts }.into()
}

#[cfg(test)]
mod tests;
