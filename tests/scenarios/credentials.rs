//! Sessions: when they are asked for, refreshed and given up, and who waits for whom.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_SECRET, Trick, World, millis, minutes, seconds};
use simsim::credentials::FunctionCompute;
use simsim::runtime::Runtime;
use simsim::{ClientBuilder, Credentials, Error, ErrorKind, Result};
use simsim_emulator::Fault;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

scenarios![
    a_session_is_refreshed_ahead_of_its_end,
    a_hundred_cold_secrets_ask_the_provider_once,
    a_session_without_an_end_is_asked_for_again_for_every_call,
    a_refresh_that_fails_keeps_the_session_that_is_still_valid,
    a_refresh_that_hangs_delays_one_read_by_two_seconds,
    a_pause_of_renewals_ends_with_the_session,
    a_session_that_is_over_is_never_signed_with,
    a_provider_that_gives_an_expired_session_is_told,
    a_static_session_that_is_over_is_told,
    where_no_answer_tells_the_time_a_session_that_is_over_revokes_nothing,
    a_provider_that_hangs_blocks_nobody_for_ever,
    a_provider_that_fails_is_left_alone_for_a_moment,
    a_hurried_reader_does_not_spend_the_providers_time_for_others,
    a_refused_session_is_renewed_once_and_the_call_goes_on,
    many_refused_calls_renew_the_session_once,
    a_provider_that_insists_on_a_refused_session_ends_the_call,
    a_static_session_that_is_refused_takes_its_values_with_it,
    a_functions_next_invocation_ends_the_refusal_of_the_last_ones_session,
    closing_while_the_provider_is_asked_sends_nothing,
    a_clock_that_jumps_ahead_costs_one_request_and_no_read,
    a_renewal_leaves_a_hurried_read_time_for_its_call,
];

/// A provider of new sessions, known to the service, that end after `lifetime`.
#[derive(Clone)]
struct Issuer {
    w: World,
    lifetime: Option<Duration>,
    asked: Arc<AtomicUsize>,
    /// How long an answer takes.
    delay: Arc<Mutex<Duration>>,
    broken: Arc<AtomicBool>,
}

impl Issuer {
    fn new(w: &World, lifetime: Option<Duration>) -> Self {
        let delay = Arc::new(Mutex::new(Duration::ZERO));
        Self { w: w.clone(), lifetime, asked: Arc::default(), delay, broken: Arc::default() }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn take(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    fn break_down(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }

    async fn issue(self) -> Result<Credentials> {
        let n = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            self.w.clock.sleep(delay).await;
        }
        if self.broken.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Transport, "the issuer is down"));
        }
        let (id, token) = (format!("STS.n{n}"), format!("token-{n}"));
        let end = self.lifetime.map(|lifetime| self.w.clock.server().wall().after(lifetime));
        self.w.kms.add_session(&id, KEY_SECRET, &token, end);
        let session = Credentials::session(id, KEY_SECRET, token)?;
        Ok(match end {
            Some(end) => session.with_expiration(end),
            None => session,
        })
    }

    fn builder(&self) -> ClientBuilder {
        let issuer = self.clone();
        self.w.with_callback(move || issuer.clone().issue())
    }

    fn keys_used(&self) -> Vec<String> {
        keys_used(&self.w)
    }
}

/// The keys of the requests that KMS saw; an empty one is an anonymous request's.
fn keys_used(w: &World) -> Vec<String> {
    let mut keys: Vec<String> = w.kms.log().into_iter().map(|call| call.access_key_id).collect();
    keys.dedup();
    keys
}

