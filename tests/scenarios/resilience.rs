//! Throttles, outages, sick connections and deadlines: what is sent again, when, and how often.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{Trick, World, millis, minutes, seconds};
use simsim::http::FetchErrorKind;
use simsim::{ErrorKind, RetryOptions};
use simsim_emulator::Fault;
use std::time::Duration;
use tokio::time::Instant;

scenarios![
    a_throttle_is_waited_out,
    the_services_own_waiting_times_are_honoured,
    a_wait_beyond_the_deadline_fails_at_once,
    a_throttled_key_is_left_alone_as_long_as_the_service_asked,
    every_passing_failure_is_tried_four_times,
    every_final_failure_is_tried_once,
    a_debt_is_bridged_with_the_value_at_hand,
    a_broken_connection_is_tried_again,
    a_stale_connection_is_replaced_at_once_and_not_counted,
    a_transport_that_refuses_is_not_asked_again,
    one_attempt_takes_three_seconds_or_half_of_what_is_left,
    a_read_ends_at_its_deadline_whatever_hangs,
    a_sick_service_is_not_hammered,
    retries_can_be_turned_off_or_set,
    a_store_of_retries_can_be_smaller,
    the_jitter_is_full_and_different_each_time,
];

async fn a_throttle_is_waited_out(w: World) {
    let client = w.client();
    w.kms.inject(Fault::throttle().times(2));
    let (secret, waited) = w.timed(&client, "db/password").await;
    assert!(secret.is_ok());
    assert!(waited <= millis(310), "{waited:?}");
    assert_eq!(w.kms_reads(), 3);
    let nonces = w.wire.headers("x-acs-signature-nonce");
    assert_eq!(nonces.len(), 3);
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2], "each attempt is signed anew");
}

async fn the_services_own_waiting_times_are_honoured(w: World) {
    let client = w.client();
    w.seed(3);
    w.kms.inject(Fault::retry_after_ms(1_500).times(1));
    let (secret, waited) = w.timed(&client, "s0").await;
    assert!(secret.is_ok() && (millis(1_500)..=millis(1_610)).contains(&waited), "{waited:?}");
    let seconds_header = vec![("retry-after", String::from("2"))];
    let body = br#"{"Code":"Throttling.User","Message":"m","RequestId":"r"}"#.to_vec();
    w.wire.play(Trick::Answer(400, seconds_header.clone(), body.clone()));
    let (secret, waited) = w.timed(&client, "s1").await;
    assert!(secret.is_ok() && (seconds(2)..=millis(2_110)).contains(&waited), "{waited:?}");
    // Where both are given the service's own counts; a 503 may ask as well.
    let both = [seconds_header, vec![("x-acs-retry-after", String::from("700"))]].concat();
    w.wire.play(Trick::Answer(503, both, Vec::new()));
    let (secret, waited) = w.timed(&client, "s2").await;
    assert!(secret.is_ok() && (millis(700)..=millis(810)).contains(&waited), "{waited:?}");
}

async fn a_wait_beyond_the_deadline_fails_at_once(w: World) {
    let client = w.client();
    w.kms.inject(Fault::retry_after_ms(10_000));
    let (error, waited) = w.timed(&client, "db/password").await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.attempts(), waited), (ErrorKind::Throttled, 1, Duration::ZERO));
    assert_eq!(error.retry_after(), Some(seconds(10)));
    assert!(error.is_retryable());
}

async fn a_throttled_key_is_left_alone_as_long_as_the_service_asked(w: World) {
    let client = w.client();
    w.kms.inject(Fault::retry_after_ms(20_000).times(1));
    w.read(&client, "db/password").await.unwrap_err();
    w.pass(seconds(19)).await;
    assert_eq!(w.read(&client, "db/password").await.unwrap_err().kind(), ErrorKind::Throttled);
    assert_eq!(w.kms_reads(), 1);
    w.pass(seconds(2)).await;
    assert!(w.read(&client, "db/password").await.is_ok());
}

