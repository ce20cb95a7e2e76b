//! The judge against requests of the official packages, and against the same requests with one part changed.
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
use simsim::Timestamp;
use simsim::http::{Method, Request};
use simsim_emulator::{Emulator, SecretSeed};
use std::time::Duration;
use support::{KEY, Manual, emulator, json, kms, send};

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/signing.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

/// An emulator that knows the vector's key and whose clock stands at the vector's time.
fn judge(vector: &Value) -> Emulator {
    let inputs = &vector["inputs"];
    assert_eq!(inputs["timestamp"], "2026-01-02T03:04:05Z");
    let emulator = Emulator::new(Manual::default());
    let text = |name: &str| inputs[name].as_str().unwrap();
    match inputs["security_token"].as_str() {
        Some(token) => emulator.add_session(text("access_key_id"), text("access_key_secret"), token, None),
        None => emulator.add_access_key(text("access_key_id"), text("access_key_secret")),
    }
    emulator.put_secret(SecretSeed::text("my-secret", "value"));
    emulator
}

fn wire(vector: &Value) -> Request {
    let wire = &vector["wire"];
    let headers = wire["headers"].as_array().unwrap().iter().map(|header| {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        (name.to_owned().into(), value.to_owned())
    });
    Request {
        method: if wire["method"] == "GET" { Method::Get } else { Method::Post },
        url: wire["url"].as_str().unwrap().to_owned(),
        headers: headers
            .filter(|(name, _): &(std::borrow::Cow<'_, str>, _)| !name.eq_ignore_ascii_case("host"))
            .collect(),
        body: wire["body"].as_str().unwrap().as_bytes().to_vec(),
        timeout: Duration::from_secs(1),
        max_body: 1 << 20,
    }
}

/// The code of the answer; `OK` for an answer without an error.
fn code(emulator: &Emulator, request: Request) -> String {
    let response = send(emulator, request).unwrap();
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    if response.status() == 200 {
        return "OK".to_owned();
    }
    if let Some((_, rest)) = text.split_once("<Code>") {
        return rest.split_once('<').unwrap().0.to_owned();
    }
    json(&response).1["Code"].as_str().unwrap().to_owned()
}

/// What a request gets once its signature has been believed: these vectors ask for names that do not exist or are none.
const BELIEVED: [&str; 5] =
    ["OK", "Forbidden.ResourceNotFound", "InvalidParameter", "MissingParameter", "InvalidAction.NotFound"];

#[test]
fn every_recorded_request_of_the_official_packages_is_believed() {
    let vectors = vectors();
    assert_eq!(vectors.iter().filter(|v| v["scheme"] == "ACS3-HMAC-SHA256").count(), 19);
    assert_eq!(vectors.iter().filter(|v| v["scheme"] == "RPC-HMAC-SHA1").count(), 37);
    for vector in &vectors {
        let (emulator, id) = (judge(vector), &vector["id"]);
        let first = code(&emulator, wire(vector));
        assert!(BELIEVED.contains(&first.as_str()), "{id}: {first}");
        assert_eq!(code(&emulator, wire(vector)), "SignatureNonceUsed", "{id}");
        if vector["wire"].to_string().contains("SecretName=my-secret\"") {
            assert_eq!(first, "OK", "{id}");
        }
    }
}

#[test]
fn a_refused_signature_is_answered_with_what_the_server_signed() {
    for vector in vectors() {
        let emulator = judge(&vector);
        let id = vector["inputs"]["access_key_id"].as_str().unwrap();
        // The same key with another secret: everything but the signature agrees.
        match vector["inputs"]["security_token"].as_str() {
            Some(token) => emulator.add_session(id, "another secret", token, None),
            None => emulator.add_access_key(id, "another secret"),
        }
        let response = send(&emulator, wire(&vector)).unwrap();
        assert_eq!(response.status(), 400, "{}", vector["id"]);
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        let message = match text.split_once("<Message>") {
            Some((_, rest)) => rest.split_once("</").unwrap().0.replace("&amp;", "&"),
            None => json(&response).1["Message"].as_str().unwrap().to_owned(),
        };
        let expected = format!(
            "Specified signature is not matched with our calculation. server string to sign is:{}",
            vector["string_to_sign"].as_str().unwrap()
        );
        match vector["canonical_request"].as_str() {
            Some(canonical) => {
                assert_eq!(
                    message,
                    format!("{expected}\nserver canonical request is:{canonical}"),
                    "{}",
                    vector["id"]
                );
            }
            None => assert_eq!(message.split('\n').next(), expected.split('\n').next(), "{}", vector["id"]),
        }
    }
}

#[test]
fn a_change_of_any_signed_part_is_refused() {
    for vector in vectors() {
        let original = wire(&vector);
        let acs3 = vector["scheme"] == "ACS3-HMAC-SHA256";
        let mut changed: Vec<(String, Request)> = Vec::new();
        let mut change = |what: String, f: &dyn Fn(&mut Request)| {
            let mut request = original.clone();
            f(&mut request);
            changed.push((what, request));
        };
        let other_method = if original.method == Method::Get { Method::Post } else { Method::Get };
        if original.body.is_empty() {
            change("method".to_owned(), &|r| r.method = other_method);
        }
        change("query".to_owned(), &|r| {
            r.url.push_str(if r.url.contains('?') { "&Extra=1" } else { "?Extra=1" })
        });
        if acs3 {
            change("host".to_owned(), &|r| r.url = r.url.replace("cn-hangzhou", "cn-shanghai"));
            change("path".to_owned(), &|r| r.url = r.url.replace(".com/", ".com/x"));
            if original.method == Method::Post {
                change("body".to_owned(), &|r| r.body.push(b'x'));
            }
            change("unsigned x-acs header".to_owned(), &|r| {
                r.headers.push(("x-acs-more".into(), "1".to_owned()))
            });
            let authorization =
                original.headers.iter().find(|(n, _)| n == "Authorization").unwrap().1.clone();
            let signed = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
            for (at, (name, _)) in original.headers.iter().enumerate() {
                if signed.split(';').any(|s| name.eq_ignore_ascii_case(s)) {
                    change(format!("value of {name}"), &|r| r.headers[at].1.push('1'));
                    change(format!("absence of {name}"), &|r| drop(r.headers.remove(at)));
                }
            }
            for name in signed.split(';') {
                let without: Vec<&str> = signed.split(';').filter(|n| *n != name).collect();
                let shorter = authorization.replace(signed, &without.join(";"));
                change(format!("{name} no longer signed"), &|r| {
                    r.headers.iter_mut().find(|(n, _)| n == "Authorization").unwrap().1 = shorter.clone();
                });
            }
        } else if !original.body.is_empty() {
            change("form".to_owned(), &|r| r.body.extend_from_slice(b"&More=1"));
        }
        let signature = vector["signature"].as_str().unwrap();
        if acs3 {
            let last = if signature.ends_with('0') { '1' } else { '0' };
            change("signature".to_owned(), &|r| {
                let value = &mut r.headers.iter_mut().find(|(n, _)| n == "Authorization").unwrap().1;
                value.pop();
                value.push(last);
            });
        }
        for (what, request) in changed {
            let code = code(&judge(&vector), request);
            assert!(!BELIEVED.contains(&code.as_str()), "{}: {what} was believed: {code}", vector["id"]);
        }
    }
}

/// Parameters whose every other value is refused as invalid rather than as wrongly signed.
fn unsupported(pair: &str) -> bool {
    ["SignatureMethod=", "SignatureVersion=", "SignatureType="].iter().any(|name| pair.starts_with(name))
}

#[test]
fn every_rpc_parameter_is_covered_by_the_signature() {
    for vector in vectors().iter().filter(|v| v["scheme"] == "RPC-HMAC-SHA1") {
        let original = wire(vector);
        let place = if original.url.contains('?') {
            original.url.clone()
        } else {
            format!("?{}", String::from_utf8_lossy(&original.body))
        };
        let query = place.split_once('?').unwrap().1.to_owned();
        for pair in query.split('&') {
            let mut request = original.clone();
            let changed = format!("{pair}1");
            request.url = request.url.replace(pair, &changed);
            request.body = String::from_utf8(request.body).unwrap().replace(pair, &changed).into_bytes();
            let code = code(&judge(vector), request);
            assert!(
                !BELIEVED.contains(&code.as_str()) || unsupported(pair),
                "{}: {pair}: {code}",
                vector["id"]
            );
            assert_ne!(code, "OK");
        }
    }
}

#[test]
fn a_request_far_from_the_servers_time_is_refused_and_learns_that_time() {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "v"));
    let at = |date: &str, nonce: &str| {
        let mut draft = kms("GetSecretValue", nonce, &[("SecretName", "s")]);
        draft.date = date.to_owned();
        draft.acs3()
    };
    assert_eq!(code(&emulator, at("2026-01-02T03:19:05Z", "1")), "OK");
    assert_eq!(code(&emulator, at("2026-01-02T02:49:05Z", "2")), "OK");
    assert_eq!(code(&emulator, at("2026-01-02T03:19:06Z", "3")), "InvalidTimeStamp.Expired");
    assert_eq!(code(&emulator, at("2026-01-02T02:49:04Z", "4")), "InvalidTimeStamp.Expired");
    assert_eq!(code(&emulator, at("2026-01-02T03:04:05.000Z", "5")), "InvalidTimeStamp.Format");
    assert_eq!(code(&emulator, at("", "6")), "IllegalTimestamp");
    emulator.set_clock_offset(3_600_000);
    let refused = send(&emulator, at("2026-01-02T03:04:05Z", "7")).unwrap();
    assert_eq!(json(&refused).1["Code"], "InvalidTimeStamp.Expired");
    assert_eq!(refused.header("Date"), Some("Fri, 02 Jan 2026 04:04:05 GMT"));
    assert_eq!(code(&emulator, at("2026-01-02T04:04:05Z", "8")), "OK");
}

