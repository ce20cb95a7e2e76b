//! Signatures that other packages produced (tests/vectors/signing.json names them), checked at every step.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects
)]

use serde_json::Value;
use simsim::Timestamp;
use simsim::credentials::Credentials;
use simsim::http::Method;
use simsim::signing::{acs3, encoding, rpc};
use std::borrow::Cow;

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Vectors that simsim does not reproduce, and why.
const EXCLUDED: &[(&str, &str)] = &[
    (
        "openapi-core/v3/edge/query-key-needing-encoding",
        "that package leaves parameter names as they are; simsim percent-encodes them, as the Java package and every \
         URL does; names of real parameters have letters, digits and dots only",
    ),
    (
        "openapi-core/v3/edge/header-dup-case",
        "that package joins headers whose names differ in letter case only; simsim sends each name once",
    ),
];

/// Vectors on which the reference packages disagree, and simsim sides with the other one: its signature counts.
const SIDES_WITH: &[(&str, &str)] = &[
    ("openapi-core/v3/edge/path-empty", "an empty path is sent, and signed, as /"),
    ("openapi-core/v3/edge/path-specials", "the path is signed as it is sent"),
    ("openapi-core/v3/edge/query-null-and-empty", "a parameter without a value is not sent"),
];
const OTHER_PACKAGE: &str = "pypi:alibabacloud-tea-openapi 0.4.6";

#[test]
fn every_vector_is_reproduced_at_every_step_or_excluded_by_name() {
    let file: Value = serde_json::from_str(include_str!("vectors/signing.json")).unwrap();
    let (mut acs3, mut rpc, mut anonymous, mut excluded) = (0, 0, 0, 0);
    for vector in file["vectors"].as_array().unwrap() {
        let id = str_of(&vector["id"]);
        if EXCLUDED.iter().any(|(excluded, _)| *excluded == id) {
            excluded += 1;
            continue;
        }
        match str_of(&vector["scheme"]) {
            "ACS3-HMAC-SHA256" if vector["inputs"].get("action").is_none() => acs3_material(id, vector),
            "ACS3-HMAC-SHA256" if id.starts_with("kms-py/") => acs3_material(id, vector),
            "ACS3-HMAC-SHA256" => acs3_call(id, vector),
            "RPC-HMAC-SHA1" => rpc_call(id, vector),
            "NONE" => anonymous_call(id, vector),
            other => panic!("{id}: scheme {other} is neither run nor excluded"),
        }
        match str_of(&vector["scheme"]) {
            "ACS3-HMAC-SHA256" => acs3 += 1,
            "NONE" => anonymous += 1,
            _ => rpc += 1,
        }
    }
    println!("ACS3-HMAC-SHA256 {acs3}, RPC-HMAC-SHA1 {rpc}, anonymous {anonymous}, excluded {excluded}");
    assert_eq!((acs3, rpc, anonymous, excluded), (23, 38, 1, EXCLUDED.len()));
    assert_eq!(file["vectors"].as_array().unwrap().len(), acs3 + rpc + anonymous + excluded);
}

