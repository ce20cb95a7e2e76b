//! Roles: assumed with a key, with another role, with a token of an identity provider; and refused.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::sessions::{AUDIENCE, Kind, PROVIDER, ROLE, role, user, workload};
use crate::support::{World, minutes, seconds};
use simsim::credentials::{AssumeRole, AssumeRoleWithOidc, ProvideCredentials, TokenCallback};
use simsim::{Error, ErrorKind, Network, Sensitive};
use simsim_emulator::{Fault, Role, Service};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

scenarios![
    a_role_is_asked_for_in_the_body_at_the_clients_region,
    a_role_that_asks_for_an_external_id_is_given_it,
    roles_chain_and_each_is_renewed_by_itself,
    sessions_of_fifteen_minutes_ask_sts_every_seven_minutes_at_most,
    a_token_is_asked_for_at_each_session_and_never_in_an_address,
    a_token_that_has_expired_is_asked_for_once_more,
    a_token_that_is_refused_for_good_is_not_tried_again,
    a_refusal_of_sts_purges_and_an_outage_of_it_does_not,
    a_rest_that_sts_asks_for_is_kept,
    wrong_parameters_are_told_before_anything_is_sent,
    a_provider_without_a_token_is_told_apart_from_a_refused_one,
];

fn form(body: &[u8]) -> BTreeMap<String, String> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = std::str::from_utf8(body).unwrap().split('&');
    pairs.map(|pair| pair.split_once('=').unwrap()).map(|(n, v)| (decode(n), decode(v))).collect()
}

async fn a_role_is_asked_for_in_the_body_at_the_clients_region(w: World) {
    let policy = r#"{ "Version": "1", "Statement": [] }"#;
    w.issue_sessions();
    let role = role().role_session_name("orders").duration(minutes(30)).policy(policy);
    let client = w.bare().network(Network::Vpc).credentials(role).build().unwrap();
    w.text(&client, "db/password").await;
    let sent = w.wire.sent();
    let call = &sent[0];
    assert_eq!(call.url, "https://sts-vpc.cn-hangzhou.aliyuncs.com/", "nothing in the address");
    let expected =
        [("DurationSeconds", "1800"), ("Policy", policy), ("RoleArn", ROLE), ("RoleSessionName", "orders")];
    let expected: BTreeMap<_, _> = expected.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    assert_eq!(form(&call.body), expected);
    let header = |name: &str| call.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(header("x-acs-action"), Some("AssumeRole"));
    assert_eq!(header("x-acs-version"), Some("2015-04-01"));
    assert_eq!(header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(client.status().credential_source, "assume_role");
}

async fn a_role_that_asks_for_an_external_id_is_given_it(w: World) {
    w.issue_sessions();
    w.kms.put_role(Role::new(ROLE).external_id("tenant-7"));
    let client = w.bare().credentials(role().external_id("tenant-7")).build().unwrap();
    w.text(&client, "db/password").await;
    let client = w.bare().credentials(role()).build().unwrap();
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    assert_eq!((error.service_code(), error.status()), (Some("NoPermission"), Some(403)));
    assert!(error.request_id().is_some() && error.explanation().starts_with("AssumeRole: "), "{error}");
}

async fn roles_chain_and_each_is_renewed_by_itself(w: World) {
    const MIDDLE: &str = "acs:ram::1234567890123456:role/middle";
    w.issue_sessions();
    w.kms.put_role(Role::new(MIDDLE).max_session_seconds(7200));
    // Only the middle role may assume the last one.
    w.kms.put_role(Role::new(ROLE).trusts(MIDDLE));
    let alone = w.bare().credentials(role()).build().unwrap();
    assert_eq!(w.read(&alone, "db/password").await.unwrap_err().service_code(), Some("NoPermission"));
    w.kms.reset_log();
    let middle = AssumeRole::new(user(), MIDDLE).duration(minutes(120));
    let client = w.bare().credentials(AssumeRole::new(middle, ROLE)).no_cache().build().unwrap();
    // Eight hours of reads: sessions of one hour are renewed at 48 minutes, those of two at 105.
    for _ in 0..480 {
        w.text(&client, "db/password").await;
        w.pass(minutes(1)).await;
    }
    let roles: Vec<_> = w.kms.log().into_iter().filter(|call| call.action == "AssumeRole").collect();
    let (by_user, by_middle): (Vec<_>, Vec<_>) =
        roles.iter().partition(|call| call.access_key_id.starts_with("LTAI"));
    assert!(roles.iter().all(|call| call.status == 200));
    assert!((9..=10).contains(&by_middle.len()), "{}", by_middle.len());
    assert!((4..=5).contains(&by_user.len()), "{}", by_user.len());
    let mut middles: Vec<_> = by_middle.iter().map(|call| &call.access_key_id).collect();
    middles.dedup();
    assert_eq!(middles.len(), by_user.len(), "each session of the middle role was used");
}

async fn sessions_of_fifteen_minutes_ask_sts_every_seven_minutes_at_most(w: World) {
    w.issue_sessions();
    for oidc in [false, true] {
        let builder = match oidc {
            false => w.bare().credentials(role().duration(minutes(15))),
            true => w.bare().credentials(workload(&w.kms).duration(minutes(15))),
        };
        let client = builder.no_cache().build().unwrap();
        w.kms.reset_log();
        for _ in 0..180 * 3 {
            w.text(&client, "db/password").await;
            w.pass(seconds(20)).await;
        }
        let asked: Vec<_> =
            w.kms.log().into_iter().filter(|call| call.action.starts_with("Assume")).collect();
        assert!((12..=25).contains(&asked.len()), "{}: three hours", asked.len());
        for pair in asked.windows(2) {
            assert!(pair[1].at.since(pair[0].at) >= minutes(7));
        }
    }
}

async fn a_token_is_asked_for_at_each_session_and_never_in_an_address(w: World) {
    let client = w.with_sessions(Kind::Oidc).no_cache().build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(50)).await;
    w.text(&client, "db/password").await;
    w.pass(seconds(1)).await;
    let sent = w.wire.sent();
    let tokens: Vec<_> = sent.iter().filter(|request| request.url.contains("//sts.")).collect();
    assert_eq!(tokens.len(), 2);
    for request in &tokens {
        let (host, query) = request.url.split_once('?').unwrap();
        assert_eq!(host, "https://sts.cn-hangzhou.aliyuncs.com/");
        let names: Vec<_> = form(query.as_bytes()).into_keys().collect();
        assert_eq!(
            names,
            ["Action", "Format", "Timestamp", "Version"],
            "for a gateway that reads no headers here"
        );
        assert!(
            request
                .headers
                .iter()
                .all(|(name, _)| !name.eq_ignore_ascii_case("authorization") && name != "x-acs-accesskey-id")
        );
    }
    let token = |at: usize| form(&tokens[at].body)["OIDCToken"].clone();
    assert_ne!(token(0), token(1));
    let expected = ["DurationSeconds", "OIDCProviderArn", "OIDCToken", "RoleArn", "RoleSessionName"];
    assert_eq!(form(&tokens[0].body).into_keys().collect::<Vec<_>>(), expected);
    assert_eq!(client.status().credential_source, "oidc");
}

