//! A refused signature: the differing line is named, and nothing of the service's message is repeated.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use proptest::prelude::*;
use simsim::Timestamp;
use simsim::credentials::Credentials;
use simsim::http::Method;
use simsim::signing::acs3::{self, Acs3Request};
use simsim::signing::diagnosis::{Difference, differing_line};
use std::borrow::Cow;

const TOKEN: &str = "CAIS-needle/token+==";

fn signed() -> acs3::Signed {
    let query = [(Cow::Borrowed("SecretName"), Cow::Borrowed("needle name"))];
    let headers = [
        (Cow::Borrowed("content-type"), Cow::Borrowed("application/x-www-form-urlencoded")),
        (Cow::Borrowed("x-acs-own-thing"), Cow::Borrowed("needle")),
    ];
    let request = Acs3Request {
        method: Method::Post,
        host: "kms.cn-hangzhou.aliyuncs.com",
        path: "/",
        action: "GetSecretValue",
        version: "2016-01-20",
        query: &query,
        headers: &headers,
        body: b"needle=1",
    };
    let credentials = Credentials::session("STS.id", "needle-secret", TOKEN).unwrap();
    acs3::sign(&request, Some(&credentials), Timestamp::from_millis(1_767_323_045_000), "nonce-1")
}

fn ours() -> String {
    signed().canonical_request.expose().clone()
}

/// The message of a service whose canonical request is `theirs`, as it is seen in the wild.
fn message(theirs: &str) -> String {
    format!(
        "Specified signature does not match our calculation. server StringToSign is [{}] server CanonicalRequest is [{theirs}]",
        acs3::string_to_sign(theirs)
    )
}

#[test]
fn the_line_that_was_changed_on_the_way_is_named() {
    let ours = ours();
    let cases: &[(&str, &str, &str)] = &[
        ("POST\n", "GET\n", "method"),
        ("POST\n", "DELETE\n", "method"),
        ("\n/\n", "\n/x/\n", "path"),
        ("SecretName=needle%20name", "SecretName=needle+name", "query"),
        ("SecretName=needle%20name", "", "query"),
        ("host:kms.", "host:proxy.", "host"),
        ("content-type:application/x-www-form-urlencoded", "content-type:text/plain", "content-type"),
        ("x-acs-date:2026-01-02T03:04:05Z", "x-acs-date:2026-01-02T03:04:06Z", "x-acs-date"),
        ("x-acs-date:2026-01-02T03:04:05Z\n", "", "x-acs-date"),
        ("x-acs-security-token:CAIS", "x-acs-security-token:cais", "x-acs-security-token"),
        ("x-acs-own-thing:needle", "x-acs-own-thing:other", "another x-acs- header"),
        ("\n\ncontent-type;", "\nx-more:1\n\ncontent-type;", "signed headers"),
        ("\n\ncontent-type;host;", "\n\nhost;content-type;", "signed headers"),
    ];
    for (from, to, name) in cases {
        assert!(ours.contains(from), "{from}");
        let theirs = ours.replacen(from, to, 1);
        for shown in [
            message(&theirs),
            message(&theirs).replace('\n', "\\n"),
            message(&theirs).replace('\n', "\r\n"),
            format!("server CanonicalRequest is:{theirs}"),
        ] {
            let difference = differing_line(&ours, &shown).unwrap();
            assert_eq!(difference.name(), *name);
            assert_eq!(difference.to_string(), *name);
        }
    }
}

#[test]
fn a_changed_body_is_named_as_the_payload_hash() {
    let ours = ours();
    let theirs = format!("{}{}", &ours[..ours.len() - 64], acs3::payload_hash(b"changed"));
    assert_eq!(differing_line(&ours, &message(&theirs)), Some(Difference::PayloadHash));
}

#[test]
fn when_the_service_signed_the_same_text_the_secret_is_wrong() {
    let ours = ours();
    for shown in [
        message(&ours),
        message(&ours).replace('\n', "\\n"),
        format!("server string to sign is:{}", acs3::string_to_sign(&ours)),
        format!("server CanonicalRequest is [{ours}]"),
    ] {
        assert_eq!(differing_line(&ours, &shown), Some(Difference::Secret));
    }
}

#[test]
fn another_hash_alone_says_that_some_line_differs() {
    let shown = format!("server string to sign is:{}", acs3::string_to_sign("something else"));
    assert_eq!(differing_line(&ours(), &shown), Some(Difference::CanonicalRequest));
}

#[test]
fn a_message_that_shows_nothing_or_is_cut_off_gives_no_verdict() {
    let ours = ours();
    for shown in [
        "",
        "Specified signature is not matched with our calculation.",
        "ACS3-HMAC-SHA256",
        "POST\n",
        "POST\n/",
    ] {
        assert_eq!(differing_line(&ours, shown), None, "{shown}");
    }
    // Cut off at any place, an equal canonical request is never called different.
    for end in 0..ours.len() {
        assert_eq!(differing_line(&ours, &ours[..end]), None, "{end}");
    }
    // Too far behind to be looked at.
    assert_eq!(differing_line(&ours, &format!("{}{}", " ".repeat(300 * 1024), message(&ours))), None);
    assert_eq!(differing_line("", &message("")), None);
}

#[test]
fn signed_requests_print_nothing_of_what_they_carry() {
    let signed = signed();
    assert!(signed.canonical_request.expose().contains(TOKEN));
    assert_eq!(format!("{signed:?} {:#?}", signed.canonical_request), "Signed { .. } [REDACTED]");
}

proptest! {
    #[test]
    fn a_hostile_message_gets_one_of_our_own_names(
        shown in prop_oneof![any::<String>(), "(POST|GET|\\\\n|\n|/|:|ACS3-HMAC-SHA256|[a-f0-9]{64}|x-acs-date|;){0,40}"],
    ) {
        if let Some(difference) = differing_line(&ours(), &shown) {
            prop_assert!(!difference.name().contains("needle") && difference.name().len() < 40);
        }
    }

    #[test]
    fn a_canonical_request_that_was_damaged_is_never_called_the_same(
        at in any::<prop::sample::Index>(),
        byte in b' '..=b'~',
    ) {
        let ours = ours();
        let mut theirs = ours.clone().into_bytes();
        let at = at.index(theirs.len());
        let changed = theirs[at] != byte;
        theirs[at] = byte;
        let difference = differing_line(&ours, &message(&String::from_utf8(theirs).unwrap()));
        prop_assert_eq!(difference == Some(Difference::Secret), !changed);
    }
}
