//! What changes between a read's beginning and its answer: purges, bounds, principals, and work that is lost.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_SECRET, World, millis, minutes, seconds};
use simsim::runtime::{Background, Runtime};
use simsim::sync::BoxFuture;
use simsim::{CacheOptions, Client, Credentials, ErrorKind, RetryOptions};
use simsim_emulator::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

scenarios![
    what_is_forgotten_while_a_read_waits_is_not_its_answer,
    a_refusal_of_one_version_ends_the_reads_that_wait_with_another,
    a_bound_that_passes_while_a_read_waits_holds,
    a_hurried_read_with_an_old_value_makes_nobody_else_take_one,
    a_refresh_that_is_lost_behind_the_answer_is_told_as_an_old_value,
    a_service_that_asks_for_a_pause_gets_it_from_readers_in_a_hurry_as_well,
    a_leader_that_vanishes_is_replaced_within_the_time_of_a_read_whatever_an_attempt_may_take,
    another_principal_is_answered_nothing_of_the_former_though_its_own_calls_fail,
    a_principal_that_changes_behind_an_answer_ends_what_the_former_had_read,
    a_batch_that_nobody_saw_the_end_of_is_asked_for_again_in_one_call,
];

async fn what_is_forgotten_while_a_read_waits_is_not_its_answer(w: World) {
    let ways: [fn(&Client); 3] = [|c| c.invalidate("db/password"), Client::invalidate_all, Client::close];
    for forget in ways {
        let client = w.client();
        w.kms.clear_faults();
        w.text(&client, "db/password").await;
        w.pass(minutes(30)).await;
        w.kms.inject(Fault::hang());
        let waiting = w.spawn_reads(&client, "db/password", 3);
        w.pass(millis(500)).await;
        forget(&client);
        for read in waiting {
            read.await.unwrap().expect_err("forgotten");
        }
    }
}

async fn a_refusal_of_one_version_ends_the_reads_that_wait_with_another(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::hang().times(1));
    let waiting = w.spawn_reads(&client, "db/password", 3);
    w.pass(millis(500)).await;
    w.kms.deny("db/password");
    let other = w.get(&client, "db/password", |g| g.version_stage("ACSPrevious")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::PermissionDenied);
    for read in waiting {
        read.await.unwrap().expect_err("a refusal is followed by no stale answer");
    }
}

async fn a_bound_that_passes_while_a_read_waits_holds(w: World) {
    let options = CacheOptions::default().ttl(seconds(60)).stale_if_error(minutes(60));
    let client = w.builder().cache(options).build().unwrap();
    w.text(&client, "db/password").await;
    w.kms.inject(Fault::hang());
    w.pass(seconds(3_659) + millis(500)).await;
    let late = w.spawn_reads(&client, "db/password", 3);
    for read in late {
        if let Ok(secret) = read.await.unwrap() {
            assert!(secret.age() <= seconds(3_660), "{:?}", secret.age());
        }
    }
    w.kms.clear_faults();
    client.invalidate_all();
    w.text(&client, "db/password").await;
    w.kms.inject(Fault::hang());
    // In its last half second a value is not waited with for longer than it may be answered.
    w.pass(seconds(3_658)).await;
    assert!(w.read(&client, "db/password").await.unwrap().stale());
    w.pass(seconds(1)).await;
    w.read(&client, "db/password").await.expect("to the last millisecond");
    w.pass(millis(2)).await;
    w.read(&client, "db/password").await.expect_err("and not past it");
}

async fn a_hurried_read_with_an_old_value_makes_nobody_else_take_one(w: World) {
    for background in [true, false] {
        let builder = if background { w.builder() } else { w.builder().no_background() };
        let client = builder.build().unwrap();
        w.kms.clear_faults();
        w.kms.rotate("db/password", "needle-value-1");
        w.text(&client, "db/password").await;
        w.pass(minutes(30)).await;
        w.kms.rotate("db/password", "needle-value-2");
        w.kms.inject(Fault::slow_headers(millis(100)));
        let hasty = w.get(&client, "db/password", |g| g.timeout(millis(20))).await.unwrap();
        assert!(hasty.stale(), "its own time was over");
        let secret = w.read(&client, "db/password").await.unwrap();
        assert_eq!((secret.text().unwrap(), secret.stale()), ("needle-value-2", false), "{background}");
        w.pass(seconds(1)).await;
    }
}

async fn a_service_that_asks_for_a_pause_gets_it_from_readers_in_a_hurry_as_well(w: World) {
    let client = w.client();
    w.kms.inject(Fault::retry_after_ms(30_000));
    for _ in 0..5 {
        let error = w.get(&client, "db/password", |g| g.timeout(seconds(5))).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, 1));
    }
    assert_eq!(w.kms_reads(), 1, "the client's own time would not have sufficed either");
}