async fn every_passing_failure_is_tried_four_times(w: World) {
    for (status, code, kind) in [
        (429, "Rejected.Throttling", ErrorKind::Throttled),
        (400, "Throttling", ErrorKind::Throttled),
        (400, "Throttling.User", ErrorKind::Throttled),
        (503, "Throttling.Api", ErrorKind::Throttled),
        (503, "ServiceUnavailableTemporary", ErrorKind::Unavailable),
        (503, "ServiceUnavailable", ErrorKind::Unavailable),
        (500, "InternalFailure", ErrorKind::Unavailable),
        (500, "InternalError", ErrorKind::Unavailable),
        (502, "SomethingNew", ErrorKind::Unavailable),
        (504, "GatewayTimeout", ErrorKind::Unavailable),
    ] {
        let client = w.client();
        w.kms.reset_log();
        w.kms.inject(Fault::status(status, code));
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.status()), (kind, 4, Some(status)), "{code}");
        assert_eq!(error.service_code(), Some(code));
        assert!(error.is_retryable());
        assert_eq!(w.kms_reads(), 4, "{code}");
        w.kms.clear_faults();
        w.kms.inject(Fault::status(status, code).times(3));
        assert!(w.read(&w.client(), "db/password").await.is_ok(), "{code}: the fourth attempt counts");
        w.kms.clear_faults();
    }
}

async fn every_final_failure_is_tried_once(w: World) {
    for (status, code, kind) in [
        (404, "Forbidden.ResourceNotFound", ErrorKind::NotFound),
        (403, "Forbidden.NoPermission", ErrorKind::PermissionDenied),
        (403, "NoPermission", ErrorKind::PermissionDenied),
        (403, "Forbidden.SomethingNew", ErrorKind::PermissionDenied),
        (403, "Forbidden.InDebt", ErrorKind::InDebt),
        (403, "Forbidden.InDebtOverdue", ErrorKind::InDebt),
        (400, "InvalidParameter", ErrorKind::Config),
        (400, "InvalidParameterValue", ErrorKind::Config),
        (409, "Rejected.Disabled", ErrorKind::Disabled),
        (409, "Rejected.PendingDeletion", ErrorKind::Disabled),
        (400, "IncompleteSignature", ErrorKind::CredentialsRejected),
        (400, "MissingSecurityToken", ErrorKind::CredentialsRejected),
        (400, "InvalidAccessKeyId.Inactive", ErrorKind::CredentialsRejected),
        (400, "InvalidSecurityToken.Malformed", ErrorKind::CredentialsRejected),
        (400, "SomethingNew", ErrorKind::Protocol),
    ] {
        let client = w.client();
        w.kms.reset_log();
        w.kms.inject(Fault::status(status, code));
        let error = w.read(&client, "db/password").await.unwrap_err();
        w.kms.clear_faults();
        assert_eq!((error.kind(), error.attempts(), error.status()), (kind, 1, Some(status)), "{code}");
        assert_eq!((error.service_code(), error.is_retryable()), (Some(code), false));
        assert!(error.request_id().is_some_and(|id| error.to_string().contains(id)), "{error}");
        assert!(error.service_message().is_some_and(|m| !error.to_string().contains(m)), "{error}");
        assert_eq!(w.kms_reads(), 1, "{code}");
    }
    for (change, kind) in [
        (Fault::status(403, "Forbidden.NoPermission"), ErrorKind::PermissionDenied),
        (Fault::status(404, "Forbidden.ResourceNotFound"), ErrorKind::NotFound),
        (Fault::status(409, "Rejected.Disabled"), ErrorKind::Disabled),
    ] {
        let client = w.client();
        w.text(&client, "db/password").await;
        w.pass(minutes(30)).await;
        w.kms.inject(change.times(1));
        assert_eq!(w.read(&client, "db/password").await.expect_err("never stale").kind(), kind);
        w.kms.inject(Fault::unreachable());
        w.pass(seconds(10)).await;
        let error = w.read(&client, "db/password").await.expect_err("the value is gone");
        assert_eq!((error.kind(), client.status().entries), (ErrorKind::Transport, 0));
        w.kms.clear_faults();
    }
}

