//! The exchanges and probes of the official credential packages (tests/vectors/credentials.json names them), replayed:
//! the same meaning on the wire, and better behaviour where theirs is at fault (DESIGN.md has the table).
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::sessions::{Kind, ROLE, role, user};
use crate::support::{START, Trick, World, millis, minutes, seconds, shown};
use serde_json::Value;
use simsim::credentials::{AssumeRole, AssumeRoleWithOidc, CredentialsUri};
use simsim::http::Request;
use simsim::{Client, Credentials, ErrorKind, Network, Sensitive};
use simsim_emulator::{Fault, Service};
use std::collections::BTreeMap;
use std::time::Duration;

scenarios![
    each_exchange_is_reproduced,
    ten_callers_ask_once_cold_or_due,
    fifteen_minutes_are_kept_for_ten,
    an_outage_is_bridged_while_the_session_holds_and_no_longer,
    an_answer_without_expiration_or_with_one_that_is_past_is_no_session,
    a_policy_with_spaces_is_signed_as_it_is_sent,
    a_slow_sts_is_asked_by_one_and_stops_nobody_else,
];

/// Exchanges of this file that belong to other providers, by what their ids contain.
const OTHERS: [&str; 6] =
    ["/imds/", "cli-profile/", "python-legacy/", "with-saml", "caller-identity", "ecs-ram-role"];

fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/credentials.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value[name].as_str()
}

fn pairs(encoded: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().unwrap().into_owned()
    };
    let pairs = encoded.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(n, v)| (decode(n), decode(v))).collect::<Vec<_>>().into_iter()
}

/// What an exchange means: its address, and its business parameters wherever they are.
fn meaning(url: &str, body: &str) -> (String, BTreeMap<String, String>) {
    /// What a signature and its scheme need, which is not the same in ACS3.
    const PUBLIC: [&str; 10] = [
        "Action",
        "Version",
        "Format",
        "Timestamp",
        "SignatureMethod",
        "SignatureVersion",
        "SignatureNonce",
        "AccessKeyId",
        "SecurityToken",
        "Signature",
    ];
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let all = pairs(query).chain(pairs(body)).filter(|(name, _)| !PUBLIC.contains(&name.as_str()));
    // Some send the token file's line break along.
    (address.to_owned(), all.map(|(name, value)| (name, value.trim_end().to_owned())).collect())
}

/// The names of what an exchange signs with, and the action, wherever they are.
fn signer(request: &Request) -> BTreeMap<&'static str, String> {
    let names = [
        ("x-acs-action", "Action"),
        ("x-acs-version", "Version"),
        ("x-acs-accesskey-id", "AccessKeyId"),
        ("x-acs-security-token", "SecurityToken"),
    ];
    let mut found = BTreeMap::new();
    for (name, value) in &request.headers {
        if let Some((_, plain)) = names.iter().find(|(header, _)| header == name) {
            found.insert(*plain, value.clone());
        }
        if let Some((_, rest)) =
            value.split_once("Credential=").filter(|_| name.eq_ignore_ascii_case("authorization"))
        {
            found.insert("AccessKeyId", rest.split(',').next().unwrap().to_owned());
        }
    }
    found
}