#[test]
fn keys_and_tokens_are_judged_one_by_one() {
    let (emulator, runtime) = emulator();
    emulator.put_secret(SecretSeed::text("s", "v"));
    emulator.add_session(
        "STS.a",
        "secret-a",
        "token-a",
        Some(Timestamp::from_millis(support::START + 60_000)),
    );
    emulator.add_session("STS.b", "secret-b", "token-b", None);
    let mut n = 0;
    let mut ask = |id: &str, secret: &str, token: Option<&str>| {
        n += 1;
        let mut draft = kms("GetSecretValue", &n.to_string(), &[("SecretName", "s")]);
        draft.key = (id.to_owned(), secret.to_owned(), token.map(str::to_owned));
        let acs3 = json(&send(&emulator, draft.acs3()).unwrap());
        draft.nonce.push('r');
        let rpc = json(&send(&emulator, draft.rpc(&[("Format", "JSON")])).unwrap());
        assert_eq!((acs3.0, &acs3.1["Code"]), (rpc.0, &rpc.1["Code"]));
        (acs3.0, acs3.1["Code"].as_str().unwrap_or("OK").to_owned())
    };
    let refused = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(ask(KEY.0, KEY.1, None), refused(200, "OK"));
    assert_eq!(ask(KEY.0, "wrong", None), refused(400, "SignatureDoesNotMatch"));
    assert_eq!(ask("LTAI-nobody", "x", None), refused(404, "InvalidAccessKeyId.NotFound"));
    assert_eq!(
        ask(KEY.0, KEY.1, Some("token-a")),
        refused(400, "InvalidSecurityToken.MismatchWithAccessKey")
    );
    assert_eq!(ask("STS.a", "secret-a", Some("token-a")), refused(200, "OK"));
    assert_eq!(ask("STS.a", "secret-a", None), refused(400, "MissingSecurityToken"));
    assert_eq!(
        ask("STS.a", "secret-a", Some("token-b")),
        refused(400, "InvalidSecurityToken.MismatchWithAccessKey")
    );
    assert_eq!(ask("STS.a", "secret-a", Some("token a")), refused(400, "InvalidSecurityToken.Malformed"));
    assert_eq!(ask("STS.b", "secret-b", Some("token-b")), refused(200, "OK"));
    emulator.expire_session("STS.b");
    assert_eq!(ask("STS.b", "secret-b", Some("token-b")), refused(400, "InvalidSecurityToken.Expired"));
    runtime.advance(Duration::from_secs(60));
    assert_eq!(ask("STS.a", "secret-a", Some("token-a")), refused(400, "InvalidSecurityToken.Expired"));
    emulator.deactivate_access_key(KEY.0);
    assert_eq!(ask(KEY.0, KEY.1, None), refused(400, "InvalidAccessKeyId.Inactive"));
    emulator.remove_access_key(KEY.0);
    assert_eq!(ask(KEY.0, KEY.1, None), refused(404, "InvalidAccessKeyId.NotFound"));
}

