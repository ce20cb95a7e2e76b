//! AssumeRoleWithOIDC: what a token must be, and how each thing that is wrong with one is told.
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
use simsim::http::Request;
use simsim_emulator::{Emulator, Fault, OidcProvider, Role, SecretSeed};
use std::time::Duration;
use support::{emulator, json, kms, nonce, send, session_key, sts};

const ROLE: &str = "acs:ram::1234567890123456:role/app-role";
const CI: &str = "acs:ram::1234567890123456:oidc-provider/ci";
const OTHER: &str = "acs:ram::1234567890123456:oidc-provider/other";
const AUDIENCE: &str = "sts.aliyuncs.com";
const HOUR: Duration = Duration::from_secs(3600);

fn ready() -> (Emulator, support::Manual) {
    let (emulator, runtime) = emulator();
    emulator.put_role(Role::new(ROLE).trusts(CI));
    emulator.put_oidc_provider(OidcProvider::new(CI));
    (emulator, runtime)
}

fn token(emulator: &Emulator, lifetime: Duration) -> String {
    emulator.oidc_token(CI, "system:serviceaccount:default:app", AUDIENCE, lifetime).unwrap()
}

/// The request as our client sends it: nothing but the version and the action in headers, the rest in the body.
fn request(form: &[(&str, &str)]) -> Request {
    let mut request = sts("AssumeRoleWithOIDC", &nonce(), form).acs3();
    request.headers.retain(|(name, _)| ["content-type", "x-acs-action", "x-acs-version"].contains(&&**name));
    request
}

fn assume(emulator: &Emulator, provider: &str, token: &str) -> (u16, Value) {
    let form = [
        ("RoleArn", ROLE),
        ("RoleSessionName", "rrsa-session"),
        ("OIDCProviderArn", provider),
        ("OIDCToken", token),
    ];
    json(&send(emulator, request(&form)).unwrap())
}

