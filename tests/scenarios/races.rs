//! What changes between a read's beginning and its answer: purges, bounds, principals, and work that is lost.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{World, millis, minutes, seconds};
use simsim::runtime::Background;
use simsim::sync::BoxFuture;
use simsim::{CacheOptions, Client, ErrorKind};
use simsim_emulator::Fault;

scenarios![
    what_is_forgotten_while_a_read_waits_is_not_its_answer,
    a_refusal_of_one_version_ends_the_reads_that_wait_with_another,
    a_bound_that_passes_while_a_read_waits_holds,
    a_hurried_read_with_an_old_value_makes_nobody_else_take_one,
    a_refresh_that_is_lost_behind_the_answer_is_told_as_an_old_value,
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
