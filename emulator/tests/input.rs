//! Seeds and control calls: what they do, and how what is wrong in them is told.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use serde_json::{Value, json};
use simsim_emulator::{Emulator, Reply, SecretSeed};
use support::{Draft, KEY, emulator, kms};

fn read(emulator: &Emulator, nonce: &str, name: &str) -> (u16, Value) {
    kms("GetSecretValue", nonce, &[("SecretName", name), ("FetchExtendedConfig", "true")]).call(emulator)
}

fn with_key(draft: Draft, id: &str, secret: &str, token: Option<&str>) -> Draft {
    Draft { key: (id.to_owned(), secret.to_owned(), token.map(str::to_owned)), ..draft }
}

#[test]
fn the_example_seed_can_be_loaded_and_read() {
    let (emulator, _) = emulator();
    let text = include_str!("../../examples/seed.json");
    emulator.load_seed(text).unwrap();
    let seed: Value = serde_json::from_str(text).unwrap();
    for (at, secret) in seed["secrets"].as_array().unwrap().iter().enumerate() {
        let (status, body) = read(&emulator, &at.to_string(), secret["name"].as_str().unwrap());
        assert_eq!((status, &body["SecretType"]), (200, &secret["type"]), "{body}");
    }
    let field = |list: &str, name: &str| seed[list][0][name].as_str().unwrap().to_owned();
    let draft =
        kms("GetSecretValue", "session", &[("SecretName", seed["secrets"][0]["name"].as_str().unwrap())]);
    let session = [field("sessions", "id"), field("sessions", "secret"), field("sessions", "token")];
    assert_eq!(with_key(draft.clone(), &session[0], &session[1], Some(&session[2])).call(&emulator).0, 200);
    let key = [field("accessKeys", "id"), field("accessKeys", "secret")];
    assert_eq!(with_key(draft, &key[0], &key[1], None).call(&emulator).0, 200);
}

