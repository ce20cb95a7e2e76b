//! Tokens of issuers that are not the emulator itself: their published keys, RS256 and ES256.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use serde_json::{Value, json};
use simsim_emulator::{Emulator, OidcProvider, Role};
use support::{START, emulator, nonce, send, sts};

const ROLE: &str = "acs:ram::1234567890123456:role/deploy";
const GITHUB: &str = "acs:ram::1234567890123456:oidc-provider/github";
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "sts.aliyuncs.com";

/// The key pair of RFC 7515, appendix A.2: n, e, d, p, q, dp, dq, qi.
const RSA: [&str; 8] = [
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pC\
     gNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6\
     65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
     yuXpoQ",
    "AQAB",
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pW\
     J1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2Qv\
     Xt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRu\
     OopznQ",
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDc\
     mnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-\
     TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
    "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV\
     2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
    "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_\
     -kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoO\
     PLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
];

fn rsa_jwk(id: &str) -> Value {
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": RSA[0], "e": RSA[1], "x5t": "as published" })
}

fn rsa() -> KeyPair {
    let [n, e, d, p, q, dp, dq, qinv] = RSA.map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let public_key = PublicKeyComponents { n, e };
    KeyPair::from_components(&KeyPairComponents { public_key, d, p, q, dP: dp, dQ: dq, qInv: qinv }).unwrap()
}

fn rs256(signed: &[u8]) -> Vec<u8> {
    let key = rsa();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut signature).unwrap();
    signature
}

/// A token of that header for a workflow of ours, with what is to be changed in its claims.
fn token(header: Value, changed: Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let now = START / 1000;
    let mut claims = json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "repo:app/app:ref:refs/heads/main", "jti": "1",
        "iat": now, "nbf": now - 600, "exp": now + 300,
    });
    claims.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&header), encode(&claims));
    let signature = sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn rs256_token(id: &str, changed: Value) -> String {
    token(json!({ "alg": "RS256", "typ": "JWT", "kid": id, "x5t": id }), changed, rs256)
}

fn provider() -> OidcProvider {
    OidcProvider::new(GITHUB).issuer(ISSUER)
}

fn ready(keys: &[Value]) -> Emulator {
    let (emulator, _) = emulator();
    emulator.put_role(Role::new(ROLE).trusts(GITHUB));
    emulator.put_oidc_provider(provider().jwks(&json!({ "keys": keys }).to_string()).unwrap());
    emulator
}

/// `OK`, or the code of the refusal.
fn outcome(emulator: &Emulator, token: &str) -> String {
    let form =
        [("RoleArn", ROLE), ("RoleSessionName", "ci"), ("OIDCProviderArn", GITHUB), ("OIDCToken", token)];
    let mut request = sts("AssumeRoleWithOIDC", &nonce(), &form).acs3();
    request.headers.retain(|(name, _)| ["content-type", "x-acs-action", "x-acs-version"].contains(&&**name));
    let (status, body) = support::json(&send(emulator, request).unwrap());
    let code = body["Code"].as_str().unwrap_or("OK");
    assert_eq!(status, if code == "OK" { 200 } else { 401 }, "{body}");
    code.trim_start_matches("AuthenticationFail.OIDCToken.").to_owned()
}

#[test]
fn a_token_signed_with_rs256_by_a_published_key_is_judged_like_any_other() {
    let emulator = ready(&[rsa_jwk("k1")]);
    assert_eq!(outcome(&emulator, &rs256_token("k1", json!({}))), "OK");
    let past = START / 1000 - 1;
    for (changed, expected) in [
        (json!({ "exp": past }), "Expired"),
        (json!({ "nbf": START / 1000 + 1 }), "Invalid"),
        (json!({ "aud": "https://github.com/app" }), "AudienceNotMatch"),
        (json!({ "iss": "https://token.actions.example" }), "AuthenticationFail.NoPermission"),
    ] {
        assert_eq!(outcome(&emulator, &rs256_token("k1", changed)), expected);
    }
    let good = rs256_token("k1", json!({}));
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let other = rs256_token("k1", json!({ "sub": "repo:app/app:ref:refs/heads/other" }));
    let body = other.split('.').nth(1).unwrap();
    assert_eq!(outcome(&emulator, &format!("{header}.{body}.{signature}")), "InvalidSignature");
    assert_eq!(outcome(&emulator, &format!("{signed}.AAAA")), "InvalidSignature");
    assert_eq!(outcome(&emulator, &format!("{signed}.")), "Invalid");
}

