//! What the official packages sent to STS, to metadata and to a CredentialsURI, answered: same status, same fields.
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
use simsim::http::{Method, Request, Response};
use simsim_emulator::{CredentialsUri, Emulator, Fault, InstanceRole, OidcProvider, Role};
use std::time::Duration;
use support::{Manual, send, unsigned};

const ACCOUNT: &str = "acs:ram::1234567890123456";
const TOKEN_PARAMETER: &str = "OIDCToken=";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn provider() -> String {
    format!("{ACCOUNT}:oidc-provider/ack-rrsa-c123")
}

/// An emulator with all that the recordings had behind them, each as far as its answers say that it was there.
fn prepared(id: &str) -> Emulator {
    let emulator = Emulator::new(Manual::default());
    emulator.add_access_key("LTAI5tTestAccessKeyId0001", "TestAccessKeySecret0123456789ab");
    emulator.add_session("STS.NPrevious", "PrevSecret", "CAISPrev/with+chars==", None);
    emulator.add_session("STS.NSession1", "SessionSecret1", "CAISSessionToken1/abc+def==", None);
    if !id.ends_with("/error-404") {
        for name in ["app-role", "second"] {
            emulator.put_role(Role::new(format!("{ACCOUNT}:role/{name}")).max_session_seconds(43_200));
        }
    }
    emulator.put_oidc_provider(OidcProvider::new(provider()));
    if !id.ends_with("/role-not-attached") {
        emulator.attach_instance_role(InstanceRole::new("ecs-role-1"));
    }
    let code = if id.ends_with("/failed-code") { "Failed" } else { "Success" };
    emulator.put_credentials_uri(CredentialsUri::at("/creds").code(code));
    emulator
}

/// Puts a token that holds in the place of the recorded one.
fn with_token(text: &str, token: &str) -> String {
    let Some((before, rest)) = text.split_once(TOKEN_PARAMETER) else { return text.to_owned() };
    let rest = rest.split_once('&').map(|(_, rest)| format!("&{rest}")).unwrap_or_default();
    format!("{before}{TOKEN_PARAMETER}{token}{rest}")
}

fn request(emulator: &Emulator, recorded: &Value, metadata_token: Option<&str>) -> Request {
    let method = match text(recorded, "method") {
        "GET" => Method::Get,
        "PUT" => Method::Put,
        _ => Method::Post,
    };
    let jwt = emulator.oidc_token(&provider(), "app", "sts.aliyuncs.com", Duration::from_secs(600)).unwrap();
    let mut request = unsigned(method, &with_token(text(recorded, "url"), &jwt), &[]);
    for header in recorded["headers"].as_array().unwrap() {
        let (name, mut value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        if name.eq_ignore_ascii_case("host") {
            continue;
        }
        if let Some(token) = metadata_token.filter(|_| name.eq_ignore_ascii_case(TOKEN_HEADER)) {
            value = token;
        }
        request.headers.push((name.to_owned().into(), value.to_owned()));
    }
    request.body = with_token(text(recorded, "body"), &jwt).into_bytes();
    request
}

fn parsed(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().filter(Value::is_object)
}

/// Whether every field of the recorded answer is in ours, as deep as there are objects.
fn has_fields_of(ours: &Value, recorded: &Value) -> bool {
    let Some(fields) = recorded.as_object() else { return !ours.is_null() };
    fields.iter().all(|(name, value)| ours.get(name).is_some_and(|ours| has_fields_of(ours, value)))
}

fn check(id: &str, exchange: &Value, response: &Response) {
    if exchange["misSigned"] == true {
        assert_eq!(parsed(response.body()).unwrap()["Code"], "SignatureDoesNotMatch", "{id}");
        return;
    }
    let recorded = &exchange["response"];
    let body = String::from_utf8_lossy(response.body());
    assert_eq!(u64::from(response.status()), recorded["status"], "{id}: {body}");
    match parsed(text(recorded, "body").as_bytes()) {
        Some(recorded) => {
            assert!(has_fields_of(&parsed(response.body()).unwrap(), &recorded), "{id}: {body}");
            assert!(recorded.get("Code").is_none_or(|code| body.contains(code.as_str().unwrap())), "{id}");
        }
        None => assert!(parsed(response.body()).is_none() && !body.is_empty(), "{id}: {body}"),
    }
}

#[test]
fn the_packages_requests_are_answered_as_the_recordings_were() {
    let file: Value = serde_json::from_str(include_str!("vectors/credentials.json")).unwrap();
    for vector in file["vectors"].as_array().unwrap() {
        let id = text(vector, "id");
        let emulator = prepared(id);
        let mut metadata_token = None;
        for exchange in vector["exchanges"].as_array().unwrap() {
            let recorded = &exchange["request"];
            let puts = text(recorded, "method") == "PUT";
            let status = &exchange["response"]["status"];
            if puts && *status == 404 {
                // An instance whose metadata know no tokens yet.
                emulator.inject(Fault::html(404).for_action("MetadataToken").times(1));
            }
            // A token that is refused in the recording is one that the emulator never gave.
            let token = metadata_token.as_deref().filter(|_| *status != 403);
            let response = send(&emulator, request(&emulator, recorded, token)).unwrap();
            check(id, exchange, &response);
            if puts {
                metadata_token = Some(String::from_utf8(response.body().to_vec()).unwrap());
            }
        }
    }
}