#[test]
fn a_request_without_a_signature_or_with_half_of_one_is_incomplete() {
    let (emulator, _) = emulator();
    let signed = kms("GetSecretValue", "n", &[("SecretName", "s")]).acs3();
    let mut unsigned = signed.clone();
    unsigned.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(code(&emulator, unsigned), "IncompleteSignature");
    let mut other = signed.clone();
    other.headers.last_mut().unwrap().1 = "Bearer x".to_owned();
    assert_eq!(code(&emulator, other), "IncompleteSignature");
    let mut rpc = kms("GetSecretValue", "n", &[("SecretName", "s")]).rpc(&[("Format", "JSON")]);
    rpc.url = rpc.url.replace("SignatureNonce=n&", "");
    assert_eq!(code(&emulator, rpc), "IncompleteSignature");
    let twice =
        kms("GetSecretValue", "n", &[("SecretName", "s")]).rpc(&[("Format", "JSON"), ("Format", "JSON")]);
    assert_eq!(code(&emulator, twice), "IncompleteSignature");
    let sha256 = kms("GetSecretValue", "n", &[]).rpc(&[("SignatureType", "PRIVATEKEY"), ("Format", "JSON")]);
    assert_eq!(code(&emulator, sha256), "InvalidParameter");
}

#[test]
fn the_hash_header_must_be_the_bodys_even_when_it_is_signed() {
    let (emulator, _) = emulator();
    let mut request = kms("GetSecretValue", "n", &[("SecretName", "s")]).acs3();
    request.body = b"more".to_vec();
    request.headers.push(("content-type".into(), "application/octet-stream".to_owned()));
    assert_eq!(code(&emulator, request), "IncompleteSignature");
    let mut request = kms("GetSecretValue", "n", &[("SecretName", "s")]).acs3();
    request.body = b"more".to_vec();
    assert_eq!(code(&emulator, request), "SignatureDoesNotMatch");
}

#[test]
fn a_refused_signature_repeats_the_security_token() {
    let (emulator, _) = emulator();
    emulator.add_session("STS.a", "secret-a", "needle-token", None);
    let mut draft = kms("GetSecretValue", "n", &[("SecretName", "s")]);
    draft.key = ("STS.a".to_owned(), "wrong".to_owned(), Some("needle-token".to_owned()));
    let (status, body) = draft.call(&emulator);
    assert_eq!((status, &body["Code"]), (400, &"SignatureDoesNotMatch".into()));
    assert!(body["Message"].as_str().unwrap().contains("x-acs-security-token:needle-token\n"));
}