async fn a_session_is_refreshed_ahead_of_its_end(w: World) {
    for (lifetime, refreshed_after) in [
        (seconds(900), seconds(600)),
        (minutes(60), minutes(48)),
        (minutes(8), minutes(4)),
        (minutes(36 * 60), minutes(36 * 60 - 15)),
    ] {
        let issuer = Issuer::new(&w, Some(lifetime));
        let client = issuer.builder().no_cache().build().unwrap();
        w.text(&client, "db/password").await;
        w.pass(refreshed_after - seconds(1)).await;
        w.text(&client, "db/password").await;
        assert_eq!(issuer.asked(), 1, "{lifetime:?}");
        // A fleet that started at once is spread over a tenth of what is left.
        w.pass(seconds(2) + (lifetime - refreshed_after) / 10).await;
        w.text(&client, "db/password").await;
        assert_eq!(issuer.asked(), 2, "{lifetime:?}");
        w.text(&client, "db/password").await;
        assert_eq!(issuer.asked(), 2, "{lifetime:?}");
        assert_eq!(w.kms.log().last().unwrap().access_key_id, "STS.n2");
        assert_eq!(client.status().credential_source, "callback");
    }
}

async fn a_hundred_cold_secrets_ask_the_provider_once(w: World) {
    for lifetime in [Some(minutes(60)), None] {
        let issuer = Issuer::new(&w, lifetime);
        issuer.take(millis(100));
        let client = issuer.builder().build().unwrap();
        w.kms.reset_log();
        let names = w.seed(100);
        let readers: Vec<_> = names.iter().flat_map(|name| w.spawn_reads(&client, name, 1)).collect();
        for reader in readers {
            assert!(reader.await.unwrap().is_ok());
        }
        assert_eq!((issuer.asked(), w.kms_reads()), (1, 100), "{lifetime:?}");
    }
}

async fn a_session_without_an_end_is_asked_for_again_for_every_call(w: World) {
    let issuer = Issuer::new(&w, None);
    let client = issuer.builder().build().unwrap();
    let names = w.seed(3);
    for name in &names {
        w.text(&client, name).await;
        w.text(&client, name).await;
    }
    assert_eq!((issuer.asked(), w.kms_reads()), (3, 3), "a cached read asks nobody");
    w.kms.inject(Fault::throttle().times(2));
    w.refresh(&client, &names[0]).await.unwrap();
    assert_eq!((issuer.asked(), w.kms_reads()), (4, 6), "nor does another attempt of one call");
}

async fn a_refresh_that_fails_keeps_the_session_that_is_still_valid(w: World) {
    let issuer = Issuer::new(&w, Some(seconds(900)));
    let client = issuer.builder().no_cache().build().unwrap();
    w.text(&client, "db/password").await;
    issuer.break_down(true);
    w.pass(seconds(610)).await;
    while w.kms.log().last().unwrap().at < w.kms.log()[0].at.after(seconds(880)) {
        w.text(&client, "db/password").await;
        w.pass(seconds(1)).await;
    }
    assert_eq!(issuer.keys_used(), ["STS.n1"]);
    let asked = issuer.asked();
    assert!((50..=115).contains(&asked), "{asked}: a failing provider is asked every 2.5 to 5 seconds");
    issuer.break_down(false);
    w.pass(seconds(6)).await;
    // The first read asks behind its answer, the next one signs with what came.
    w.text(&client, "db/password").await;
    w.text(&client, "db/password").await;
    assert_eq!(issuer.keys_used().len(), 2, "the new session is taken when it comes");
}

async fn a_refresh_that_hangs_delays_one_read_by_two_seconds(w: World) {
    let issuer = Issuer::new(&w, Some(seconds(900)));
    let client = issuer.builder().no_cache().build().unwrap();
    w.text(&client, "db/password").await;
    issuer.take(minutes(60));
    w.pass(seconds(610)).await;
    let mut waits = Vec::new();
    for _ in 0..4 {
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.is_ok());
        waits.push(waited);
    }
    assert!(waits[0] <= millis(2_010), "{waits:?}");
    assert!(waits[1..].iter().all(Duration::is_zero), "{waits:?}");
    assert_eq!(issuer.keys_used(), ["STS.n1"]);
}

