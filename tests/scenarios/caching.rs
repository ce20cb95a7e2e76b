//! How long a value is fresh, when it is looked at again, and when it may not be served any more.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{START, World, millis, minutes, seconds};
use simsim::{CacheOptions, ErrorKind, Timestamp};
use simsim_emulator::{Fault, SecretSeed};
use std::time::Duration;

/// Values are past their ttl but not yet stale from 661 to 740 seconds, whatever the jitter.
fn long_revalidation() -> CacheOptions {
    CacheOptions::default().stale_while_revalidate(seconds(200))
}

scenarios![
    the_ttl_is_spread_by_a_tenth_either_way,
    a_value_past_its_ttl_is_answered_at_once_and_refreshed_behind,
    without_a_background_the_read_that_notices_refreshes,
    without_a_background_a_hung_service_delays_one_read_by_a_second,
    without_a_background_a_revoked_permission_ends_the_read_that_notices,
    a_read_waits_a_second_for_a_hung_service_and_later_ones_not_at_all,
    a_failing_key_is_asked_in_growing_intervals_behind_the_answers,
    a_service_that_recovers_is_noticed_within_two_minutes,
    an_old_failure_does_not_make_a_read_take_an_old_value,
    not_found_and_denied_are_remembered_for_five_seconds,
    a_read_can_set_the_age_it_takes,
    a_wall_clock_that_goes_back_makes_a_value_stale,
    a_machine_that_was_frozen_tells_age_by_its_wall_clock,
    a_login_is_not_served_stale_past_its_rotation,
    a_rotation_ahead_shortens_freshness,
    the_least_recently_used_value_goes_first,
    the_cache_holds_no_more_bytes_than_it_may,
    without_a_cache_every_read_asks_and_reads_at_once_share,
];

async fn the_ttl_is_spread_by_a_tenth_either_way(w: World) {
    let client = w.client();
    let names = w.seed(40);
    let read_all = || async {
        for name in &names {
            assert!(!w.read(&client, name).await.unwrap().stale());
        }
        w.settle().await;
    };
    read_all().await;
    w.pass(seconds(540)).await;
    read_all().await;
    assert_eq!(w.kms_reads(), 40, "never before nine tenths of the ttl");
    w.pass(seconds(60)).await;
    read_all().await;
    let after_ttl = w.kms_reads();
    assert!((46..75).contains(&after_ttl), "{after_ttl}: they do not expire all at once");
    w.pass(seconds(61)).await;
    read_all().await;
    assert_eq!(w.kms_reads(), 80, "never after eleven tenths");
}

async fn a_value_past_its_ttl_is_answered_at_once_and_refreshed_behind(w: World) {
    let client = w.builder().cache(long_revalidation()).build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(seconds(661)).await;
    w.kms.rotate("db/password", "needle-value-2");
    w.kms.inject(Fault::slow_headers(millis(200)));
    for _ in 0..50 {
        let (secret, waited) = w.timed(&client, "db/password").await;
        let secret = secret.unwrap();
        assert_eq!((secret.text().unwrap(), waited), ("needle-value-1", Duration::ZERO));
        assert!(!secret.stale(), "nobody has failed");
        assert_eq!(secret.age().as_secs(), 661);
    }
    w.settle().await;
    assert_eq!(w.kms_reads(), 2, "one refresh");
    w.pass(millis(300)).await;
    let secret = w.read(&client, "db/password").await.unwrap();
    assert_eq!((secret.text().unwrap(), w.kms_reads()), ("needle-value-2", 2));
    assert!(secret.age() < seconds(1));
}

async fn without_a_background_the_read_that_notices_refreshes(w: World) {
    let client = w.builder().cache(long_revalidation()).no_background().build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(seconds(661)).await;
    w.kms.rotate("db/password", "needle-value-2");
    let secret = w.read(&client, "db/password").await.unwrap();
    assert_eq!(secret.text().unwrap(), "needle-value-2", "a refresh after the answer would be lost");
    assert!(secret.age().is_zero() && !secret.stale());
    assert_eq!(w.kms_reads(), 2);
}

