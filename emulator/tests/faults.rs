//! Trouble on demand, in process: what a client gets, and what the log says of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use simsim::Timestamp;
use simsim::http::{Fetch, FetchErrorKind, Method, Request};
use simsim_emulator::{CredentialsUri, Emulator, Fault, Reply, SecretSeed, Service};
use std::time::Duration;
use support::{emulator, json, kms, nonce, poll_once, send, unsigned};

fn request() -> Request {
    kms("GetSecretValue", &nonce(), &[("SecretName", "s")]).acs3()
}

fn ready() -> (Emulator, support::Manual) {
    let (emulator, runtime) = emulator();
    emulator.put_secret(SecretSeed::text("s", "needle"));
    (emulator, runtime)
}

#[test]
fn a_status_fault_is_answered_as_often_as_it_was_asked_for() {
    let (emulator, _) = ready();
    emulator.inject(Fault::throttle().times(2).retry_after(1500));
    for _ in 0..2 {
        let response = send(&emulator, request()).unwrap();
        assert_eq!(response.header("x-acs-retry-after"), Some("1500"));
        let (status, body) = json(&response);
        assert_eq!(
            (status, &body["Code"], &body["Message"]),
            (429, &"Rejected.Throttling".into(), &"QPS Limit Exceeded".into())
        );
    }
    assert_eq!(send(&emulator, request()).unwrap().status(), 200);
    emulator.inject(Fault::status(503, "ServiceUnavailableTemporary"));
    assert_eq!(send(&emulator, request()).unwrap().status(), 503);
    emulator.clear_faults();
    assert_eq!(send(&emulator, request()).unwrap().status(), 200);
    // A status alone makes no read.
    emulator.inject(Fault::empty_body(200));
    assert_eq!(send(&emulator, request()).unwrap().status(), 200);
    assert_eq!((emulator.calls("GetSecretValue"), emulator.reads_answered()), (6, 2));
}

#[test]
fn a_fault_does_not_excuse_a_used_nonce_or_a_wrong_signature() {
    let (emulator, _) = ready();
    emulator.inject(Fault::throttle().times(2));
    let once = request();
    assert_eq!(send(&emulator, once.clone()).unwrap().status(), 429);
    assert_eq!(json(&send(&emulator, once).unwrap()).1["Code"], "SignatureNonceUsed");
    assert_eq!(send(&emulator, request()).unwrap().status(), 429);
    emulator.inject(Fault::reset().times(1));
    let once = request();
    assert_eq!(send(&emulator, once.clone()).unwrap_err().kind(), FetchErrorKind::Interrupted);
    assert_eq!(json(&send(&emulator, once).unwrap()).1["Code"], "SignatureNonceUsed");
}

#[test]
fn a_lost_connection_is_no_answer() {
    let (emulator, _) = ready();
    let fails = |fault: Fault| {
        emulator.inject(fault.times(1));
        send(&emulator, request()).unwrap_err()
    };
    assert_eq!(fails(Fault::unreachable()).kind(), FetchErrorKind::Connect);
    assert_eq!(fails(Fault::reset()).code(), Some("ECONNRESET"));
    assert_eq!(fails(Fault::truncated()).kind(), FetchErrorKind::Interrupted);
    assert_eq!(fails(Fault::oversized()).kind(), FetchErrorKind::BodyTooLarge);
    emulator.inject(Fault::hang().times(1));
    assert!(poll_once(emulator.fetch(request())).is_none());
    let statuses: Vec<u16> = emulator.log().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [0, 0, 200, 200, 0]);
}

#[test]
fn slowness_is_slept_on_the_runtime() {
    let (emulator, runtime) = ready();
    emulator.inject(Fault::slow_headers(Duration::from_secs(7)).times(1));
    emulator.inject(Fault::slow_body(Duration::from_secs(3)).times(1));
    for _ in 0..3 {
        assert_eq!(send(&emulator, request()).unwrap().status(), 200);
    }
    assert_eq!(runtime.slept(), [Duration::from_secs(7), Duration::from_secs(3)]);
}

#[test]
fn odd_answers_are_what_they_say() {
    let (emulator, _) = ready();
    let answer = |fault: Fault| {
        emulator.inject(fault.times(1));
        let response = send(&emulator, request()).unwrap();
        assert!(response.header("Date").is_some() && response.header("x-acs-request-id").is_some());
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        (response, text)
    };
    let (response, text) = answer(Fault::malformed());
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err() && text.contains("needle"));
    assert_eq!(response.status(), 200);
    let (response, text) = answer(Fault::empty_body(500));
    assert_eq!((response.status(), text.as_str()), (500, ""));
    let (response, text) = answer(Fault::html(502));
    assert!(response.status() == 502 && text.starts_with("<html>"));
    let (_, text) = answer(Fault::xml(503, "ServiceUnavailable"));
    assert!(text.contains("<Code>ServiceUnavailable</Code>"), "{text}");
    let (response, _) = answer(Fault::redirect("https://example.invalid/"));
    assert_eq!((response.status(), response.header("location")), (302, Some("https://example.invalid/")));
    let (response, _) = answer(Fault::wrong_date(-3_600_000));
    assert_eq!(response.header("Date"), Some("Fri, 02 Jan 2026 02:04:05 GMT"));
}

