//! What a read asks for, and what it makes of whatever comes back.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{START, Trick, World, seconds, shown};
use simsim::{ErrorKind, Network, Timestamp};
use simsim_emulator::{Fault, SecretSeed};
use std::time::Duration;

scenarios![
    a_name_and_its_arn_are_entries_of_their_own,
    a_stage_or_a_version_id_reads_that_version,
    the_stage_in_force_shares_the_entry_of_the_plain_read,
    a_binary_secret_gives_bytes_and_no_text,
    every_type_comes_with_its_metadata,
    an_unknown_type_is_kept_and_read_as_text,
    missing_and_null_fields_are_alike,
    extended_config_is_asked_for_unless_it_is_turned_off,
    a_200_that_is_not_the_asked_secret_is_refused,
    an_oversized_answer_is_refused,
    malformed_json_is_refused_without_being_quoted,
    a_refusal_without_a_json_body_is_judged_by_what_there_is,
    a_proxys_own_refusal_is_not_the_services_word,
    a_redirect_is_never_followed,
    network_endpoint_and_arn_decide_where_a_read_goes,
];

#[cfg(feature = "json")]
mod json {
    use super::a_json_fault_is_told_by_kind_and_position;

    scenarios![a_json_fault_is_told_by_kind_and_position];
}

async fn a_name_and_its_arn_are_entries_of_their_own(w: World) {
    let client = w.client();
    w.kms.put_secret(SecretSeed::text("app/team/db", "v"));
    let arn = "acs:kms:cn-hangzhou:1234567890123456:secret/app/team/db";
    assert_eq!(w.read(&client, "app/team/db").await.unwrap().name(), "app/team/db");
    assert_eq!(w.kms_reads(), 1);
    let by_arn = w.read(&client, arn).await.unwrap();
    assert_eq!((by_arn.name(), by_arn.text().unwrap()), ("app/team/db", "v"));
    assert_eq!(w.kms_reads(), 2);
    w.read(&client, arn).await.unwrap();
    w.read(&client, "app/team/db").await.unwrap();
    assert_eq!((w.kms_reads(), client.status().entries), (2, 2));
    client.invalidate("app/team/db");
    w.read(&client, arn).await.unwrap();
    assert_eq!(w.kms_reads(), 2, "the ARN's entry stays");
    w.read(&client, "app/team/db").await.unwrap();
    assert_eq!(w.kms_reads(), 3);
}

