//! The two date formats of the wire, written and read with this crate's own arithmetic.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::Timestamp;

const DAY_SECONDS: i64 = 86_400;
/// 9999-12-31T23:59:59Z: what four year digits can say.
const LAST_SECOND: i64 = 253_402_300_799;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

struct Civil {
    year: i64,
    month: usize,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: usize,
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn year_days(year: i64) -> i64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn month_days(year: i64) -> [i64; 12] {
    let february = if is_leap(year) { 29 } else { 28 };
    [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

fn civil(at: Timestamp) -> Civil {
    let seconds = at.as_millis().div_euclid(1000).clamp(0, LAST_SECOND);
    let mut days = seconds.div_euclid(DAY_SECONDS);
    let rest = seconds.rem_euclid(DAY_SECONDS);
    let weekday = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
    let mut year = 1970_i64;
    while days >= year_days(year) {
        days = days.saturating_sub(year_days(year));
        year = year.saturating_add(1);
    }
    let mut month = 0_usize;
    for length in month_days(year) {
        if days < length {
            break;
        }
        days = days.saturating_sub(length);
        month = month.saturating_add(1);
    }
    Civil {
        year,
        month,
        day: days.saturating_add(1),
        hour: rest.div_euclid(3600),
        minute: rest.rem_euclid(3600).div_euclid(60),
        second: rest.rem_euclid(60),
        weekday,
    }
}

/// `2026-01-02T03:04:05Z`, without a fraction.
pub(crate) fn iso(at: Timestamp) -> String {
    let c = civil(at);
    let month = c.month.saturating_add(1);
    format!("{:04}-{month:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.day, c.hour, c.minute, c.second)
}

/// The `Date` header of RFC 7231: `Fri, 02 Jan 2026 03:04:05 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    let c = civil(at);
    let weekday = WEEKDAYS.get(c.weekday).unwrap_or(&"Thu");
    let month = MONTHS.get(c.month).unwrap_or(&"Jan");
    format!("{weekday}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT", c.day, c.year, c.hour, c.minute, c.second)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |sum, digit| {
        let digit = i64::from(char::from(*digit).to_digit(10)?);
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// Reads exactly `YYYY-MM-DDThh:mm:ssZ`; anything else, and a day that does not exist, is `None`.
pub(crate) fn parse_iso(text: &str) -> Option<Timestamp> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] =
        <[u8; 20]>::try_from(text.as_bytes()).ok()?
    else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4])?;
    let month = usize::try_from(number(&[m1, m2])?).ok()?.checked_sub(1)?;
    let day = number(&[d1, d2])?.checked_sub(1)?;
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let lengths = month_days(year);
    let exists = year >= 1970 && (0..*lengths.get(month)?).contains(&day);
    if !exists || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years: i64 = (1970..year).map(year_days).sum();
    let months: i64 = lengths.iter().take(month).sum();
    let days = years.checked_add(months)?.checked_add(day)?;
    let seconds = days
        .checked_mul(DAY_SECONDS)?
        .checked_add(hour.checked_mul(3600)?)?
        .checked_add(minute.checked_mul(60)?)?
        .checked_add(second)?;
    Some(Timestamp::from_millis(seconds.checked_mul(1000)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_and_read_in_both_formats() {
        for (seconds, iso_text, http_text) in [
            (0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "2000-02-29T00:00:00Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_767_323_045, "2026-01-02T03:04:05Z", "Fri, 02 Jan 2026 03:04:05 GMT"),
            (LAST_SECOND, "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            let at = Timestamp::from_millis(seconds * 1000);
            assert_eq!(iso(at), iso_text);
            assert_eq!(http_date(at), http_text);
            assert_eq!(parse_iso(iso_text), Some(at));
        }
    }

    #[test]
    fn a_date_in_any_other_form_is_refused() {
        for text in [
            "",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.000Z",
            "2026-01-02 03:04:05Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-02T24:00:00Z",
            "20260-1-02T03:04:05Z",
            "+026-01-02T03:04:05Z",
        ] {
            assert_eq!(parse_iso(text), None, "{text}");
        }
    }
}
