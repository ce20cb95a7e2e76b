//! The role of an ECS instance: what the metadata service is asked, how often, and what is made of its answers.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{Trick, World, minutes, seconds, shown};
use simsim::credentials::EcsRamRole;
use simsim::http::{FetchErrorKind, Method};
use simsim::{Client, Error, ErrorKind};
use simsim_emulator::{Fault, InstanceRole, Service};

scenarios![
    the_role_is_found_out_and_the_token_is_kept,
    a_token_is_replaced_shortly_before_its_end,
    a_token_that_is_refused_is_replaced_once,
    without_a_token_the_first_version_is_asked_unless_it_is_switched_off,
    in_its_last_hour_a_session_costs_nothing,
    an_outage_of_the_metadata_leaves_a_valid_session_alone,
    an_instance_without_the_role_is_told,
    what_cannot_be_a_role_or_a_token_is_refused,
    an_answer_that_is_no_session_is_refused_unquoted,
    an_expired_session_is_refused_once_the_time_is_known,
    a_service_that_is_silent_costs_a_second,
    parameters_are_checked_when_the_client_is_built,
];

const SESSION: &str = r#""AccessKeyId":"STS.x","AccessKeySecret":"needle-s","SecurityToken":"needle-t""#;

fn client(w: &World, role: EcsRamRole) -> Client {
    w.bare().credentials(role).no_cache().build().unwrap()
}

/// Requests for a token, for the role, for its session.
fn asked(w: &World) -> [u64; 3] {
    ["MetadataToken", "MetadataRole", "MetadataCredentials"].map(|action| w.kms.calls(action))
}

async fn refused(w: &World, client: &Client) -> Error {
    let error = w.read(client, "db/password").await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(!shown(&error).contains("needle") && !cause.contains("needle"), "{error}: {cause}");
    error
}

async fn the_role_is_found_out_and_the_token_is_kept(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader").session_seconds(3600).v2_only());
    let found_out = client(&w, EcsRamRole::new());
    w.text(&found_out, "db/password").await;
    assert_eq!(asked(&w), [1, 1, 1]);
    assert_eq!(found_out.status().credential_source, "ecs_ram_role");
    w.pass(minutes(50)).await;
    w.text(&found_out, "db/password").await;
    w.settle().await;
    assert_eq!(asked(&w), [1, 2, 2], "the token of before");
    let named = client(&w, EcsRamRole::new().role_name("reader").without_imds_v1());
    w.text(&named, "db/password").await;
    assert_eq!(asked(&w), [2, 2, 3]);
    let sent = w.wire.sent();
    let token = sent.iter().find(|r| r.method == Method::Put).unwrap();
    assert_eq!(token.url, "http://100.100.100.200/latest/api/token");
    assert_eq!(token.timeout, seconds(1));
}

async fn a_token_is_replaced_shortly_before_its_end(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader").session_seconds(3600).v2_only());
    let client = client(&w, EcsRamRole::new().role_name("reader").without_imds_v1());
    for _ in 0..24 * 4 {
        w.text(&client, "db/password").await;
        w.pass(minutes(15)).await;
    }
    let [tokens, _, sessions] = asked(&w);
    assert!((4..=6).contains(&tokens), "{tokens} tokens of six hours in a day");
    assert!(sessions >= 24, "{sessions}");
    assert!(w.kms.log().iter().all(|call| call.status == 200), "none was refused");
}

async fn a_token_that_is_refused_is_replaced_once(w: World) {
    for code in [401, 403] {
        w.kms.attach_instance_role(InstanceRole::new("reader").session_seconds(3600).v2_only());
        let client = client(&w, EcsRamRole::new().role_name("reader").without_imds_v1());
        let refuse = || w.wire.play(Trick::Answer(code, Vec::new(), b"forbidden".to_vec()));
        w.text(&client, "db/password").await;
        w.pass(minutes(61)).await;
        w.kms.reset_log();
        refuse();
        w.text(&client, "db/password").await;
        assert_eq!(asked(&w), [1, 0, 1], "a new token, and the session");
        // A new one that is refused as well is not replaced again.
        w.pass(minutes(61)).await;
        refuse();
        w.wire.play(Trick::Pass);
        refuse();
        let before = w.wire.sent().len();
        let error = refused(&w, &client).await;
        assert_eq!((error.kind(), error.status()), (ErrorKind::CredentialsUnavailable, Some(code)));
        assert_eq!(w.wire.sent().len() - before, 3, "session, token, session");
    }
}

async fn without_a_token_the_first_version_is_asked_unless_it_is_switched_off(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let tricks: [fn() -> Trick; 4] = [
        || Trick::Answer(404, Vec::new(), b"not found".to_vec()),
        || Trick::Answer(503, Vec::new(), Vec::new()),
        || Trick::Fail(FetchErrorKind::Interrupted),
        || Trick::body("a needle\nof two lines"),
    ];
    for trick in tricks {
        w.wire.play(trick());
        w.text(&client(&w, EcsRamRole::new()), "db/password").await;
        let sent = w.wire.sent();
        let [.., role, session, _kms] = sent.as_slice() else { panic!("too few") };
        assert!(role.headers.is_empty() || session.headers.len() <= 1);
        assert!(role.url.ends_with("/security-credentials/"), "{}", role.url);
        w.wire.play(trick());
        let before = w.wire.sent().len();
        let error = refused(&w, &client(&w, EcsRamRole::new().without_imds_v1())).await;
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert_eq!(w.wire.sent().len() - before, 1, "nothing without a token");
    }
}

