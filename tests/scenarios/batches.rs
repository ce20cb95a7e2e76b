//! Many secrets at once: what goes into one call, and what is read by itself.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{World, millis, seconds, shown};
use simsim::{Client, ErrorKind, Result, Secret};
use simsim_emulator::{Fault, SecretSeed};
use tokio::time::Instant;

scenarios![
    many_secrets_cost_one_call_for_twenty,
    results_come_in_the_order_of_the_names_and_a_name_twice_is_asked_for_once,
    one_bad_name_among_many_fails_alone,
    what_is_cached_under_way_or_known_to_fail_is_not_asked_for_again,
    an_unknown_action_is_tried_once_and_then_never_more_than_six_single_reads,
    a_principal_that_may_not_batch_reads_one_by_one,
    a_batch_is_retried_as_any_call,
    a_batch_that_fails_fails_its_secrets_and_is_remembered,
    readers_of_one_of_them_wait_for_the_batch,
    an_answer_too_large_for_one_call_is_read_in_parts,
    a_batch_prints_no_needle,
];

async fn many(w: &World, client: &Client, names: &[&str]) -> Vec<Result<Secret>> {
    let (client, names): (_, Vec<String>) = (client.clone(), names.iter().map(|n| (*n).to_owned()).collect());
    w.run(async move {
        let results = client.get_secrets(names.iter().map(String::as_str)).await;
        assert!(results.iter().map(|(name, _)| *name).eq(names.iter().map(String::as_str)));
        results.into_iter().map(|(_, result)| result).collect()
    })
    .await
}

fn texts(results: &[Result<Secret>]) -> Vec<String> {
    results.iter().map(|r| r.as_ref().unwrap().text().unwrap().to_owned()).collect()
}

fn kinds(results: &[Result<Secret>]) -> Vec<Option<ErrorKind>> {
    results.iter().map(|r| r.as_ref().err().map(simsim::Error::kind)).collect()
}

/// BatchGetSecretValue and GetSecretValue calls so far.
fn calls(w: &World) -> (u64, u64) {
    (w.kms.calls("BatchGetSecretValue"), w.kms.calls("GetSecretValue"))
}

async fn many_secrets_cost_one_call_for_twenty(w: World) {
    let client = w.client();
    let names = w.seed(45);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let results = many(&w, &client, &names).await;
    assert_eq!(texts(&results), names.iter().map(|n| n.replace('s', "v")).collect::<Vec<_>>());
    assert_eq!(calls(&w), (3, 0));
    assert_eq!((client.status().misses, client.status().entries), (45, 45));
    // All of them are ordinary entries now.
    assert_eq!(w.text(&client, names[44]).await, names[44].replace('s', "v"));
    assert_eq!(texts(&many(&w, &client, &names).await).len(), 45);
    assert_eq!(calls(&w), (3, 0));
}

async fn results_come_in_the_order_of_the_names_and_a_name_twice_is_asked_for_once(w: World) {
    let client = w.client();
    let mut names = w.seed(5);
    names.reverse();
    names.insert(1, names[3].clone());
    names.push(names[0].clone());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let results = many(&w, &client, &names).await;
    assert_eq!(texts(&results), names.iter().map(|n| n.replace('s', "v")).collect::<Vec<_>>());
    assert_eq!((calls(&w), client.status().misses), ((1, 0), 5));
    assert!(many(&w, &client, &[]).await.is_empty());
}

async fn one_bad_name_among_many_fails_alone(w: World) {
    let client = w.client();
    w.kms.put_secret(SecretSeed::text("denied", "v"));
    w.kms.deny("denied");
    let names = ["db/password", "missing", "", "bad\nname", "acs:kms:nonsense", "denied"];
    let results = many(&w, &client, &names).await;
    let config = Some(ErrorKind::Config);
    let expected =
        [None, Some(ErrorKind::NotFound), config, config, config, Some(ErrorKind::PermissionDenied)];
    assert_eq!((kinds(&results).as_slice(), calls(&w)), (&expected[..], (1, 0)));
    let missing = results[1].as_ref().unwrap_err();
    assert_eq!((missing.status(), missing.service_code()), (Some(404), Some("Forbidden.ResourceNotFound")));
    // Each refusal is remembered for its own secret.
    assert_eq!(kinds(&many(&w, &client, &names).await), expected);
    assert_eq!(calls(&w), (1, 0));
}

async fn what_is_cached_under_way_or_known_to_fail_is_not_asked_for_again(w: World) {
    let client = w.client();
    let names = w.seed(4);
    let arn = "acs:kms:cn-hangzhou:1234567890123456:secret/db/password";
    w.read(&client, &names[0]).await.unwrap();
    w.read(&client, "missing").await.unwrap_err();
    w.kms.inject(Fault::slow_headers(millis(100)).for_secret(&names[1]).times(1));
    let under_way = w.spawn_reads(&client, &names[1], 1);
    w.settle().await;
    let asked = [&names[0], "missing", &names[1], &names[2], arn];
    let results = many(&w, &client, &asked).await;
    assert_eq!(kinds(&results), [None, Some(ErrorKind::NotFound), None, None, None]);
    for read in under_way {
        read.await.unwrap().unwrap();
    }
    // One left over is no batch, and an ARN may belong to another region.
    assert_eq!(calls(&w), (0, 3 + 2));
}

