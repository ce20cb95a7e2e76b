//! What Alibaba's own packages sent for instance roles and CLI profiles, replayed: the same meaning on the wire.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{Machine, World, shown};
use serde_json::Value;
use simsim::credentials::{EcsRamRole, Profile, ProvideCredentials};
use simsim::http::{Fetch, FetchError, Request, Response};
use simsim::{Client, Error, ErrorKind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const RECORDED: &str = include_str!("../vectors/credentials.json");
const CONFIG: &str = "/home/user/.aliyun/config.json";

fn recorded(id: &str) -> Value {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let found = all["exchanges"].as_array().unwrap().iter().find(|e| e["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}")).clone()
}

/// One request, reduced to what it means.
#[derive(Clone, Debug, PartialEq)]
struct Meaning {
    method: String,
    /// Without a query: RPC puts its signature there.
    address: String,
    action: Option<String>,
    parameters: BTreeMap<String, String>,
    metadata_token: Option<String>,
    ttl: Option<String>,
    signed_by: Option<String>,
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned()
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
}

fn meaning(method: &str, url: &str, headers: &[(String, String)], body: &str) -> Meaning {
    let header =
        |name: &str| headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut query = pairs(query);
    let credential = header("authorization")
        .and_then(|text| Some(text.split_once("Credential=")?.1.split(',').next()?.to_owned()));
    let mut parameters = pairs(body);
    // Where both signing forms have their own names, only the meaning counts.
    let action = query.remove("Action").or_else(|| header("x-acs-action"));
    let signed_by = query.remove("AccessKeyId").or(credential);
    if let Some(token) = query.remove("SecurityToken").or_else(|| header("x-acs-security-token")) {
        parameters.insert("SecurityToken".to_owned(), token);
    }
    if let Some(token) = parameters.get_mut("OIDCToken") {
        // Sent with the file's line break by the reference.
        *token = token.trim().to_owned();
    }
    Meaning {
        method: method.to_owned(),
        address: address.to_owned(),
        action,
        parameters,
        metadata_token: header("x-aliyun-ecs-metadata-token"),
        ttl: header("x-aliyun-ecs-metadata-token-ttl-seconds"),
        signed_by,
    }
}

struct Exchange {
    meaning: Meaning,
    status: u16,
    body: String,
}

fn exchanges(entry: &Value) -> Vec<Exchange> {
    let read = |e: &Value| {
        let (request, response) = (&e["request"], &e["response"]);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let headers: Vec<_> =
            request["headers"].as_array().unwrap().iter().map(|h| (text(&h[0]), text(&h[1]))).collect();
        Exchange {
            meaning: meaning(
                &text(&request["method"]),
                &text(&request["url"]),
                &headers,
                &text(&request["body"]),
            ),
            status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            body: text(&response["body"]),
        }
    };
    entry["exchanges"].as_array().unwrap().iter().map(read).collect()
}

/// Answers as was recorded for a request of the same meaning, and knows no secret.
#[derive(Clone)]
struct Replay(Arc<(Vec<Exchange>, Mutex<Vec<Meaning>>)>);

impl Fetch for Replay {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.clone().into_owned(), value.clone())).collect();
        let body = String::from_utf8(request.body.clone()).unwrap();
        let meaning = meaning(request.method.as_str(), &request.url, &headers, &body);
        let kms = meaning.action.as_deref() == Some("GetSecretValue");
        let found = self.0.0.iter().find(|e| e.meaning == meaning).map(|e| (e.status, e.body.clone()));
        self.0.1.lock().unwrap().push(meaning);
        let (status, body) = match (kms, found) {
            (true, _) => (404, r#"{"Code":"Forbidden.ResourceNotFound","RequestId":"r"}"#.to_owned()),
            (false, Some(found)) => found,
            // What the reference never asked for.
            (false, None) => (404, "not found".to_owned()),
        };
        Ok(Response::new(status, Vec::new(), body.into_bytes()))
    }
}

