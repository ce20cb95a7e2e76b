//! Flights and leases: who leads a piece of shared work, on a given monotonic time.
//!
//! A flight is plain state that its waiters hold, never a shared future: one waiter's end cannot hurt another, and a
//! leader that is gone without a trace (a cancelled worker request runs no destructor) is replaced when its lease ends.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::sync::Guarded;
use crate::time::Instant64;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// One piece of work under way, with the result it leaves behind.
pub(crate) struct Flight<T> {
    /// Grows with every flight of one place: a refresh joins only what started after it.
    pub(crate) sequence: u64,
    state: Guarded<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    waiters: Vec<Option<Waker>>,
}

enum Phase<T> {
    Running { until: Instant64 },
    Done(T),
    Abandoned,
}

/// What a waiter sees.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Status<T> {
    /// The leader's lease runs until then.
    Running { until: Instant64 },
    /// The leader left a result.
    Done(T),
    /// The leader gave up, or its lease ended: someone else may lead.
    Over,
}

impl<T: Clone> Flight<T> {
    pub(crate) fn start(sequence: u64, until: Instant64) -> (Arc<Self>, Lease<T>) {
        let state = State { phase: Phase::Running { until }, waiters: Vec::new() };
        let flight = Arc::new(Self { sequence, state: Guarded::new(state) });
        (flight.clone(), Lease { flight })
    }

    pub(crate) fn status(&self, now: Instant64) -> Status<T> {
        self.state.with(|s| match &s.phase {
            Phase::Running { until } if now <= *until => Status::Running { until: *until },
            Phase::Running { .. } | Phase::Abandoned => Status::Over,
            Phase::Done(result) => Status::Done(result.clone()),
        })
    }

    pub(crate) fn is_running(&self, now: Instant64) -> bool {
        self.state.with(|s| matches!(s.phase, Phase::Running { until } if now <= until))
    }

    /// Ends the flight; the first end counts. Wakers are called outside the lock.
    fn end(&self, phase: Phase<T>) {
        let woken = self.state.with(|s| {
            if !matches!(s.phase, Phase::Running { .. }) {
                return Vec::new();
            }
            s.phase = phase;
            std::mem::take(&mut s.waiters)
        });
        for waker in woken.into_iter().flatten() {
            waker.wake();
        }
    }

    /// Takes the lead from a leader whose lease has ended: its other waiters look for the new flight.
    pub(crate) fn abandon(&self) {
        self.end(Phase::Abandoned);
    }

    /// Completes when the flight has ended (not when the lease has: that needs a clock).
    pub(crate) fn ended(self: &Arc<Self>) -> Ended<T> {
        Ended { flight: self.clone(), place: None }
    }
}

/// The leader's hold on a flight. Dropping it unfinished abandons the flight.
pub(crate) struct Lease<T: Clone> {
    flight: Arc<Flight<T>>,
}

impl<T: Clone> Lease<T> {
    pub(crate) fn flight(&self) -> &Arc<Flight<T>> {
        &self.flight
    }

    /// Moves the lease's end, if the flight still runs.
    pub(crate) fn renew(&self, new_until: Instant64) {
        self.flight.state.with(|s| {
            if let Phase::Running { until } = &mut s.phase {
                *until = (*until).max(new_until);
            }
        });
    }

    pub(crate) fn finish(self, result: T) {
        self.flight.end(Phase::Done(result));
    }
}

impl<T: Clone> Drop for Lease<T> {
    fn drop(&mut self) {
        self.flight.abandon();
    }
}

/// See [`Flight::ended`].
pub(crate) struct Ended<T> {
    flight: Arc<Flight<T>>,
    place: Option<usize>,
}

impl<T> Future for Ended<T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let flight = this.flight.clone();
        flight.state.with(|s| {
            if !matches!(s.phase, Phase::Running { .. }) {
                return Poll::Ready(());
            }
            match this.place.and_then(|p| s.waiters.get_mut(p)) {
                Some(place) if place.as_ref().is_some_and(|w| w.will_wake(cx.waker())) => {}
                Some(place) => *place = Some(cx.waker().clone()),
                None => {
                    this.place = Some(s.waiters.len());
                    s.waiters.push(Some(cx.waker().clone()));
                }
            }
            Poll::Pending
        })
    }
}

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let waker = self.flight.state.with(|s| s.waiters.get_mut(place).and_then(Option::take));
        drop(waker);
    }
}