/// A client of the provider that an exchange's configuration describes.
fn configured(w: &World, id: &str, config: &Value, exchange: &Value) -> Client {
    let get = |names: [&str; 2]| names.iter().find_map(|name| text(config, name)).map(str::to_owned);
    let key = match (
        get(["accessKeyId", "access_key_id"]),
        get(["accessKeySecret", "access_key_secret"]),
        get(["securityToken", "security_token"]),
    ) {
        (Some(id), Some(secret), Some(token)) => Credentials::session(id, secret, token).unwrap(),
        (Some(id), Some(secret), None) => Credentials::access_key(id, secret).unwrap(),
        _ => user(),
    };
    let arn =
        get(["roleArn", "role_arn"]).or_else(|| get(["RoleArn", ""])).unwrap_or_else(|| ROLE.to_owned());
    let name = get(["roleSessionName", "role_session_name"]).or_else(|| get(["RoleSessionName", ""]));
    let name = name.unwrap_or_else(|| String::from("session-1"));
    let duration = ["roleSessionExpiration", "durationSeconds"].iter().find_map(|name| config[name].as_u64());
    let duration = seconds(duration.unwrap_or(3600));
    // A session name is required everywhere; the rest has a default.
    macro_rules! optional {
        ($role:ident) => {{
            $role = $role.role_session_name(name).duration(duration);
            if let Some(policy) = get(["policy", "Policy"]) {
                $role = $role.policy(policy);
            }
            if let Some(region) = get(["stsRegionId", "sts_region_id"]) {
                $role = $role.region(region);
            }
            if config["enableVpc"].as_bool() == Some(true) {
                $role = $role.network(Network::Vpc);
            }
            // The packages take a host; those that are clients of STS itself are for one region.
            let host = get(["stsEndpoint", "sts_endpoint"]);
            if let Some(host) = host
                .or_else(|| id.contains("sts-client").then(|| String::from("sts.cn-hangzhou.aliyuncs.com")))
            {
                $role = $role.endpoint(host);
            }
        }};
    }
    // Without a region of its own their default is the global host: a client without a region asks the same.
    let builder = w.nowhere().endpoint("https://kms.cn-hangzhou.aliyuncs.com");
    if id.contains("credentials-uri") {
        let asked = text(&exchange["request"], "url").unwrap();
        return builder.credentials(CredentialsUri::new(asked)).build().unwrap();
    }
    if id.contains("oidc") {
        let sent =
            meaning(text(&exchange["request"], "url").unwrap(), text(&exchange["request"], "body").unwrap())
                .1;
        let token = Sensitive::new(format!("{}\n", sent["OIDCToken"]));
        let provider = get(["oidcProviderArn", "oidc_provider_arn"]).or_else(|| get(["OIDCProviderArn", ""]));
        let mut role = AssumeRoleWithOidc::new(provider.unwrap(), arn, token);
        optional!(role);
        return builder.credentials(role).build().unwrap();
    }
    let mut role = AssumeRole::new(key, arn);
    optional!(role);
    if let Some(external) = get(["externalId", "external_id"]) {
        role = role.external_id(external);
    }
    builder.credentials(role).build().unwrap()
}

