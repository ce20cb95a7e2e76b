//! `JsRuntime`: the clocks, timers and randomness of a JavaScript runtime.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::global;
use crate::error::{Error, ErrorKind, Result};
use crate::runtime::Runtime;
use crate::time::{Instant64, Timestamp, millis};
use gloo_timers::future::TimeoutFuture;
use std::cell::Cell;
use std::time::Duration;
use web_sys::{Crypto, Performance};

/// The longest wait that one `setTimeout` takes, in milliseconds (24 days).
const LONGEST: u64 = 0x7fff_ffff;
/// The most bytes that one `getRandomValues` gives.
const MOST_RANDOM: usize = 65_536;

/// The platform of wasm in a JavaScript runtime: `Date.now`, `performance.now`, `setTimeout`, `crypto.getRandomValues`.
///
/// Workers refuse timers and randomness at module scope, and their clocks stand still there: read secrets in requests.
/// In workerd the clocks also stand still between two I/O operations; nothing here minds.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsRuntime;

thread_local! {
    static PERFORMANCE: Option<Performance> = global("performance");
    static CRYPTO: Option<Crypto> = global("crypto");
    /// The latest time that `mono` said, in milliseconds.
    static LATEST: Cell<u64> = const { Cell::new(0) };
}

impl Runtime for JsRuntime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(js_sys::Date::now() as i64)
    }

    /// `performance.now()`, or where there is none the wall clock; held so that it never goes back.
    fn mono(&self) -> Instant64 {
        let now = PERFORMANCE.with(|p| p.as_ref().map_or_else(js_sys::Date::now, Performance::now));
        // `as` saturates: nothing below zero, no NaN.
        let latest = LATEST.get().max(now as u64);
        LATEST.set(latest);
        Instant64::from_millis(latest)
    }

    async fn sleep(&self, duration: Duration) {
        let mut rest = millis(duration);
        loop {
            let step = rest.min(LONGEST);
            TimeoutFuture::new(u32::try_from(step).unwrap_or(0)).await;
            rest = rest.saturating_sub(step);
            if rest == 0 {
                return;
            }
        }
    }

    fn fill_random(&self, buf: &mut [u8]) -> Result<()> {
        let missing =
            || Error::new(ErrorKind::Internal, "the runtime gave no randomness: crypto.getRandomValues");
        CRYPTO.with(|crypto| {
            let crypto = crypto.as_ref().ok_or_else(missing)?;
            for part in buf.chunks_mut(MOST_RANDOM) {
                crypto.get_random_values_with_u8_array(part).map_err(|_| missing())?;
            }
            Ok(())
        })
    }

    /// A promise of another request may not be touched: each task looks again on a timer of its own.
    fn wakes_others(&self) -> bool {
        false
    }
}
