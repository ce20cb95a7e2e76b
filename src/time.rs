//! Integer-millisecond time, and the two date formats of the wire (ISO 8601 and the HTTP `Date`).
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};
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

/// Whole milliseconds, saturating.
#[inline(never)] // as all sums and differences of times here: inlined, they are 1 % of the wasm
pub(crate) fn millis(duration: Duration) -> u64 {
    // Neither std's 128 bits nor a checked product: both call a function that wasm has to bring along.
    let seconds = duration.as_secs();
    if seconds >= u64::MAX / 1000 {
        return u64::MAX;
    }
    seconds.wrapping_mul(1000).wrapping_add(u64::from(duration.subsec_millis()))
}

/// The longest time that an option may have, in milliseconds: ten years.
const LONGEST: u64 = 10 * 365 * 86_400_000;

/// Refuses zero and what no one can mean.
pub(crate) fn check_time(field: &str, ms: u64) -> Result<()> {
    if ms == 0 {
        return Err(Error::config([field, ": must be at least one millisecond"].concat()));
    }
    check_longest(field, ms)
}

pub(crate) fn check_longest(field: &str, ms: u64) -> Result<()> {
    if ms > LONGEST {
        return Err(Error::config([field, ": is longer than ten years; give a shorter time"].concat()));
    }
    Ok(())
}

/// `first`, doubled so many times, but at most `cap`.
pub(crate) fn doubled(first: u64, times: u32, cap: u64) -> u64 {
    (0..times.min(64)).fold(first.min(cap), |ms, _| ms.saturating_add(ms).min(cap))
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
    #[inline(never)]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.past(earlier))
    }

    /// How many milliseconds this lies after `earlier`; none when it lies before.
    #[inline(never)]
    pub(crate) fn past(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// This time plus a duration, saturating.
    #[inline(never)]
    pub fn after(self, duration: Duration) -> Self {
        self.offset(i64::try_from(millis(duration)).unwrap_or(i64::MAX))
    }

    /// From the service's format `2026-01-02T03:04:05Z`, also with a fraction (1 to 9 digits, cut to milliseconds) and
    /// with an offset such as `+08:00` in place of `Z`. Strict: no other form, no date that the calendar does not
    /// have, no leap second, nothing outside of the years 1970 to 9999 (UTC).
    ///
    /// ```
    /// use simsim::Timestamp;
    /// assert_eq!(Timestamp::parse_iso("1970-01-01T00:00:01.5Z"), Some(Timestamp::from_millis(1500)));
    /// assert_eq!(Timestamp::parse_iso("2026-02-29T00:00:00Z"), None);
    /// ```
    pub fn parse_iso(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let seconds = seconds_of(fields(bytes.get(..19)?, b"0000-11-22T33:44:55")?)?;
        let mut rest = bytes.get(19..)?;
        let mut ms = 0;
        if let Some(fraction) = rest.strip_prefix(b".") {
            let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if !(1..=9).contains(&length) {
                return None;
            }
            for (place, digit) in [100i64, 10, 1].into_iter().zip(fraction.get(..length)?) {
                ms = place.wrapping_mul(i64::from(digit.wrapping_sub(b'0'))).wrapping_add(ms);
            }
            rest = fraction.get(length..)?;
        }
        let offset = match rest.split_first()? {
            (b'Z', []) => 0,
            (sign @ (b'+' | b'-'), rest) => {
                let [_, _, _, hours, minutes, _] = fields(rest, b"33:44")?;
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let ahead = hours.wrapping_mul(60).wrapping_add(minutes).wrapping_mul(60);
                if *sign == b'+' { ahead } else { ahead.wrapping_neg() }
            }
            _ => return None,
        };
        let seconds = seconds.wrapping_sub(offset);
        let ms = seconds.wrapping_mul(1000).wrapping_add(ms);
        (0..=LAST_MS).contains(&ms).then_some(Self(ms))
    }

    /// From the `Date` header of an HTTP answer: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 IMF-fixdate). Strict: the
    /// two obsolete forms, a wrong day of the week and a date that the calendar does not have are refused.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let mut fields = fields(bytes, b"???, 22 ??? 0000 33:44:55 GMT")?;
        fields[1] = place(MONTHS, bytes.get(8..11)?).wrapping_add(1);
        let seconds = seconds_of(fields)?;
        let right = place(DAYS, bytes.get(..3)?) == seconds / DAY % 7;
        right.then_some(Self(seconds.wrapping_mul(1000)))
    }

    /// As `2026-01-02T03:04:05Z`, the format of `x-acs-date` and `Timestamp`: whole seconds, rounded down. A time
    /// outside of the years 1970 to 9999 gives the nearest one inside.
    pub fn to_iso(self) -> String {
        let seconds = self.0.clamp(0, LAST_MS) / 1000;
        let (days, of_day) = (seconds / DAY, seconds % DAY);
        let mut year = (days / 366).wrapping_add(1970);
        while days_before(year, 13) <= days {
            year = year.wrapping_add(1);
        }
        let mut month = 1i64;
        while days_before(year, month.wrapping_add(1)) <= days {
            month = month.wrapping_add(1);
        }
        let day = days.wrapping_sub(days_before(year, month));
        let mut out = String::with_capacity(20);
        push_number(&mut out, year, 1000);
        for (before, value) in [
            ('-', month),
            ('-', day.wrapping_add(1)),
            ('T', of_day / 3600),
            (':', of_day / 60 % 60),
            (':', of_day % 60),
        ] {
            out.push(before);
            push_number(&mut out, value, 10);
        }
        out.push('Z');
        out
    }
}

