//! The metadata of an instance: tokens, the attached role, and a session that rolls ahead of its end.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use serde_json::Value;
use simsim::http::Method;
use simsim_emulator::{Emulator, InstanceRole, SecretSeed};
use std::time::Duration;
use support::{emulator, kms, nonce, send, session_key, unsigned};

const ROLES: &str = "/latest/meta-data/ram/security-credentials/";
const HOUR: Duration = Duration::from_secs(3600);

fn ask(emulator: &Emulator, method: Method, path: &str, headers: &[(&'static str, &str)]) -> (u16, String) {
    let request = unsigned(method, &format!("http://100.100.100.200{path}"), headers);
    let response = send(emulator, request).unwrap();
    (response.status(), String::from_utf8(response.body().to_vec()).unwrap())
}

fn token(emulator: &Emulator, ttl: &str) -> (u16, String) {
    ask(emulator, Method::Put, "/latest/api/token", &[("X-aliyun-ecs-metadata-token-ttl-seconds", ttl)])
}

fn get(emulator: &Emulator, path: &str, token: Option<&str>) -> (u16, String) {
    let header = token.map(|token| ("X-aliyun-ecs-metadata-token", token));
    ask(emulator, Method::Get, path, header.as_slice())
}

fn credentials(emulator: &Emulator) -> Value {
    let (status, body) = get(emulator, &format!("{ROLES}ecs-reader"), None);
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn attached() -> (Emulator, support::Manual) {
    let (emulator, runtime) = emulator();
    emulator.attach_instance_role(InstanceRole::new("ecs-reader"));
    (emulator, runtime)
}

#[test]
fn a_token_opens_the_role_and_its_session_which_kms_takes() {
    let (emulator, _) = attached();
    emulator.put_secret(SecretSeed::text("s", "value"));
    let (status, token) = token(&emulator, "21600");
    assert!(status == 200 && !token.is_empty());
    assert_eq!(get(&emulator, ROLES, Some(&token)), (200, "ecs-reader".to_owned()));
    let (status, body) = get(&emulator, &format!("{ROLES}ecs-reader"), Some(&token));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["Code"]), (200, &"Success".into()));
    assert_eq!(
        (&body["LastUpdated"], &body["Expiration"]),
        (&"2026-01-02T03:04:05Z".into(), &"2026-01-02T09:04:05Z".into())
    );
    let mut draft = kms("GetSecretValue", &nonce(), &[("SecretName", "s")]);
    draft.key = session_key(&body);
    assert_eq!(draft.call(&emulator).0, 200);
    let actions: Vec<String> = emulator.log().into_iter().map(|call| call.action).collect();
    assert_eq!(actions, ["MetadataToken", "MetadataRole", "MetadataCredentials", "GetSecretValue"]);
}

#[test]
fn a_tokens_life_is_from_a_second_to_six_hours() {
    let (emulator, _) = attached();
    for (ttl, status) in [("1", 200), ("21600", 200), ("0", 400), ("21601", 400), ("", 400), ("x", 400)] {
        assert_eq!(token(&emulator, ttl).0, status, "{ttl}");
    }
    assert_eq!(ask(&emulator, Method::Put, "/latest/api/token", &[]).0, 400);
}

#[test]
fn a_token_that_is_wrong_or_over_is_refused_even_where_none_is_needed() {
    let (emulator, runtime) = attached();
    let (_, token) = token(&emulator, "60");
    assert_eq!(get(&emulator, ROLES, Some(&token)).0, 200);
    assert_eq!(get(&emulator, ROLES, Some("wrong")), (403, "forbidden".to_owned()));
    runtime.advance(Duration::from_secs(60));
    assert_eq!(get(&emulator, ROLES, Some(&token)).0, 403);
    assert_eq!(get(&emulator, ROLES, None).0, 200);
}

#[test]
fn a_hardened_instance_tells_nothing_without_a_token() {
    let (emulator, _) = emulator();
    emulator.attach_instance_role(InstanceRole::new("ecs-reader").v2_only());
    assert_eq!(get(&emulator, ROLES, None).0, 403);
    assert_eq!(get(&emulator, &format!("{ROLES}ecs-reader"), None).0, 403);
    let (_, token) = token(&emulator, "60");
    assert_eq!(get(&emulator, &format!("{ROLES}ecs-reader"), Some(&token)).0, 200);
}

#[test]
fn a_session_stays_the_same_until_half_of_its_life_is_over() {
    let (emulator, runtime) = attached();
    let first = credentials(&emulator);
    runtime.advance(3 * HOUR - Duration::from_secs(1));
    assert_eq!(credentials(&emulator), first);
    runtime.advance(Duration::from_secs(1));
    let second = credentials(&emulator);
    assert_ne!(second["AccessKeyId"], first["AccessKeyId"]);
    assert_eq!(second["Expiration"], "2026-01-02T12:04:05Z");
    emulator.expire_session(second["AccessKeyId"].as_str().unwrap());
    assert_ne!(credentials(&emulator)["AccessKeyId"], second["AccessKeyId"]);
}

#[test]
fn a_session_that_is_over_is_refused_by_kms() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "value"));
    emulator.attach_instance_role(InstanceRole::new("ecs-reader").session_seconds(900));
    let mut draft = kms("GetSecretValue", &nonce(), &[("SecretName", "s")]);
    draft.key = session_key(&credentials(&emulator));
    emulator.set_clock_offset(900_000);
    draft.date = "2026-01-02T03:19:05Z".to_owned();
    assert_eq!(draft.call(&emulator).1["Code"], "InvalidSecurityToken.Expired");
}

#[test]
fn what_is_not_there_is_not_found() {
    let (emulator, _) = attached();
    for path in [
        "/",
        "/latest/",
        "/latest/meta-data/instance-id",
        "/latest/meta-data/ram/security-credentials/other",
        "/latest/meta-data/ram/security-credentials/ecs-reader/",
        "/latest/meta-data/ram/security-credentials/ecs-reader/x",
        "/latest/meta-data/ram/security-credentials/../api/token",
        "/latest/meta-data/ram/security-credentials/ecs%2Dreader",
    ] {
        assert_eq!(get(&emulator, path, None).0, 404, "{path}");
    }
    assert_eq!(ask(&emulator, Method::Post, ROLES, &[]).0, 404);
    emulator.detach_instance_role();
    assert_eq!(get(&emulator, ROLES, None).0, 404);
    assert_eq!(get(&emulator, &format!("{ROLES}ecs-reader"), None).0, 404);
    // The instance itself is still there.
    assert_eq!(token(&emulator, "60").0, 200);
}

#[test]
fn neither_the_log_nor_debug_shows_a_token_or_a_key() {
    let (emulator, _) = attached();
    let (_, token) = token(&emulator, "60");
    let (_, body) = get(&emulator, &format!("{ROLES}ecs-reader"), Some(&token));
    let key = session_key(&serde_json::from_str(&body).unwrap());
    let shown = format!("{:?} {:?}", emulator, emulator.log());
    for needle in [token.as_str(), &key.1, key.2.as_deref().unwrap()] {
        assert!(!shown.contains(needle), "{shown}");
    }
}
