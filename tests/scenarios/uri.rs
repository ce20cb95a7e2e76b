//! A CredentialsURI: what it answers, and everything else that may stand at its address.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::sessions::{Kind, SIDECAR, URI};
use crate::support::{Trick, World, minutes, seconds, shown};
use simsim::credentials::CredentialsUri;
use simsim::http::{FetchErrorKind, Method};
use simsim::{Client, ErrorKind};
use simsim_emulator::{CredentialsUri as Endpoint, Fault, Service};

scenarios![
    the_address_is_asked_as_it_is_and_its_session_is_kept,
    an_answer_that_is_no_session_names_the_member,
    no_answer_says_why,
    another_machine_is_not_asked_in_the_clear,
    a_sidecar_that_shares_a_wrong_clock_does_not_confirm_it,
    the_same_session_again_is_no_renewal_once_it_was_refused,
];

fn client(w: &World) -> Client {
    w.bare().credentials(CredentialsUri::new(URI)).build().unwrap()
}

async fn the_address_is_asked_as_it_is_and_its_session_is_kept(w: World) {
    let client = w.with_sessions(Kind::Uri).no_cache().build().unwrap();
    for _ in 0..3 {
        w.text(&client, "db/password").await;
    }
    let sent = w.wire.sent();
    assert_eq!((sent[0].method, sent[0].url.as_str()), (Method::Get, URI));
    assert!(sent[0].body.is_empty() && sent[0].max_body <= 128 * 1024 && sent[0].timeout <= seconds(5));
    assert_eq!(w.kms.calls("CredentialsUri"), 1);
    assert_eq!(client.status().credential_source, "credentials_uri");
    w.pass(minutes(50)).await;
    w.text(&client, "db/password").await;
    w.pass(seconds(1)).await;
    assert_eq!(w.kms.calls("CredentialsUri"), 2);
}

const WHOLE: &str =
    r#""Code":"Success","AccessKeyId":"STS.needle","AccessKeySecret":"needle","SecurityToken":"needle""#;

/// A session that was over an hour ago.
fn past() -> Trick {
    Trick::body(format!(r#"{{{WHOLE},"Expiration":"2026-01-02T02:04:05Z"}}"#))
}

async fn an_answer_that_is_no_session_names_the_member(w: World) {
    let whole = WHOLE;
    let json = |status, body: &str| Trick::Answer(status, Vec::new(), body.as_bytes().to_vec());
    for (trick, says) in [
        (json(200, &format!("{{{whole}}}")), "the answer has no Expiration"),
        (json(200, &format!(r#"{{{whole},"Expiration":null}}"#)), "the answer has no Expiration"),
        (json(200, &format!(r#"{{{whole},"Expiration":"needle"}}"#)), "Expiration is no date"),
        (past(), "expired"),
        (json(200, r#"{"Code":"Failed","Message":"needle"}"#), "the answer's Code is not Success"),
        (json(200, r#"{"Code":"Success","AccessKeyId":"needle"}"#), "the answer has no AccessKeySecret"),
        (json(200, "<html>needle</html>"), "the answer is not JSON"),
        (json(200, "needle"), "the answer is not JSON"),
        (json(404, "needle"), "HTTP status is 404"),
        (json(500, "needle"), "HTTP status is 500"),
        (
            Trick::Answer(302, vec![("location", String::from("https://needle.example"))], Vec::new()),
            "HTTP status is 302",
        ),
    ] {
        // Before a session counts as over the time is asked for, and the address once more.
        let again = matches!(&trick, Trick::Answer(_, _, body) if says == "expired" && !body.is_empty());
        w.wire.play(trick);
        if again {
            w.wire.play(Trick::Pass);
            w.wire.play(past());
        }
        let error = w.read(&client(&w), "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable, "{says}");
        let shown = shown(&error);
        assert!(shown.contains(says) && !shown.contains("needle"), "{says}: {shown}");
    }
    assert_eq!(w.kms.reads_answered(), 0);
}

async fn no_answer_says_why(w: World) {
    w.issue_sessions();
    for (fault, kind) in [
        (Fault::unreachable(), ErrorKind::Transport),
        (Fault::reset(), ErrorKind::Transport),
        (Fault::hang(), ErrorKind::Timeout),
        (Fault::oversized(), ErrorKind::Protocol),
    ] {
        w.kms.inject(fault.for_service(Service::CredentialsUri));
        let (read, waited) = w.timed(&client(&w), "db/password").await;
        w.kms.clear_faults();
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
        assert!(waited <= seconds(5), "{waited:?}");
        let cause = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<simsim::Error>());
        assert_eq!(cause.map(simsim::Error::kind), Some(kind));
    }
    w.wire.play(Trick::Fail(FetchErrorKind::Redirected));
    let error = w.read(&client(&w), "db/password").await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("redirected"), "{cause}");
}

async fn another_machine_is_not_asked_in_the_clear(w: World) {
    for wrong in ["http://tokens.example/needle", "needle", "http://100.100.100.200/needle"] {
        let error = w.bare().credentials(CredentialsUri::new(wrong)).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.explanation().starts_with("credentials_uri: "), "{error}");
        let tenant = w.client().for_principal(CredentialsUri::new(wrong));
        let late = w.read(&tenant, "db/password").await.unwrap_err();
        assert_eq!(late.explanation(), error.explanation());
        assert!(!shown(&error).contains("needle"));
    }
    assert_eq!(w.wire.sent().len(), 0);
}

async fn a_sidecar_that_shares_a_wrong_clock_does_not_confirm_it(w: World) {
    w.issue_sessions();
    for off in [-3_600_000, 3_600_000] {
        w.clock.shift_wall(off);
        let client = w.bare().credentials(CredentialsUri::new(SIDECAR)).build().unwrap();
        let before = w.wire.sent().len();
        w.text(&client, "db/password").await;
        let sent: Vec<_> = w.wire.sent().split_off(before).into_iter().map(|request| request.url).collect();
        let elsewhere = sent.iter().filter(|url| !url.contains("127.0.0.1")).count();
        assert_eq!(elsewhere, 2, "{off}: the time and the value, or the value and once more: {sent:?}");
    }
}

async fn the_same_session_again_is_no_renewal_once_it_was_refused(w: World) {
    w.kms.put_credentials_uri(Endpoint::at("/credentials").session_seconds(3600));
    let client = client(&w);
    w.text(&client, "db/password").await;
    w.kms.reset_log();
    w.kms.inject(Fault::status(400, "InvalidSecurityToken.Expired").for_service(Service::Kms).times(1));
    let error = w.refresh(&client, "db/password").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
    assert_eq!(error.service_code(), Some("InvalidSecurityToken.Expired"));
    assert_eq!((w.kms.calls("CredentialsUri"), w.kms_reads()), (1, 1));
}