async fn without_a_background_a_hung_service_delays_one_read_by_a_second(w: World) {
    for idle in [seconds(661), minutes(30)] {
        let client = w.builder().cache(long_revalidation()).no_background().build().unwrap();
        w.kms.clear_faults();
        w.text(&client, "db/password").await;
        w.pass(idle).await;
        w.kms.inject(Fault::hang());
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.unwrap().stale(), "KMS could not be asked");
        assert!(waited >= millis(999) && waited < millis(1_020), "{waited:?}");
        let calls = w.kms_reads();
        for _ in 0..10 {
            let (secret, waited) = w.timed(&client, "db/password").await;
            assert!(secret.unwrap().stale());
            assert_eq!(waited, Duration::ZERO, "later reads do not wait");
        }
        assert_eq!(w.kms_reads(), calls);
    }
}

async fn without_a_background_a_revoked_permission_ends_the_read_that_notices(w: World) {
    let client = w.builder().cache(long_revalidation()).no_background().build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(seconds(661)).await;
    w.kms.deny("db/password");
    let error = w.read(&client, "db/password").await.expect_err("known to be revoked");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!((w.kms_reads(), client.status().entries), (2, 0));
}

async fn a_read_waits_a_second_for_a_hung_service_and_later_ones_not_at_all(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::hang());
    let (secret, waited) = w.timed(&client, "db/password").await;
    let secret = secret.unwrap();
    assert!(waited >= millis(999) && waited < millis(1_020), "{waited:?}");
    assert!(secret.stale());
    assert_eq!(secret.age().as_secs(), 1_801, "the age at the answer");
    for _ in 0..60 {
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.unwrap().stale());
        assert_eq!(waited, Duration::ZERO);
        w.pass(millis(1_500)).await;
    }
    assert!(client.status().oldest_stale.is_some_and(|age| age >= minutes(31)));
}

async fn a_failing_key_is_asked_in_growing_intervals_behind_the_answers(w: World) {
    let client = w.builder().no_retry().build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.reset_log();
    w.kms.inject(Fault::unreachable());
    assert!(w.read(&client, "db/password").await.unwrap().stale());
    for _ in 0..1_200 {
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.unwrap().stale());
        assert_eq!(waited, Duration::ZERO, "a failing key's later reads never wait");
        w.pass(millis(500)).await;
    }
    let at: Vec<i64> = w.kms.log().iter().map(|call| call.at.as_millis()).collect();
    let gaps: Vec<i64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((500..=1_600).contains(&gaps[0]), "{gaps:?}");
    let doubling = [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000];
    for (gap, ceiling) in gaps.iter().zip(doubling) {
        assert!((ceiling / 2..=ceiling + 600).contains(gap), "{gap} of {gaps:?}");
    }
    let late = &gaps[6..];
    assert!(late.len() >= 7 && late.iter().all(|gap| (30_000..=60_600).contains(gap)), "{gaps:?}");
}

async fn a_service_that_recovers_is_noticed_within_two_minutes(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::unreachable());
    for _ in 0..60 {
        assert!(w.read(&client, "db/password").await.unwrap().stale());
        w.pass(seconds(10)).await;
    }
    w.kms.clear_faults();
    w.kms.rotate("db/password", "needle-value-2");
    let mut rounds = 0;
    while w.text(&client, "db/password").await != "needle-value-2" {
        w.pass(seconds(1)).await;
        rounds += 1;
        assert!(rounds <= 120);
    }
    assert!(!w.read(&client, "db/password").await.unwrap().stale());
    assert!(client.status().last_error.is_none());
}

async fn an_old_failure_does_not_make_a_read_take_an_old_value(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::unreachable());
    assert!(w.read(&client, "db/password").await.unwrap().stale());
    w.kms.clear_faults();
    w.kms.rotate("db/password", "needle-value-2");
    w.pass(minutes(6 * 60)).await;
    let secret = w.read(&client, "db/password").await.unwrap();
    assert_eq!((secret.text().unwrap(), secret.stale()), ("needle-value-2", false));
}

