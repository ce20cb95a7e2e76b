//! Flights and leases: who leads a piece of shared work, on a given monotonic time.
//!
//! A flight is plain state that its waiters hold, never a shared future: one waiter's end cannot hurt another, and a
//! leader that is gone without a trace (a cancelled worker request runs no destructor) is replaced when its lease ends.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::sync::{Guarded, MaybeSend, MaybeSync, TASKS_WAKE_TASKS};
use crate::time::Instant64;
use std::sync::Arc;
use std::task::Waker;

/// One piece of work under way, with the result it leaves behind.
pub(crate) struct Flight<T> {
    /// Grows with every flight of one place: a refresh joins only what started after it.
    pub(crate) sequence: u64,
    state: Guarded<State<T>>,
}

struct State<T> {
    phase: Phase<T>,
    /// The task that leads, where tasks have numbers.
    leader: u32,
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
        let state = State { phase: Phase::Running { until }, leader: 0, waiters: Vec::new() };
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

    /// The task that leads.
    pub(crate) fn leader(&self) -> u32 {
        self.state.with(|s| s.leader)
    }

    pub(crate) fn is_running(&self, now: Instant64) -> bool {
        self.state.with(|s| matches!(s.phase, Phase::Running { until } if now <= until))
    }

    /// Ends the flight; the first end counts. Wakers are called outside the lock.
    fn end(&self, phase: Phase<T>) {
        self.state.with(|s| {
            if matches!(s.phase, Phase::Running { .. }) {
                s.phase = phase;
            }
        });
        if TASKS_WAKE_TASKS {
            // Nobody takes a place at a flight that has ended.
            let woken = self.state.with(|s| std::mem::take(&mut s.waiters));
            woken.into_iter().flatten().for_each(Waker::wake);
        }
    }

    /// Takes the lead from a leader whose lease has ended: its other waiters look for the new flight.
    pub(crate) fn abandon(&self) {
        self.end(Phase::Abandoned);
    }

    /// Tells when the flight has ended (not when the lease has: that needs a clock).
    pub(crate) fn ended(self: &Arc<Self>) -> Ended<T> {
        Ended { flight: self.clone(), place: None }
    }
}

/// A lease of whatever flight.
pub(crate) trait Renew: MaybeSend + MaybeSync {
    /// See [`Lease::renew`].
    fn renew(&self, until: Instant64);
}

/// Nobody else waits.
impl Renew for () {
    fn renew(&self, _until: Instant64) {}
}

/// The leader's hold on a flight. Dropping it unfinished abandons the flight.
pub(crate) struct Lease<T: Clone> {
    flight: Arc<Flight<T>>,
}

impl<T: Clone> Lease<T> {
    pub(crate) fn flight(&self) -> &Arc<Flight<T>> {
        &self.flight
    }