/// The code of a refusal, which has status 401.
fn refusal(emulator: &Emulator, provider: &str, token: &str) -> String {
    let (status, body) = assume(emulator, provider, token);
    assert_eq!(status, 401, "{body}");
    body["Code"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_of_a_trusted_provider_becomes_a_session_which_kms_takes() {
    let (emulator, _) = ready();
    emulator.put_secret(SecretSeed::text("s", "value"));
    let (status, body) = assume(&emulator, CI, &token(&emulator, HOUR));
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        body["OIDCTokenInfo"],
        value!({
            "Subject": "system:serviceaccount:default:app",
            "Issuer": "https://ci.example",
            "ClientIds": "sts.aliyuncs.com",
            "ExpirationTime": "2026-01-02T04:04:05Z",
            "IssuanceTime": "2026-01-02T03:04:05Z",
            "VerificationInfo": "Success",
        })
    );
    assert_eq!(body["AssumedRoleUser"]["Arn"], "acs:ram::1234567890123456:role/app-role/rrsa-session");
    let mut draft = kms("GetSecretValue", &nonce(), &[("SecretName", "s")]);
    draft.key = session_key(&body["Credentials"]);
    assert_eq!(draft.call(&emulator).1["SecretData"], "value");
    assert_eq!(emulator.calls("AssumeRoleWithOIDC"), 1);
}

#[test]
fn the_references_ways_to_send_it_are_taken_too() {
    let (emulator, _) = ready();
    let token = token(&emulator, HOUR);
    let mut draft = sts("AssumeRoleWithOIDC", &nonce(), &[]);
    let own = [("RoleArn", ROLE), ("RoleSessionName", "s1"), ("OIDCProviderArn", CI), ("OIDCToken", &token)];
    let common = [("Action", "AssumeRoleWithOIDC"), ("Version", "2015-04-01"), ("Format", "JSON")];
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    for (query, form) in [(pairs(&common), pairs(&own)), (pairs(&[common.as_slice(), &own].concat()), vec![])]
    {
        (draft.query, draft.form) = (query, form);
        let mut request = draft.acs3();
        request.headers.retain(|(name, _)| name == "content-type");
        assert_eq!(json(&send(&emulator, request).unwrap()).0, 200);
    }
    // Whoever asks for no format gets XML, as from every RPC.
    draft.query.retain(|(name, _)| name != "Format");
    let mut request = draft.acs3();
    request.headers.clear();
    assert!(send(&emulator, request).unwrap().body().starts_with(b"<?xml"));
}

#[test]
fn a_token_is_refused_with_the_code_of_what_is_wrong_with_it() {
    let (emulator, _) = ready();
    let invalid = "AuthenticationFail.OIDCToken.Invalid";
    let good = token(&emulator, HOUR);
    let unsigned = good.rsplit_once('.').unwrap().0;
    for text in ["....", "a.b.c", &format!("{good}\n"), &format!("{unsigned}.AAAA"), unsigned] {
        assert_eq!(refusal(&emulator, CI, text), invalid, "{text:?}");
    }
    let forged = {
        let (stranger, _) = ready();
        // Uses up randomness, so that the stranger's key is another one.
        stranger.put_secret(SecretSeed::text("s", "v"));
        token(&stranger, HOUR)
    };
    assert_eq!(forged.rsplit_once('.').unwrap().0, good.rsplit_once('.').unwrap().0, "the same claims");
    assert_eq!(refusal(&emulator, CI, &forged), "AuthenticationFail.OIDCToken.InvalidSignature");
    let elsewhere = emulator.oidc_token(CI, "x", "https://elsewhere.example", HOUR).unwrap();
    assert_eq!(refusal(&emulator, CI, &elsewhere), "AuthenticationFail.OIDCToken.AudienceNotMatch");
    assert_eq!(assume(&emulator, CI, &good).0, 200);
}

#[test]
fn a_token_holds_for_its_time_on_the_emulators_clock() {
    let (emulator, runtime) = ready();
    let expired = "AuthenticationFail.OIDCToken.Expired";
    assert_eq!(refusal(&emulator, CI, &token(&emulator, Duration::ZERO)), expired);
    let token = token(&emulator, HOUR);
    emulator.set_clock_offset(-1_000);
    assert_eq!(refusal(&emulator, CI, &token), "AuthenticationFail.OIDCToken.Invalid");
    emulator.set_clock_offset(0);
    runtime.advance(HOUR - Duration::from_secs(1));
    assert_eq!(assume(&emulator, CI, &token).0, 200);
    runtime.advance(Duration::from_secs(1));
    assert_eq!(refusal(&emulator, CI, &token), expired);
}

#[test]
fn another_provider_issuer_or_trust_is_no_permission() {
    let (emulator, _) = ready();
    let denied = "AuthenticationFail.NoPermission";
    let own = token(&emulator, HOUR);
    assert_eq!(refusal(&emulator, OTHER, &own), denied);
    emulator.put_oidc_provider(OidcProvider::new(OTHER));
    assert_eq!(refusal(&emulator, OTHER, &own), denied);
    let others = emulator.oidc_token(OTHER, "x", AUDIENCE, HOUR).unwrap();
    assert_eq!(refusal(&emulator, OTHER, &others), denied);
    emulator.put_role(Role::new(ROLE).trusts(CI).trusts(OTHER));
    assert_eq!(assume(&emulator, OTHER, &others).0, 200);
    emulator.put_oidc_provider(OidcProvider::new(CI).issuer("https://moved.example"));
    assert_eq!(refusal(&emulator, CI, &own), denied);
}

#[test]
fn parameters_and_roles_are_judged_as_for_assume_role() {
    let (emulator, _) = ready();
    let token = token(&emulator, HOUR);
    let all = [
        ("RoleArn", ROLE),
        ("RoleSessionName", "test"),
        ("OIDCProviderArn", CI),
        ("OIDCToken", token.as_str()),
    ];
    let with = |name: &str, value: Option<&str>| {
        let mut form: Vec<(&str, &str)> = all.into_iter().filter(|(n, _)| *n != name).collect();
        form.extend(value.map(|value| (name, value)));
        let (status, body) = json(&send(&emulator, request(&form)).unwrap());
        (status, body["Code"].as_str().unwrap().to_owned())
    };
    let long = "x".repeat(20_001);
    for (name, value, status, code) in [
        ("OIDCToken", None, 400, "MissingParameter"),
        ("OIDCProviderArn", None, 400, "MissingParameter"),
        ("RoleArn", None, 400, "MissingParameter"),
        ("OIDCToken", Some("abc"), 400, "InvalidParameter.OIDCToken"),
        ("OIDCToken", Some(long.as_str()), 400, "InvalidParameter.OIDCToken"),
        ("RoleSessionName", Some("x"), 400, "InvalidParameter.RoleSessionName"),
        ("DurationSeconds", Some("899"), 400, "InvalidParameter.DurationSeconds"),
        ("Policy", Some("{"), 400, "InvalidParameter.PolicyGrammar"),
        ("RoleArn", Some("acs:ram::1:role/none"), 404, "EntityNotExist.Role"),
    ] {
        assert_eq!(with(name, value), (status, code.to_owned()), "{name}");
    }
}

#[test]
fn only_this_action_needs_no_signature_and_a_wrong_one_is_told() {
    let (emulator, _) = ready();
    emulator.add_role(ROLE);
    let form = [("RoleArn", ROLE), ("RoleSessionName", "test")];
    let mut unsigned = sts("AssumeRole", &nonce(), &form).acs3();
    unsigned.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(json(&send(&emulator, unsigned).unwrap()).1["Code"], "IncompleteSignature");
    let mut draft = sts("AssumeRoleWithOIDC", &nonce(), &form);
    draft.key.1 = "wrong".to_owned();
    assert_eq!(draft.call(&emulator).1["Code"], "SignatureDoesNotMatch");
    let mut elsewhere = request(&form);
    elsewhere.url = "https://kms.cn-hangzhou.aliyuncs.com/".to_owned();
    assert_eq!(json(&send(&emulator, elsewhere).unwrap()).1["Code"], "InvalidAction.NotFound");
}

#[test]
fn an_outage_can_be_of_this_action_alone() {
    let (emulator, _) = ready();
    emulator.add_role("acs:ram::1:role/r");
    emulator.inject(Fault::status(503, "ServiceUnavailable").for_action("AssumeRoleWithOIDC"));
    assert_eq!(assume(&emulator, CI, &token(&emulator, HOUR)).0, 503);
    let signed = [("RoleArn", "acs:ram::1:role/r"), ("RoleSessionName", "test")];
    assert_eq!(sts("AssumeRole", &nonce(), &signed).call(&emulator).0, 200);
}

#[test]
fn seeds_and_control_calls_register_providers_and_sign_tokens() {
    let (emulator, _) = emulator();
    let described = value!({"arn": OTHER, "issuer": "https://i.example", "clientIds": ["a", "b"]});
    let seed = value!({"roles": [{"arn": ROLE}], "oidcProviders": [described]});
    emulator.load_seed(&seed.to_string()).unwrap();
    let post = |call: &str, body: Value| {
        let (status, answer) = emulator.control("POST", call, body.to_string().as_bytes());
        (status, serde_json::from_str::<Value>(&answer).unwrap())
    };
    assert_eq!(post("oidc-provider", value!(CI)).0, 200);
    for (body, audience) in [
        (value!({"provider": CI}), AUDIENCE),
        (value!({"provider": OTHER, "subject": "x", "lifetimeSeconds": 60}), "a"),
        (value!({"provider": OTHER, "audience": "b"}), "b"),
    ] {
        let (status, answer) = post("oidc-token", body.clone());
        assert_eq!(status, 200, "{answer}");
        let provider = body["provider"].as_str().unwrap();
        let (status, body) = assume(&emulator, provider, answer["token"].as_str().unwrap());
        assert_eq!((status, &body["OIDCTokenInfo"]["ClientIds"]), (200, &audience.into()), "{body}");
    }
    for wrong in [value!({"provider": "none"}), value!({}), value!({"provider": CI, "aud": "x"})] {
        assert_eq!(post("oidc-token", wrong.clone()).0, 400, "{wrong}");
    }
    for wrong in [value!("x"), value!({"arn": ROLE}), value!({"arn": CI, "issuer": "http://i"})] {
        assert_eq!(post("oidc-provider", wrong.clone()).0, 400, "{wrong}");
    }
}

#[test]
fn no_answer_log_or_debug_repeats_a_token() {
    let (emulator, _) = ready();
    let good = token(&emulator, HOUR);
    let expired = token(&emulator, Duration::ZERO);
    let mut shown = String::new();
    for token in [&good, &expired, &format!("{good}x")] {
        let (status, body) = assume(&emulator, CI, token);
        if status != 200 {
            shown.push_str(&body.to_string());
        }
    }
    shown.push_str(&format!("{:?} {:?}", emulator, emulator.log()));
    for part in good.split('.').chain(expired.split('.')) {
        assert!(!shown.contains(part), "{shown}");
    }
}
