//! The needle in everything that is said to and by what issues sessions over the wire.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::canary::{debug_is_clean, error_is_clean, faults, tricks};
use crate::support::sessions::{Kind, PROVIDER, ROLE, URI, USER, role};
use crate::support::{Trick, World, minutes};
use simsim::credentials::{AssumeRole, AssumeRoleWithOidc, CredentialsUri, TokenCallback};
use simsim::{Credentials, Error, ErrorKind, Sensitive};
use simsim_emulator::Service;

scenarios![
    no_failure_of_an_issuer_prints_a_needle,
    no_refusal_prints_a_needle,
    nothing_of_an_issuer_prints_a_needle,
];

/// Answers with a part of a session that is wrong, and a needle in all others.
fn parts() -> Vec<Trick> {
    let whole = [
        ("AccessKeyId", r#""STS.needle""#),
        ("AccessKeySecret", r#""needle""#),
        ("SecurityToken", r#""needle""#),
        ("Expiration", r#""2026-01-02T04:04:05Z""#),
    ];
    let mut all = Vec::new();
    for wrong in 0..whole.len() {
        for value in ["null", "7", r#""""#, r#""needle needle""#, r#""needle\n""#, r#"{"needle":"needle"}"#] {
            let fields: Vec<_> = whole
                .iter()
                .enumerate()
                .map(|(at, (name, right))| format!(r#""{name}":{}"#, if at == wrong { value } else { right }))
                .collect();
            let fields = fields.join(",");
            let session = format!(r#"{{{fields}}}"#);
            all.push(Trick::body(format!(
                r#"{{"Code":"Success",{fields},"RequestId":"n","Credentials":{session}}}"#
            )));
        }
    }
    all
}

async fn no_failure_of_an_issuer_prints_a_needle(w: World) {
    let mut failed = 0;
    for kind in Kind::ASKING {
        let service = if kind == Kind::Uri { Service::CredentialsUri } else { Service::Sts };
        for fault in faults() {
            let client = w.with_sessions(kind).build().unwrap();
            w.kms.inject(fault.clone().for_service(service));
            if let Err(error) = w.read(&client, "db/password").await {
                error_is_clean(&format!("{kind:?} {fault:?}"), &error);
                failed += 1;
            }
            w.kms.clear_faults();
            debug_is_clean("Client", &client);
            debug_is_clean("ClientStatus", &client.status());
        }
        for (n, trick) in tricks().into_iter().chain(parts()).enumerate() {
            let client = w.with_sessions(kind).no_retry().build().unwrap();
            w.wire.play(trick);
            if let Err(error) = w.read(&client, "db/password").await {
                error_is_clean(&format!("{kind:?} trick {n}"), &error);
                failed += 1;
            }
            debug_is_clean("Client", &client);
        }
    }
    assert!(failed >= 120, "{failed} failures");
}

async fn no_refusal_prints_a_needle(w: World) {
    w.issue_sessions();
    let wrong = Credentials::access_key(USER.0, "needle-wrong").unwrap();
    let client = w.bare().credentials(AssumeRole::new(wrong, ROLE)).build().unwrap();
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(error.service_code(), Some("SignatureDoesNotMatch"));
    error_is_clean("a wrong secret", &error);
    for token in ["needle", "needle.needle.needle", "needle needle", "needle\u{e9}"] {
        let role = AssumeRoleWithOidc::new(PROVIDER, ROLE, Sensitive::new(token.to_owned()));
        let client = w.bare().credentials(role).build().unwrap();
        error_is_clean(token, &w.read(&client, "db/password").await.unwrap_err());
    }
    let broken = TokenCallback::new(|| async { Err(Error::new(ErrorKind::Timeout, "the platform is slow")) });
    let client = w.bare().credentials(AssumeRoleWithOidc::new(PROVIDER, ROLE, broken)).build().unwrap();
    error_is_clean("callback", &w.read(&client, "db/password").await.unwrap_err());
    for wrong in [
        role().policy("needle".repeat(400)),
        role().external_id("needle needle"),
        role().endpoint("needle/needle"),
    ] {
        error_is_clean("a parameter", &w.bare().credentials(wrong).build().unwrap_err());
    }
    for request in w.wire.sent() {
        assert!(!request.url.contains("needle"), "{}", request.url);
        debug_is_clean("Request", &request);
    }
}

async fn nothing_of_an_issuer_prints_a_needle(w: World) {
    debug_is_clean("AssumeRole", &role().policy("needle").external_id("needle"));
    let token = Sensitive::new(String::from("needle"));
    debug_is_clean("AssumeRoleWithOidc", &AssumeRoleWithOidc::new(PROVIDER, ROLE, token).policy("needle"));
    debug_is_clean("CredentialsUri", &CredentialsUri::new(format!("{URI}&key=needle")));
    debug_is_clean(
        "TokenCallback",
        &TokenCallback::new(|| async { Ok(Sensitive::new(String::from("needle"))) }),
    );
    for kind in Kind::ASKING {
        let (builder, events) = w.observed(w.with_sessions(kind).no_cache());
        let client = builder.build().unwrap();
        w.text(&client, "db/password").await;
        w.pass(minutes(50)).await;
        w.text(&client, "db/password").await;
        let seen = std::mem::take(&mut *events.lock().unwrap());
        assert!(!seen.is_empty());
        debug_is_clean("Event", &seen);
    }
    debug_is_clean("log", &w.kms.log());
}
