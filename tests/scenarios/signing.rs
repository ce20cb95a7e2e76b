//! Clocks, nonces and refused signatures: what the client corrects by itself, and what it tells.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_ID, KEY_SECRET, START, TOKEN, Trick, World, shown};
use simsim::{Credentials, ErrorKind, Timestamp};
use simsim_emulator::Fault;
use std::collections::HashSet;
use std::time::Duration;

scenarios![
    a_clock_that_is_off_costs_one_request_once,
    reads_at_the_same_time_share_what_one_learns_of_the_clock,
    a_clock_that_is_off_within_the_window_costs_nothing,
    a_clock_that_jumps_later_on_is_corrected_again,
    a_clock_that_cannot_be_corrected_is_told,
    one_wrong_date_does_not_lead_the_clock_astray,
    a_used_nonce_is_replaced_at_once,
    no_nonce_is_used_twice,
    a_wrong_secret_is_told_as_such,
    a_request_that_was_changed_on_its_way_is_told_by_line,
];

const HOUR: i64 = 3_600_000;

async fn a_clock_that_is_off_costs_one_request_once(w: World) {
    w.seed(2);
    for off in [HOUR, -HOUR, 24 * HOUR, -24 * HOUR, -20 * 365 * 24 * HOUR] {
        w.clock.shift_wall(off);
        let client = w.client();
        w.kms.reset_log();
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.is_ok(), "{off}: {secret:?}");
        assert_eq!((w.kms_reads(), waited), (2, Duration::ZERO), "{off}");
        w.text(&client, "s0").await;
        w.text(&client, "s1").await;
        assert_eq!(w.kms_reads(), 4, "{off}: later reads need none");
        assert!(client.status().clock_offset_ms.abs_diff(-off) <= 1_000, "{off}");
    }
}

async fn reads_at_the_same_time_share_what_one_learns_of_the_clock(w: World) {
    w.seed(6);
    w.kms.inject(Fault::slow_headers(Duration::from_millis(100)));
    for off in [HOUR, -HOUR] {
        w.clock.shift_wall(off);
        let client = w.client();
        w.kms.reset_log();
        let names: Vec<_> = (0..6).map(|i| format!("s{i}")).collect();
        let readers: Vec<_> = names.iter().flat_map(|name| w.spawn_reads(&client, name, 1)).collect();
        for reader in readers {
            let read = reader.await.unwrap();
            assert!(read.is_ok(), "{off}: {read:?}");
        }
        assert_eq!(
            w.kms_reads(),
            12,
            "{off}: all were signed with the wrong date, and again with the right one"
        );
    }
}

async fn a_clock_that_is_off_within_the_window_costs_nothing(w: World) {
    for (off, noted) in [(30_000, 0), (-30_000, 0), (10 * 60_000, -600_000), (-10 * 60_000, 600_000)] {
        w.clock.shift_wall(off);
        let client = w.client();
        w.kms.reset_log();
        w.text(&client, "db/password").await;
        assert_eq!(w.kms_reads(), 1, "{off}");
        assert!(client.status().clock_offset_ms.abs_diff(noted) <= 1_000, "{off}");
    }
}

async fn a_clock_that_jumps_later_on_is_corrected_again(w: World) {
    let client = w.builder().no_cache().build().unwrap();
    for off in [0, 2 * HOUR, -3 * HOUR, 0] {
        w.clock.shift_wall(off);
        w.text(&client, "db/password").await;
        w.text(&client, "db/password").await;
    }
    assert_eq!(w.kms_reads(), 8 + 3, "each jump costs one request");
    assert_eq!(client.status().clock_offset_ms, 0);
}

async fn a_clock_that_cannot_be_corrected_is_told(w: World) {
    for code in ["IllegalTimestamp", "InvalidTimeStamp.Expired", "InvalidTimeStamp.Format"] {
        let client = w.client();
        w.kms.inject(Fault::status(400, code));
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::ClockSkew, Some(code)));
        assert_eq!(error.attempts(), 1, "the answer's own date says that nothing is wrong");
        w.kms.clear_faults();
    }
    // A service that is never content is not asked for ever.
    w.clock.shift_wall(HOUR);
    w.kms.inject(Fault::status(400, "InvalidTimeStamp.Expired"));
    let error = w.read(&w.client(), "db/password").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::ClockSkew, 2));
}

