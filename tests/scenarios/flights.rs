//! Reads at the same time: one asks, all are answered, and nobody's misfortune is another's.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_SECRET, TOKEN, World, millis, minutes, seconds};
use simsim::{Credentials, ErrorKind};
use simsim_emulator::{Fault, SecretSeed};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::Instant;

scenarios![
    waiters_of_a_throttled_read_get_their_leaders_error,
    an_invalidation_in_mid_flight_wins,
    a_refresh_never_joins_an_older_fetch,
    many_refreshes_at_once_make_at_most_two_calls,
    a_refresh_passes_the_memory_of_failures_by,
    a_refresh_that_fails_leaves_the_value_in_place,
    a_leader_that_is_dropped_is_replaced,
    a_leader_whose_request_hangs_still_answers_everyone,
    followers_that_give_up_hurt_nobody,
    a_hurried_leaders_timeout_is_its_own,
    a_hurried_leaders_throttle_is_its_own,
    readers_that_are_all_in_a_hurry_still_remember_a_failure,
    a_slow_secret_does_not_delay_another,
    closing_ends_everything_and_sends_nothing_more,
    principals_never_share_an_entry,
    a_changed_principal_takes_nothing_over,
];

async fn waiters_of_a_throttled_read_get_their_leaders_error(w: World) {
    let client = w.client();
    w.kms.inject(Fault::throttle());
    for reader in w.spawn_reads(&client, "db/password", 100) {
        let error = reader.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 4));
        assert_eq!(error.service_code(), Some("Rejected.Throttling"));
    }
    assert_eq!(w.kms_reads(), 4, "one call with its retries");
    w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(w.kms_reads(), 4, "and its failure is remembered");
}

async fn an_invalidation_in_mid_flight_wins(w: World) {
    let client = w.client();
    w.kms.inject(Fault::slow_headers(millis(200)));
    let early = w.spawn_reads(&client, "db/password", 5);
    w.pass(millis(100)).await;
    w.kms.rotate("db/password", "needle-value-2");
    client.invalidate("db/password");
    assert_eq!(w.text(&client, "db/password").await, "needle-value-2", "a later read joins no earlier fetch");
    for reader in early {
        assert_eq!(reader.await.unwrap().unwrap().text().unwrap(), "needle-value-1");
    }
    assert_eq!(w.text(&client, "db/password").await, "needle-value-2");
    assert_eq!(w.kms_reads(), 2);
    // The same with nobody reading in between: the old answer is not kept.
    client.invalidate_all();
    let early = w.spawn_reads(&client, "db/password", 1);
    w.pass(millis(100)).await;
    client.invalidate_all();
    w.pass(millis(200)).await;
    assert!(early.into_iter().next().unwrap().await.unwrap().is_ok());
    assert_eq!(client.status().entries, 0);
}

async fn a_refresh_never_joins_an_older_fetch(w: World) {
    let client = w.client();
    w.kms.inject(Fault::slow_headers(millis(200)));
    let early = w.spawn_reads(&client, "db/password", 1).remove(0);
    w.pass(millis(100)).await;
    w.kms.rotate("db/password", "needle-value-2");
    let refreshed = w.refresh(&client, "db/password").await.unwrap();
    assert_eq!(refreshed.text().unwrap(), "needle-value-2");
    assert_eq!(early.await.unwrap().unwrap().text().unwrap(), "needle-value-1");
    assert_eq!(w.text(&client, "db/password").await, "needle-value-2");
    assert_eq!(w.kms_reads(), 2);
}

async fn many_refreshes_at_once_make_at_most_two_calls(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    w.kms.inject(Fault::slow_headers(millis(100)));
    let refreshes: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            w.spawn(async move { client.refresh("db/password").await })
        })
        .collect();
    for refresh in refreshes {
        assert_eq!(refresh.await.unwrap().unwrap().text().unwrap(), "needle-value-2");
    }
    assert!((2..=3).contains(&w.kms_reads()), "{}", w.kms_reads());
}