/// Reads with that source: what was sent before KMS, and the credentials that KMS saw, or the error.
async fn replay(
    w: &World,
    entry: &Value,
    source: impl ProvideCredentials,
) -> (Vec<Meaning>, Result<Meaning, Error>) {
    let replay = Replay(Arc::new((exchanges(entry), Mutex::default())));
    let client = Client::builder()
        .endpoint("https://kms.cn-hangzhou.aliyuncs.com")
        .fetch(replay.clone())
        .runtime(w.clock.clone())
        .credentials(source)
        .build()
        .unwrap();
    let error = client.get_secret("x").await.unwrap_err();
    let mut sent = replay.0.1.lock().unwrap().clone();
    match error.kind() {
        ErrorKind::NotFound => {
            let kms = sent.pop().unwrap();
            (sent, Ok(kms))
        }
        _ => (sent, Err(error)),
    }
}

fn without_repeats(all: Vec<Exchange>) -> Vec<Meaning> {
    let mut kept: Vec<Meaning> = Vec::new();
    for exchange in all {
        // The reference asks for a token before each request; ours keeps it.
        if !kept.contains(&exchange.meaning) {
            kept.push(exchange.meaning);
        }
    }
    kept
}

#[track_caller]
fn same_session(entry: &Value, kms: &Meaning) {
    assert_eq!(kms.signed_by.as_deref(), entry["result"]["accessKeyId"].as_str());
    assert_eq!(
        kms.parameters.get("SecurityToken").map(String::as_str),
        entry["result"]["securityToken"].as_str()
    );
}

fn machine(profiles: &[&str]) -> Machine {
    let machine = Machine::new();
    let all: Vec<Value> = profiles.iter().map(|id| recorded(id)["config"].clone()).collect();
    let file = serde_json::json!({ "current": all[0]["name"], "profiles": all });
    machine.write(CONFIG, file.to_string());
    machine.write("/home/user/oidc-token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2ln+/=\n");
    machine
}