#[test]
fn only_the_key_that_a_token_names_can_have_signed_it() {
    let emulator = ready(&[rsa_jwk("new")]);
    assert_eq!(outcome(&emulator, &rs256_token("old", json!({}))), "InvalidSignature");
    // A token or a key without a name is tried with all.
    assert_eq!(outcome(&emulator, &token(json!({ "alg": "RS256" }), json!({}), rs256)), "OK");
    let mut unnamed = rsa_jwk("");
    unnamed.as_object_mut().unwrap().remove("kid");
    assert_eq!(outcome(&ready(&[unnamed]), &rs256_token("old", json!({}))), "OK");
    // A provider without published keys takes the emulator's own tokens only.
    emulator.put_oidc_provider(provider());
    assert_eq!(outcome(&emulator, &rs256_token("new", json!({}))), "InvalidSignature");
}

#[test]
fn a_foreign_es256_key_signs_its_own_tokens_and_no_algorithm_is_taken_for_another() {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let emulator = ready(&[rsa_jwk("k"), json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y })]);
    let es256 = |signed: &[u8]| pair.sign(&random, signed).unwrap().as_ref().to_vec();
    let header = |algorithm: &str| json!({ "alg": algorithm, "kid": "k" });
    assert_eq!(outcome(&emulator, &token(header("ES256"), json!({}), es256)), "OK");
    assert_eq!(outcome(&emulator, &rs256_token("k", json!({}))), "OK");
    assert_eq!(outcome(&emulator, &token(header("RS256"), json!({}), es256)), "InvalidSignature");
    assert_eq!(outcome(&emulator, &token(header("ES256"), json!({}), rs256)), "Invalid");
    for algorithm in ["none", "HS256", "RS384", "PS256", "rs256"] {
        assert_eq!(outcome(&emulator, &token(header(algorithm), json!({}), rs256)), "Invalid", "{algorithm}");
    }
    // Its own tokens are taken beside those of the issuer's keys.
    let own = emulator.oidc_token(GITHUB, "s", AUDIENCE, std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(outcome(&emulator, &own), "OK");
}

#[test]
fn a_key_set_is_read_as_it_is_published_and_refused_without_quoting_it() {
    let others = [
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "needle" }),
        json!({ "kty": "RSA", "use": "enc", "n": "needle" }),
        json!({ "kty": "RSA", "alg": "RS512", "n": "needle" }),
        json!({ "kty": "EC", "crv": "P-384", "x": "needle" }),
    ];
    let emulator = ready(&[&others[..], &[rsa_jwk("k1")]].concat());
    assert_eq!(outcome(&emulator, &rs256_token("k1", json!({}))), "OK");
    let seed = |set: Value| {
        let provider = json!({ "arn": GITHUB, "issuer": ISSUER, "jwks": set });
        emulator.load_seed(&json!({ "oidcProviders": [provider] }).to_string())
    };
    seed(json!({ "keys": [rsa_jwk("from the seed")] })).unwrap();
    assert_eq!(outcome(&emulator, &rs256_token("from the seed", json!({}))), "OK");
    let short = URL_SAFE_NO_PAD.encode([255; 128]);
    for (set, expected) in [
        (json!([]), "jwks: must be an object with a list `keys`"),
        (json!({ "keys": others }), "jwks: has no key for RS256 or ES256"),
        (json!({ "keys": [rsa_jwk("k"), "needle"] }), "jwks.keys[1]: must be an object"),
        (
            json!({ "keys": [{ "kty": "RSA", "n": "needle!", "e": "AQAB" }] }),
            "jwks.keys[0]: is neither an RSA key",
        ),
        (json!({ "keys": [{ "kty": "RSA", "n": short, "e": "AQAB" }] }), "is neither an RSA key of 2048"),
        (json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }] }), "nor a point of P-256"),
    ] {
        let error = seed(set.clone()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.starts_with("oidcProviders[0].jwks"), "{error}");
        assert!(!error.contains("needle"), "{error}");
        assert!(provider().jwks(&set.to_string()).is_err());
    }
    assert!(!format!("{:?}", ready(&[rsa_jwk("k1")])).contains("ofgW"));
}
