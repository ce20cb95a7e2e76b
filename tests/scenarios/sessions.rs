//! What holds for sessions from wherever they come: one call for all who wait, wrong clocks, refusals, leaders that go.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::sessions::Kind;
use crate::support::{World, millis, minutes, seconds};
use simsim::{Client, ErrorKind, RetryOptions};
use simsim_emulator::{Fault, Service};

scenarios![
    five_hundred_cold_reads_ask_for_one_session_and_one_value,
    a_clock_that_is_an_hour_off_costs_one_request_at_most,
    a_session_that_kms_refuses_is_renewed_once,
    a_leader_that_goes_while_it_asks_is_replaced,
    an_hour_of_reads_renews_ahead_and_behind_the_answer,
    a_budget_of_requests_holds_for_the_session_and_the_value_together,
    a_renewal_within_a_call_leaves_it_a_request,
];

async fn five_hundred_cold_reads_ask_for_one_session_and_one_value(w: World) {
    for kind in Kind::ASKING {
        let client = w.with_sessions(kind).build().unwrap();
        w.kms.reset_log();
        for reader in w.spawn_reads(&client, "db/password", 500) {
            assert!(reader.await.unwrap().is_ok(), "{kind:?}");
        }
        assert_eq!((w.kms.calls(kind.action()), w.kms_reads()), (1, 1), "{kind:?}");
        assert_eq!(w.kms.log().len(), 2, "{kind:?}: nothing else was asked");
    }
}

async fn a_clock_that_is_an_hour_off_costs_one_request_at_most(w: World) {
    for kind in Kind::ALL {
        for off in [-3_600_000, 3_600_000, -3_000_000, 3_000_000] {
            w.clock.shift_wall(off);
            let client = w.with_sessions(kind).build().unwrap();
            let before = w.wire.sent().len();
            w.text(&client, "db/password").await;
            let needed = if kind.action().is_empty() { 1 } else { 2 };
            let sent = w.wire.sent().len() - before;
            assert!((needed..=needed + 1).contains(&sent), "{kind:?} {off}: {sent}");
            // And what was learnt holds.
            w.refresh(&client, "db/password").await.unwrap();
            assert_eq!(w.wire.sent().len() - before, sent + 1, "{kind:?} {off}");
        }
    }
}

async fn a_session_that_kms_refuses_is_renewed_once(w: World) {
    let codes = [
        "InvalidAccessKeyId.NotFound",
        "InvalidAccessKeyId.Inactive",
        "MissingSecurityToken",
        "InvalidSecurityToken.Expired",
        "InvalidSecurityToken.Malformed",
        "InvalidSecurityToken.MismatchWithAccessKey",
    ];
    for kind in [Kind::AssumeRole, Kind::Oidc, Kind::Callback] {
        for code in codes {
            let client = w.with_sessions(kind).build().unwrap();
            w.text(&client, "db/password").await;
            w.kms.reset_log();
            w.kms.inject(Fault::status(400, code).for_service(Service::Kms).times(1));
            w.refresh(&client, "db/password").await.unwrap();
            let log = w.kms.log();
            let asked = log.iter().filter(|call| call.action == kind.action()).count();
            assert_eq!(asked, usize::from(kind != Kind::Callback), "{kind:?} {code}");
            let keys: Vec<_> = log.iter().filter(|call| call.action == "GetSecretValue").collect();
            assert_eq!(keys.len(), 2, "{kind:?} {code}");
            assert_ne!(keys[0].access_key_id, keys[1].access_key_id, "{kind:?} {code}");
        }
    }
}

async fn a_leader_that_goes_while_it_asks_is_replaced(w: World) {
    for kind in Kind::ASKING {
        let client = w.with_sessions(kind).build().unwrap();
        w.kms.reset_log();
        w.kms.inject(Fault::hang().for_action(kind.action()).times(1));
        let leader = w.spawn_reads(&client, "db/password", 1).remove(0);
        w.settle().await;
        let followers = w.spawn_reads(&client, "db/password", 20);
        w.pass(millis(100)).await;
        leader.abort();
        for follower in followers {
            assert!(follower.await.unwrap().is_ok(), "{kind:?}");
        }
        assert_eq!((w.kms.calls(kind.action()), w.kms_reads()), (2, 1), "{kind:?}");
    }
}

async fn an_hour_of_reads_renews_ahead_and_behind_the_answer(w: World) {
    for kind in [Kind::AssumeRole, Kind::Oidc] {
        let client = w.with_sessions(kind).no_cache().build().unwrap();
        w.kms.reset_log();
        w.text(&client, "db/password").await;
        w.pass(minutes(47)).await;
        w.text(&client, "db/password").await;
        assert_eq!(w.kms.calls(kind.action()), 1, "{kind:?}");
        // The renewal is spread over a tenth of what is left.
        w.pass(seconds(60 + 73)).await;
        w.kms.inject(Fault::slow_headers(seconds(1)).for_action(kind.action()));
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.is_ok() && waited.is_zero(), "{kind:?}: {waited:?}, the old session serves meanwhile");
        w.pass(seconds(2)).await;
        w.kms.clear_faults();
        w.text(&client, "db/password").await;
        assert_eq!(w.kms.calls(kind.action()), 2, "{kind:?}");
        let keys: Vec<_> = w.kms.log().into_iter().filter(|call| call.action == "GetSecretValue").collect();
        assert_eq!(keys[1].access_key_id, keys[2].access_key_id, "{kind:?}");
        assert_ne!(keys[2].access_key_id, keys[3].access_key_id, "{kind:?}");
    }
}

fn quick(w: &World, kind: Kind) -> simsim::ClientBuilder {
    w.with_sessions(kind).retry(RetryOptions::default().base(millis(1)).cap(millis(1)))
}

async fn fails_for_want_of_requests(w: &World, client: &Client) {
    let error = w.read(client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "{error}");
}

async fn a_budget_of_requests_holds_for_the_session_and_the_value_together(w: World) {
    for kind in Kind::ASKING {
        let client = quick(&w, kind).max_requests_per_call(1).build().unwrap();
        w.kms.reset_log();
        fails_for_want_of_requests(&w, &client).await;
        assert_eq!(w.kms.log().len(), 1, "{kind:?}");
        // What it brought is not lost: the session is there, the value fits.
        w.text(&client, "db/password").await;
        assert_eq!(w.kms.log().len(), 2, "{kind:?}");
        let client = quick(&w, kind).max_requests_per_call(2).build().unwrap();
        w.text(&client, "db/password").await;
    }
    let client = quick(&w, Kind::AssumeRole).max_requests_per_call(3).build().unwrap();
    w.kms.reset_log();
    w.kms.inject(Fault::status(503, "ServiceUnavailable").for_service(Service::Sts));
    fails_for_want_of_requests(&w, &client).await;
    assert_eq!((w.kms.calls("AssumeRole"), w.kms_reads()), (3, 0));
}

async fn a_renewal_within_a_call_leaves_it_a_request(w: World) {
    let client =
        quick(&w, Kind::AssumeRole).no_cache().no_background().max_requests_per_call(2).build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(50)).await;
    w.kms.inject(Fault::status(503, "ServiceUnavailable").for_service(Service::Sts));
    w.kms.reset_log();
    w.text(&client, "db/password").await;
    assert_eq!((w.kms.calls("AssumeRole"), w.kms_reads()), (1, 1));
    w.kms.clear_faults();
    w.pass(seconds(5)).await;
    w.text(&client, "db/password").await;
    assert_eq!((w.kms.calls("AssumeRole"), w.kms_reads()), (2, 2));
}