async fn a_stage_or_a_version_id_reads_that_version(w: World) {
    let client = w.client();
    let first = w.read(&client, "db/password").await.unwrap();
    let id: &'static str = w.kms.rotate("db/password", "needle-value-2").leak();
    let previous = w.get(&client, "db/password", |g| g.version_stage("ACSPrevious")).await.unwrap();
    assert_eq!(previous.text().unwrap(), "needle-value-1");
    assert_eq!(previous.version_id(), first.version_id());
    assert_eq!(previous.version_stages(), ["ACSPrevious"]);
    let second = w.get(&client, "db/password", |g| g.version_id(id)).await.unwrap();
    assert_eq!((second.text().unwrap(), second.version_id()), ("needle-value-2", id));
    assert_eq!(second.version_stages(), ["ACSCurrent"]);
    assert_eq!(w.text(&client, "db/password").await, "needle-value-1", "the entry in force is another one");
    let missing = w.get(&client, "db/password", |g| g.version_stage("Blue")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(
        w.text(&client, "db/password").await,
        "needle-value-1",
        "a missing stage takes nothing else away"
    );
    assert_eq!(w.kms_reads(), 4);
    client.invalidate("db/password");
    assert_eq!(w.text(&client, "db/password").await, "needle-value-2");
    let now = w.get(&client, "db/password", |g| g.version_stage("ACSPrevious")).await.unwrap();
    assert_eq!((now.text().unwrap(), w.kms_reads()), ("needle-value-1", 6), "all versions were forgotten");
}

async fn the_stage_in_force_shares_the_entry_of_the_plain_read(w: World) {
    let client = w.client();
    w.get(&client, "db/password", |g| g.version_stage("ACSCurrent")).await.unwrap();
    w.text(&client, "db/password").await;
    assert_eq!(w.kms_reads(), 1);
}

async fn a_binary_secret_gives_bytes_and_no_text(w: World) {
    let client = w.client();
    let bytes: Vec<u8> = (0..=255).collect();
    w.kms.put_secret(SecretSeed::binary("keystore", &bytes));
    let secret = w.read(&client, "keystore").await.unwrap();
    assert_eq!(secret.bytes(), bytes);
    assert_eq!(secret.text().unwrap_err().kind(), ErrorKind::Unsupported);
    w.wire.play(Trick::body(
        r#"{"SecretName":"b","VersionId":"v","SecretData":"needle!","SecretDataType":"binary"}"#,
    ));
    let error = w.read(&client, "b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(!shown(&error).contains("needle"));
}

async fn every_type_comes_with_its_metadata(w: World) {
    let client = w.client();
    let rotation = Timestamp::from_millis(START + 86_400_000);
    for kind in ["Rds", "Redis", "PolarDB", "RAMCredentials", "ECS"] {
        w.kms.put_secret(
            SecretSeed::text(kind, r#"{"AccountName":"u"}"#)
                .secret_type(kind)
                .extended_config(r#"{"DBInstanceId":"rm-1"}"#)
                .rotation_interval("604800s")
                .next_rotation(rotation)
                .version_id("v-1"),
        );
        let secret = w.read(&client, kind).await.unwrap();
        assert_eq!((secret.name(), secret.version_id()), (kind, "v-1"));
        assert_eq!(secret.secret_type().as_str(), kind);
        assert!(!matches!(secret.secret_type(), simsim::SecretType::Other(_)), "{kind} is known");
        assert_eq!(secret.version_stages(), ["ACSCurrent"]);
        assert_eq!(secret.extended_config(), Some(r#"{"DBInstanceId":"rm-1"}"#));
        assert_eq!(secret.automatic_rotation(), Some("Enabled"));
        assert_eq!(secret.rotation_interval(), Some(seconds(604_800)));
        assert_eq!(secret.next_rotation_date(), Some(rotation));
        assert_eq!(secret.last_rotation_date(), None);
        assert_eq!(secret.create_time(), Some(Timestamp::from_millis(START)));
        assert!(secret.request_id().is_some_and(|id| !id.is_empty()));
    }
    w.kms.rotate("Rds", "new");
    let rotated = w.refresh(&client, "Rds").await.unwrap();
    assert_eq!(rotated.last_rotation_date(), Some(Timestamp::from_millis(START)));
    assert_eq!(rotated.next_rotation_date(), Some(Timestamp::from_millis(START + 604_800_000)));
    let generic = w.read(&client, "db/password").await.unwrap();
    assert_eq!(generic.secret_type(), &simsim::SecretType::Generic);
    assert_eq!((generic.extended_config(), generic.automatic_rotation()), (None, None));
    assert_eq!((generic.rotation_interval(), generic.next_rotation_date()), (None, None));
}

async fn an_unknown_type_is_kept_and_read_as_text(w: World) {
    let client = w.client();
    w.wire.play(Trick::body(
        r#"{"SecretName":"x","VersionId":"v","SecretData":"t","SecretType":"Oracle","SecretDataType":"yaml","New":[{}]}"#,
    ));
    let secret = w.read(&client, "x").await.unwrap();
    assert_eq!(secret.secret_type(), &simsim::SecretType::Other("Oracle".to_owned()));
    assert_eq!((secret.secret_type().as_str(), secret.text().unwrap()), ("Oracle", "t"));
}

async fn missing_and_null_fields_are_alike(w: World) {
    for rest in [
        "",
        r#","VersionStages":null,"SecretType":null,"SecretDataType":null,"CreateTime":null,"ExtendedConfig":null,
            "AutomaticRotation":null,"RotationInterval":null,"LastRotationDate":null,"NextRotationDate":null,
            "RequestId":null"#,
        r#","NextRotationDate":"soon","RotationInterval":"weekly","CreateTime":"2026-02-30T00:00:00Z""#,
    ] {
        let client = w.client();
        w.wire.play(Trick::body(format!(
            r#"{{"SecretName":"db/password","VersionId":"v","SecretData":""{rest}}}"#
        )));
        let secret = w.read(&client, "db/password").await.unwrap();
        assert_eq!((secret.text().unwrap(), secret.version_id()), ("", "v"));
        assert!(secret.version_stages().is_empty());
        assert_eq!((secret.create_time(), secret.rotation_interval()), (None, None));
        assert_eq!((secret.last_rotation_date(), secret.next_rotation_date()), (None, None));
        assert_eq!((secret.extended_config(), secret.automatic_rotation()), (None, None));
        assert_eq!(secret.request_id(), None);
        w.read(&client, "db/password").await.unwrap();
    }
    assert_eq!(w.wire.sent().len(), 3, "an empty value is a value: it is cached");
}

async fn extended_config_is_asked_for_unless_it_is_turned_off(w: World) {
    let seed = SecretSeed::text("rds", "{}").secret_type("Rds").extended_config("{}");
    w.kms.put_secret(seed);
    let with = w.read(&w.client(), "rds").await.unwrap();
    let without = w.builder().without_extended_config().build().unwrap();
    let without = w.read(&without, "rds").await.unwrap();
    assert_eq!((with.extended_config(), without.extended_config()), (Some("{}"), None));
    let sent: Vec<bool> = w.wire.sent().iter().map(|r| r.url.contains("FetchExtendedConfig=true")).collect();
    assert_eq!(sent, [true, false]);
}

async fn a_200_that_is_not_the_asked_secret_is_refused(w: World) {
    let bodies: &[&str] = &[
        "",
        "null",
        "[]",
        "\"needle\"",
        "{}",
        r#"{"VersionId":"v","SecretData":"needle"}"#,
        r#"{"SecretName":null,"VersionId":"v","SecretData":"needle"}"#,
        r#"{"SecretName":"db/password","SecretData":"needle"}"#,
        r#"{"SecretName":"db/password","VersionId":"","SecretData":"needle"}"#,
        r#"{"SecretName":"db/password","VersionId":7,"SecretData":"needle"}"#,
        r#"{"SecretName":"db/password","VersionId":"v"}"#,
        r#"{"SecretName":"db/password","VersionId":"v","SecretData":null}"#,
        r#"{"SecretName":"db/password","VersionId":"v","SecretData":{"needle":1}}"#,
        r#"{"SecretName":"password","VersionId":"v","SecretData":"needle"}"#,
        r#"{"SecretName":"DB/password","VersionId":"v","SecretData":"needle"}"#,
        r#"{"SecretName":"db/password ","VersionId":"v","SecretData":"needle"}"#,
    ];
    for body in bodies {
        let client = w.client();
        let id = ("x-acs-request-id", String::from("R-17"));
        w.wire.play(Trick::Answer(200, vec![id], body.as_bytes().to_vec()));
        let error = w.read(&client, "db/password").await.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        assert_eq!((error.attempts(), error.request_id()), (1, Some("R-17")), "{body}");
        assert!(!shown(&error).contains("needle"), "{body}: {error:?}");
        assert_eq!(client.status().entries, 0);
    }
    let arn = "acs:kms:cn-hangzhou:1:secret/a/b";
    w.wire.play(Trick::body(r#"{"SecretName":"b","VersionId":"v","SecretData":"x"}"#));
    assert_eq!(w.read(&w.client(), arn).await.unwrap_err().kind(), ErrorKind::Protocol);
    w.wire.play(Trick::body(r#"{"SecretName":"a/b","VersionId":"v","SecretData":"x"}"#));
    assert_eq!(w.read(&w.client(), arn).await.unwrap().name(), "a/b");
}

async fn an_oversized_answer_is_refused(w: World) {
    let client = w.client();
    w.kms.inject(Fault::oversized().times(1));
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
    // A transport that does not keep to the limit is not believed either.
    let mut body = br#"{"SecretName":"big","VersionId":"v","SecretData":"x"}"#.to_vec();
    body.resize(1024 * 1024 + 1, b' ');
    w.wire.play(Trick::body(body.clone()));
    assert_eq!(w.read(&client, "big").await.unwrap_err().kind(), ErrorKind::Protocol);
    body.truncate(1024 * 1024);
    w.wire.play(Trick::body(body));
    assert_eq!(w.text(&w.client(), "big").await, "x", "exactly 1 MiB is read");
    assert!(w.wire.sent().iter().all(|r| r.max_body == 1024 * 1024));
}

async fn malformed_json_is_refused_without_being_quoted(w: World) {
    let client = w.client();
    w.kms.inject(Fault::malformed().times(1));
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
    assert!(error.explanation().contains("(byte "), "{error}");
    assert!(error.request_id().is_some(), "the answer's header names the request");
    assert!(!shown(&error).contains("needle"), "{error:?}");
}

async fn a_refusal_without_a_json_body_is_judged_by_what_there_is(w: World) {
    let cases = [
        (Fault::empty_body(500), ErrorKind::Unavailable, None),
        (Fault::empty_body(429), ErrorKind::Throttled, None),
        (Fault::empty_body(403), ErrorKind::PermissionDenied, None),
        (Fault::empty_body(404), ErrorKind::Protocol, None),
        (Fault::html(502), ErrorKind::Unavailable, None),
        (Fault::html(503), ErrorKind::Unavailable, None),
        (Fault::html(400), ErrorKind::Protocol, None),
        (
            Fault::xml(403, "Forbidden.NoPermission"),
            ErrorKind::PermissionDenied,
            Some("Forbidden.NoPermission"),
        ),
        (Fault::xml(400, "Throttling.User"), ErrorKind::Throttled, Some("Throttling.User")),
        (Fault::xml(500, "InternalFailure"), ErrorKind::Unavailable, Some("InternalFailure")),
        (
            Fault::xml(404, "Forbidden.ResourceNotFound"),
            ErrorKind::NotFound,
            Some("Forbidden.ResourceNotFound"),
        ),
    ];
    for (fault, kind, code) in cases {
        let client = w.client();
        w.kms.reset_log();
        w.kms.inject(fault.clone());
        let error = w.read(&client, "db/password").await.unwrap_err();
        w.kms.clear_faults();
        assert_eq!((error.kind(), error.service_code()), (kind, code), "{fault:?}");
        assert!(error.request_id().is_some_and(|id| !id.is_empty()), "{fault:?}");
        assert!(error.status().is_some_and(|s| s >= 400), "{fault:?}");
        assert_eq!(u64::from(error.attempts()), w.kms_reads(), "{fault:?}");
        assert_eq!(error.attempts(), if error.is_retryable() { 4 } else { 1 }, "{fault:?}");
    }
}

async fn a_proxys_own_refusal_is_not_the_services_word(w: World) {
    for status in [401, 403] {
        let client = w.client();
        w.text(&client, "db/password").await;
        w.pass(seconds(1_800)).await;
        w.wire.play(Trick::Answer(
            status,
            Vec::new(),
            b"<html>Access to this site is blocked</html>".to_vec(),
        ));
        let secret = w.read(&client, "db/password").await.expect("the value at hand");
        assert!(secret.stale(), "{status}");
        let error = client.status().last_error.expect("noted");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Protocol, Some(status)));
    }
}

async fn a_redirect_is_never_followed(w: World) {
    let client = w.client();
    w.kms.inject(Fault::redirect("https://kms.evil.example/"));
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
    assert!(error.explanation().contains("redirect"), "{error}");
    assert!(!shown(&error).contains("evil"), "{error:?}");
    assert_eq!(w.wire.sent().len(), 1);
    w.wire.play(Trick::Fail(simsim::http::FetchErrorKind::Redirected));
    let error = w.read(&client, "other").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Protocol, 1));
}

#[cfg(feature = "json")]
async fn a_json_fault_is_told_by_kind_and_position(w: World) {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Login {
        user: String,
        port: u16,
    }
    let client = w.client();
    for (value, what) in [
        (r#"{"user":"needle","port":needle}"#, "is not valid JSON (line 1, column "),
        ("{\n\"user\":\"needle", "is cut-off JSON (line 2, column "),
        (r#"{"user":"u","port":"needle"}"#, "does not have the shape that was asked for (line 1, column "),
        (r#"{"user":"u","port":1} needle"#, "is not valid JSON (line 1, column "),
        ("needle", "is not valid JSON (line 1, column "),
    ] {
        w.kms.put_secret(SecretSeed::text("login", value));
        let secret = w.refresh(&client, "login").await.unwrap();
        let error = secret.json::<Login>().expect_err(value);
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.explanation().contains(what), "{value}: {error}");
        assert!(!shown(&error).contains("needle"), "{error:?}");
        assert!(std::error::Error::source(&error).is_none(), "a cause would quote the input");
    }
    w.kms.put_secret(SecretSeed::text("login", r#"{"user":"u","port":5432}"#));
    let secret = w.refresh(&client, "login").await.unwrap();
    assert_eq!(secret.json::<Login>().unwrap(), Login { user: "u".to_owned(), port: 5432 });
}

async fn network_endpoint_and_arn_decide_where_a_read_goes(w: World) {
    let arn = "acs:kms:cn-shanghai:1234567890123456:secret/db/password";
    let (key, plain) = (World::session, "db/password");
    let cases = [
        (w.builder(), plain, "kms.cn-hangzhou.aliyuncs.com"),
        (w.builder().network(Network::Vpc), plain, "kms-vpc.cn-hangzhou.aliyuncs.com"),
        (w.builder().endpoint("https://kms.internal.example:8443/"), plain, "kms.internal.example:8443"),
        (w.builder().endpoint("kms.internal.example"), plain, "kms.internal.example"),
        (w.builder().endpoint("http://127.0.0.1:18080"), plain, "127.0.0.1:18080"),
        (w.nowhere().credentials(key()), arn, "kms.cn-shanghai.aliyuncs.com"),
        (w.nowhere().network(Network::Vpc).credentials(key()), arn, "kms-vpc.cn-shanghai.aliyuncs.com"),
    ];
    for (builder, name, host) in cases {
        w.kms.reset_log();
        assert_eq!(w.text(&builder.build().unwrap(), name).await, "needle-value-1");
        assert_eq!(w.kms.log().iter().map(|c| c.host.as_str()).collect::<Vec<_>>(), [host]);
    }
    let plain_http: Vec<bool> = w.wire.sent().iter().map(|r| r.url.starts_with("http://")).collect();
    assert_eq!(plain_http.iter().filter(|http| **http).count(), 1, "loopback alone");
    assert_eq!(w.wire.sent()[0].timeout, Duration::from_secs(3));
}