async fn an_unknown_action_is_tried_once_and_then_never_more_than_six_single_reads(w: World) {
    let client = w.client();
    let names = w.seed(20);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    w.kms.inject(Fault::status(404, "InvalidAction.NotFound").for_action("BatchGetSecretValue"));
    w.kms.inject(Fault::slow_headers(millis(100)).for_action("GetSecretValue"));
    let before = Instant::now();
    let results = many(&w, &client, &names).await;
    assert_eq!(texts(&results), names.iter().map(|n| n.replace('s', "v")).collect::<Vec<_>>());
    assert_eq!((calls(&w), w.wire.most_at_once()), ((1, 20), 6));
    assert!(before.elapsed() < millis(600), "{:?}", before.elapsed());
    client.invalidate_all();
    many(&w, &client, &names).await;
    assert_eq!(calls(&w), (1, 40), "the client has learnt it");
}

async fn a_principal_that_may_not_batch_reads_one_by_one(w: World) {
    let client = w.client();
    let names = w.seed(3);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    w.kms.inject(Fault::status(403, "Forbidden.NoPermission").for_action("BatchGetSecretValue"));
    assert_eq!(kinds(&many(&w, &client, &names).await), [None, None, None]);
    assert_eq!((calls(&w), client.status().last_error.is_none()), ((1, 3), true));
}

async fn a_batch_is_retried_as_any_call(w: World) {
    let client = w.client();
    let names = w.seed(3);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    w.kms.inject(Fault::throttle().times(2));
    assert_eq!(kinds(&many(&w, &client, &names).await), [None, None, None]);
    assert_eq!(calls(&w), (3, 0));
}

async fn a_batch_that_fails_fails_its_secrets_and_is_remembered(w: World) {
    let client = w.client();
    let names = w.seed(3);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    w.kms.inject(Fault::reset());
    assert_eq!(kinds(&many(&w, &client, &names).await), [Some(ErrorKind::Transport); 3]);
    let sent = w.wire.sent().len();
    assert_eq!(sent, 4, "one call with its retries");
    assert_eq!(w.read(&client, names[0]).await.unwrap_err().kind(), ErrorKind::Transport);
    assert_eq!(w.wire.sent().len(), sent, "nobody asks again at once");
    w.kms.clear_faults();
    w.pass(seconds(70)).await;
    assert_eq!(kinds(&many(&w, &client, &names).await), [None, None, None]);
}

async fn readers_of_one_of_them_wait_for_the_batch(w: World) {
    let client = w.client();
    let names = w.seed(3);
    w.kms.inject(Fault::slow_headers(millis(500)));
    let (reader, asked) = (client.clone(), names.clone());
    let batch = w.spawn(async move {
        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
        reader.get_secrets(asked).await.into_iter().filter(|(_, r)| r.is_ok()).count()
    });
    w.settle().await;
    for read in w.spawn_reads(&client, &names[1], 50) {
        assert_eq!(read.await.unwrap().unwrap().text().unwrap(), names[1].replace('s', "v"));
    }
    assert_eq!(batch.await.unwrap(), 3);
    assert_eq!((calls(&w), client.status().coalesced), ((1, 0), 50));
}

async fn an_answer_too_large_for_one_call_is_read_in_parts(w: World) {
    let client = w.client();
    let names: Vec<String> = (0..20).map(|n| format!("large/{n}")).collect();
    for name in &names {
        w.kms.put_secret(SecretSeed::text(name, "\u{1}".repeat(20_000)));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let results = many(&w, &client, &names).await;
    assert!(texts(&results).iter().all(|text| text.len() == 20_000));
    assert_eq!(calls(&w), (1, 20));
    client.invalidate_all();
    let small: Vec<&str> = names[..2].to_vec();
    assert_eq!(texts(&many(&w, &client, &small).await).len(), 2);
    assert_eq!(calls(&w), (2, 20), "the action itself is not given up");
}

async fn a_batch_prints_no_needle(w: World) {
    let client = w.client();
    w.kms.put_secret(SecretSeed::text("needle-free", "needle-in-value"));
    for fault in [
        Fault::malformed(),
        Fault::truncated(),
        Fault::status(403, "Forbidden.NoPermission"),
        Fault::html(500),
    ] {
        let client = client.for_principal(World::session());
        w.kms.inject(fault);
        for result in many(&w, &client, &["needle-free", "db/password"]).await {
            let error = result.unwrap_err();
            assert!(
                !shown(&error).contains("needle-in") && !shown(&error).contains("needle-value"),
                "{error:?}"
            );
        }
        w.kms.clear_faults();
        let printed = format!("{:?}", many(&w, &client, &["needle-free", "db/password"]).await);
        assert!(!printed.contains("needle-in") && !printed.contains("needle-value"), "{printed}");
    }
}