#[tokio::test(start_paused = true)]
async fn the_metadata_service_is_asked_as_the_reference_asks_it() {
    for id in [
        "node/imds/v2-discovery",
        "node/imds/v2-named",
        "node/imds/fallback-v1-when-put-404",
        "node/imds/fallback-v1-when-token-refused",
        "python/imds/v2-discovery",
    ] {
        let (w, entry) = (World::on_tokio(), recorded(id));
        let mut source = EcsRamRole::new();
        if let Some(name) = entry["config"]["roleName"].as_str() {
            source = source.role_name(name);
        }
        let (sent, kms) = replay(&w, &entry, source).await;
        assert_eq!(sent, without_repeats(exchanges(&entry)), "{id}");
        same_session(&entry, &kms.unwrap_or_else(|error| panic!("{id}: {error}")));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_version_that_the_former_core_asks_is_our_fallback() {
    let (w, entry) = (World::on_tokio(), recorded("python-legacy/kms-get-secret-value/ecs-ram-role"));
    let (sent, kms) = replay(&w, &entry, EcsRamRole::new().role_name("ecs-role-1")).await;
    let [token, session] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((token.method.as_str(), session), ("PUT", &exchanges(&entry)[0].meaning));
    let recorded = &exchanges(&entry)[1].meaning;
    let kms = kms.unwrap();
    assert_eq!(kms.signed_by, recorded.signed_by);
    assert_eq!(kms.parameters.get("SecurityToken"), recorded.parameters.get("SecurityToken"));
}

#[tokio::test(start_paused = true)]
async fn where_the_reference_fails_ours_fails_and_says_why() {
    let (w, entry) = (World::on_tokio(), recorded("node/imds/put-404-v1-disabled"));
    let source = EcsRamRole::new().role_name("ecs-role-1").without_imds_v1();
    let (sent, outcome) = replay(&w, &entry, source).await;
    assert_eq!(sent, without_repeats(exchanges(&entry)));
    assert!(outcome.unwrap_err().explanation().contains("404"));
    let entry = recorded("node/imds/role-not-attached");
    let (sent, outcome) = replay(&w, &entry, EcsRamRole::new()).await;
    // The reference asks once more without a token, although the token was not what was wrong.
    assert_eq!(sent, without_repeats(exchanges(&entry))[..2]);
    assert!(outcome.unwrap_err().explanation().contains("no RAM role is attached"));
}

#[tokio::test(start_paused = true)]
async fn every_profile_that_is_supported_gives_the_session_of_the_reference() {
    for id in ["ak", "sts", "ram", "ecs", "oidc", "ext"] {
        let w = World::on_tokio();
        let entry = recorded(&format!("node/cli-profile/{id}"));
        let machine = machine(&[&format!("node/cli-profile/{id}")]);
        if id == "ext" {
            let command = entry["config"]["process_command"].as_str().unwrap();
            machine.outputs(Ok(command.split('\'').nth(1).unwrap().as_bytes().to_vec()));
        }
        let (sent, kms) = replay(&w, &entry, Profile::new(w.host(&machine))).await;
        assert_eq!(sent, without_repeats(exchanges(&entry)), "{id}");
        same_session(&entry, &kms.unwrap_or_else(|error| panic!("{id}: {error}")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_of_profiles_assumes_the_same_roles() {
    let (w, entry) = (World::on_tokio(), recorded("node/cli-profile/chain"));
    let machine = machine(&["node/cli-profile/chain", "node/cli-profile/ram"]);
    let (sent, kms) = replay(&w, &entry, Profile::new(w.host(&machine))).await;
    assert_eq!(sent, without_repeats(exchanges(&entry)));
    same_session(&entry, &kms.unwrap());
}

#[tokio::test(start_paused = true)]
async fn logins_of_the_cli_are_refused_with_what_to_do_instead() {
    for (id, mode) in [("node/cli-profile/sso", "CloudSSO"), ("node/cli-profile/oauth", "OAuth")] {
        let w = World::on_tokio();
        let machine = machine(&[id]);
        let (sent, outcome) = replay(&w, &recorded(id), Profile::new(w.host(&machine))).await;
        assert!(sent.is_empty());
        let error = outcome.unwrap_err();
        assert!(error.explanation().contains(&format!("mode: {mode} is not supported yet; use")), "{error}");
        for secret in ["ssoAccessToken", "refresh-1", "access-1"] {
            assert!(!shown(&error).contains(secret));
        }
    }
}

/// The probes of this part: what the reference does there, and where ours is shown to do better.
#[test]
fn every_probe_of_a_source_on_the_machine_has_its_test() {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
    let probes: Vec<&str> =
        all["probes"].as_array().unwrap().iter().filter_map(|p| p["id"].as_str()).collect();
    for (probe, file, test) in [
        (
            "imds-prefetch-inside-last-hour",
            include_str!("instance.rs"),
            "in_its_last_hour_a_session_costs_nothing",
        ),
        (
            "missing-expiration",
            include_str!("instance.rs"),
            "an_answer_that_is_no_session_is_refused_unquoted",
        ),
        (
            "already-expired-answer",
            include_str!("instance.rs"),
            "an_answer_that_is_no_session_is_refused_unquoted",
        ),
        ("default-chain-poisoned", include_str!("chain.rs"), "a_failure_is_never_remembered_as_the_answer"),
        (
            "config-text-in-error",
            include_str!("chain.rs"),
            "a_source_that_is_configured_but_broken_stops_the_walk",
        ),
        (
            "cyclic-source-profile",
            include_str!("../../src/credentials/profile/cli/tests.rs"),
            "a_circle_of_profiles_is_told_and_so_is_an_endless_chain",
        ),
    ] {
        assert!(probes.contains(&probe), "{probe}");
        assert!(file.contains(test), "{test}");
    }
}
