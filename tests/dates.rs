//! The two date formats of the wire: what is read, what is refused, and agreement with the `httpdate` crate.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    clippy::indexing_slicing
)]

use proptest::prelude::*;
use simsim::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const LAST_SECOND: u64 = 253_402_300_799;

fn iso(text: &str) -> Option<i64> {
    Timestamp::parse_iso(text).map(Timestamp::as_millis)
}

fn http(text: &str) -> Option<i64> {
    Timestamp::parse_http_date(text).map(Timestamp::as_millis)
}

fn system_millis(time: SystemTime) -> i64 {
    i64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[test]
fn iso_dates_are_read_in_the_forms_that_services_use() {
    assert_eq!(iso("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(iso("2026-01-02T03:04:05Z"), Some(1_767_323_045_000));
    assert_eq!(iso("2026-01-02T03:04:05.678Z"), Some(1_767_323_045_678));
    assert_eq!(iso("2026-01-02T03:04:05.6Z"), Some(1_767_323_045_600));
    assert_eq!(iso("2026-01-02T03:04:05.678999999Z"), Some(1_767_323_045_678));
    assert_eq!(iso("2026-01-02T11:04:05+08:00"), Some(1_767_323_045_000));
    assert_eq!(iso("2026-01-02T11:04:05.5+08:00"), Some(1_767_323_045_500));
    assert_eq!(iso("2026-01-01T23:34:05-03:30"), Some(1_767_323_045_000));
    assert_eq!(iso("2024-02-29T00:00:00Z"), Some(1_709_164_800_000));
    assert_eq!(iso("2000-02-29T23:59:59Z"), Some(951_868_799_000));
    assert_eq!(iso("9999-12-31T23:59:59.999Z"), Some(253_402_300_799_999));
}

#[test]
fn iso_dates_that_are_not_exactly_dates_are_refused() {
    for text in [
        "",
        "Z",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02t03:04:05z",
        "2026-01-02T03:04Z",
        "2026-01-02T03:04:05ZZ",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567890Z",
        "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05+0800",
        "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05+08:60",
        "2026-01-02T03:04:05+8:000",
        "2026-01-02T03:04:05.+08:00",
        " 2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05Z ",
        "2026-13-02T03:04:05Z",
        "2026-00-02T03:04:05Z",
        "2026-01-00T03:04:05Z",
        "2026-01-32T03:04:05Z",
        "2026-04-31T03:04:05Z",
        "2026-02-29T03:04:05Z",
        "2100-02-29T03:04:05Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:60Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-08:00",
        "+026-01-02T03:04:05Z",
        "2026-+1-02T03:04:05Z",
        "２026-01-02T03:04:05Z",
        "10000-01-02T03:04:05Z",
    ] {
        assert_eq!(iso(text), None, "{text}");
    }
}

#[test]
fn the_http_date_is_read_in_its_one_current_form_only() {
    assert_eq!(http("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
    assert_eq!(http("Thu, 29 Feb 2024 00:00:00 GMT"), Some(1_709_164_800_000));
    for text in [
        "",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 NOV 1994 08:49:37 GMT",
        "Sun, 06 ovD 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08-49:37 GMT",
    ] {
        assert_eq!(http(text), None, "{text}");
    }
}

#[test]
fn a_time_before_1970_or_after_9999_is_written_as_the_nearest_one_inside() {
    assert_eq!(Timestamp::from_millis(i64::MIN).to_iso(), "1970-01-01T00:00:00Z");
    assert_eq!(Timestamp::from_millis(i64::MAX).to_iso(), "9999-12-31T23:59:59Z");
    assert_eq!(Timestamp::from_millis(1_767_323_045_999).to_iso(), "2026-01-02T03:04:05Z");
}

#[test]
fn days_of_every_month_of_eight_thousand_years_survive_the_round_trip() {
    for day in (0..=LAST_SECOND / 86_400).step_by(13) {
        let at = Timestamp::from_millis(i64::try_from(day * 86_400_000).unwrap());
        assert_eq!(Timestamp::parse_iso(&at.to_iso()), Some(at));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(seconds in 0..=LAST_SECOND) {
        let at = Timestamp::from_millis(i64::try_from(seconds * 1000).unwrap());
        prop_assert_eq!(Timestamp::parse_iso(&at.to_iso()), Some(at));
    }

    #[test]
    fn both_formats_agree_with_httpdate(seconds in 0..=LAST_SECOND) {
        let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
        let at = Timestamp::parse_http_date(&text);
        prop_assert_eq!(at, Some(Timestamp::from_millis(i64::try_from(seconds * 1000).unwrap())));
        let of_iso = &at.unwrap().to_iso()[..];
        // `Sun, 06 Nov 1994 08:49:37 GMT` and `1994-11-06T08:49:37Z` share these fields.
        prop_assert_eq!(&text[12..16], &of_iso[..4]);
        prop_assert_eq!(&text[5..7], &of_iso[8..10]);
        prop_assert_eq!(&text[17..25], &of_iso[11..19]);
    }

    #[test]
    fn a_damaged_http_date_is_read_as_httpdate_reads_it(
        seconds in 0..=LAST_SECOND,
        at in 0usize..29,
        byte in prop_oneof![b'0'..=b'9', b' '..=b'~'],
    ) {
        let mut text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds)).into_bytes();
        text[at] = byte;
        let text = String::from_utf8(text).unwrap();
        let theirs = httpdate::parse_http_date(&text).ok().map(system_millis);
        prop_assert_eq!(http(&text), theirs, "{}", text);
    }

    #[test]
    fn fractions_and_offsets_move_the_time_by_what_they_say(
        seconds in 86_400..LAST_SECOND - 86_400,
        fraction in "[0-9]{1,9}",
        ahead in any::<bool>(),
        hours in 0i64..24,
        minutes in 0i64..60,
    ) {
        let at = Timestamp::from_millis(i64::try_from(seconds * 1000).unwrap());
        let base = at.to_iso();
        let text = format!(
            "{}.{fraction}{}{hours:02}:{minutes:02}",
            &base[..19],
            if ahead { '+' } else { '-' },
        );
        let ms: i64 = format!("{fraction}00")[..3].parse().unwrap();
        let offset = (hours * 60 + minutes) * 60_000 * if ahead { -1 } else { 1 };
        prop_assert_eq!(Timestamp::parse_iso(&text), Some(at.offset(ms + offset)));
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in "\\PC{0,40}", digits in "[0-9TZ:. +-]{0,40}") {
        for text in [text, digits] {
            let _ = (iso(&text), http(&text));
        }
    }
}
