//! AssumeRole and GetCallerIdentity, and the sessions that come of them.
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
use simsim_emulator::{Emulator, SecretSeed};
use std::time::Duration;
use support::{emulator, json, kms, send, sts};

const ROLE: &str = "acs:ram::9876543210987654:role/reader";

fn session(emulator: &Emulator, nonce: &str) -> (String, String, Option<String>) {
    let (status, body) =
        sts("AssumeRole", nonce, &[("RoleArn", ROLE), ("RoleSessionName", "test")]).call(emulator);
    assert_eq!(status, 200, "{body}");
    let text = |name: &str| body["Credentials"][name].as_str().unwrap().to_owned();
    (text("AccessKeyId"), text("AccessKeySecret"), Some(text("SecurityToken")))
}

#[test]
fn an_assumed_role_reads_in_its_own_account_until_it_expires() {
    let (emulator, runtime) = emulator();
    emulator.add_role(ROLE);
    emulator.put_secret(SecretSeed::text("s", "theirs").account("9876543210987654"));
    let key = session(&emulator, "1");
    assert!(key.0.starts_with("STS.") && key.2.as_ref().unwrap().len() > 1000);
    let mut draft = kms("GetSecretValue", "2", &[("SecretName", "s")]);
    draft.key = key.clone();
    assert_eq!(draft.call(&emulator).1["SecretData"], "theirs");
    let mut who = sts("GetCallerIdentity", "3", &[]);
    who.key = key;
    let (_, body) = who.call(&emulator);
    assert_eq!(
        (&body["IdentityType"], &body["AccountId"]),
        (&"AssumedRoleUser".into(), &"9876543210987654".into())
    );
    runtime.advance(Duration::from_secs(3600));
    draft.nonce = "4".to_owned();
    draft.date = "2026-01-02T04:04:05Z".to_owned();
    assert_eq!(draft.call(&emulator).1["Code"], "InvalidSecurityToken.Expired");
}

#[test]
fn each_session_is_another_key_and_tells_its_end() {
    let (emulator, _) = emulator();
    emulator.add_role(ROLE);
    assert_ne!(session(&emulator, "1").0, session(&emulator, "2").0);
    let form = [("RoleArn", ROLE), ("RoleSessionName", "test"), ("DurationSeconds", "900")];
    let (_, body) = sts("AssumeRole", "3", &form).call(&emulator);
    assert_eq!(body["Credentials"]["Expiration"], "2026-01-02T03:19:05Z");
    assert_eq!(body["AssumedRoleUser"]["Arn"], "acs:ram::9876543210987654:role/reader/test");
    let response = send(&emulator, sts("AssumeRole", "4", &form).rpc(&[("Format", "JSON")])).unwrap();
    assert_eq!(json(&response).0, 200);
}

#[test]
fn wrong_parameters_are_refused_in_the_words_of_sts() {
    let (emulator, _) = emulator();
    emulator.add_role(ROLE);
    let mut nonce = 0;
    let mut code = |form: &[(&str, &str)]| {
        nonce += 1;
        let (status, body): (u16, Value) = sts("AssumeRole", &nonce.to_string(), form).call(&emulator);
        (status, body["Code"].as_str().unwrap().to_owned())
    };
    let role = ("RoleArn", ROLE);
    let name = ("RoleSessionName", "test");
    for (form, status, expected) in [
        (vec![name], 400, "MissingParameter"),
        (vec![role], 400, "MissingParameter"),
        (vec![role, ("RoleSessionName", "x")], 400, "InvalidParameter.RoleSessionName"),
        (vec![role, ("RoleSessionName", "a b")], 400, "InvalidParameter.RoleSessionName"),
        (vec![("RoleArn", "acs:ram::1:role/none"), name], 404, "EntityNotExist.Role"),
        (vec![role, name, ("DurationSeconds", "899")], 400, "InvalidParameter.DurationSeconds"),
        (vec![role, name, ("DurationSeconds", "3601")], 400, "InvalidParameter.DurationSeconds"),
        (vec![role, name, ("Policy", "{")], 400, "InvalidParameter.PolicyGrammar"),
        (vec![role, name, ("ExternalId", "a b")], 400, "InvalidParameter.ExternalId"),
    ] {
        assert_eq!(code(&form), (status, expected.to_owned()), "{form:?}");
    }
}

#[test]
fn a_key_learns_whose_it_is() {
    let (emulator, _) = emulator();
    let (status, body) = sts("GetCallerIdentity", "1", &[]).call(&emulator);
    assert_eq!(
        (status, &body["AccountId"], &body["IdentityType"]),
        (200, &"1234567890123456".into(), &"RAMUser".into())
    );
}
