//! The endpoint of a CredentialsURI: a session in the documented shape, or a code that is no success.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use serde_json::{Value, json as value};
use simsim::http::Method;
use simsim_emulator::{CredentialsUri, Emulator, SecretSeed};
use std::time::Duration;
use support::{emulator, json, kms, nonce, send, session_key, unsigned};

fn ask(emulator: &Emulator, method: Method, url: &str) -> (u16, Value) {
    json(&send(emulator, unsigned(method, url, &[])).unwrap())
}

const URL: &str = "http://127.0.0.1:6666/creds?app=1";

#[test]
fn the_endpoint_tells_a_session_that_kms_takes_and_the_next_one_ahead_of_its_end() {
    let (emulator, runtime) = emulator();
    emulator.put_secret(SecretSeed::text("s", "v"));
    emulator.put_credentials_uri(CredentialsUri::at("/creds").session_seconds(900));
    let (status, first) = ask(&emulator, Method::Get, URL);
    assert_eq!((status, &first["Code"]), (200, &"Success".into()));
    assert_eq!(first["Expiration"], "2026-01-02T03:19:05Z");
    let mut draft = kms("GetSecretValue", &nonce(), &[("SecretName", "s")]);
    draft.key = session_key(&first);
    assert_eq!(draft.call(&emulator).0, 200);
    runtime.advance(Duration::from_secs(449));
    assert_eq!(ask(&emulator, Method::Get, URL).1, first);
    runtime.advance(Duration::from_secs(1));
    assert_ne!(ask(&emulator, Method::Get, URL).1["AccessKeyId"], first["AccessKeyId"]);
    assert_eq!(emulator.calls("CredentialsUri"), 3);
    let shown = format!("{:?} {:?}", emulator, emulator.log());
    assert!(!shown.contains(&draft.key.1) && !shown.contains(draft.key.2.as_deref().unwrap()), "{shown}");
}

#[test]
fn the_endpoint_fails_with_status_200_when_told_to() {
    let (emulator, _) = emulator();
    emulator.put_credentials_uri(CredentialsUri::at("/creds").code("Failed"));
    let (status, body) = ask(&emulator, Method::Get, URL);
    assert_eq!((status, &body["Code"]), (200, &"Failed".into()));
    assert!(body["AccessKeyId"].is_null());
}

#[test]
fn only_a_get_of_its_path_is_the_endpoints() {
    let (emulator, _) = emulator();
    assert_eq!(ask(&emulator, Method::Get, URL).1["Code"], "IncompleteSignature");
    emulator.put_credentials_uri(CredentialsUri::at("/creds"));
    assert_eq!(ask(&emulator, Method::Post, URL).0, 404);
    assert_eq!(ask(&emulator, Method::Get, "http://127.0.0.1/creds/").1["Code"], "IncompleteSignature");
}

#[test]
fn seeds_and_control_calls_put_it_up() {
    let (emulator, _) = emulator();
    emulator.load_seed(&value!({"credentialsUri": {"path": "/a", "code": "Failed"}}).to_string()).unwrap();
    assert_eq!(ask(&emulator, Method::Get, "http://localhost/a").1["Code"], "Failed");
    let body = value!({"path": "/b", "sessionSeconds": 60}).to_string();
    assert_eq!(emulator.control("POST", "credentials-uri", body.as_bytes()).0, 200);
    assert_eq!(ask(&emulator, Method::Get, "http://localhost/b").1["Expiration"], "2026-01-02T03:05:05Z");
    for wrong in [value!("/"), value!("x"), value!("/latest/x"), value!({"path": "/c", "sessionSeconds": 0})]
    {
        assert_eq!(
            emulator.control("POST", "credentials-uri", wrong.to_string().as_bytes()).0,
            400,
            "{wrong}"
        );
    }
}
