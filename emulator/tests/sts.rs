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
use simsim_emulator::{Emulator, Role, SecretSeed};
use std::time::Duration;
use support::{emulator, json, kms, nonce, send, session_key, sts};

const ROLE: &str = "acs:ram::9876543210987654:role/reader";

fn session(emulator: &Emulator, nonce: &str) -> (String, String, Option<String>) {
    let (status, body) =
        sts("AssumeRole", nonce, &[("RoleArn", ROLE), ("RoleSessionName", "test")]).call(emulator);
    assert_eq!(status, 200, "{body}");
    session_key(&body["Credentials"])
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

/// AssumeRole with that key: the status, and the code of a refusal or an empty text.
fn assume(
    emulator: &Emulator,
    key: &(String, String, Option<String>),
    form: &[(&str, &str)],
) -> (u16, String) {
    let mut draft = sts("AssumeRole", &nonce(), &[&[("RoleSessionName", "test")], form].concat());
    draft.key = key.clone();
    let (status, body) = draft.call(emulator);
    (status, body["Code"].as_str().unwrap_or_default().to_owned())
}

fn long_term() -> (String, String, Option<String>) {
    (support::KEY.0.to_owned(), support::KEY.1.to_owned(), None)
}

#[test]
fn a_role_that_trusts_somebody_is_refused_to_everybody_else() {
    let (emulator, _) = emulator();
    emulator.put_role(Role::new(ROLE).trusts("acs:ram::9876543210987654:root"));
    let refused = (403, "NoPermission".to_owned());
    assert_eq!(assume(&emulator, &long_term(), &[("RoleArn", ROLE)]), refused);
    emulator.add_access_key_of("LTAI-theirs", "x", "9876543210987654");
    let theirs = ("LTAI-theirs".to_owned(), "x".to_owned(), None);
    assert_eq!(assume(&emulator, &theirs, &[("RoleArn", ROLE)]).0, 200);
    emulator.put_role(Role::new(ROLE).trusts("acs:ram::1234567890123456:root"));
    assert_eq!(assume(&emulator, &long_term(), &[("RoleArn", ROLE)]).0, 200);
    assert_eq!(assume(&emulator, &theirs, &[("RoleArn", ROLE)]), refused);
}

#[test]
fn a_role_with_an_external_id_is_for_those_who_say_it() {
    let (emulator, _) = emulator();
    emulator.put_role(Role::new(ROLE).external_id("tenant-7"));
    let with = |form: &[(&str, &str)]| assume(&emulator, &long_term(), form);
    assert_eq!(with(&[("RoleArn", ROLE)]), (403, "NoPermission".to_owned()));
    assert_eq!(with(&[("RoleArn", ROLE), ("ExternalId", "tenant-8")]).0, 403);
    assert_eq!(with(&[("RoleArn", ROLE), ("ExternalId", "tenant-7")]).0, 200);
}

#[test]
fn a_session_assumes_the_next_role_with_its_token_and_only_with_it() {
    let (emulator, _) = emulator();
    let next = "acs:ram::1234567890123456:role/next";
    emulator.add_role(ROLE);
    emulator.put_role(Role::new(next).trusts(ROLE));
    assert_eq!(assume(&emulator, &long_term(), &[("RoleArn", next)]).1, "NoPermission");
    let first = session(&emulator, &nonce());
    assert_eq!(assume(&emulator, &first, &[("RoleArn", next)]).0, 200);
    let without = (first.0, first.1, None);
    assert_eq!(assume(&emulator, &without, &[("RoleArn", next)]), (400, "MissingSecurityToken".to_owned()));
}

#[test]
fn every_sts_host_takes_the_parameters_from_query_or_form() {
    let (emulator, _) = emulator();
    emulator.add_role(ROLE);
    let pairs = [("RoleArn", ROLE), ("RoleSessionName", "test")];
    for host in ["sts.aliyuncs.com", "sts.ap-southeast-1.aliyuncs.com", "sts-vpc.cn-hangzhou.aliyuncs.com"] {
        for in_query in [false, true] {
            let mut draft = sts("AssumeRole", &nonce(), &pairs);
            draft.host = host.to_owned();
            if in_query {
                draft.query = std::mem::take(&mut draft.form);
            }
            assert_eq!(draft.call(&emulator).0, 200, "{host} {in_query}");
        }
    }
    let mut draft = sts("AssumeRole", &nonce(), &pairs);
    draft.host = "kms.cn-hangzhou.aliyuncs.com".to_owned();
    assert_eq!(draft.call(&emulator).1["Code"], "InvalidAction.NotFound");
}