async fn a_debt_is_bridged_with_the_value_at_hand(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::status(403, "Forbidden.InDebt"));
    let secret = w.read(&client, "db/password").await.expect("served");
    assert!(secret.stale());
    assert_eq!(w.kms_reads(), 2, "not retried");
    assert_eq!(client.status().last_error.unwrap().kind(), ErrorKind::InDebt);
    w.kms.clear_faults();
    w.kms.inject(Fault::malformed());
    w.pass(minutes(10)).await;
    assert!(w.read(&client, "db/password").await.expect("nonsense is no revocation").stale());
    assert_eq!(w.kms_reads(), 3);
}

async fn a_broken_connection_is_tried_again(w: World) {
    let faults: [fn() -> Fault; 3] = [Fault::reset, Fault::unreachable, Fault::truncated];
    for fault in faults {
        let client = w.client();
        w.kms.reset_log();
        w.kms.inject(fault());
        let error = w.read(&client, "db/password").await.unwrap_err();
        w.kms.clear_faults();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 4), "{error}");
        assert_eq!((error.status(), error.request_id(), w.kms_reads()), (None, None, 4));
        w.kms.inject(fault().times(3));
        assert!(w.read(&w.client(), "db/password").await.is_ok());
        w.kms.clear_faults();
    }
}

async fn a_stale_connection_is_replaced_at_once_and_not_counted(w: World) {
    let client = w.builder().no_retry().build().unwrap();
    for _ in 0..2 {
        w.wire.play(Trick::Fail(FetchErrorKind::StaleConnection));
    }
    let (secret, waited) = w.timed(&client, "db/password").await;
    assert!(secret.is_ok());
    assert_eq!((waited, w.wire.sent().len()), (Duration::ZERO, 3));
    // A pool full of dead connections is not tried for ever.
    for _ in 0..10 {
        w.wire.play(Trick::Fail(FetchErrorKind::StaleConnection));
    }
    let error = w.read(&client, "other").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Transport, 3));
}

async fn a_transport_that_refuses_is_not_asked_again(w: World) {
    for (failure, kind) in [
        (FetchErrorKind::Unsupported, ErrorKind::Unsupported),
        (FetchErrorKind::Redirected, ErrorKind::Protocol),
        (FetchErrorKind::BodyTooLarge, ErrorKind::Protocol),
    ] {
        w.wire.play(Trick::Fail(failure));
        let error = w.read(&w.client(), "db/password").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (kind, 1));
    }
}

/// After how many milliseconds each request was sent.
fn sent_at(w: &World) -> Vec<i64> {
    let log = w.kms.log();
    log.iter().map(|call| call.at.as_millis() - log[0].at.as_millis()).collect()
}