#[test]
fn the_quota_is_enforced_per_second_and_can_be_lifted() {
    let (emulator, runtime) = ready();
    emulator.set_quota(Some(2));
    let statuses = || -> Vec<u16> { (0..3).map(|_| send(&emulator, request()).unwrap().status()).collect() };
    assert_eq!(statuses(), [200, 200, 429]);
    runtime.advance(Duration::from_secs(1));
    assert_eq!(statuses(), [200, 200, 429]);
    emulator.set_quota(None);
    assert_eq!(statuses(), [200, 200, 200]);
}

#[test]
fn an_account_has_450_reads_per_second_unless_something_else_is_said() {
    let (emulator, _) = ready();
    let read = || send(&emulator, request()).unwrap();
    assert!((0..450).all(|_| read().status() == 200));
    assert_eq!(json(&read()).1["Code"], "Rejected.Throttling");
    emulator.add_access_key_of("LTAI-other", "x", "9876543210987654");
    let mut other = kms("GetSecretValue", &nonce(), &[("SecretName", "s")]);
    other.key = ("LTAI-other".to_owned(), "x".to_owned(), None);
    assert_eq!(other.call(&emulator).0, 200);
}

#[test]
fn a_fault_can_be_for_one_secret_one_action_or_one_host() {
    let (emulator, _) = ready();
    emulator.put_secret(SecretSeed::text("other", "v"));
    emulator.inject(Fault::empty_body(500).for_secret("other"));
    emulator.inject(Fault::empty_body(501).for_host("kms.cn-beijing.aliyuncs.com"));
    emulator.inject(Fault::empty_body(502).for_action("AssumeRole"));
    assert_eq!(send(&emulator, request()).unwrap().status(), 200);
    let arn = "acs:kms:cn-hangzhou:1234567890123456:secret/other";
    assert_eq!(
        send(&emulator, kms("GetSecretValue", "a", &[("SecretName", arn)]).acs3()).unwrap().status(),
        500
    );
    let mut draft = kms("GetSecretValue", "b", &[("SecretName", "s")]);
    draft.host = "kms.cn-beijing.aliyuncs.com".to_owned();
    assert_eq!(send(&emulator, draft.acs3()).unwrap().status(), 501);
    assert_eq!(send(&emulator, support::sts("AssumeRole", "c", &[]).acs3()).unwrap().status(), 502);
}

/// One request to each service.
fn to_each() -> [(Service, Request); 4] {
    let get = |url| unsigned(Method::Get, url, &[]);
    let role = "http://100.100.100.200/latest/meta-data/ram/security-credentials/";
    let local = {
        let mut draft = support::sts("GetCallerIdentity", &nonce(), &[]);
        // A host that serves all: the version tells.
        draft.host = "127.0.0.1:8080".to_owned();
        draft.acs3()
    };
    [
        (Service::Kms, request()),
        (Service::Sts, local),
        (Service::Metadata, get(role)),
        (Service::CredentialsUri, get("http://127.0.0.1:8080/credentials")),
    ]
}

#[test]
fn an_outage_of_one_service_leaves_the_others_well() {
    let (emulator, _) = ready();
    emulator.attach_instance_role(simsim_emulator::InstanceRole::new("r"));
    emulator.put_credentials_uri(CredentialsUri::at("/credentials"));
    for (down, _) in to_each() {
        emulator.inject(Fault::unreachable().for_service(down));
        for (asked, request) in to_each() {
            match send(&emulator, request) {
                Ok(response) => assert!(asked != down && response.status() == 200, "{down:?} {asked:?}"),
                Err(error) => assert!(asked == down && error.kind() == FetchErrorKind::Connect, "{down:?}"),
            }
        }
        emulator.clear_faults();
    }
    let counts = emulator.call_counts();
    let actions: Vec<&str> = counts.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["CredentialsUri", "GetCallerIdentity", "GetSecretValue", "MetadataRole"]);
    assert!(counts.iter().all(|(_, n)| *n == 4), "{counts:?}");
}