async fn one_wrong_date_does_not_lead_the_clock_astray(w: World) {
    w.seed(6);
    let end = Timestamp::from_millis(START + HOUR);
    w.kms.add_session(KEY_ID, KEY_SECRET, TOKEN, Some(end));
    for off in [24 * HOUR, -24 * HOUR] {
        // A session that would seem expired under the wrong date.
        let client = w.bare().credentials(World::session().with_expiration(end)).build().unwrap();
        w.kms.reset_log();
        w.kms.inject(Fault::wrong_date(off).times(1));
        for name in ["s0", "s1", "s2"] {
            w.text(&client, name).await;
        }
        assert!(w.kms_reads() <= 4, "{off}");
        // So does the page of some proxy.
        let date = (
            "date",
            String::from(if off > 0 {
                "Sun, 02 Jan 2028 03:04:05 GMT"
            } else {
                "Wed, 02 Jan 2002 03:04:05 GMT"
            }),
        );
        w.wire.play(Trick::Answer(502, vec![date], b"<html>bad gateway</html>".to_vec()));
        for name in ["s3", "s4", "s5"] {
            w.text(&client, name).await;
        }
        assert_eq!(client.status().clock_offset_ms, 0);
    }
}

async fn a_used_nonce_is_replaced_at_once(w: World) {
    let client = w.client();
    w.kms.inject(Fault::status(400, "SignatureNonceUsed").times(1));
    let (secret, waited) = w.timed(&client, "db/password").await;
    assert!(secret.is_ok());
    assert_eq!((waited, w.kms_reads()), (Duration::ZERO, 2));
    let nonces = w.wire.headers("x-acs-signature-nonce");
    assert_ne!(nonces[0], nonces[1]);
    // A request that arrived although its answer was lost: a client that sent the same again would be refused.
    w.kms.inject(Fault::truncated().times(1));
    w.seed(1);
    w.text(&client, "s0").await;
    assert!(w.kms.log().iter().skip(2).all(|call| call.code.is_none()));
}

async fn no_nonce_is_used_twice(w: World) {
    w.kms.set_quota(None);
    let client = w.client();
    let names = w.seed(300);
    for name in &names {
        w.text(&client, name).await;
    }
    let nonces = w.wire.headers("x-acs-signature-nonce");
    assert_eq!(nonces.len(), 300);
    assert_eq!(nonces.iter().collect::<HashSet<_>>().len(), 300);
    assert!(nonces.iter().all(|n| n.len() == 32 && n.bytes().all(|b| b.is_ascii_hexdigit())));
}

async fn a_wrong_secret_is_told_as_such(w: World) {
    let wrong = Credentials::session(KEY_ID, "needle-not-the-secret", TOKEN).unwrap();
    let client = w.bare().credentials(wrong).build().unwrap();
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::CredentialsRejected, 1));
    assert_eq!(error.service_code(), Some("SignatureDoesNotMatch"));
    assert!(error.explanation().contains("the AccessKey secret"), "{error}");
    assert!(error.service_message().is_some_and(|m| m.contains(TOKEN)), "the search below can fail");
    assert!(!shown(&error).contains("needle"), "{error:?}");
    for _ in 0..50 {
        w.read(&client, "db/password").await.unwrap_err();
    }
    assert_eq!(w.kms_reads(), 1, "it will not be another in a moment");
    w.pass(Duration::from_millis(5_001)).await;
    w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(w.kms_reads(), 2);
}

async fn a_request_that_was_changed_on_its_way_is_told_by_line(w: World) {
    type Change = fn(&mut simsim::http::Request);
    fn header(request: &mut simsim::http::Request, name: &str, value: &str) {
        let found = request.headers.iter_mut().find(|(n, _)| n == name).expect("sent");
        found.1 = value.to_owned();
    }
    let changes: [(Change, &str); 4] = [
        (|r| r.url = r.url.replace("ACSCurrent", "ACSPrevious"), "query differs"),
        (|r| r.url = r.url.replace("kms.cn-hangzhou.", "kms.cn-shanghai."), "host differs"),
        (|r| header(r, "x-acs-date", "2026-01-02T03:04:06Z"), "x-acs-date differs"),
        (|r| header(r, "x-acs-signature-nonce", "needle-nonce"), "x-acs-signature-nonce differs"),
    ];
    for (change, told) in changes {
        let client = w.client();
        w.wire.play(Trick::Forge(Box::new(change)));
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.service_code(), Some("SignatureDoesNotMatch"));
        assert!(error.explanation().contains(told), "{told}: {error}");
        assert!(!shown(&error).contains("needle"), "{error:?}");
    }
}