async fn a_pause_of_renewals_ends_with_the_session(w: World) {
    let issuer = Issuer::new(&w, Some(seconds(900)));
    let client = issuer.builder().no_cache().build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(seconds(893)).await;
    issuer.break_down(true);
    w.text(&client, "db/password").await;
    w.settle().await;
    assert_eq!(issuer.asked(), 2);
    issuer.break_down(false);
    // The session counts as over from 895 s on, the pause lasts to 895.5 s at least.
    w.pass(millis(2_100)).await;
    w.text(&client, "db/password").await;
    assert_eq!(issuer.keys_used(), ["STS.n1", "STS.n3"]);
}

async fn a_session_that_is_over_is_never_signed_with(w: World) {
    let issuer = Issuer::new(&w, Some(seconds(900)));
    let client = issuer.builder().no_cache().build().unwrap();
    w.text(&client, "db/password").await;
    issuer.break_down(true);
    for idle in [seconds(896), minutes(10)] {
        w.pass(idle).await;
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::CredentialsUnavailable, 0));
        let cause = std::error::Error::source(&error).expect("the provider's own").to_string();
        assert!(cause.contains("the issuer is down"), "{cause}");
    }
    assert_eq!(w.kms_reads(), 1, "nothing was sent");
    issuer.break_down(false);
    w.pass(seconds(6)).await;
    w.text(&client, "db/password").await;
}

async fn a_provider_that_gives_an_expired_session_is_told(w: World) {
    let end = w.clock.wall().offset(-1_000);
    let client =
        w.with_callback(move || async move { Ok(World::session().with_expiration(end)) }).build().unwrap();
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    assert!(error.explanation().contains("an expired session"), "{error}");
    // It could have been the clock: the service was asked for the time once, and nothing was signed.
    assert_eq!((error.attempts(), keys_used(&w)), (1, vec![String::new()]));
    w.pass(seconds(6)).await;
    let again = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!((again.kind(), again.attempts()), (ErrorKind::CredentialsUnavailable, 0));
}

async fn a_static_session_that_is_over_is_told(w: World) {
    let end = w.clock.wall().after(minutes(15));
    let client = w.bare().credentials(World::session().with_expiration(end)).build().unwrap();
    w.text(&client, "db/password").await;
    let checked = client.clone();
    w.run(async move { checked.check().await }).await.expect("ready");
    w.pass(minutes(15)).await;
    w.kms.put_secret(simsim_emulator::SecretSeed::text("other", "x"));
    let error = w.read(&client, "other").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::CredentialsUnavailable, 0));
    let checked = client.clone();
    let unready = w.run(async move { checked.check().await }).await.unwrap_err();
    assert_eq!(unready.kind(), ErrorKind::CredentialsUnavailable);
    assert!(w.read(&client, "db/password").await.expect("no revocation").stale());
    assert_eq!(w.kms_reads(), 1);
}

async fn where_no_answer_tells_the_time_a_session_that_is_over_revokes_nothing(w: World) {
    // As in browsers, which do not show `Date` across origins.
    let end = w.clock.wall().after(minutes(15));
    let client = w.bare().credentials(World::session().with_expiration(end)).build().unwrap();
    let value = r#"{"SecretName":"db/password","VersionId":"v","SecretData":"x"}"#;
    w.wire.play(Trick::body(value));
    w.text(&client, "db/password").await;
    w.pass(minutes(20)).await;
    let refusal = br#"{"Code":"IncompleteSignature","RequestId":"r"}"#.to_vec();
    w.wire.play(Trick::Answer(400, Vec::new(), refusal));
    assert!(w.read(&client, "db/password").await.expect("no revocation").stale());
    assert_eq!(client.status().last_error.unwrap().kind(), ErrorKind::CredentialsUnavailable);
    assert_eq!(w.wire.headers("authorization").len(), 1, "nothing was signed with it");
}

async fn a_provider_that_hangs_blocks_nobody_for_ever(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    issuer.take(minutes(60));
    let client = issuer.builder().build().unwrap();
    w.seed(1);
    let before = Instant::now();
    for reader in w.spawn_reads(&client, "db/password", 20).into_iter().chain(w.spawn_reads(&client, "s0", 5))
    {
        let error = reader.await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CredentialsUnavailable | ErrorKind::Timeout), "{error}");
    }
    assert!(before.elapsed() <= millis(10_050), "{:?}", before.elapsed());
    assert!(issuer.asked() <= 5, "{}", issuer.asked());
    issuer.take(Duration::ZERO);
    w.pass(seconds(6)).await;
    w.text(&client, "db/password").await;
}