async fn not_found_and_denied_are_remembered_for_five_seconds(w: World) {
    let client = w.client();
    w.kms.deny("db/password");
    for (name, kind) in [("later", ErrorKind::NotFound), ("db/password", ErrorKind::PermissionDenied)] {
        w.kms.reset_log();
        assert_eq!(w.read(&client, name).await.unwrap_err().kind(), kind);
        w.kms.put_secret(SecretSeed::text("later", "here"));
        w.kms.allow("db/password");
        w.pass(millis(4_900)).await;
        let error = w.read(&client, name).await.unwrap_err();
        assert_eq!((error.kind(), w.kms_reads()), (kind, 1));
        w.pass(millis(200)).await;
        w.read(&client, name).await.expect("asked again");
        assert_eq!(w.kms_reads(), 2);
        w.kms.deny("db/password");
    }
}

async fn a_read_can_set_the_age_it_takes(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.get(&client, "db/password", |g| g.max_age(Duration::ZERO)).await.unwrap();
    assert_eq!(w.kms_reads(), 2, "zero always asks");
    w.kms.rotate("db/password", "needle-value-2");
    w.pass(seconds(10)).await;
    let cached = w.get(&client, "db/password", |g| g.max_age(seconds(60))).await.unwrap();
    assert_eq!((cached.text().unwrap(), w.kms_reads()), ("needle-value-1", 2));
    let asked = w.get(&client, "db/password", |g| g.max_age(seconds(5))).await.unwrap();
    assert_eq!((asked.text().unwrap(), asked.stale(), w.kms_reads()), ("needle-value-2", false, 3));
    w.kms.inject(Fault::unreachable());
    w.pass(seconds(10)).await;
    let old = w.get(&client, "db/password", |g| g.max_age(seconds(5))).await.unwrap();
    assert!(old.stale() && old.age() >= seconds(10));
    assert!(!w.read(&client, "db/password").await.unwrap().stale(), "it is still fresh to others");
}

async fn a_wall_clock_that_goes_back_makes_a_value_stale(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    w.pass(seconds(10)).await;
    w.clock.shift_wall(-3_600_000);
    let (secret, waited) = w.timed(&client, "db/password").await;
    assert_eq!(secret.unwrap().text().unwrap(), "needle-value-2");
    assert!(waited < seconds(1));
    let calls = w.kms_reads();
    w.pass(seconds(60)).await;
    let secret = w.read(&client, "db/password").await.unwrap();
    assert_eq!((w.kms_reads(), secret.age().as_secs()), (calls, 60), "fresh again on the new time");
}

async fn a_machine_that_was_frozen_tells_age_by_its_wall_clock(w: World) {
    let client = w.client();
    w.text(&client, "db/password").await;
    w.kms.rotate("db/password", "needle-value-2");
    w.pass(minutes(30)).await;
    w.clock.lose_mono(minutes(30));
    w.kms.inject(Fault::unreachable());
    let secret = w.read(&client, "db/password").await.unwrap();
    assert!(secret.stale() && secret.age() >= minutes(30), "{:?}", secret.age());
    w.kms.clear_faults();
    w.pass(minutes(30)).await;
    w.clock.lose_mono(minutes(30));
    assert_eq!(w.text(&client, "db/password").await, "needle-value-1", "the backoff stood still as well");
    w.pass(minutes(5)).await;
    assert_eq!(w.text(&client, "db/password").await, "needle-value-2");
}

async fn a_login_is_not_served_stale_past_its_rotation(w: World) {
    let client = w.client();
    let rotation = Timestamp::from_millis(START + 2 * 3_600_000);
    let kinds = ["Rds", "Redis", "PolarDB", "RAMCredentials", "ECS"];
    for kind in kinds {
        w.kms.put_secret(SecretSeed::text(kind, "login").secret_type(kind).next_rotation(rotation));
        w.text(&client, kind).await;
    }
    w.kms.inject(Fault::unreachable());
    w.pass(minutes(129)).await;
    for kind in kinds {
        assert!(w.read(&client, kind).await.expect("within the overlap").stale());
    }
    w.pass(minutes(1) + seconds(1)).await;
    for kind in kinds {
        match w.read(&client, kind).await {
            Ok(secret) => {
                assert!(kind == "ECS" && secret.stale(), "{kind}: its password does not rotate away")
            }
            Err(error) => assert!(kind != "ECS" && error.kind() == ErrorKind::Transport, "{kind}: {error}"),
        }
    }
    // A value that came while its rotation was due: the rotation may come right after it.
    w.kms.clear_faults();
    let due = Timestamp::from_millis(START + 131 * 60_000);
    w.kms.put_secret(SecretSeed::text("late", "login").secret_type("Rds").next_rotation(due));
    w.pass(minutes(2)).await;
    w.text(&client, "late").await;
    w.kms.inject(Fault::unreachable());
    w.pass(minutes(7)).await;
    assert!(w.read(&client, "late").await.expect("within the overlap").stale());
    w.pass(minutes(3) + seconds(1)).await;
    assert_eq!(w.read(&client, "late").await.expect_err("past it").kind(), ErrorKind::Transport);
}