const DAY: i64 = 86_400;
/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
/// From a Thursday on, as 1970 does.
const DAYS: &[u8] = b"ThuFriSatSunMonTueWed";

/// Year, month, day, hour, minute and second of a text that is written as `pattern`: a digit there stands for a digit
/// of the field with this number, `?` for anything, everything else for itself.
fn fields(text: &[u8], pattern: &[u8]) -> Option<[i64; 6]> {
    let mut fields = [0i64; 6];
    for (byte, expected) in text.iter().zip(pattern) {
        match fields.get_mut(usize::from(expected.wrapping_sub(b'0'))) {
            Some(field) if byte.is_ascii_digit() => {
                *field = field.wrapping_mul(10).wrapping_add(i64::from(byte.wrapping_sub(b'0')));
            }
            None if byte == expected || *expected == b'?' => {}
            _ => return None,
        }
    }
    (text.len() == pattern.len()).then_some(fields)
}

/// Appends `value` with leading zeros; `place` is the value of its first digit.
fn push_number(out: &mut String, value: i64, mut place: i64) {
    while place > 0 {
        let digit = value.checked_div(place).unwrap_or(0) % 10;
        out.push(char::from(b'0'.wrapping_add(u8::try_from(digit).unwrap_or(0))));
        place /= 10;
    }
}

/// The place of a name of three letters in a list of such names; past its end where it is not in it.
fn place(names: &[u8], name: &[u8]) -> i64 {
    names.chunks_exact(3).take_while(|other| *other != name).fold(0, |place, _| place.wrapping_add(1))
}

/// Days between 1970-01-01 and the first day of a month; the 13th is the next year's first. Years have four digits
/// here: nothing can overflow.
fn days_before(year: i64, month: i64) -> i64 {
    // Counted from a March on, the leap day is a year's last, and five months have 153 days.
    let (past, since_march) = match month {
        1 | 2 => (year.wrapping_sub(1), month.wrapping_add(9)),
        _ => (year, month.wrapping_sub(3)),
    };
    let leap_days = (past / 4).wrapping_sub(past / 100).wrapping_add(past / 400);
    let in_year = since_march.wrapping_mul(153).wrapping_add(2) / 5;
    past.wrapping_mul(365).wrapping_add(leap_days).wrapping_add(in_year).wrapping_sub(719_468)
}

/// Seconds since 1970 of a year, month, day and an hour, minute, second; `None` when the calendar has no such time.
fn seconds_of([year, month, day, hour, minute, second]: [i64; 6]) -> Option<i64> {
    let days = days_before(year, month).wrapping_add(day).wrapping_sub(1);
    // None of them is negative, and the year has four digits.
    let fits = year >= 1970
        && (1..=12).contains(&month)
        && day > 0
        && days < days_before(year, month.wrapping_add(1))
        && hour < 24
        && minute < 60
        && second < 60;
    if !fits {
        return None;
    }
    let of_day = hour.wrapping_mul(60).wrapping_add(minute).wrapping_mul(60).wrapping_add(second);
    Some(days.wrapping_mul(DAY).wrapping_add(of_day))
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
    #[inline(never)]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.past(earlier))
    }

    /// This instant plus a duration, saturating.
    #[inline(never)]
    pub fn after(self, duration: Duration) -> Self {
        self.plus(millis(duration))
    }

    /// This instant plus so many milliseconds.
    #[inline(never)]
    pub(crate) const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// How many milliseconds this lies after `earlier`; none when it lies before.
    #[inline(never)]
    pub(crate) const fn past(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