async fn a_provider_that_fails_is_left_alone_for_a_moment(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    issuer.break_down(true);
    let client = issuer.builder().build().unwrap();
    let names = w.seed(100);
    for name in &names {
        let error = w.read(&client, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    }
    assert_eq!(issuer.asked(), 1, "a hundred reads within one second");
    issuer.break_down(false);
    w.pass(millis(1_100)).await;
    w.kms.put_secret(simsim_emulator::SecretSeed::text("other", "x"));
    w.text(&client, "other").await;
    assert_eq!((issuer.asked(), w.kms_reads()), (2, 1));
}

async fn a_hurried_reader_does_not_spend_the_providers_time_for_others(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    issuer.take(seconds(1));
    let client = issuer.builder().build().unwrap();
    w.seed(1);
    let (hasty, before) = (client.clone(), Instant::now());
    let leader = w.spawn(async move { hasty.get("db/password").timeout(millis(200)).send().await });
    w.settle().await;
    let followers = w.spawn_reads(&client, "db/password", 3);
    let others = w.spawn_reads(&client, "s0", 3);
    assert!(leader.await.unwrap().is_err());
    assert!(before.elapsed() <= millis(210), "{:?}", before.elapsed());
    for reader in followers.into_iter().chain(others) {
        assert!(reader.await.unwrap().is_ok(), "its own ten seconds");
    }
    assert!(issuer.asked() <= 2, "{}", issuer.asked());
}

async fn a_refused_session_is_renewed_once_and_the_call_goes_on(w: World) {
    let refuse: [fn(&World); 2] = [|w| w.kms.expire_session("STS.n1"), |w| w.kms.remove_access_key("STS.n1")];
    for refuse in refuse {
        let issuer = Issuer::new(&w, Some(minutes(60)));
        let client = issuer.builder().no_cache().build().unwrap();
        w.text(&client, "db/password").await;
        w.kms.reset_log();
        refuse(&w);
        let (secret, waited) = w.timed(&client, "db/password").await;
        assert!(secret.is_ok());
        assert_eq!((waited, issuer.asked()), (Duration::ZERO, 2));
        assert_eq!(issuer.keys_used(), ["STS.n1", "STS.n2"]);
        w.text(&client, "db/password").await;
        assert_eq!((w.kms_reads(), issuer.asked()), (3, 2));
    }
}

async fn many_refused_calls_renew_the_session_once(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    let client = issuer.builder().no_cache().build().unwrap();
    let names = w.seed(50);
    w.text(&client, &names[0]).await;
    w.kms.expire_session("STS.n1");
    issuer.take(millis(50));
    w.kms.inject(Fault::slow_headers(millis(20)));
    let readers: Vec<_> = names.iter().flat_map(|name| w.spawn_reads(&client, name, 1)).collect();
    for reader in readers {
        assert!(reader.await.unwrap().is_ok());
    }
    assert_eq!((issuer.asked(), w.kms_reads()), (2, 101));
}

async fn a_provider_that_insists_on_a_refused_session_ends_the_call(w: World) {
    let asked = Arc::new(AtomicUsize::new(0));
    let seen = asked.clone();
    let end = w.clock.wall().after(minutes(60));
    let provide = move || {
        seen.fetch_add(1, Ordering::Relaxed);
        async move { Ok(World::session().with_expiration(end)) }
    };
    let client = w.with_callback(provide).build().unwrap();
    w.text(&client, "db/password").await;
    w.kms.expire_session(crate::support::KEY_ID);
    w.pass(minutes(30)).await;
    let error = w.read(&client, "db/password").await.expect_err("never stale");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::CredentialsRejected, 1));
    assert_eq!(error.service_code(), Some("InvalidSecurityToken.Expired"), "the service's own words");
    assert_eq!((asked.load(Ordering::Relaxed), w.kms_reads()), (2, 2));
    assert_eq!(client.status().entries, 0);
}

