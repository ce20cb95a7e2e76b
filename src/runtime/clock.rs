//! The platform's clocks with what was learnt of their error, and waiting for a flight on them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::DynRuntime;
use crate::error::{Error, Result};
use crate::lease::{Flight, Status};
use crate::sync::{BoxFuture, MaybeSend, TASKS_WAKE_TASKS};
use crate::time::{Instant64, Now, Timestamp};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

/// A difference to the service's clock up to this is no fault of the local one, in milliseconds.
const TOLERANCE: u64 = 60_000;
/// How far off a date may be that the service accepts, and a minute for the way there, in milliseconds.
const ACCEPTED: u64 = 16 * 60_000;
/// The first and the longest nap of a waiter that nobody may wake, in milliseconds.
const NAP: (u64, u64) = (1, 16);

/// What an answer says of the date that its request was signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    Accepted,
    Refused,
    /// The request was not signed.
    Unsaid,
}

/// The platform's clocks, corrected by the `Date` of the service's answers.
pub(crate) struct Clock {
    runtime: Arc<dyn DynRuntime>,
    /// How far the service's clock is ahead of the local one, in milliseconds; 0 within the tolerance.
    ahead: AtomicI64,
    /// How far the two clocks were apart when an answer last told the time.
    heard: AtomicI64,
}

impl Clock {
    pub(crate) fn new(runtime: Arc<dyn DynRuntime>) -> Self {
        Self { runtime, ahead: AtomicI64::new(0), heard: AtomicI64::new(i64::MIN) }
    }

    /// Both clocks as the platform has them: ages are measured on these.
    #[inline]
    pub(crate) fn now(&self) -> Now {
        self.runtime.now()
    }

    /// The wall clock corrected: expiry and signatures.
    pub(crate) fn corrected(&self) -> Now {
        let now = self.runtime.now();
        Now { wall: now.wall.offset(self.ahead()), mono: now.mono }
    }

    /// How far the service's clock is ahead, in milliseconds.
    pub(crate) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Whether the correction changed by more than the tolerance since it was `before`, so that signing again makes a
    /// difference. Of several requests that are refused at once one learns, and all were signed before it did.
    pub(crate) fn changed_since(&self, before: i64) -> bool {
        self.ahead().abs_diff(before) > TOLERANCE
    }

    /// Whether an answer has told the time since the wall clock was last set: until then a session that seems over may
    /// be a clock that is fast.
    pub(crate) fn has_heard(&self) -> bool {
        apart(self.runtime.now()).abs_diff(self.heard.load(Ordering::Relaxed)) <= TOLERANCE
    }

    /// Learns from the `Date` of an answer that has just arrived; `ours`: what it says of our own date, for or against.
    ///
    /// The service refuses a date that is farther off than 15 minutes. So an answer that accepts ours, and yet carries
    /// such a `Date`, got it from a proxy or a cache: one of them must not make a valid session seem expired.
    pub(crate) fn learn(&self, date: Option<&str>, ours: Ours) {
        let Some(there) = date.and_then(Timestamp::parse_http_date) else { return };
        let now = self.runtime.now();
        let ahead = there.as_millis().saturating_sub(now.wall.as_millis());
        if ours == Ours::Accepted && ahead.abs_diff(self.ahead()) > ACCEPTED {
            return;
        }
        self.heard.store(apart(now), Ordering::Relaxed);
        let ahead = if ahead.unsigned_abs() > TOLERANCE { ahead } else { 0 };
        self.ahead.store(ahead, Ordering::Relaxed);
    }

    pub(crate) fn sleep(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.runtime.wait(ms, 0)
    }

    /// The task that is running: who leads what it starts.
    pub(crate) fn task(&self) -> u32 {
        self.runtime.task()
    }

    /// What the work gives, or nothing when its time is over; it is dropped then.
    pub(crate) fn within<'a, T>(&'a self, ms: u64, work: BoxFuture<'a, T>) -> Within<'a, T> {
        Within { work, time: self.sleep(ms) }
    }

    /// A random number: jitter.
    pub(crate) fn random(&self) -> Result<u64> {
        let mut bytes = [0u8; 8];
        self.runtime.fill_random(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// A nonce: 128 random bits as lower-case hex.
    pub(crate) fn nonce(&self) -> Result<String> {
        let mut bytes = [0u8; 16];
        self.runtime.fill_random(&mut bytes)?;
        if bytes == [0u8; 16] {
            return Err(Error::new(crate::ErrorKind::Internal, "the platform's randomness is all zeros"));
        }
        Ok(crate::text::lower_hex(&bytes))
    }
}

/// How far the wall clock is from the monotonic one, in milliseconds: it stays the same as long as nobody sets it (and
/// nothing freezes the other).
fn apart(now: Now) -> i64 {
    now.wall.as_millis().wrapping_sub_unsigned(now.mono.as_millis())
}

/// See [`Clock::within`]. The work is asked first.
pub(crate) struct Within<'a, T> {
    pub(crate) work: BoxFuture<'a, T>,
    pub(crate) time: BoxFuture<'a, ()>,
}

impl<T> Future for Within<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.time.as_mut().poll(cx).map(|()| None),
        }
    }
}

/// Waits until a flight has ended, its lease has, or the deadline has come (`None`).
///
/// Where tasks may wake each other, the flight's end wakes the waiter; elsewhere it looks again on a timer of its own,
/// and when the host tells that the leader is done.
pub(crate) fn wait_for_end<'a, T: Clone + MaybeSend + 'static>(
    flight: &'a Arc<Flight<T>>,
    clock: &'a Clock,
    deadline: Instant64,
) -> impl Future<Output = Option<Status<T>>> {
    let (mut nap, longest) = NAP;
    // Not an `async fn`: its future would hold what it is given twice.
    async move {
        loop {
            let now = clock.now().mono;
            let until = match flight.status(now) {
                Status::Running { until } => until,
                status => return Some(status),
            };
            if now >= deadline {
                return None;
            }
            // One past the lease's end: then it is over.
            let rest = until.plus(1).min(deadline).past(now);
            // Boxed: as an await of its own the first way would be linked where it is never gone.
            let wait: BoxFuture<'_, ()> = if TASKS_WAKE_TASKS && clock.runtime.wakes_others() {
                let mut place = flight.ended();
                let ended = std::future::poll_fn(move |cx| match place.watch(cx.waker()) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                });
                let either = clock.within(rest, Box::pin(ended));
                Box::pin(async move {
                    either.await;
                })
            } else {
                let short = clock.runtime.wait(rest.min(nap), flight.leader());
                nap = nap.wrapping_mul(2).min(longest);
                short
            };
            wait.await;
        }
    }
}
