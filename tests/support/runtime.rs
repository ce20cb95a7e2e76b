//! Clocks on tokio's paused time, and randomness that is the same in every run.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::runtime::Runtime;
use simsim::{Instant64, Result, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// 2026-01-02T03:04:05Z.
pub const START: i64 = 1_767_323_045_000;

#[derive(Clone, Debug)]
pub struct TestRuntime {
    started: Instant,
    wall_shift: Arc<AtomicI64>,
    mono_lost: Arc<AtomicU64>,
    random: Arc<AtomicU64>,
}

impl TestRuntime {
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            wall_shift: Arc::new(AtomicI64::new(0)),
            mono_lost: Arc::new(AtomicU64::new(0)),
            random: Arc::new(AtomicU64::new(1)),
        }
    }

    /// The service's clock: the same time, not shifted.
    pub fn server(&self) -> Self {
        Self { wall_shift: Arc::default(), mono_lost: Arc::default(), ..self.clone() }
    }

    /// Puts this machine's wall clock off by so much, in milliseconds.
    pub fn shift_wall(&self, ms: i64) {
        self.wall_shift.store(ms, Ordering::Relaxed);
    }

    /// As if the machine had been frozen: its monotonic clock did not see this time pass.
    pub fn lose_mono(&self, time: Duration) {
        self.mono_lost.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
    }

    /// When it was [`START`].
    pub fn started(&self) -> Instant {
        self.started
    }

    fn elapsed(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }
}

impl Runtime for TestRuntime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(START + self.elapsed() as i64 + self.wall_shift.load(Ordering::Relaxed))
    }

    fn mono(&self) -> Instant64 {
        Instant64::from_millis(self.elapsed().saturating_sub(self.mono_lost.load(Ordering::Relaxed)))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn fill_random(&self, buf: &mut [u8]) -> Result<()> {
        for byte in buf {
            // splitmix64: spreads well, and the same in every run.
            let mut z = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (z >> 56) as u8;
        }
        Ok(())
    }
}
