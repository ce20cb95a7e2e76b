//! `TokioRuntime` and `TokioBackground`: the clocks of the operating system, timers and tasks of tokio.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Background, Runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::BoxFuture;
use crate::time::{Instant64, Timestamp};
use std::sync::OnceLock;
use std::time::Duration;

/// The platform of native programs: the operating system's clocks and randomness, tokio's timers.
///
/// The clocks can be read anywhere. [`sleep`](Runtime::sleep) must be called inside a tokio runtime with time
/// enabled (`#[tokio::main]`, or `Builder::enable_time()`): tokio panics otherwise.
///
/// **Resolution.** On Linux the kernel's coarse clocks are read, because every cached read asks for the time: they
/// cost a third of the precise ones and lag behind them by at most one tick (4 ms as most kernels are
/// configured, never more than 10 ms). Cache ages, leases and signing dates are far coarser. It follows
/// that a timer can fire while [`mono`](Runtime::mono) is still short of its goal by a tick.
///
/// **Monotonic time** counts from the first `TokioRuntime` of the process, which all others share, and stands
/// still while the machine is suspended. It follows the operating system even where tokio's own clock is paused.
#[derive(Clone, Copy, Debug)]
pub struct TokioRuntime {
    /// The monotonic clock at its start, in milliseconds.
    start: u64,
}

impl TokioRuntime {
    /// The platform. Nothing is started; it only notes the time.
    pub fn new() -> Self {
        static START: OnceLock<u64> = OnceLock::new();
        Self { start: *START.get_or_init(clock::mono) }
    }
}

impl Default for TokioRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for TokioRuntime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(clock::wall())
    }

    fn mono(&self) -> Instant64 {
        Instant64::from_millis(clock::mono().saturating_sub(self.start))
    }

    #[allow(clippy::disallowed_methods, reason = "this is the Runtime seam")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    #[allow(clippy::disallowed_methods, reason = "this is the Runtime seam")]
    fn fill_random(&self, buf: &mut [u8]) -> Result<()> {
        getrandom::fill(buf)
            .map_err(|_| Error::new(ErrorKind::Internal, "the operating system gave no randomness"))
    }
}

/// Both clocks in whole milliseconds, read from the kernel's page without a system call.
#[cfg(target_os = "linux")]
mod clock {
    use rustix::time::{ClockId, Timespec, clock_gettime};

    #[allow(clippy::useless_conversion, reason = "nanoseconds are narrower on some 32-bit targets")]
    fn millis(time: Timespec) -> i64 {
        // Nanoseconds lie in 0..1e9, so neither step can leave the range of an i64.
        time.tv_sec.saturating_mul(1000).saturating_add(i64::from(time.tv_nsec) / 1_000_000)
    }

    /// Since 1970.
    pub(super) fn wall() -> i64 {
        millis(clock_gettime(ClockId::RealtimeCoarse))
    }

    /// Since the machine was started.
    pub(super) fn mono() -> u64 {
        u64::try_from(millis(clock_gettime(ClockId::MonotonicCoarse))).unwrap_or(0)
    }
}

/// Both clocks in whole milliseconds.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::disallowed_methods, reason = "this is the Runtime seam")]
mod clock {
    use std::sync::OnceLock;
    use std::time::{Instant, SystemTime, UNIX_EPOCH};

    /// Since 1970.
    pub(super) fn wall() -> i64 {
        let millis = |time: std::time::Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => millis(before.duration()).saturating_neg(),
        }
    }

    /// Since the first call.
    pub(super) fn mono() -> u64 {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        crate::time::millis(FIRST.get_or_init(Instant::now).elapsed())
    }
}

/// Runs work behind an answer as a tokio task of the runtime that the call is made in.
///
/// Outside of a runtime it hands the work back, which is then done within the call. A task ends with its runtime:
/// work behind the last answer of a program that exits is lost.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioBackground;

impl Background for TokioBackground {
    fn run(&self, task: BoxFuture<'static, ()>) -> std::result::Result<(), BoxFuture<'static, ()>> {
        match tokio::runtime::Handle::try_current() {
            Ok(handle) => {
                handle.spawn(task);
                Ok(())
            }
            Err(_) => Err(task),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn monotonic_time_starts_with_the_process_and_never_goes_back() {
        let first = TokioRuntime::new();
        let mut last = first.mono();
        assert!(last.since(Instant64::from_millis(0)) < Duration::from_secs(3600));
        for _ in 0..100_000 {
            let now = first.mono();
            assert!(now >= last);
            last = now;
        }
        assert!(TokioRuntime::new().mono() >= last, "a later runtime counts from the same start");
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "compares with the precise clock")]
    fn wall_time_is_the_systems_to_within_a_tick() {
        let precise = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
        let off = TokioRuntime::new().wall().as_millis() - precise;
        assert!((-20..1000).contains(&off), "{off} ms");
    }

    #[test]
    fn random_bytes_differ() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        TokioRuntime::new().fill_random(&mut a).unwrap();
        TokioRuntime::new().fill_random(&mut b).unwrap();
        assert_ne!(a, b);
    }

    #[tokio::test(start_paused = true)]
    async fn sleep_is_tokios() {
        let before = tokio::time::Instant::now();
        TokioRuntime::new().sleep(Duration::from_secs(60)).await;
        assert!(before.elapsed() >= Duration::from_secs(60));
    }

    #[tokio::test]
    async fn work_behind_an_answer_runs_in_the_runtime_of_the_call() {
        let (done, wait) = tokio::sync::oneshot::channel();
        assert!(TokioBackground.run(Box::pin(async move { done.send(()).unwrap() })).is_ok());
        wait.await.unwrap();
    }

    #[test]
    fn work_is_handed_back_where_there_is_no_runtime() {
        assert!(TokioBackground.run(Box::pin(async {})).is_err());
    }
}