async fn one_attempt_takes_three_seconds_or_half_of_what_is_left(w: World) {
    w.kms.inject(Fault::hang());
    w.read(&w.client(), "db/password").await.unwrap_err();
    let at = sent_at(&w);
    assert!((3_000..=3_102).contains(&at[1]), "{at:?}");
    assert!((3_000..=3_204).contains(&(at[2] - at[1])), "{at:?}");
    assert!((1_700..=2_400).contains(&(at[3] - at[2])), "{at:?}: half of what is left, and the jitter");
    w.kms.reset_log();
    let (client, before) = (w.client(), Instant::now());
    let error = w.get(&client, "db/password", |g| g.timeout(seconds(2))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let at = sent_at(&w);
    assert!((1_000..=1_102).contains(&at[1]), "{at:?}");
    assert!(before.elapsed() <= seconds(2) + millis(2), "{:?}", before.elapsed());
    w.kms.reset_log();
    let quick = RetryOptions::default().attempt_timeout(millis(250)).max_attempts(2);
    let client = w.builder().retry(quick).build().unwrap();
    assert_eq!(w.read(&client, "db/password").await.unwrap_err().kind(), ErrorKind::Timeout);
    let at = sent_at(&w);
    assert!(at.len() == 2 && (250..=352).contains(&at[1]), "{at:?}");
}

async fn a_read_ends_at_its_deadline_whatever_hangs(w: World) {
    let patient = RetryOptions::default().max_attempts(1_000).base(millis(1)).cap(millis(1));
    for hang in [Fault::hang(), Fault::slow_headers(minutes(5)), Fault::slow_body(minutes(5))] {
        let client = w.builder().retry(patient.clone()).build().unwrap();
        w.kms.inject(hang);
        let readers = w.spawn_reads(&client, "db/password", 10);
        let before = Instant::now();
        for reader in readers {
            let error = reader.await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Timeout);
        }
        let took = before.elapsed();
        assert!(took > millis(9_900) && took <= millis(10_020), "{took:?}");
        w.kms.clear_faults();
    }
    let client = w.builder().retry(patient).timeout(millis(1_500)).build().unwrap();
    w.kms.inject(Fault::unreachable());
    let (error, took) = w.timed(&client, "db/password").await;
    assert!(error.is_err() && took <= millis(1_502), "{took:?}");
}

async fn a_sick_service_is_not_hammered(w: World) {
    let client = w.client();
    let names = w.seed(60);
    w.kms.inject(Fault::unreachable());
    for name in &names[..40] {
        assert_eq!(w.read(&client, name).await.unwrap_err().kind(), ErrorKind::Transport);
    }
    assert_eq!(w.kms_reads(), 40 + 100, "the bucket holds a hundred retries");
    let error = w.read(&client, &names[40]).await.unwrap_err();
    assert_eq!((error.attempts(), w.kms_reads()), (1, 141));
    // Another principal of the same client is held back with it.
    let other = client.for_principal(World::session());
    assert_eq!(w.read(&other, &names[40]).await.unwrap_err().attempts(), 1);
    w.kms.clear_faults();
    for name in &names[41..46] {
        w.text(&client, name).await;
    }
    w.kms.inject(Fault::throttle().times(1));
    w.text(&client, &names[46]).await;
    assert_eq!(w.wire.sent().len(), 142 + 5 + 2, "five successes earn one retry");
}

async fn retries_can_be_turned_off_or_set(w: World) {
    w.kms.inject(Fault::throttle());
    let none = w.builder().no_retry().build().unwrap();
    assert_eq!(w.read(&none, "db/password").await.unwrap_err().attempts(), 1);
    let six = RetryOptions::default().max_attempts(6).base(millis(1)).cap(millis(2));
    let six = w.builder().retry(six).build().unwrap();
    let (error, took) = w.timed(&six, "db/password").await;
    assert_eq!(error.unwrap_err().attempts(), 6);
    assert!(took <= millis(20), "{took:?}");
}

async fn a_store_of_retries_can_be_smaller(w: World) {
    let few = RetryOptions::default().budget(4);
    let client = w.builder().retry(few).build().unwrap();
    w.kms.inject(Fault::unreachable());
    for (name, attempts) in [("a", 4), ("b", 2), ("c", 1)] {
        assert_eq!(w.read(&client, name).await.unwrap_err().attempts(), attempts);
    }
}

async fn the_jitter_is_full_and_different_each_time(w: World) {
    let mut waits = Vec::new();
    for _ in 0..40 {
        let client = w.client();
        w.kms.inject(Fault::throttle().times(1));
        waits.push(w.timed(&client, "db/password").await.1.as_millis());
    }
    assert!(waits.iter().all(|wait| *wait <= 101), "{waits:?}");
    let low = waits.iter().filter(|wait| **wait < 50).count();
    assert!((8..=32).contains(&low), "spread over the whole range: {waits:?}");
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 20, "{waits:?}");
}
