//! Integer-millisecond time, and the two date formats of the wire (ISO 8601 and the HTTP `Date`).
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::time::Duration;

/// A point on the wall clock: whole milliseconds since 1970-01-01T00:00:00Z (may be negative).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A point on a monotonic clock: whole milliseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant64(u64);

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// The monotonic clock.
    pub mono: Instant64,
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Timestamp {
    /// From milliseconds since 1970 (UTC).
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970 (UTC).
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This time moved by `ms` milliseconds, saturating.
    pub const fn offset(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How far this lies after `earlier`; zero when it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This time plus a duration, saturating.
    pub fn after(self, duration: Duration) -> Self {
        self.offset(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Instant64 {
    /// From milliseconds since the clock's start.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the clock's start.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How far this lies after `earlier`; zero when it lies before.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// This instant plus a duration, saturating.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}