#[test]
fn the_worked_example_of_the_guide_is_signed_by_the_call_the_client_makes() {
    let query: [Pair<'_>; 2] = [
        ("RegionId".into(), "cn-shanghai".into()),
        ("ImageId".into(), "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd".into()),
    ];
    let request = acs3::Acs3Request {
        method: Method::Post,
        host: "ecs.cn-shanghai.aliyuncs.com",
        path: "/",
        action: "RunInstances",
        version: "2014-05-26",
        query: &query,
        headers: &[],
        body: b"",
    };
    let credentials = Credentials::access_key("YourAccessKeyId", "YourAccessKeySecret").unwrap();
    let at = Timestamp::parse_iso("2023-10-26T10:22:32Z").unwrap();
    let signed = acs3::sign(&request, Some(&credentials), at, "3156853299f313e23d1673dc12e1703d");
    assert_eq!(
        signed.string_to_sign,
        "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    );
    let (_, authorization) = signed.headers.last().unwrap();
    assert!(
        authorization
            .ends_with(",Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0")
    );
}

/// A whole call: `acs3::sign` and each of its steps, and what is sent.
fn acs3_call(id: &str, vector: &Value) {
    let call = Call::of(vector);
    let credentials = credentials(&vector["inputs"]);
    let request = call.acs3();
    let headers = acs3::headers(&request, Some(&credentials), call.at, call.nonce);
    let query = encoding::query_string(&call.parameters);
    let hash = acs3::payload_hash(&call.body);
    let canonical = acs3::canonical_request(request.method, request.path, &query, &headers, &hash);
    assert_eq!(canonical, vector["canonical_request"], "{id}");
    acs3_after_canonical(id, vector, &canonical, &headers);

    let signed = acs3::sign(&request, Some(&credentials), call.at, call.nonce);
    assert_eq!(signed.canonical_request.expose(), &canonical, "{id}");
    assert_eq!(signed.string_to_sign, vector["string_to_sign"], "{id}");
    assert_eq!(signed.query, query, "{id}");
    assert_eq!(sorted(signed.headers), wire_headers(vector), "{id}");
    assert_eq!(decoded(&query), decoded(url_query(vector)), "{id}");
}

/// Given headers and a given hash: the steps from the canonical request on.
fn acs3_material(id: &str, vector: &Value) {
    let inputs = &vector["inputs"];
    let mut headers: Vec<(Cow<'_, str>, String)> = Vec::new();
    let parameters = match inputs.get("headers") {
        Some(given) => {
            for (name, value) in given.as_object().unwrap() {
                headers.push((name.to_ascii_lowercase().into(), str_of(value).trim().to_owned()));
            }
            parameters(&inputs["query"])
        }
        // This package signs every header that it sends.
        None => {
            headers.extend(wire_headers(vector).into_iter().filter(|(n, _)| n != "authorization"));
            headers.push(("host".into(), str_of(&inputs["host"]).to_owned()));
            parameters(&inputs["params"])
        }
    };
    headers.sort();
    let hash = inputs.get("payload_hash").map_or_else(|| acs3::payload_hash(b""), |h| str_of(h).to_owned());
    let query = encoding::query_string(&parameters);
    let canonical = acs3::canonical_request(method(inputs), str_of(&inputs["path"]), &query, &headers, &hash);
    if SIDES_WITH.iter().any(|(edge, _)| *edge == id) {
        assert_ne!(canonical, vector["canonical_request"], "{id}");
        let signature =
            acs3::signature(&acs3::string_to_sign(&canonical), str_of(&inputs["access_key_secret"]));
        assert_eq!(signature, vector["cross_check"][OTHER_PACKAGE]["signature"], "{id}");
        return;
    }
    assert_eq!(canonical, vector["canonical_request"], "{id}");
    acs3_after_canonical(id, vector, &canonical, &headers);
}

fn acs3_after_canonical(id: &str, vector: &Value, canonical: &str, headers: &[(Cow<'_, str>, String)]) {
    let inputs = &vector["inputs"];
    let to_sign = acs3::string_to_sign(canonical);
    assert_eq!(to_sign, vector["string_to_sign"], "{id}");
    assert_eq!(inputs["access_key_secret"], vector["mac_key"], "{id}");
    let signature = acs3::signature(&to_sign, str_of(&inputs["access_key_secret"]));
    assert_eq!(signature, vector["signature"], "{id}");
    let authorization = acs3::authorization(str_of(&inputs["access_key_id"]), headers, &signature);
    assert_eq!(authorization, vector["authorization"], "{id}");
}

fn anonymous_call(id: &str, vector: &Value) {
    let mut call = Call::of(vector);
    call.parameters.push(("Format".into(), "json".into()));
    let signed = acs3::sign(&call.acs3(), None, call.at, call.nonce);
    assert!(signed.canonical_request.expose().is_empty() && signed.string_to_sign.is_empty(), "{id}");
    assert_eq!(sorted(signed.headers), wire_headers(vector), "{id}");
    assert_eq!(decoded(&signed.query), decoded(url_query(vector)), "{id}");
}

fn rpc_call(id: &str, vector: &Value) {
    let inputs = &vector["inputs"];
    let secret = str_of(&inputs["access_key_secret"]);
    assert_eq!(vector["mac_key"], format!("{secret}&"), "{id}");
    let canonical = if let Some(given) = inputs.get("signed_params") {
        rpc::canonical_query(&parameters(given), &[])
    } else {
        let mut call = Call::of(vector);
        call.parameters.extend(parameters(&inputs["extra_params"]));
        let form = parameters(&inputs["body_form"]);
        let format =
            if str_of(&vector["canonical_query"]).contains("&Format=json&") { "json" } else { "JSON" };
        let request = rpc::RpcRequest {
            method: call.method,
            action: str_of(&inputs["action"]),
            version: str_of(&inputs["version"]),
            format,
            parameters: &call.parameters,
            form: &form,
        };
        let credentials = credentials(inputs);
        let signed = rpc::sign(&request, &credentials, call.at, call.nonce);
        assert_eq!(signed.string_to_sign.expose(), &vector["string_to_sign"], "{id}");
        let in_body = inputs["carrier"] == "form";
        let sent = if in_body { str_of(&vector["wire"]["body"]) } else { url_query(vector) };
        assert_eq!(decoded(signed.query.expose()), decoded(sent), "{id}");
        rpc::canonical_query(&rpc::parameters(&request, &credentials, call.at, call.nonce), &form)
    };
    assert_eq!(canonical, vector["canonical_query"], "{id}");
    let to_sign = rpc::string_to_sign(method(inputs), &canonical);
    assert_eq!(to_sign, vector["string_to_sign"], "{id}");
    assert_eq!(rpc::signature(&to_sign, secret), vector["signature"], "{id}");
}

/// The inputs that all schemes share.
struct Call<'a> {
    inputs: &'a Value,
    method: Method,
    at: Timestamp,
    nonce: &'a str,
    parameters: Vec<Pair<'a>>,
    headers: Vec<Pair<'a>>,
    body: Vec<u8>,
}

impl<'a> Call<'a> {
    fn of(vector: &'a Value) -> Self {
        let inputs = &vector["inputs"];
        let body = match inputs.get("body_hex") {
            Some(hex) => unhex(str_of(hex)),
            None => str_of(&vector["wire"]["body"]).as_bytes().to_vec(),
        };
        // What the caller adds: all that was sent but is not the signer's own, in the form it was given.
        let mut headers: Vec<Pair<'_>> = Vec::new();
        for (name, value) in vector["wire"]["headers"].as_array().unwrap().iter().map(|h| (&h[0], &h[1])) {
            let own = ["host", "authorization", "x-acs-date", "x-acs-accesskey-id", "x-acs-security-token"];
            let own_too = ["x-acs-action", "x-acs-version", "x-acs-signature-nonce", "x-acs-content-sha256"];
            let lower = str_of(name).to_ascii_lowercase();
            if !own.contains(&lower.as_str()) && !own_too.contains(&lower.as_str()) {
                let given = inputs.get("extra_headers").and_then(|h| h.get(str_of(name)));
                headers.push((str_of(name).into(), str_of(given.unwrap_or(value)).into()));
            }
        }
        Self {
            inputs,
            method: method(inputs),
            at: Timestamp::parse_iso(str_of(&inputs["timestamp"])).unwrap(),
            nonce: str_of(&inputs["nonce"]),
            parameters: parameters(&inputs["params"]),
            headers,
            body,
        }
    }

    fn acs3(&self) -> acs3::Acs3Request<'_> {
        acs3::Acs3Request {
            method: self.method,
            host: str_of(&self.inputs["host"]),
            path: str_of(&self.inputs["path"]),
            action: str_of(&self.inputs["action"]),
            version: str_of(&self.inputs["version"]),
            query: &self.parameters,
            headers: &self.headers,
            body: &self.body,
        }
    }
}

fn str_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn method(inputs: &Value) -> Method {
    match str_of(&inputs["method"]) {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => panic!("{other}"),
    }
}

fn credentials(inputs: &Value) -> Credentials {
    let (id, secret) = (str_of(&inputs["access_key_id"]), str_of(&inputs["access_key_secret"]));
    match inputs["security_token"].as_str() {
        Some(token) => Credentials::session(id, secret, token).unwrap(),
        None => Credentials::access_key(id, secret).unwrap(),
    }
}

/// An object's members as parameters: lists as `Name.1`, objects as `Name.Key`, null left out.
fn parameters<'a>(value: &Value) -> Vec<Pair<'a>> {
    fn flatten<'a>(name: String, value: &Value, out: &mut Vec<Pair<'a>>) {
        let child = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        match value {
            Value::Null => {}
            Value::Object(members) => members.iter().for_each(|(k, v)| flatten(child(k), v, out)),
            Value::Array(elements) => {
                elements.iter().enumerate().for_each(|(i, v)| flatten(child(&(i + 1).to_string()), v, out));
            }
            Value::String(text) => out.push((name.into(), text.clone().into())),
            other => out.push((name.into(), other.to_string().into())),
        }
    }
    let mut out = Vec::new();
    flatten(String::new(), value, &mut out);
    out
}

fn sorted(mut headers: Vec<(Cow<'_, str>, String)>) -> Vec<(Cow<'_, str>, String)> {
    headers.sort();
    headers
}

fn wire_headers(vector: &Value) -> Vec<(Cow<'_, str>, String)> {
    let sent = vector["wire"]["headers"].as_array().unwrap().iter();
    let named = sent.map(|h| (str_of(&h[0]).to_ascii_lowercase().into(), str_of(&h[1]).to_owned()));
    sorted(named.filter(|(name, _): &(Cow<'_, str>, String)| name != "host").collect())
}

fn url_query(vector: &Value) -> &str {
    str_of(&vector["wire"]["url"]).split_once('?').map_or("", |(_, query)| query)
}

/// The parameters that a server reads, whatever the encoding on the wire.
fn decoded(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut out: Vec<_> =
        pairs.map(|p| p.split_once('=').unwrap()).map(|(n, v)| (plain(n), plain(v))).collect();
    out.sort();
    out
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}
