//! Seams for what a platform offers beside HTTP: two clocks, timers, randomness, work behind an answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod clock;
#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
mod tokio;

pub(crate) use clock::{Clock, Ours, Within, wait_for_end};

#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
pub use self::tokio::{TokioBackground, TokioRuntime};

use crate::error::Result;
use crate::sync::{BoxFuture, MaybeSend, MaybeSync};
use crate::time::{Instant64, Now, Timestamp};
use std::future::Future;
use std::time::Duration;

/// Clocks, timers and randomness of the platform. Everything else in simsim is given the time, never asks for it.
///
/// Leases, deadlines and backoff run on [`mono`](Runtime::mono); expiry and signatures on [`wall`](Runtime::wall).
pub trait Runtime: MaybeSend + MaybeSync + 'static {
    /// The wall clock, in whole milliseconds since 1970 (UTC).
    fn wall(&self) -> Timestamp;

    /// A clock that never goes back, in whole milliseconds since an arbitrary start.
    fn mono(&self) -> Instant64;

    /// Waits. Dropping the future cancels the wait.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + MaybeSend;

    /// Fills `buf` from a cryptographically secure source: nonces and jitter.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal) when the platform has no randomness to give.
    fn fill_random(&self, buf: &mut [u8]) -> Result<()>;

    /// Both clocks at once.
    fn now(&self) -> Now {
        Now { wall: self.wall(), mono: self.mono() }
    }

    /// Waits as [`sleep`](Runtime::sleep) does, so many milliseconds, for what the task `leader` is at (0: for no
    /// task): where the host can tell that it has ended, the wait ends with it.
    #[doc(hidden)]
    fn wait(&self, ms: u64, _leader: u32) -> impl Future<Output = ()> + MaybeSend {
        self.sleep(Duration::from_millis(ms))
    }

    /// The task that is running, where the host numbers them.
    #[doc(hidden)]
    fn task(&self) -> u32 {
        0
    }

    /// Whether one task may wake another. Where it may not (the mailbox: every operation is polled only in
    /// its own request), a waiting task looks again on a timer of its own.
    fn wakes_others(&self) -> bool {
        true
    }
}

/// Runs work that outlives the call that asked for it: `tokio::spawn`, or a worker's `waitUntil`.
pub trait Background: MaybeSend + MaybeSync + 'static {
    /// Takes the task, or hands it back where nothing can run it after the answer (it is then done inline).
    ///
    /// # Errors
    /// The task itself, not started.
    fn run(&self, task: BoxFuture<'static, ()>) -> std::result::Result<(), BoxFuture<'static, ()>>;
}

/// The type-erased twin of [`Runtime`].
pub(crate) trait DynRuntime: MaybeSend + MaybeSync + 'static {
    fn now(&self) -> Now;
    fn wait(&self, ms: u64, leader: u32) -> BoxFuture<'_, ()>;
    fn task(&self) -> u32;
    fn fill_random(&self, buf: &mut [u8]) -> Result<()>;
    fn wakes_others(&self) -> bool;
}

impl<R: Runtime> DynRuntime for R {
    fn now(&self) -> Now {
        Runtime::now(self)
    }
    fn wait(&self, ms: u64, leader: u32) -> BoxFuture<'_, ()> {
        Box::pin(Runtime::wait(self, ms, leader))
    }
    fn task(&self) -> u32 {
        Runtime::task(self)
    }
    fn fill_random(&self, buf: &mut [u8]) -> Result<()> {
        Runtime::fill_random(self, buf)
    }
    fn wakes_others(&self) -> bool {
        Runtime::wakes_others(self)
    }
}