#[test]
fn a_seed_gives_structured_values_and_a_previous_one() {
    let (emulator, _) = emulator();
    let seed = json!({
        "clockOffsetMs": 1000,
        "secrets": [
            {"name": "db", "type": "Rds", "value": {"AccountName": "u"}, "previousValue": "old", "versionId": "v2",
             "extendedConfig": {"SecretSubType": "SingleUser"}, "nextRotation": "2030-01-01T00:00:00Z"},
            {"name": "bin", "valueBase64": "AP8="},
            {"name": "off", "value": "x", "state": "disabled"},
        ],
    });
    emulator.load_seed(&seed.to_string()).unwrap();
    let (_, body) = read(&emulator, "1", "db");
    assert_eq!((&body["SecretData"], &body["VersionId"]), (&r#"{"AccountName":"u"}"#.into(), &"v2".into()));
    assert_eq!(body["ExtendedConfig"], r#"{"SecretSubType":"SingleUser"}"#);
    assert_eq!(
        (&body["CreateTime"], &body["NextRotationDate"]),
        (&"2026-01-02T03:04:06Z".into(), &"2030-01-01T00:00:00Z".into())
    );
    let previous = kms("GetSecretValue", "2", &[("SecretName", "db"), ("VersionStage", "ACSPrevious")]);
    assert_eq!(previous.call(&emulator).1["SecretData"], "old");
    assert_eq!(read(&emulator, "3", "bin").1["SecretDataType"], "binary");
    assert_eq!(read(&emulator, "4", "off").1["Code"], "Rejected.Disabled");
}

#[test]
fn a_wrong_seed_is_refused_whole_and_by_name_without_quoting_values() {
    let (emulator, _) = emulator();
    let good = json!({"name": "s", "value": "v"});
    for (seed, expected) in [
        (
            json!({"secret": []}),
            "seed: unknown field `secret`; known are: accessKeys, sessions, roles, oidcProviders, secrets, instanceRole, credentialsUri, clockOffsetMs, quotaPerSecond",
        ),
        (
            json!({"secrets": [good, {"name": "t", "value": "needle", "valeu": 1}]}),
            "secrets[1]: unknown field `valeu`",
        ),
        (
            json!({"secrets": [good, {"name": "needle in name", "value": ""}]}),
            "secrets[1]: field `name` must be 1 to 192",
        ),
        (json!({"secrets": [{"name": "s"}]}), "secrets[0]: field `value` or `valueBase64` must be given"),
        (json!({"secrets": [{"name": "s", "valueBase64": "needle!"}]}), "field `valueBase64` is not base64"),
        (
            json!({"secrets": [{"name": "s", "value": "x", "type": "needle"}]}),
            "field `type` must be one of Generic",
        ),
        (json!({"secrets": [{"name": "s", "value": "x".repeat(30_721)}]}), "longer than 30720 bytes"),
        (json!({"secrets": [{"name": "s", "value": "x", "versionId": ""}]}), "field `versionId` is empty"),
        (json!({"secrets": [{"name": "s", "value": "x", "region": ""}]}), "field `region` is empty"),
        (
            json!({"secrets": [{"name": "s", "value": "x", "rotationInterval": "needle"}]}),
            "field `rotationInterval` must be a number of s, m, h or d",
        ),
        (json!({"accessKeys": [{"id": "needle"}]}), "accessKeys[0]: field `secret` is missing"),
        (json!({"accessKeys": {}}), "seed: field `accessKeys` must be a list"),
        (json!({"sessions": ["needle"]}), "sessions[0]: must be an object"),
        (json!({"roles": [{"arn": "needle"}]}), "roles[0]: field `arn` must be of the form"),
        (
            json!({"roles": [{"arn": "acs:ram::1:role/r", "trust": ["needle"]}]}),
            "roles[0]: field `trust` must list",
        ),
        (json!({"roles": [{"arn": "acs:ram::1:role/r", "trust": "needle"}]}), "field `trust` must be a list"),
        (json!({"instanceRole": {"name": "r", "v2only": true}}), "instanceRole: unknown field `v2only`"),
        (json!({"instanceRole": ""}), "instanceRole: must be an object"),
        (
            json!({"instanceRole": {"name": "r", "sessionSeconds": 0}}),
            "field `sessionSeconds` must be 1 to 129600",
        ),
        (json!({"credentialsUri": "/latest/needle"}), "credentialsUri: must be a path of its own"),
        (json!({"clockOffsetMs": "needle"}), "field `clockOffsetMs` must be a whole number"),
        (
            json!({"sessions": [{"id": "a", "secret": "b", "token": "c", "expiration": "needle"}]}),
            "field `expiration` must be a time",
        ),
    ] {
        let error = emulator.load_seed(&seed.to_string()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("needle"), "{error}");
    }
    let error = emulator.load_seed("{\"secrets\": [needle]}").unwrap_err().to_string();
    assert_eq!(error, "not JSON at line 1, column 15");
    assert_eq!(read(&emulator, "1", "s").0, 404);
}

#[test]
fn every_control_call_does_what_its_name_says() {
    let (emulator, _) = emulator();
    let post = |call: &str, body: Value| emulator.control("POST", call, body.to_string().as_bytes());
    let done = |call: &str, body: Value| assert_eq!(post(call, body), (200, "{}".to_owned()), "{call}");
    done("secret", json!({"name": "s", "value": "one"}));
    let mut nonce = 0;
    let mut code = |key: (&str, &str, Option<&str>)| {
        nonce += 1;
        let draft = kms("GetSecretValue", &nonce.to_string(), &[("SecretName", "s")]);
        with_key(draft, key.0, key.1, key.2).call(&emulator).1["Code"].as_str().unwrap_or("OK").to_owned()
    };
    let key = (KEY.0, KEY.1, None);
    assert_eq!(code(key), "OK");
    for (call, then) in [
        ("deny", "Forbidden.NoPermission"),
        ("allow", "OK"),
        ("disable", "Rejected.Disabled"),
        ("schedule-deletion", "Rejected.PendingDeletion"),
        ("restore", "OK"),
        ("remove-secret", "Forbidden.ResourceNotFound"),
    ] {
        done(call, json!({"name": "s"}));
        assert_eq!(code(key), then, "{call}");
    }
    done("secret", json!({"name": "s", "value": "one"}));
    done("quota", json!({"perSecond": 0}));
    assert_eq!(code(key), "Rejected.Throttling");
    done("quota", json!({"perSecond": null}));
    done("clock", json!({"offsetMs": 3_600_000}));
    assert_eq!(code(key), "InvalidTimeStamp.Expired");
    done("clock", json!({"offsetMs": 0}));
    done("session", json!({"id": "STS.x", "secret": "x", "token": "t"}));
    let session = ("STS.x", "x", Some("t"));
    assert_eq!(code(session), "OK");
    done("session/expire", json!({"id": "STS.x"}));
    assert_eq!(code(session), "InvalidSecurityToken.Expired");
    done("access-key", json!({"id": "k2", "secret": "x"}));
    assert_eq!(code(("k2", "x", None)), "OK");
    done("access-key/deactivate", json!({"id": "k2"}));
    assert_eq!(code(("k2", "x", None)), "InvalidAccessKeyId.Inactive");
    done("access-key/remove", json!({"id": "k2"}));
    assert_eq!(code(("k2", "x", None)), "InvalidAccessKeyId.NotFound");
    done("role", json!({"arn": "acs:ram::1234567890123456:role/r"}));
    done("instance-role", json!({"name": "r", "v2Only": true}));
    let role = "http://100.100.100.200/latest/meta-data/ram/security-credentials/";
    let status = || match emulator.reply("GET", role, Vec::new(), Vec::new()) {
        Some(Reply::Answer(answer)) => answer.status,
        _ => 0,
    };
    assert_eq!(status(), 403);
    done("instance-role", json!("r"));
    assert_eq!(status(), 200);
    done("instance-role/detach", json!({}));
    assert_eq!(status(), 404);
    done("fault", json!({"kind": "status", "status": 503, "code": "ServiceUnavailable", "secret": "s"}));
    assert_eq!(code(key), "ServiceUnavailable");
    done("clear-faults", json!({}));
    assert_eq!(code(key), "OK");
    for (call, body) in [
        ("rotate", json!({"name": "t", "value": "x"})),
        ("disable", json!({"name": "t"})),
        ("schedule-deletion", json!({"name": "t"})),
        ("restore", json!({"name": "t"})),
        ("remove-secret", json!({"name": "t"})),
        ("access-key/deactivate", json!({"id": "t"})),
        ("access-key/remove", json!({"id": "t"})),
        ("session/expire", json!({"id": KEY.0})),
    ] {
        let (status, answer) = post(call, body);
        assert!(status == 400 && answer.contains("` is no "), "{call}: {answer}");
    }
    assert_eq!(post("deny", json!({"name": "s", "nmae": 1})).0, 400);
    assert_eq!(post("unheard-of", json!({})).0, 404);
    assert_eq!(emulator.control("GET", "deny", b"").0, 404);
    done("reset-log", json!({}));
    assert!(emulator.log().is_empty());
}

#[test]
fn a_rotation_brings_a_value_that_the_service_would_store() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::binary("s", [1]));
    let rotate = |body: Value| emulator.control("POST", "rotate", body.to_string().as_bytes()).0;
    assert_eq!(rotate(json!({"name": "s", "value": "needle, not base64"})), 400);
    assert_eq!(rotate(json!({"name": "s", "value": "A".repeat(30_724)})), 400);
    assert_eq!(rotate(json!({"name": "s", "value": "AA==", "valueBase64": "AA=="})), 400);
    assert_eq!(emulator.rotate("s", "!"), "");
    assert_eq!(read(&emulator, "1", "s").1["SecretData"], "AQ==");
    assert_eq!(rotate(json!({"name": "s", "value": "Ag=="})), 200);
    assert_eq!(read(&emulator, "2", "s").1["SecretData"], "Ag==");
    emulator.put_secret(SecretSeed::text("t", "text"));
    assert_eq!(rotate(json!({"name": "t", "valueBase64": "Aw=="})), 200);
    let (_, body) = read(&emulator, "3", "t");
    assert_eq!((&body["SecretData"], &body["SecretDataType"]), (&"Aw==".into(), &"binary".into()));
}

#[test]
fn every_kind_of_fault_can_be_asked_for() {
    let (emulator, _) = emulator();
    for (fault, right) in [
        (
            json!({"kind": "throttle", "times": 1, "action": "GetSecretValue", "host": "h", "retryAfterMs": 5}),
            true,
        ),
        (json!({"kind": "slowHeaders", "delayMs": 5}), true),
        (json!({"kind": "slowBody", "delayMs": 5}), true),
        (json!({"kind": "hang"}), true),
        (json!({"kind": "reset"}), true),
        (json!({"kind": "unreachable"}), true),
        (json!({"kind": "truncated"}), true),
        (json!({"kind": "oversized"}), true),
        (json!({"kind": "malformed"}), true),
        (json!({"kind": "emptyBody", "status": 500}), true),
        (json!({"kind": "html", "status": 502}), true),
        (json!({"kind": "xml", "status": 503, "code": "X"}), true),
        (json!({"kind": "redirect", "location": "/"}), true),
        (json!({"kind": "redirect", "location": "https://kms.example/\r\nx: y"}), false),
        (json!({"kind": "wrongDate", "offsetMs": -1}), true),
        (json!({"kind": "unreachable", "service": "sts"}), true),
        (json!({"kind": "unreachable", "service": "credentialsUri", "action": "CredentialsUri"}), true),
        (json!({"kind": "unreachable", "service": "STS"}), false),
        (json!({"kind": "status"}), false),
        (json!({"kind": "status", "status": 100, "code": "X"}), false),
        (json!({"kind": "slowBody"}), false),
        (json!({"kind": "wrongDate"}), false),
        (json!({"kind": "hang", "status": 500}), false),
        (json!({"kind": "odd"}), false),
    ] {
        let (status, answer) = emulator.control("POST", "fault", fault.to_string().as_bytes());
        assert_eq!(status == 200, right, "{fault}: {answer}");
    }
}