#[test]
fn what_nothing_signs_can_fail_in_every_way_as_well() {
    let (emulator, runtime) = ready();
    emulator.put_credentials_uri(CredentialsUri::at("/credentials"));
    let ask = |fault: Fault| {
        emulator.inject(fault.for_action("CredentialsUri").times(1));
        send(&emulator, unsigned(Method::Get, "http://127.0.0.1/credentials", &[]))
    };
    assert_eq!(ask(Fault::html(502)).unwrap().status(), 502);
    assert_eq!(json(&ask(Fault::throttle()).unwrap()).1["Code"], "Rejected.Throttling");
    assert_eq!(json(&ask(Fault::malformed()).unwrap()), (200, serde_json::Value::Null));
    assert_eq!(
        ask(Fault::wrong_date(-60_000)).unwrap().header("Date"),
        Some("Fri, 02 Jan 2026 03:03:05 GMT")
    );
    assert_eq!(ask(Fault::slow_headers(Duration::from_secs(2))).unwrap().status(), 200);
    assert_eq!(runtime.slept(), [Duration::from_secs(2)]);
    assert_eq!(ask(Fault::reset()).unwrap_err().code(), Some("ECONNRESET"));
}

#[test]
fn the_log_tells_who_asked_for_what_and_can_be_emptied() {
    let (emulator, runtime) = ready();
    runtime.advance(Duration::from_secs(2));
    emulator.set_clock_offset(500);
    emulator.inject(Fault::throttle().times(1));
    send(&emulator, request()).unwrap();
    let log = emulator.log();
    assert_eq!(log.len(), 1);
    let call = &log[0];
    assert_eq!((call.action.as_str(), call.secret.as_deref()), ("GetSecretValue", Some("s")));
    assert_eq!((call.access_key_id.as_str(), call.status), (support::KEY.0, 429));
    assert_eq!(
        (call.code.as_deref(), call.host.as_str()),
        (Some("Rejected.Throttling"), "kms.cn-hangzhou.aliyuncs.com")
    );
    assert_eq!(call.at, Timestamp::from_millis(support::START + 2000));
    emulator.reset_log();
    assert!(emulator.log().is_empty() && emulator.calls("GetSecretValue") == 0);
}

#[test]
fn what_looks_like_no_action_is_not_kept() {
    let (emulator, _) = ready();
    for action in ["a value in the wrong place", &"x".repeat(129)] {
        send(&emulator, kms(action, "n", &[]).acs3()).unwrap();
    }
    assert!(emulator.log().iter().all(|call| call.action == "?"));
    for n in 0..1000 {
        send(&emulator, kms(&format!("Action{n}"), "n", &[]).acs3()).unwrap();
    }
    assert!(emulator.call_counts().len() <= 256);
}

#[test]
fn a_request_that_no_transport_could_send_is_refused_by_this_one_too() {
    let (emulator, _) = ready();
    for name in ["host", "Content-Length"] {
        let mut wrong = request();
        wrong.headers.push((name.into(), "1".to_owned()));
        assert_eq!(send(&emulator, wrong).unwrap_err().kind(), FetchErrorKind::Unsupported);
    }
    let mut wrong = request();
    wrong.url = "kms.cn-hangzhou.aliyuncs.com".to_owned();
    assert_eq!(send(&emulator, wrong).unwrap_err().kind(), FetchErrorKind::Unsupported);
}

/// The same request for a host that does the waiting itself.
fn reply(emulator: &Emulator) -> Reply {
    let request = request();
    let mut headers: Vec<(String, String)> =
        request.headers.into_iter().map(|(name, value)| (name.into_owned(), value)).collect();
    // A transport's own headers are not believed: the address and the body say them.
    headers.push(("Host".to_owned(), "elsewhere.example".to_owned()));
    headers.push(("content-length".to_owned(), "7".to_owned()));
    emulator.reply(request.method.as_str(), &request.url, headers, request.body).unwrap()
}

#[test]
fn a_reply_says_how_long_to_wait_and_waits_for_nothing() {
    let (emulator, runtime) = ready();
    let (long, short) = (Duration::from_secs(60), Duration::from_secs(1));
    for fault in [Fault::slow_headers(long), Fault::slow_body(short), Fault::truncated(), Fault::hang()] {
        emulator.inject(fault.times(1));
    }
    for expected in [
        (long, Duration::ZERO, false),
        (Duration::ZERO, short, false),
        (Duration::ZERO, Duration::ZERO, true),
    ] {
        let Reply::Answer(answer) = reply(&emulator) else { panic!("an answer") };
        assert_eq!((answer.before_headers, answer.before_body, answer.cut), expected);
        assert_eq!(answer.status, 200);
        assert!(String::from_utf8_lossy(&answer.body).contains("needle"));
        assert!(!format!("{answer:?}").contains("needle"));
    }
    assert!(matches!(reply(&emulator), Reply::Hang));
    assert!(runtime.slept().is_empty());
    assert!(emulator.reply("GET", "not an address", Vec::new(), Vec::new()).is_none());
}
