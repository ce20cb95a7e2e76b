//! What a client tells of itself: events with their durations, status and readiness.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{Events, REGION, World, millis, minutes, seconds};
use simsim::{CacheOptions, Client, ErrorKind, Event, EventKind};
use simsim_emulator::{Fault, SecretSeed};
use std::time::Duration;

scenarios![
    each_read_is_one_event_with_its_duration,
    readers_who_wait_for_another_are_told_apart,
    a_refresh_behind_the_answer_is_an_event_of_its_own,
    an_outage_shows_as_stale_reads_and_failed_refreshes,
    throttles_and_retries_carry_their_waits,
    names_are_hashed_unless_they_are_asked_for,
    status_tells_the_clients_state,
    check_tells_whether_the_client_is_ready,
];

fn taken(events: &Events) -> Vec<Event> {
    std::mem::take(&mut *events.lock().unwrap())
}

/// The kinds of what was observed since the last look.
fn kinds(events: &Events) -> Vec<EventKind> {
    taken(events).into_iter().map(|event| event.kind).collect()
}

fn observed(w: &World) -> (Client, Events) {
    let (builder, events) = w.observed(w.builder());
    (builder.build().unwrap(), events)
}

async fn each_read_is_one_event_with_its_duration(w: World) {
    let (client, events) = observed(&w);
    w.kms.inject(Fault::slow_headers(millis(150)));
    w.text(&client, "db/password").await;
    let miss = taken(&events);
    assert_eq!(miss.len(), 1);
    assert_eq!((miss[0].kind, miss[0].error), (EventKind::Miss, None));
    assert!((millis(150)..=millis(153)).contains(&miss[0].duration), "{miss:?}");
    w.text(&client, "db/password").await;
    let hit = taken(&events);
    assert_eq!((hit.len(), hit[0].kind, hit[0].duration), (1, EventKind::Hit, Duration::ZERO));
    assert_eq!(hit[0].secret, miss[0].secret);
    w.refresh(&client, "db/password").await.unwrap();
    let refresh = taken(&events);
    assert_eq!((refresh.len(), refresh[0].kind), (1, EventKind::Refresh));
    assert!(refresh[0].duration >= millis(150));
    w.read(&client, "missing").await.unwrap_err();
    let failed = taken(&events);
    assert_eq!(
        (failed.len(), failed[0].kind, failed[0].error),
        (1, EventKind::Miss, Some(ErrorKind::NotFound))
    );
    assert_ne!(failed[0].secret, miss[0].secret);
}

async fn readers_who_wait_for_another_are_told_apart(w: World) {
    let (client, events) = observed(&w);
    w.kms.inject(Fault::slow_headers(millis(100)));
    for reader in w.spawn_reads(&client, "db/password", 5) {
        reader.await.unwrap().unwrap();
    }
    let mut seen = kinds(&events);
    seen.sort_by_key(|kind| kind.name());
    use EventKind::{Coalesced, Miss};
    assert_eq!(seen, [Coalesced, Coalesced, Coalesced, Coalesced, Miss]);
    assert_eq!(client.status().coalesced, 4);
}

async fn a_refresh_behind_the_answer_is_an_event_of_its_own(w: World) {
    for background in [true, false] {
        let options = CacheOptions::default().stale_while_revalidate(seconds(200));
        let builder = w.builder().cache(options);
        let builder = if background { builder } else { builder.no_background() };
        let (builder, events) = w.observed(builder);
        let client = builder.build().unwrap();
        w.kms.clear_faults();
        w.text(&client, "db/password").await;
        w.pass(seconds(661)).await;
        taken(&events);
        w.kms.inject(Fault::slow_headers(millis(120)));
        w.text(&client, "db/password").await;
        w.pass(millis(200)).await;
        let mut seen = taken(&events);
        seen.sort_by_key(|event| event.kind.name());
        assert_eq!(seen.iter().map(|e| e.kind).collect::<Vec<_>>(), [EventKind::Hit, EventKind::Refresh]);
        assert!((millis(120)..=millis(125)).contains(&seen[1].duration), "{seen:?}");
        assert_eq!(seen[1].error, None);
    }
}

async fn an_outage_shows_as_stale_reads_and_failed_refreshes(w: World) {
    let (builder, events) = w.observed(w.builder().no_retry());
    let client = builder.build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::unreachable());
    taken(&events);
    for _ in 0..3 {
        w.read(&client, "db/password").await.unwrap();
    }
    assert_eq!(kinds(&events), [EventKind::Stale; 3]);
    w.pass(seconds(2)).await;
    w.read(&client, "db/password").await.unwrap();
    w.settle().await;
    let mut seen = taken(&events);
    seen.sort_by_key(|event| event.kind.name());
    let seen: Vec<_> = seen.iter().map(|event| (event.kind, event.error)).collect();
    assert_eq!(seen, [(EventKind::Refresh, Some(ErrorKind::Transport)), (EventKind::Stale, None)]);
    let status = client.status();
    assert_eq!(status.stale, 4, "{status:?}");
}