async fn each_exchange_is_reproduced(w: World) {
    let mut replayed = 0;
    for vector in vectors()["exchanges"].as_array().unwrap() {
        let id = text(vector, "id").unwrap();
        if OTHERS.iter().any(|other| id.contains(other)) {
            continue;
        }
        let [exchange] = vector["exchanges"].as_array().unwrap().as_slice() else { panic!("{id}: not one") };
        let (request, response) = (&exchange["request"], &exchange["response"]);
        let client = configured(&w, id, &vector["config"], exchange);
        let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
        let body = text(response, "body").unwrap().as_bytes().to_vec();
        w.wire.play(Trick::Answer(status, vec![("x-acs-request-id", String::from("R-1"))], body));
        let before = w.wire.sent().len();
        let read = w.read(&client, "db/password").await;
        let sent = &w.wire.sent()[before..];
        let own = meaning(&sent[0].url, std::str::from_utf8(&sent[0].body).unwrap());
        let mut theirs = meaning(text(request, "url").unwrap(), text(request, "body").unwrap());
        // Where a package leaves a default to the service, it is the one that is sent here.
        let default = |map: &mut BTreeMap<String, String>| {
            if own.1.contains_key("DurationSeconds") {
                map.entry("DurationSeconds".to_owned()).or_insert_with(|| "3600".to_owned());
            }
        };
        default(&mut theirs.1);
        // A parameter for audit logs that none of the credential packages has, nor simsim.
        theirs.1.remove("SourceIdentity");
        assert_eq!(own, theirs, "{id}");
        if !id.contains("credentials-uri") {
            let url = text(request, "url").unwrap();
            let public: BTreeMap<_, _> = pairs(url.split_once('?').map_or("", |(_, query)| query)).collect();
            let signed = signer(&sent[0]);
            for name in ["Action", "Version", "AccessKeyId", "SecurityToken"] {
                if let Some(value) = public.get(name) {
                    assert_eq!(signed.get(name), Some(value), "{id}: {name}");
                }
            }
        }
        match text(&vector["result"], "accessKeyId") {
            // The session itself is their answer's; KMS does not know it, and is asked with it.
            Some(id_of_key) => {
                let next = signer(&sent[1]);
                assert_eq!(next["AccessKeyId"], id_of_key, "{id}");
                assert_eq!(
                    Some(next["SecurityToken"].as_str()),
                    text(&vector["result"], "securityToken"),
                    "{id}"
                );
            }
            None if vector["error"].is_string() => {
                let error = read.unwrap_err();
                let expected = match status {
                    404 => ErrorKind::CredentialsRejected,
                    _ => ErrorKind::CredentialsUnavailable,
                };
                assert_eq!((error.kind(), sent.len()), (expected, 1), "{id}");
                // Theirs quote the whole answer.
                assert!(!shown(&error).contains("The role not exists"), "{id}");
            }
            None => {}
        }
        replayed += 1;
    }
    assert_eq!(replayed, 13, "those of the providers that are here");
}

fn probe(id: &str) -> Value {
    let all = vectors();
    let found = all["probes"].as_array().unwrap().iter().find(|probe| text(probe, "id") == Some(id)).cloned();
    found.unwrap()["data"].clone()
}

async fn ten_callers_ask_once_cold_or_due(w: World) {
    let theirs = probe("no-single-flight");
    assert_eq!((theirs["cold"].as_u64(), theirs["stale"].as_u64()), (Some(10), Some(10)));
    let client = w.with_sessions(Kind::AssumeRole).no_cache().build().unwrap();
    let names = w.seed(10);
    for after in [Duration::ZERO, minutes(50)] {
        w.pass(after).await;
        w.kms.reset_log();
        w.kms.inject(Fault::slow_headers(millis(300)).for_service(Service::Sts));
        let readers: Vec<_> = names.iter().flat_map(|name| w.spawn_reads(&client, name, 1)).collect();
        for reader in readers {
            assert!(reader.await.unwrap().is_ok());
        }
        w.pass(seconds(1)).await;
        assert_eq!(w.kms.calls("AssumeRole"), 1, "after {after:?}");
    }
}

async fn fifteen_minutes_are_kept_for_ten(w: World) {
    for id in ["duration-900-refreshes-every-call", "python-duration-900"] {
        assert_eq!(probe(id)["calls"].as_u64(), Some(5));
        w.issue_sessions();
        let client = w.bare().credentials(role().duration(minutes(15))).no_cache().build().unwrap();
        w.kms.reset_log();
        for _ in 0..5 {
            w.text(&client, "db/password").await;
            w.pass(seconds(1)).await;
        }
        assert_eq!(w.kms.calls("AssumeRole"), 1);
    }
}