async fn a_refresh_passes_the_memory_of_failures_by(w: World) {
    let client = w.client();
    assert_eq!(w.read(&client, "later").await.unwrap_err().kind(), ErrorKind::NotFound);
    w.kms.put_secret(SecretSeed::text("later", "here"));
    assert_eq!(w.read(&client, "later").await.unwrap_err().kind(), ErrorKind::NotFound, "remembered");
    assert_eq!(w.refresh(&client, "later").await.unwrap().text().unwrap(), "here");
    assert_eq!((w.text(&client, "later").await.as_str(), w.kms_reads()), ("here", 2));
}

async fn a_refresh_that_fails_leaves_the_value_in_place(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.kms.inject(Fault::unreachable());
    assert_eq!(w.refresh(&client, "db/password").await.unwrap_err().kind(), ErrorKind::Transport);
    let calls = w.kms_reads();
    let secret = w.read(&client, "db/password").await.unwrap();
    assert_eq!((secret.stale(), w.kms_reads()), (false, calls), "it is fresh all the same");
    w.kms.clear_faults();
    w.kms.remove_secret("db/password");
    assert_eq!(w.refresh(&client, "db/password").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(w.read(&client, "db/password").await.unwrap_err().kind(), ErrorKind::NotFound, "gone is gone");
}

async fn a_leader_that_is_dropped_is_replaced(w: World) {
    let client = w.client();
    w.kms.inject(Fault::slow_headers(millis(500)));
    let leader = w.spawn_reads(&client, "db/password", 1).remove(0);
    w.pass(millis(100)).await;
    let followers = w.spawn_reads(&client, "db/password", 20);
    w.pass(millis(100)).await;
    let before = Instant::now();
    leader.abort();
    for follower in followers {
        assert_eq!(follower.await.unwrap().unwrap().text().unwrap(), "needle-value-1");
    }
    let limit = if w.is_mailbox() { seconds(4) } else { millis(510) };
    assert!(before.elapsed() <= limit, "{:?}", before.elapsed());
    assert_eq!(w.kms_reads(), 2);
}

async fn a_leader_whose_request_hangs_still_answers_everyone(w: World) {
    let client = w.client();
    w.kms.inject(Fault::hang().times(1));
    let before = Instant::now();
    for reader in w.spawn_reads(&client, "db/password", 50) {
        assert!(reader.await.unwrap().is_ok());
    }
    assert!(before.elapsed() <= millis(3_400), "{:?}", before.elapsed());
    assert_eq!(w.kms_reads(), 2);
}

async fn followers_that_give_up_hurt_nobody(w: World) {
    let client = w.client();
    w.kms.inject(Fault::slow_headers(millis(300)));
    let mut readers = w.spawn_reads(&client, "db/password", 21);
    w.pass(millis(100)).await;
    for reader in readers.drain(1..11) {
        reader.abort();
    }
    for reader in readers {
        assert!(reader.await.unwrap().is_ok());
    }
    assert_eq!(w.kms_reads(), 1);
}

/// A leader that has 200 ms, and five followers that have their ten seconds.
async fn hurried(w: &World, client: &simsim::Client) -> simsim::Error {
    let (hasty, before) = (client.clone(), Instant::now());
    let leader =
        w.spawn(async move { hasty.get("db/password").timeout(millis(200)).send().await.unwrap_err() });
    w.settle().await;
    let followers = w.spawn_reads(client, "db/password", 5);
    let error = leader.await.unwrap();
    assert!(before.elapsed() <= millis(210), "{:?}", before.elapsed());
    for follower in followers {
        assert_eq!(follower.await.unwrap().expect("its own time").text().unwrap(), "needle-value-1");
    }
    error
}

async fn a_hurried_leaders_timeout_is_its_own(w: World) {
    let client = w.client();
    w.kms.inject(Fault::slow_headers(millis(500)));
    assert_eq!(hurried(&w, &client).await.kind(), ErrorKind::Timeout);
}

async fn a_hurried_leaders_throttle_is_its_own(w: World) {
    let client = w.client();
    w.kms.inject(Fault::retry_after_ms(400).times(1));
    w.kms.inject(Fault::slow_headers(millis(50)));
    assert_eq!(hurried(&w, &client).await.kind(), ErrorKind::Throttled);
}

async fn readers_that_are_all_in_a_hurry_still_remember_a_failure(w: World) {
    let client = w.client();
    w.kms.inject(Fault::unreachable());
    for _ in 0..5 {
        let error = w.get(&client, "db/password", |g| g.timeout(seconds(5))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
    assert_eq!(w.kms_reads(), 4, "all attempts were made: the failure is everyone's");
}

async fn a_slow_secret_does_not_delay_another(w: World) {
    let client = w.client();
    w.seed(1);
    w.kms.inject(Fault::slow_headers(seconds(2)).for_secret("db/password"));
    let slow = w.spawn_reads(&client, "db/password", 3);
    w.settle().await;
    let (fast, waited) = w.timed(&client, "s0").await;
    assert!(fast.is_ok() && waited < millis(20), "{waited:?}");
    for reader in slow {
        assert!(reader.await.unwrap().is_ok());
    }
}

async fn closing_ends_everything_and_sends_nothing_more(w: World) {
    let client = w.client();
    w.seed(2);
    w.text(&client, "s0").await;
    w.kms.inject(Fault::throttle().retry_after(2_000));
    let under_way = w.spawn_reads(&client, "s1", 10);
    w.pass(millis(100)).await;
    let before = Instant::now();
    client.clone().close();
    for reader in under_way {
        assert_eq!(reader.await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    }
    assert!(before.elapsed() <= seconds(3), "{:?}", before.elapsed());
    w.kms.clear_faults();
    let calls = w.kms_reads();
    w.pass(minutes(20)).await;
    for name in ["s0", "s1", "other"] {
        let error = w.read(&client, name).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Closed, 0));
    }
    assert_eq!(w.refresh(&client, "s0").await.unwrap_err().kind(), ErrorKind::Closed);
    let checked = client.clone();
    assert_eq!(w.run(async move { checked.check().await }).await.unwrap_err().kind(), ErrorKind::Closed);
    client.close();
    let status = client.status();
    assert!(status.closed && status.entries == 0 && status.bytes == 0);
    assert_eq!(w.kms_reads(), calls);
}

async fn principals_never_share_an_entry(w: World) {
    let client = w.client();
    w.kms.add_session("STS.other", KEY_SECRET, TOKEN, None);
    w.text(&client, "db/password").await;
    let other = client.for_principal(Credentials::session("STS.other", KEY_SECRET, TOKEN).unwrap());
    assert_eq!(other.status().entries, 0);
    w.kms.rotate("db/password", "needle-value-2");
    assert_eq!(w.text(&other, "db/password").await, "needle-value-2");
    assert_eq!(w.text(&client, "db/password").await, "needle-value-1");
    let keys: Vec<String> = w.kms.log().into_iter().map(|call| call.access_key_id).collect();
    assert_eq!(keys, [crate::support::KEY_ID, "STS.other"]);
    other.close();
    assert_eq!(w.text(&client, "db/password").await, "needle-value-1", "the other's end is its own");
    client.invalidate_all();
    assert_eq!(w.text(&client, "db/password").await, "needle-value-2");
}

async fn a_changed_principal_takes_nothing_over(w: World) {
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = asked.clone();
    let client = w
        .with_callback(move || {
            let who = if seen.fetch_add(1, Ordering::Relaxed) < 2 { "role/a" } else { "role/b" };
            async move { Ok(World::session().with_principal(who)) }
        })
        .build()
        .unwrap();
    w.seed(3);
    w.text(&client, "s0").await;
    w.text(&client, "s1").await;
    w.text(&client, "s0").await;
    assert_eq!((w.kms_reads(), client.status().entries), (2, 2));
    w.text(&client, "s2").await;
    w.text(&client, "s0").await;
    assert_eq!(w.kms_reads(), 4, "what role/a had read was forgotten");
    w.text(&client, "s0").await;
    w.text(&client, "s2").await;
    assert!(w.kms_reads() <= 5, "{}", w.kms_reads());
    let calls = w.kms_reads();
    w.text(&client, "s2").await;
    assert_eq!(w.kms_reads(), calls);
}