    /// Notes which task leads.
    pub(crate) fn led_by(&self, task: u32) {
        self.flight.state.with(|s| s.leader = task);
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

impl<T: Clone + MaybeSend + MaybeSync> Renew for Lease<T> {
    fn renew(&self, until: Instant64) {
        Self::renew(self, until);
    }
}

impl<T: Clone> Drop for Lease<T> {
    fn drop(&mut self) {
        self.flight.abandon();
    }
}

/// A waiter's place at a flight; see [`Flight::ended`]. Dropping it gives the place up.
pub(crate) struct Ended<T> {
    flight: Arc<Flight<T>>,
    place: Option<usize>,
}

impl<T> Ended<T> {
    /// Whether the flight has ended; if not, its end wakes `waker`, and no waker that was given before.
    pub(crate) fn watch(&mut self, waker: &Waker) -> bool {
        // The former waker is dropped outside the lock: it may own a task, and with it other waiters of this flight.
        let (ended, former) = self.flight.state.with(|s| {
            if !matches!(s.phase, Phase::Running { .. }) {
                return (true, None);
            }
            let former = match self.place.and_then(|p| s.waiters.get_mut(p)) {
                Some(place) if place.as_ref().is_some_and(|w| w.will_wake(waker)) => None,
                Some(place) => place.replace(waker.clone()),
                None => {
                    self.place = Some(s.waiters.len());
                    s.waiters.push(Some(waker.clone()));
                    None
                }
            };
            (false, former)
        });
        drop(former);
        ended
    }
}

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        let waker = self.flight.state.with(|s| {
            let waker = s.waiters.get_mut(place).and_then(Option::take);
            while s.waiters.pop_if(|w| w.is_none()).is_some() {}
            waker
        });
        drop(waker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Poll, Wake};

    /// Counts its wakes.
    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Bell {
        fn rung(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// A waker that owns another waiter, as the waker of a task does.
    struct Owner(#[expect(dead_code, reason = "owned, to be dropped with the waker")] Guarded<Ended<()>>);

    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }

    fn at(ms: u64) -> Instant64 {
        Instant64::from_millis(ms)
    }

    fn poll<T>(ended: &mut Ended<T>, waker: &Waker) -> Poll<()> {
        if ended.watch(waker) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Places taken, and those of them in use.
    fn places<T>(flight: &Flight<T>) -> (usize, usize) {
        flight.state.with(|s| (s.waiters.len(), s.waiters.iter().flatten().count()))
    }

    #[test]
    fn a_lease_runs_to_its_last_millisecond_and_is_only_ever_prolonged() {
        let (flight, lease) = Flight::<u8>::start(1, at(10));
        assert_eq!(flight.status(at(10)), Status::Running { until: at(10) });
        assert_eq!(flight.status(at(11)), Status::Over);
        assert!(flight.is_running(at(10)) && !flight.is_running(at(11)));
        lease.renew(at(20));
        lease.renew(at(5));
        assert_eq!(flight.status(at(20)), Status::Running { until: at(20) });
        lease.renew(at(u64::MAX));
        assert!(flight.is_running(at(u64::MAX)));
    }

    #[test]
    fn a_leader_that_wakes_up_late_but_was_not_replaced_goes_on() {
        let (flight, lease) = Flight::start(1, at(10));
        assert_eq!(flight.status(at(50)), Status::Over);
        lease.renew(at(60));
        assert_eq!(flight.status(at(50)), Status::Running { until: at(60) });
        lease.finish(7);
        assert_eq!(flight.status(at(1_000)), Status::Done(7));
    }

    #[test]
    fn the_first_end_counts() {
        let (flight, lease) = Flight::start(1, at(10));
        flight.abandon();
        lease.renew(at(99));
        lease.finish(7);
        assert_eq!(flight.status(at(5)), Status::Over);

        let (flight, lease) = Flight::start(2, at(10));
        lease.finish(7);
        flight.abandon();
        assert_eq!(flight.status(at(5)), Status::Done(7));
    }

    #[test]
    fn a_dropped_lease_abandons_its_flight_and_wakes_every_waiter_once() {
        let (flight, lease) = Flight::<u8>::start(1, at(10));
        let bells: Vec<Arc<Bell>> = (0..3).map(|_| Arc::default()).collect();
        let mut waiters: Vec<_> = bells.iter().map(|_| flight.ended()).collect();
        for (waiter, bell) in waiters.iter_mut().zip(&bells) {
            assert_eq!(poll(waiter, &Waker::from(bell.clone())), Poll::Pending);
        }
        assert!(bells.iter().all(|b| b.rung() == 0));
        drop(lease);
        assert_eq!(flight.status(at(5)), Status::Over);
        flight.abandon();
        assert!(bells.iter().all(|b| b.rung() == 1));
        for (waiter, bell) in waiters.iter_mut().zip(&bells) {
            assert_eq!(poll(waiter, &Waker::from(bell.clone())), Poll::Ready(()));
        }
    }

    #[test]
    fn a_waiter_is_woken_through_the_waker_of_its_last_poll_alone() {
        let (flight, lease) = Flight::start(1, at(10));
        let (first, last): (Arc<Bell>, Arc<Bell>) = Default::default();
        let mut waiter = flight.ended();
        assert_eq!(poll(&mut waiter, &Waker::from(first.clone())), Poll::Pending);
        assert_eq!(poll(&mut waiter, &Waker::from(last.clone())), Poll::Pending);
        assert_eq!(Arc::strong_count(&first), 1, "the former waker is let go");
        lease.finish(());
        assert_eq!((first.rung(), last.rung()), (0, 1));
    }

    #[test]
    fn polling_again_takes_no_more_room_and_a_dropped_waiter_is_not_woken() {
        let (flight, lease) = Flight::start(1, at(10));
        let (stays, goes): (Arc<Bell>, Arc<Bell>) = Default::default();
        let (mut staying, mut going) = (flight.ended(), flight.ended());
        for _ in 0..100 {
            assert_eq!(poll(&mut staying, &Waker::from(stays.clone())), Poll::Pending);
            assert_eq!(poll(&mut going, &Waker::from(goes.clone())), Poll::Pending);
        }
        assert_eq!(places(&flight), (2, 2));
        drop(going);
        assert_eq!((places(&flight).1, Arc::strong_count(&goes)), (1, 1));
        lease.finish(());
        assert_eq!((stays.rung(), goes.rung()), (1, 0));
        assert_eq!(places(&flight), (0, 0));
        drop(staying);
    }

    #[test]
    fn many_waiters_that_come_and_go_leave_no_room_taken() {
        let (flight, _lease) = Flight::<()>::start(1, at(10));
        let bell = Waker::from(Arc::<Bell>::default());
        for _ in 0..1_000 {
            let mut waiter = flight.ended();
            assert_eq!(poll(&mut waiter, &bell), Poll::Pending);
        }
        assert_eq!(places(&flight), (0, 0));
    }

    #[test]
    fn a_waker_that_owns_another_waiter_can_be_let_go_in_a_poll() {
        let (done, ends) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let (flight, _lease) = Flight::<()>::start(1, at(10));
            let mut owned = flight.ended();
            assert_eq!(poll(&mut owned, Waker::noop()), Poll::Pending);
            let owner = Waker::from(Arc::new(Owner(Guarded::new(owned))));
            let mut waiter = flight.ended();
            assert_eq!(poll(&mut waiter, &owner), Poll::Pending);
            drop(owner);
            // The last hold on the first waker goes here, and with it the waiter that it owns.
            assert_eq!(poll(&mut waiter, Waker::noop()), Poll::Pending);
            let _ = done.send(());
        });
        ends.recv_timeout(std::time::Duration::from_secs(20)).expect("no deadlock");
    }
}