async fn an_outage_is_bridged_while_the_session_holds_and_no_longer(w: World) {
    assert!(probe("python-outage-inside-stale-window")["second_error"].is_string());
    let theirs = probe("sts-outage");
    let client = w.with_sessions(Kind::AssumeRole).no_cache().build().unwrap();
    w.text(&client, "db/password").await;
    let began = tokio::time::Instant::now();
    w.kms.inject(Fault::status(503, "ServiceUnavailable").for_service(Service::Sts));
    for step in theirs.as_array().unwrap() {
        assert_eq!(text(step, "result"), Some("STS.NSession1"), "theirs answers with it at every minute");
        let minute = step["minute"].as_u64().unwrap();
        w.pass(minutes(minute).saturating_sub(began.elapsed())).await;
        let read = w.read(&client, "db/password").await;
        match minute < 60 {
            true => drop(read.expect("the session holds")),
            false => assert_eq!(read.unwrap_err().kind(), ErrorKind::CredentialsUnavailable),
        }
    }
    assert!(w.kms.log().iter().all(|call| call.code.as_deref() != Some("InvalidSecurityToken.Expired")));
}

async fn an_answer_without_expiration_or_with_one_that_is_past_is_no_session(w: World) {
    assert_eq!(text(&probe("missing-expiration"), "error"), Some("invalid UTC format time string"));
    assert_eq!(text(&probe("already-expired-answer"), "result"), Some("STS.NSession1"));
    let parts = r#""AccessKeyId":"STS.NSession1","AccessKeySecret":"s","SecurityToken":"t""#;
    let before = simsim::Timestamp::from_millis(START - 60_000).to_iso();
    for (end, says) in [
        (String::new(), "AssumeRole: the answer has no Expiration"),
        (format!(r#","Expiration":"{before}""#), "an expired session was given"),
    ] {
        let client = w.with_sessions(Kind::AssumeRole).build().unwrap();
        let body = format!(r#"{{"RequestId":"R-7","Credentials":{{{parts}{end}}}}}"#);
        w.wire.play(Trick::body(body.clone()));
        if !end.is_empty() {
            // The time is asked for, and STS once more.
            w.wire.play(Trick::Pass);
            w.wire.play(Trick::body(body));
        }
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert!(error.explanation().starts_with(says), "{error}");
    }
    assert_eq!(w.kms.reads_answered(), 0);
}

async fn a_policy_with_spaces_is_signed_as_it_is_sent(w: World) {
    assert_eq!(probe("python-policy-with-space-missigned")["equal"].as_bool(), Some(false));
    w.issue_sessions();
    // The emulator judges the signature over the body.
    let policy =
        r#"{ "Version": "1", "Statement": [ { "Effect": "Allow", "Action": "kms:*", "Resource": "*" } ] }"#;
    let client = w.bare().credentials(role().policy(policy).external_id("ext=1,2.@:/-_+")).build().unwrap();
    w.text(&client, "db/password").await;
    assert!(w.kms.log().iter().all(|call| call.status == 200));
}

async fn a_slow_sts_is_asked_by_one_and_stops_nobody_else(w: World) {
    assert_eq!(probe("python-threads-single-flight")["calls"].as_u64(), Some(1));
    assert_eq!(probe("python-threads-slow-sts")["calls"].as_u64(), Some(5));
    assert!(probe("python-async-blocks-event-loop")["longest_event_loop_stall"].as_f64().unwrap() > 10.0);
    let client = w.with_sessions(Kind::AssumeRole).build().unwrap();
    let other = w.client();
    w.text(&other, "db/password").await;
    w.kms.reset_log();
    w.kms.inject(Fault::slow_headers(seconds(6)).for_service(Service::Sts));
    let began = tokio::time::Instant::now();
    let readers = w.spawn_reads(&client, "db/password", 5);
    while began.elapsed() < seconds(6) {
        let (read, waited) = w.timed(&other, "db/password").await;
        assert!(read.is_ok() && waited.is_zero());
        w.pass(millis(500)).await;
    }
    for reader in readers {
        let error = reader.await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CredentialsUnavailable | ErrorKind::Timeout), "{error}");
    }
    assert!(began.elapsed() <= seconds(11));
    assert_eq!(w.wire.most_at_once(), 1, "one asks at a time, and gives up each time after three seconds");
    assert!(w.kms.calls("AssumeRole") <= 5, "{}", w.kms.calls("AssumeRole"));
}