async fn a_static_session_that_is_refused_takes_its_values_with_it(w: World) {
    for fault in ["InvalidAccessKeyId.NotFound", "InvalidSecurityToken.Expired", "SignatureDoesNotMatch"] {
        let client = w.client();
        w.text(&client, "db/password").await;
        w.pass(minutes(30)).await;
        w.kms.reset_log();
        w.kms.inject(Fault::status(400, fault).times(1));
        let error = w.read(&client, "db/password").await.expect_err("never stale");
        assert_eq!((error.kind(), error.service_code()), (ErrorKind::CredentialsRejected, Some(fault)));
        assert_eq!((w.kms_reads(), client.status().entries), (1, 0), "{fault}");
        w.kms.inject(Fault::unreachable());
        w.pass(seconds(6)).await;
        assert_eq!(w.read(&client, "db/password").await.unwrap_err().kind(), ErrorKind::Transport);
        w.kms.clear_faults();
    }
}

async fn a_functions_next_invocation_ends_the_refusal_of_the_last_ones_session(w: World) {
    let variable = |name: &str| match name {
        "FC_FUNCTION_NAME" => Some(String::from("orders")),
        "FC_ACCOUNT_ID" => Some(String::from("1234567890123456")),
        "ALIBABA_CLOUD_ACCESS_KEY_ID" => Some(String::from("STS.unknown")),
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET" | "ALIBABA_CLOUD_SECURITY_TOKEN" => Some(KEY_SECRET.to_owned()),
        _ => None,
    };
    let function = FunctionCompute::from_variables(variable).unwrap();
    let client = w.bare().credentials(function.clone()).build().unwrap();
    for _ in 0..3 {
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    }
    assert_eq!(w.kms_reads(), 1, "what was refused a moment ago is not sent again");
    w.kms.add_session("STS.next", KEY_SECRET, "token-next", None);
    let headers = [
        ("x-fc-account-id", "1234567890123456"),
        ("x-fc-access-key-id", "STS.next"),
        ("x-fc-access-key-secret", KEY_SECRET),
        ("x-fc-security-token", "token-next"),
    ];
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, value)| *value);
    assert!(function.observe(header).unwrap());
    w.text(&client, "db/password").await;
}

async fn closing_while_the_provider_is_asked_sends_nothing(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    issuer.take(millis(500));
    let client = issuer.builder().build().unwrap();
    let readers = w.spawn_reads(&client, "db/password", 5);
    w.pass(millis(100)).await;
    client.close();
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    }
    assert_eq!(w.wire.sent().len(), 0);
}

async fn a_clock_that_jumps_ahead_costs_one_request_and_no_read(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    let fixed = World::session().with_expiration(w.clock.wall().after(minutes(600)));
    for client in [issuer.builder().no_cache(), w.bare().credentials(fixed).no_cache()] {
        let client = client.build().unwrap();
        w.clock.shift_wall(0);
        w.text(&client, "db/password").await;
        w.pass(minutes(1)).await;
        w.clock.shift_wall(24 * 3_600_000);
        w.wire.play(Trick::Pass);
        let sent = w.wire.sent().len();
        w.text(&client, "db/password").await;
        assert_eq!(w.wire.sent().len(), sent + 2, "one to hear the time");
        w.text(&client, "db/password").await;
        assert_eq!(w.wire.sent().len(), sent + 3);
    }
}

async fn a_renewal_leaves_a_hurried_read_time_for_its_call(w: World) {
    let issuer = Issuer::new(&w, Some(minutes(60)));
    let client = issuer.builder().no_cache().no_background().build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(55)).await;
    issuer.take(millis(500));
    w.kms.inject(Fault::slow_headers(millis(20)));
    for _ in 0..3 {
        let read = w.get(&client, "db/password", |g| g.timeout(millis(300))).await;
        read.expect("the old session still serves");
    }
}