async fn a_rotation_ahead_shortens_freshness(w: World) {
    let client = w.client();
    let rotation = Timestamp::from_millis(START + 120_000);
    w.kms.put_secret(SecretSeed::text("rds", "old").secret_type("Rds").next_rotation(rotation));
    w.text(&client, "rds").await;
    w.pass(seconds(119)).await;
    w.text(&client, "rds").await;
    assert_eq!(w.kms_reads(), 1, "fresh up to the rotation");
    w.pass(seconds(2)).await;
    w.text(&client, "rds").await;
    w.settle().await;
    assert_eq!(w.kms_reads(), 2, "looked at again right after it");
    w.kms.rotate("rds", "new");
    w.pass(seconds(31)).await;
    w.text(&client, "rds").await;
    w.settle().await;
    assert_eq!(w.text(&client, "rds").await, "new", "and every half minute while it is late");
    assert_eq!(w.kms_reads(), 3);
}

async fn the_least_recently_used_value_goes_first(w: World) {
    let client = w.builder().cache(CacheOptions::default().max_entries(3)).build().unwrap();
    w.seed(6);
    for name in ["s0", "s1", "s2"] {
        w.text(&client, name).await;
        w.pass(millis(10)).await;
    }
    w.text(&client, "s0").await;
    w.text(&client, "s3").await;
    assert_eq!((client.status().entries, w.kms_reads()), (3, 4));
    for name in ["s0", "s2", "s3"] {
        w.text(&client, name).await;
    }
    assert_eq!(w.kms_reads(), 4, "s1 was the one to go");
    w.text(&client, "s1").await;
    assert_eq!((client.status().entries, w.kms_reads()), (3, 5));
    // Names that do not exist push nothing out.
    for n in 0..50 {
        w.read(&client, &format!("missing{n}")).await.unwrap_err();
    }
    assert_eq!(client.status().entries, 3);
}

async fn the_cache_holds_no_more_bytes_than_it_may(w: World) {
    let client = w.builder().cache(CacheOptions::default().max_bytes(20_000)).build().unwrap();
    for n in 0..10 {
        let name = format!("big{n}");
        w.kms.put_secret(SecretSeed::text(name.clone(), "x".repeat(5_000)));
        w.text(&client, &name).await;
        let status = client.status();
        assert!(status.bytes <= 20_000 && status.entries <= 3, "{status:?}");
    }
    w.text(&client, "big9").await;
    assert_eq!((w.kms_reads(), client.status().entries), (10, 3));
    w.kms.put_secret(SecretSeed::text("huge", "x".repeat(30_000)));
    for _ in 0..2 {
        assert_eq!(w.text(&client, "huge").await.len(), 30_000);
    }
    assert_eq!(
        (w.kms_reads(), client.status().entries),
        (12, 3),
        "answered, not kept, and nothing else goes"
    );
    client.invalidate_all();
    let status = client.status();
    assert_eq!((status.entries, status.bytes), (0, 0));
}

async fn without_a_cache_every_read_asks_and_reads_at_once_share(w: World) {
    let client = w.builder().no_cache().build().unwrap();
    for _ in 0..3 {
        w.text(&client, "db/password").await;
    }
    assert_eq!((w.kms_reads(), client.status().entries), (3, 0));
    w.kms.inject(Fault::slow_headers(millis(100)));
    for reader in w.spawn_reads(&client, "db/password", 100) {
        reader.await.unwrap().unwrap();
    }
    assert_eq!(w.kms_reads(), 4);
    w.kms.clear_faults();
    w.kms.remove_secret("db/password");
    for _ in 0..2 {
        assert_eq!(w.read(&client, "db/password").await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(w.kms_reads(), 6, "failures are not kept either");
}