async fn throttles_and_retries_carry_their_waits(w: World) {
    let (client, events) = observed(&w);
    w.kms.inject(Fault::retry_after_ms(1_000).times(1));
    w.kms.inject(Fault::reset().times(1));
    w.text(&client, "db/password").await;
    let seen = taken(&events);
    let order: Vec<_> = seen.iter().map(|event| (event.kind, event.error)).collect();
    use EventKind::{Miss, Retry, Throttle};
    let (throttled, transport) = (Some(ErrorKind::Throttled), Some(ErrorKind::Transport));
    assert_eq!(order, [(Throttle, throttled), (Retry, throttled), (Retry, transport), (Miss, None)]);
    assert_eq!(seen[0].duration, seconds(1));
    assert!(seen[1].duration >= seconds(1) && seen[1].duration <= millis(1_100), "{seen:?}");
    assert!(seen[2].duration <= millis(200));
    assert!(seen[3].duration >= seen[1].duration + seen[2].duration);
    assert!(seen.iter().all(|event| event.secret == seen[0].secret));
}

async fn names_are_hashed_unless_they_are_asked_for(w: World) {
    let (client, events) = observed(&w);
    w.text(&client, "db/password").await;
    let (builder, named) = w.observed(w.builder().observe_names());
    w.text(&builder.build().unwrap(), "db/password").await;
    let hashed = taken(&events)[0].secret.clone();
    assert_eq!(taken(&named)[0].secret, "db/password");
    assert!(hashed.len() == 16 && hashed.bytes().all(|b| b.is_ascii_hexdigit()), "{hashed}");
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(b"db/password");
    let expected: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(hashed, expected, "anyone who knows the name can find its events");
}

async fn status_tells_the_clients_state(w: World) {
    w.clock.shift_wall(7_200_000);
    let client = w.client();
    let status = client.status();
    assert_eq!((status.region.as_deref(), status.credential_source), (Some(REGION), "static_sts"));
    assert_eq!((status.hits, status.misses, status.coalesced, status.stale), (0, 0, 0, 0));
    assert_eq!((status.entries, status.bytes, status.oldest_stale), (0, 0, None));
    assert!(status.last_error.is_none() && !status.closed && status.clock_offset_ms == 0);
    w.text(&client, "db/password").await;
    w.text(&client, "db/password").await;
    let status = client.status();
    assert_eq!((status.hits, status.misses, status.entries), (1, 1, 1));
    assert!(status.bytes > 500 && status.clock_offset_ms.abs_diff(-7_200_000) <= 1_000);
    w.pass(minutes(30)).await;
    w.kms.inject(Fault::unreachable());
    w.read(&client, "db/password").await.unwrap();
    w.read(&client, "db/password").await.unwrap();
    let status = client.status();
    assert_eq!(status.stale, 2, "{status:?}");
    assert!(status.oldest_stale.is_some_and(|age| age >= minutes(30)));
    assert_eq!(status.last_error.unwrap().kind(), ErrorKind::Transport);
    w.kms.clear_faults();
    w.refresh(&client, "db/password").await.unwrap();
    let status = client.status();
    assert!(status.last_error.is_none() && status.oldest_stale.is_none());
    let pair = simsim::Credentials::access_key("LTAI.x", "y").unwrap();
    let client = w.bare().credentials(pair).build().unwrap();
    assert_eq!(client.status().credential_source, "static_ak");
    assert_eq!(client.clone().status().hits, client.status().hits);
}

async fn check_tells_whether_the_client_is_ready(w: World) {
    let client = w.client();
    let check = |client: &Client| {
        let client = client.clone();
        w.run(async move { client.check().await })
    };
    check(&client).await.expect("nothing has failed yet");
    assert_eq!(w.wire.sent().len(), 0, "readiness costs nothing of the quota");
    w.kms.inject(Fault::unreachable());
    w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(check(&client).await.unwrap_err().kind(), ErrorKind::Transport);
    w.pass(seconds(59)).await;
    assert_eq!(check(&client).await.unwrap_err().kind(), ErrorKind::Transport);
    // A program that is taken out of service reads nothing: what it found last is not held against it for ever.
    w.pass(seconds(2)).await;
    check(&client).await.expect("worth another try");
    w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(check(&client).await.unwrap_err().kind(), ErrorKind::Transport);
    w.kms.clear_faults();
    w.pass(seconds(2)).await;
    w.text(&client, "db/password").await;
    check(&client).await.expect("ready again");
    w.read(&client, "missing").await.unwrap_err();
    assert_eq!(client.status().last_error.expect("noted").kind(), ErrorKind::NotFound);
    check(&client).await.expect("one missing secret is no reason to take a program out of service");
    w.kms.put_secret(SecretSeed::text("slow", "x"));
    w.kms.inject(Fault::hang());
    w.get(&client, "slow", |g| g.timeout(millis(10))).await.unwrap_err();
    check(&client).await.expect("nor is one reader's hurry");
    w.kms.clear_faults();
    w.kms.inject(Fault::status(400, "InvalidSecurityToken.Expired"));
    w.read(&client, "slow").await.unwrap_err();
    assert_eq!(check(&client).await.unwrap_err().kind(), ErrorKind::CredentialsRejected);
}