/// A role for tokens that live so long at each time of asking, surrounded by white space; and how often it was asked.
fn of_lifetimes(w: &World, lifetimes: &'static [u64]) -> (AssumeRoleWithOidc, Arc<AtomicUsize>) {
    w.issue_sessions();
    let asked = Arc::new(AtomicUsize::new(0));
    let (kms, count) = (w.kms.clone(), asked.clone());
    let token = TokenCallback::new(move || {
        let at = count.fetch_add(1, Ordering::Relaxed).min(lifetimes.len() - 1);
        let token = kms.oidc_token(PROVIDER, "repo:app", AUDIENCE, seconds(lifetimes[at])).unwrap();
        async move { Ok(Sensitive::new(format!("\n {token}\r\n"))) }
    });
    (AssumeRoleWithOidc::new(PROVIDER, ROLE, token), asked)
}

async fn a_token_that_has_expired_is_asked_for_once_more(w: World) {
    let (role, asked) = of_lifetimes(&w, &[0, 600]);
    let client = w.bare().credentials(role).build().unwrap();
    w.text(&client, "db/password").await;
    assert_eq!((asked.load(Ordering::Relaxed), w.kms.calls("AssumeRoleWithOIDC")), (2, 2));
    // One that stays expired ends it, and may pass: what was read is served on.
    let (role, asked) = of_lifetimes(&w, &[600, 0]);
    let client = w.bare().credentials(role).build().unwrap();
    w.text(&client, "db/password").await;
    w.pass(minutes(61)).await;
    assert!(w.read(&client, "db/password").await.unwrap().stale());
    assert_eq!(asked.load(Ordering::Relaxed), 3);
    let error = w.refresh(&client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    assert_eq!(error.service_code(), Some("AuthenticationFail.OIDCToken.Expired"));
}

async fn a_token_that_is_refused_for_good_is_not_tried_again(w: World) {
    let w = &w;
    w.issue_sessions();
    let for_others = w.kms.oidc_token(PROVIDER, "repo:app", "others", minutes(10)).unwrap();
    let forged = format!("{}x", w.kms.oidc_token(PROVIDER, "repo:app", AUDIENCE, minutes(10)).unwrap());
    for (token, code) in [
        (for_others, "AuthenticationFail.OIDCToken.AudienceNotMatch"),
        (forged, "AuthenticationFail.OIDCToken.Invalid"),
        (String::from("no-token-at-all"), "AuthenticationFail.OIDCToken.Invalid"),
    ] {
        w.kms.reset_log();
        let role = AssumeRoleWithOidc::new(PROVIDER, ROLE, Sensitive::new(token));
        let client = w.bare().credentials(role).build().unwrap();
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        assert!(error.service_code().unwrap().starts_with(code), "{error}");
        assert!(error.request_id().is_some() && error.explanation().starts_with("AssumeRoleWithOIDC: "));
        assert_eq!(w.kms.calls("AssumeRoleWithOIDC"), 1);
    }
}

async fn a_refusal_of_sts_purges_and_an_outage_of_it_does_not(w: World) {
    for kind in [Kind::AssumeRole, Kind::Oidc] {
        for (fault, purges) in [
            (Fault::status(404, "EntityNotExist.Role"), true),
            (Fault::status(403, "NoPermission"), true),
            (Fault::status(401, "AuthenticationFail.NoPermission"), true),
            (Fault::status(503, "ServiceUnavailable"), false),
            (Fault::unreachable(), false),
            (Fault::html(502), false),
        ] {
            let client = w.with_sessions(kind).build().unwrap();
            w.text(&client, "db/password").await;
            let session = w.kms.log().last().unwrap().access_key_id.clone();
            w.pass(minutes(30)).await;
            // The session is over before its time: only STS can say what of it.
            w.kms.expire_session(&session);
            w.kms.inject(fault.clone().for_service(Service::Sts));
            let read = w.read(&client, "db/password").await;
            w.kms.clear_faults();
            let entries = client.status().entries;
            match (read, purges) {
                (Err(error), true) => {
                    assert_eq!((error.kind(), entries), (ErrorKind::CredentialsRejected, 0), "{fault:?}");
                    assert!(!error.service_code().unwrap().starts_with("Invalid"), "{error}: STS says more");
                }
                (Ok(secret), false) => assert!(secret.stale() && entries == 1, "{fault:?}"),
                (read, _) => panic!("{kind:?} {fault:?}: {read:?}"),
            }
        }
    }
}

async fn a_rest_that_sts_asks_for_is_kept(w: World) {
    let client = w.with_sessions(Kind::AssumeRole).no_cache().build().unwrap();
    w.kms.reset_log();
    w.kms.inject(Fault::retry_after_ms(30_000).for_service(Service::Sts).times(1));
    for _ in 0..29 {
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert_eq!(error.retry_after(), Some(seconds(30)));
        w.pass(seconds(1)).await;
    }
    assert_eq!(w.kms.calls("AssumeRole"), 1);
    w.pass(seconds(2)).await;
    w.text(&client, "db/password").await;
}

async fn wrong_parameters_are_told_before_anything_is_sent(w: World) {
    fn told(error: Error, field: &str) {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.explanation().starts_with(field), "{error}");
    }
    let client = w.client();
    for (wrong, field) in [
        (AssumeRole::new(user(), "acs:ram::1:role/a/b"), "role_arn: "),
        (role().role_session_name("x"), "role_session_name: "),
        (role().duration(seconds(899)), "duration: "),
        (role().policy("x".repeat(2049)), "policy: "),
        (role().external_id("a b"), "external_id: "),
        (role().region("cn hangzhou"), "region: "),
        (role().endpoint("http://sts.example"), "endpoint: "),
        (AssumeRole::new(AssumeRole::new(user(), "x"), ROLE), "role_arn: "),
    ] {
        told(wrong.validate().unwrap_err(), field);
        // Where nobody checks beforehand, the first read does.
        let tenant = client.for_principal(wrong);
        told(w.read(&tenant, "db/password").await.unwrap_err(), field);
    }
    let token = || Sensitive::new(String::from("token"));
    let wrong = AssumeRoleWithOidc::new("acs:ram::1:role/x", ROLE, token());
    told(w.bare().credentials(wrong).build().unwrap_err(), "oidc_provider_arn: ");
    let wrong = AssumeRoleWithOidc::new(PROVIDER, ROLE, token()).duration(minutes(13 * 60));
    told(w.bare().credentials(wrong).build().unwrap_err(), "duration: ");
    assert_eq!(w.wire.sent().len(), 0);
}

async fn a_provider_without_a_token_is_told_apart_from_a_refused_one(w: World) {
    w.issue_sessions();
    for token in ["", " \n", "jwt", "two words", &"x".repeat(20_001)] {
        let role = AssumeRoleWithOidc::new(PROVIDER, ROLE, Sensitive::new(token.to_owned()));
        let client = w.bare().credentials(role).build().unwrap();
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert!(error.explanation().starts_with("token: "), "{error}");
    }
    let token =
        TokenCallback::new(|| async { Err(Error::new(ErrorKind::Transport, "the platform is down")) });
    let client = w.bare().credentials(AssumeRoleWithOidc::new(PROVIDER, ROLE, token)).build().unwrap();
    let error = w.read(&client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
    let cause = std::error::Error::source(&error).expect("the callback's own").to_string();
    assert!(cause.contains("the platform is down"), "{cause}");
    assert_eq!(w.wire.sent().len(), 0);
}
