//! What the cache promises when it matters most: one call, outages, revocations.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{World, minutes, seconds};
use simsim::{CacheOptions, ErrorKind};
use simsim_emulator::Fault;
use std::time::Duration;

scenarios![
    a_second_read_is_answered_from_the_cache,
    ten_thousand_cold_reads_make_one_call,
    two_hundred_readers_of_a_denied_secret_make_one_call,
    an_outage_of_half_an_hour_goes_unnoticed_but_for_the_mark,
    a_value_left_alone_for_hours_is_fetched_anew,
    a_revoked_permission_ends_stale_answers_at_once,
];

async fn a_second_read_is_answered_from_the_cache(w: World) {
    let client = w.client();
    assert_eq!(w.text(&client, "db/password").await, "needle-value-1");
    let second = w.read(&client, "db/password").await.expect("cached");
    assert_eq!(second.text().expect("text"), "needle-value-1");
    assert!(!second.stale());
    assert_eq!(w.kms_reads(), 1);
}

async fn ten_thousand_cold_reads_make_one_call(w: World) {
    let client = w.client();
    w.kms.inject(Fault::slow_headers(Duration::from_millis(200)));
    let readers: Vec<_> = (0..10_000)
        .map(|_| {
            let client = client.clone();
            w.spawn(async move { client.get_secret("db/password").await.map(|s| s.bytes().len()) })
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.await.expect("ends").expect("a secret"), "needle-value-1".len());
    }
    assert_eq!(w.kms_reads(), 1);
}

async fn two_hundred_readers_of_a_denied_secret_make_one_call(w: World) {
    let client = w.client();
    w.kms.deny("db/password");
    w.kms.inject(Fault::slow_headers(Duration::from_millis(50)));
    let readers: Vec<_> = (0..200)
        .map(|_| {
            let client = client.clone();
            w.spawn(async move { client.get_secret("db/password").await })
        })
        .collect();
    for reader in readers {
        let error = reader.await.expect("ends").expect_err("denied");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(error.service_code(), Some("Forbidden.NoPermission"));
    }
    assert_eq!(w.kms_reads(), 1);
}

async fn an_outage_of_half_an_hour_goes_unnoticed_but_for_the_mark(w: World) {
    let options = CacheOptions::default().ttl(seconds(60)).stale_if_error(minutes(60));
    let client = w.builder().cache(options).build().expect("a client");
    w.text(&client, "db/password").await;
    let fetched = tokio::time::Instant::now();
    w.kms.inject(Fault::unreachable());
    w.pass(seconds(80)).await;
    let mut waited = Vec::new();
    for _ in 0..180 {
        let before = tokio::time::Instant::now();
        let secret = w.read(&client, "db/password").await.expect("answered through the outage");
        waited.push(before.elapsed());
        assert!(secret.stale(), "marked");
        assert_eq!(secret.text().expect("text"), "needle-value-1");
        let truth = fetched.elapsed();
        assert!(
            secret.age().abs_diff(truth) < Duration::from_millis(20),
            "{:?} is not {truth:?}",
            secret.age()
        );
        w.pass(seconds(10)).await;
    }
    // The first read of the outage tries for at most a second; the others do not wait at all.
    assert!(waited[0] <= seconds(1), "{waited:?}");
    assert!(waited[1..].iter().all(Duration::is_zero), "{waited:?}");
    // One second past the bound: ttl + stale_if_error.
    w.pass((seconds(3_661) - fetched.elapsed().min(seconds(3_661))) + Duration::from_millis(1)).await;
    let error = w.read(&client, "db/password").await.expect_err("past the bound");
    assert_eq!(error.kind(), ErrorKind::Transport);
}

async fn a_value_left_alone_for_hours_is_fetched_anew(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    w.pass(minutes(6 * 60)).await;
    let secret = w.read(&client, "db/password").await.expect("a secret");
    assert_eq!(secret.text().expect("text"), "needle-value-2");
    assert!(!secret.stale());
}

async fn a_revoked_permission_ends_stale_answers_at_once(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.kms.deny("db/password");
    w.pass(minutes(15)).await;
    for _ in 0..5 {
        let error = w.read(&client, "db/password").await.expect_err("revoked");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        w.pass(seconds(2)).await;
    }
    w.kms.inject(Fault::unreachable());
    w.pass(seconds(60)).await;
    assert_eq!(w.read(&client, "db/password").await.expect_err("gone").kind(), ErrorKind::Transport);
}
