//! Properties of the encoding and of the signature that no list of examples covers.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;
use simsim::Timestamp;
use simsim::credentials::Credentials;
use simsim::http::Method;
use simsim::signing::acs3::{self, Acs3Request};
use simsim::signing::encoding::{lower_hex, percent_encode, push_percent_encoded, query_string};
use simsim::signing::rpc::{self, RpcRequest};
use std::borrow::Cow;

type Pair = (Cow<'static, str>, Cow<'static, str>);

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    let text = || prop_oneof![any::<String>(), "[A-Za-z.0-9]{0,4}"];
    prop::collection::vec((text(), text()).prop_map(|(n, v)| (n.into(), v.into())), 0..12)
}

/// The same elements in another order.
fn two_orders() -> impl Strategy<Value = (Vec<Pair>, Vec<Pair>)> {
    pairs().prop_flat_map(|given| (Just(given.clone()), Just(given).prop_shuffle()))
}

fn request<'a>(query: &'a [Pair], headers: &'a [Pair], body: &'a [u8]) -> Acs3Request<'a> {
    Acs3Request {
        method: Method::Post,
        host: "kms.cn-hangzhou.aliyuncs.com",
        path: "/",
        action: "GetSecretValue",
        version: "2016-01-20",
        query,
        headers,
        body,
    }
}

fn sign(request: &Acs3Request<'_>) -> acs3::Signed {
    let credentials = Credentials::session("STS.id", "secret", "token").unwrap();
    acs3::sign(request, Some(&credentials), Timestamp::from_millis(0), "nonce")
}

proptest! {
    #[test]
    fn the_encoder_equals_the_percent_encoding_crate(text in any::<String>()) {
        let ours = percent_encode(&text);
        prop_assert_eq!(&ours, &utf8_percent_encode(&text, RESERVED).to_string());
        prop_assert_eq!(ours.capacity(), 3 * text.len(), "it never grew");
        let mut pushed = String::from("x");
        push_percent_encoded(&mut pushed, &text);
        prop_assert_eq!(&pushed[1..], &ours);
    }

    #[test]
    fn hexadecimal_digits_are_those_of_the_formatter(bytes in any::<Vec<u8>>()) {
        let theirs: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        prop_assert_eq!(lower_hex(&bytes), theirs);
    }

    #[test]
    fn the_canonical_query_is_sorted_by_plain_name_and_value_and_loses_nothing(pairs in pairs()) {
        let query = query_string(&pairs);
        let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let parts = query.split('&').filter(|part| !part.is_empty());
        let read: Vec<_> = parts.map(|p| p.split_once('=').unwrap()).map(|(n, v)| (plain(n), plain(v))).collect();
        let room: usize = pairs.iter().map(|(n, v)| 3 * (n.len() + v.len() + 1)).sum();
        let mut sorted: Vec<_> = pairs.into_iter().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
        sorted.sort();
        prop_assert_eq!(read, sorted);
        prop_assert_eq!(query.capacity(), room, "it never grew");
    }

    #[test]
    fn the_signature_does_not_depend_on_the_order_of_parameters((one, other) in two_orders()) {
        let (a, b) = (sign(&request(&one, &[], b"")), sign(&request(&other, &[], b"")));
        prop_assert_eq!(a.string_to_sign, b.string_to_sign);
        prop_assert_eq!((a.headers, a.query), (b.headers, b.query));

        let credentials = Credentials::access_key("id", "secret").unwrap();
        let rpc = |parameters: &[Pair]| {
            let request = RpcRequest {
                method: Method::Get,
                action: "GetSecretValue",
                version: "2016-01-20",
                format: "JSON",
                parameters,
                form: &[],
            };
            rpc::sign(&request, &credentials, Timestamp::from_millis(0), "nonce").query.expose().clone()
        };
        prop_assert_eq!(rpc(&one), rpc(&other));
    }

    #[test]
    fn every_part_of_a_request_is_under_the_signature(
        value in "[a-z]{1,8}",
        body in prop::collection::vec(any::<u8>(), 1..32),
    ) {
        let header = |name: &'static str| vec![(Cow::Borrowed(name), Cow::Owned(value.clone()))];
        let plain = sign(&request(&[], &[], b"")).string_to_sign;
        prop_assert_ne!(&plain, &sign(&request(&header("SecretName"), &[], b"")).string_to_sign);
        prop_assert_ne!(&plain, &sign(&request(&[], &header("X-Acs-Thing"), b"")).string_to_sign);
        prop_assert_ne!(&plain, &sign(&request(&[], &header("Content-Type"), b"")).string_to_sign);
        prop_assert_ne!(&plain, &sign(&request(&[], &[], &body)).string_to_sign);
        // Edge layers may rewrite the others: sent, not signed.
        let other = sign(&request(&[], &header("User-Agent"), b""));
        prop_assert_eq!(&plain, &other.string_to_sign);
        prop_assert!(other.headers.contains(&("user-agent".into(), value)));
    }

    #[test]
    fn each_header_is_sent_once_and_the_signers_own_cannot_be_replaced(
        names in prop::collection::vec(
            prop::sample::select(&[
                "X-Acs-Date", "host", "Authorization", "x-acs-security-token", "x-acs-a", "X-ACS-A", "accept", "Accept",
            ][..]),
            0..12,
        ),
    ) {
        let extra: Vec<Pair> = names.iter().map(|name| ((*name).into(), "forged".into())).collect();
        let signed = sign(&request(&[], &extra, b""));
        let mut sent: Vec<_> = signed.headers.iter().map(|(name, _)| name.clone()).collect();
        let count = sent.len();
        sent.sort();
        sent.dedup();
        prop_assert_eq!(sent.len(), count);
        for (name, value) in &signed.headers {
            prop_assert!(name != "host" && *name == name.to_ascii_lowercase());
            prop_assert!(value != "forged" || name == "x-acs-a" || name == "accept");
        }
    }
}

#[test]
fn an_anonymous_request_carries_no_key_and_no_signature() {
    let signed = acs3::sign(&request(&[], &[], b""), None, Timestamp::from_millis(0), "nonce");
    let names: Vec<_> = signed.headers.iter().map(|(name, _)| &**name).collect();
    assert_eq!(
        names,
        ["x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"]
    );
}

#[test]
fn a_former_signature_is_no_part_of_what_is_signed_wherever_it_comes_from() {
    let pair = |name, value| (Cow::Borrowed(name), Cow::Borrowed(value));
    let (plain, signed) = ([pair("b", "2")], [pair("b", "2"), pair("Signature", "old")]);
    assert_eq!(rpc::canonical_query(&[pair("a", "1")], &plain), "a=1&b=2");
    assert_eq!(rpc::canonical_query(&signed, &signed), "b=2&b=2");
}