async fn a_leader_that_vanishes_is_replaced_within_the_time_of_a_read_whatever_an_attempt_may_take(w: World) {
    let patient = RetryOptions::default().attempt_timeout(minutes(1));
    let asked = Arc::new(AtomicUsize::new(0));
    let slow_once = asked.clone();
    let clock = w.clock.clone();
    let client = w.with_callback(move || {
        let (n, clock) = (slow_once.fetch_add(1, Ordering::Relaxed), clock.clone());
        async move {
            if n == 0 {
                clock.sleep(minutes(5)).await;
            }
            Ok(World::session())
        }
    });
    let client = client.retry(patient).build().unwrap();
    let leader = w.spawn_reads(&client, "db/password", 1).remove(0);
    w.pass(millis(100)).await;
    let followers = w.spawn_reads(&client, "db/password", 3);
    w.pass(millis(100)).await;
    leader.abort();
    for follower in followers {
        assert!(follower.await.unwrap().is_ok());
    }
}

/// A background that takes work and forgets it.
struct Forgetful;

impl Background for Forgetful {
    fn run(&self, _task: BoxFuture<'static, ()>) -> Result<(), BoxFuture<'static, ()>> {
        Ok(())
    }
}

async fn a_refresh_that_is_lost_behind_the_answer_is_told_as_an_old_value(w: World) {
    let client = w.builder().background(Forgetful).build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    for _ in 0..3 {
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.unwrap().stale() && waited <= seconds(1), "{waited:?}");
    }
    assert_eq!(w.kms_reads(), 1);
}

/// Sessions of `role/a` until so many were given, then of `role/b`.
fn changing(w: &World, after: usize, lifetime: Option<std::time::Duration>) -> simsim::ClientBuilder {
    let asked = Arc::new(AtomicUsize::new(0));
    let (kms, server) = (w.kms.clone(), w.clock.server());
    w.with_callback(move || {
        let n = asked.fetch_add(1, Ordering::Relaxed);
        let (id, token) = (format!("STS.n{n}"), format!("token-{n}"));
        let end = lifetime.map(|lifetime| server.wall().after(lifetime));
        kms.add_session(&id, KEY_SECRET, &token, end);
        let session = Credentials::session(id, KEY_SECRET, token);
        let who = if n < after { "role/a" } else { "role/b" };
        async move {
            let session = session?.with_principal(who);
            Ok(end.map_or(session.clone(), |end| session.with_expiration(end)))
        }
    })
}

async fn another_principal_is_answered_nothing_of_the_former_though_its_own_calls_fail(w: World) {
    let client = changing(&w, 2, None).build().unwrap();
    w.seed(3);
    w.text(&client, "s0").await;
    w.text(&client, "s1").await;
    w.kms.inject(Fault::unreachable());
    assert_eq!(w.read(&client, "s2").await.unwrap_err().kind(), ErrorKind::Transport);
    for name in ["s0", "s1"] {
        let error = w.read(&client, name).await.expect_err("role/a had read it");
        assert_eq!(error.kind(), ErrorKind::Transport);
    }
}

async fn a_principal_that_changes_behind_an_answer_ends_what_the_former_had_read(w: World) {
    let client =
        changing(&w, 1, Some(minutes(60))).cache(CacheOptions::default().ttl(minutes(600))).build().unwrap();
    w.seed(2);
    w.text(&client, "s0").await;
    w.pass(minutes(54)).await;
    // Signed with the session of role/a, which still serves; the next one is obtained behind the answer.
    w.text(&client, "s1").await;
    w.settle().await;
    assert_eq!(client.status().entries, 0, "role/b is who reads now");
    w.text(&client, "s0").await;
    assert_eq!(w.kms_reads(), 3);
}

async fn a_batch_that_nobody_saw_the_end_of_is_asked_for_again_in_one_call(w: World) {
    let client = w.client();
    let names = w.seed(5);
    let batch = |client: &Client| {
        let (client, names) = (client.clone(), names.clone());
        w.spawn(async move {
            let results = client.get_secrets(names.iter().map(String::as_str)).await;
            results.into_iter().filter(|(_, result)| result.is_ok()).count()
        })
    };
    w.kms.inject(Fault::hang().times(1));
    let dropped = batch(&client);
    w.pass(millis(100)).await;
    dropped.abort();
    w.pass(seconds(5)).await;
    assert_eq!(batch(&client).await.unwrap(), 5);
    assert_eq!((w.kms.calls("BatchGetSecretValue"), w.kms_reads()), (2, 0));
    // The same after a failure that is not remembered any more.
    client.invalidate_all();
    w.kms.inject(Fault::unreachable().times(4));
    assert_eq!(batch(&client).await.unwrap(), 0);
    w.pass(seconds(2)).await;
    assert_eq!(batch(&client).await.unwrap(), 5);
    assert_eq!((w.kms.calls("BatchGetSecretValue"), w.kms_reads()), (7, 0));
}