async fn in_its_last_hour_a_session_costs_nothing(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let client = client(&w, EcsRamRole::new());
    w.text(&client, "db/password").await;
    w.kms.reset_log();
    w.pass(minutes(5 * 60 + 10)).await;
    for _ in 0..5 {
        w.text(&client, "db/password").await;
        w.pass(minutes(1)).await;
    }
    assert_eq!((asked(&w), w.kms_reads()), ([0, 0, 0], 5));
}

async fn an_outage_of_the_metadata_leaves_a_valid_session_alone(w: World) {
    w.kms.attach_instance_role(InstanceRole::new("reader").session_seconds(3600));
    let client = client(&w, EcsRamRole::new().role_name("reader"));
    w.text(&client, "db/password").await;
    w.kms.inject(Fault::unreachable().for_service(Service::Metadata).times(u32::MAX));
    w.pass(minutes(55)).await;
    w.text(&client, "db/password").await;
    w.pass(minutes(6)).await;
    let error = refused(&w, &client).await;
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable, "never one that is over");
    w.kms.clear_faults();
    w.pass(seconds(5)).await;
    w.text(&client, "db/password").await;
}

async fn an_instance_without_the_role_is_told(w: World) {
    let error = refused(&w, &client(&w, EcsRamRole::new())).await;
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    assert!(error.explanation().contains("no RAM role is attached"), "{error}");
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    let error = refused(&w, &client(&w, EcsRamRole::new().role_name("writer"))).await;
    assert!(error.explanation().contains("role_name: "), "{error}");
}

async fn what_cannot_be_a_role_or_a_token_is_refused(w: World) {
    let long = "x".repeat(65);
    for name in ["", "..", "needle/needle", "needle needle", "a\nb", "needle?x", "n\u{e9}edle", &long, "%2e"]
    {
        w.wire.play(Trick::body("token"));
        w.wire.play(Trick::body(format!(" {name}\n")));
        let before = w.wire.sent().len();
        let error = refused(&w, &client(&w, EcsRamRole::new())).await;
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable, "{name}");
        assert!(error.explanation().contains("name of the role"), "{error}");
        assert_eq!(w.wire.sent().len() - before, 2, "{name} was asked for");
    }
    for token in [String::new(), "needle\r\nx-evil: 1".into(), "n\u{e9}edle".into(), "x".repeat(5000)] {
        w.wire.play(Trick::body(token));
        let error = refused(&w, &client(&w, EcsRamRole::new().without_imds_v1())).await;
        assert!(error.explanation().contains("token"), "{error}");
    }
}

async fn an_answer_that_is_no_session_is_refused_unquoted(w: World) {
    let end = r#""Expiration":"2099-01-01T00:00:00Z""#;
    for (trick, named) in [
        (Trick::body("<html>needle</html>"), "not JSON"),
        (Trick::body("needle"), "not JSON"),
        (Trick::body(format!(r#"{{"Code":"Success",{SESSION}}}"#)), "Expiration"),
        (Trick::body(format!(r#"{{"Code":"Success",{SESSION},"Expiration":"needle"}}"#)), "Expiration"),
        (Trick::body(format!(r#"{{"Code":"needle",{SESSION},{end}}}"#)), "Code"),
        (Trick::body(format!(r#"{{{SESSION},{end}}}"#)), "Code"),
        (Trick::body(format!(r#"{{"Code":"Success","AccessKeyId":"needle",{end}}}"#)), "AccessKeySecret"),
        (Trick::body("x".repeat(1024 * 1024 + 1)), "no answer"),
        (Trick::Answer(500, Vec::new(), b"needle".to_vec()), "500"),
        (Trick::Fail(FetchErrorKind::Redirected), "no answer"),
    ] {
        w.wire.play(Trick::body("token"));
        w.wire.play(trick);
        let error = refused(&w, &client(&w, EcsRamRole::new().role_name("reader"))).await;
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable, "{named}");
        assert!(error.explanation().contains(named), "{named}: {error}");
    }
    assert_eq!(w.kms_reads(), 0);
}

async fn an_expired_session_is_refused_once_the_time_is_known(w: World) {
    let past = r#""Expiration":"2020-01-01T00:00:00Z""#;
    let expired = || Trick::body(format!(r#"{{"Code":"Success",{SESSION},{past}}}"#));
    // The metadata says nothing of the time: KMS is asked for it, without a signature, and the metadata again.
    for trick in [Trick::body("token"), expired(), Trick::Pass, expired()] {
        w.wire.play(trick);
    }
    let error = refused(&w, &client(&w, EcsRamRole::new().role_name("reader"))).await;
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    assert!(error.explanation().contains("expired"), "{error}");
}

async fn a_service_that_is_silent_costs_a_second(w: World) {
    w.kms.inject(Fault::hang().for_service(Service::Metadata).times(u32::MAX));
    let (result, waited) = w.timed(&client(&w, EcsRamRole::new().without_imds_v1()), "db/password").await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::CredentialsUnavailable);
    assert!(waited <= seconds(1) + seconds(1) / 10, "{waited:?}");
}

async fn parameters_are_checked_when_the_client_is_built(w: World) {
    for (role, field) in [
        (EcsRamRole::new().role_name("acs:ram::1:role/x"), "role_name: "),
        (EcsRamRole::new().role_name(""), "role_name: "),
        (EcsRamRole::new().endpoint("http://example.com"), "endpoint: "),
        (EcsRamRole::new().endpoint("https://example.com"), "endpoint: "),
    ] {
        let error = w.bare().credentials(role).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.explanation().contains(field), "{error}");
    }
    w.kms.attach_instance_role(InstanceRole::new("reader"));
    w.text(&client(&w, EcsRamRole::new().endpoint("http://127.0.0.1:9")), "db/password").await;
    assert!(w.wire.sent()[0].url.starts_with("http://127.0.0.1:9/latest/"));
}
