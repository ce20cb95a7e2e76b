//! A needle in every secret thing, searched in everything that prints.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_ID, KEY_SECRET, START, TOKEN, Trick, World, minutes};
use simsim::credentials::CallbackCredentials;
use simsim::http::{FetchError, FetchErrorKind, Method, Response};
use simsim::mailbox::driver::{Effect, Reply};
use simsim::mailbox::wire;
use simsim::signing::{acs3, rpc};
use simsim::{CacheOptions, Credentials, Error, ErrorKind, RetryOptions, Secret, Sensitive, Timestamp};
use simsim_emulator::{Fault, SecretSeed};
use std::borrow::Cow;
use std::fmt::{Debug, Display};

scenarios![
    no_failure_prints_a_needle,
    no_failure_after_a_success_prints_a_needle,
    nothing_that_a_user_holds_prints_a_needle,
    no_event_holds_a_needle,
];

const NEEDLE: &str = "needle";

/// The needle as text, in base64, in hexadecimal, and as a list of bytes.
#[track_caller]
fn clean(what: &str, text: &str) {
    let list = NEEDLE.bytes().map(|b| b.to_string()).collect::<Vec<_>>();
    let forms = [
        NEEDLE.to_owned(),
        "bmVlZGxl".to_owned(),
        "6e6565646c65".to_owned(),
        list.join(", "),
        list.join(",\n"),
    ];
    let dense = text.replace([' ', '\n'], "");
    for form in forms {
        let found = text.contains(&form) || dense.contains(&form.replace([' ', '\n'], ""));
        assert!(!found, "{what} prints {form}: {text}");
    }
}

#[track_caller]
pub fn debug_is_clean(what: &str, value: &dyn Debug) {
    clean(what, &format!("{value:?}"));
    clean(what, &format!("{value:#?}"));
}

#[track_caller]
pub fn error_is_clean(what: &str, error: &Error) {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut depth = 0;
    while let Some(error) = next {
        clean(what, &format!("{error} {error:#} {error:?} {error:#?}"));
        next = error.source();
        depth += 1;
    }
    assert!(depth >= 1);
    clean(what, error.explanation());
    for part in [error.service_code(), error.request_id()].into_iter().flatten() {
        clean(what, part);
    }
}

#[track_caller]
fn secret_is_clean(secret: &Secret) {
    assert!(secret.bytes().windows(NEEDLE.len()).any(|w| w == NEEDLE.as_bytes()), "the search can fail");
    debug_is_clean("Secret", secret);
    debug_is_clean("SecretValue", secret.value());
    clean("Secret", &format!("{secret} {secret:#}"));
}

/// Everything that can go wrong between a client and KMS.
pub fn faults() -> Vec<Fault> {
    let mut all = vec![
        Fault::throttle(),
        Fault::retry_after_ms(60_000),
        Fault::hang(),
        Fault::slow_headers(minutes(1)),
        Fault::slow_body(minutes(1)),
        Fault::reset(),
        Fault::unreachable(),
        Fault::truncated(),
        Fault::oversized(),
        Fault::malformed(),
        Fault::redirect("https://evil.example/?needle"),
        Fault::wrong_date(86_400_000),
    ];
    for status in [400, 401, 403, 404, 429, 500, 503] {
        all.extend([Fault::empty_body(status), Fault::html(status), Fault::xml(status, "InternalFailure")]);
    }
    for code in [
        "Forbidden.ResourceNotFound",
        "Forbidden.NoPermission",
        "Forbidden.InDebt",
        "InvalidTimeStamp.Expired",
        "SignatureNonceUsed",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId.NotFound",
        "InvalidSecurityToken.Expired",
        "Rejected.Disabled",
        "needle code \"with\" <things>",
    ] {
        all.push(Fault::status(400, code.replace(NEEDLE, "n")));
    }
    all
}

/// Answers that quote what they were sent, or what they should have kept.
pub fn tricks() -> Vec<Trick> {
    let json = |status, body: &str| Trick::Answer(status, Vec::new(), body.as_bytes().to_vec());
    let hostile = ("x-acs-request-id", format!("R-1\n{TOKEN}").replace(NEEDLE, "n"));
    vec![
        json(
            400,
            r#"{"Code":"SignatureDoesNotMatch","Message":"server string to sign is: needle","RequestId":"r"}"#,
        ),
        json(500, r#"{"Code":"InternalFailure","Message":"needle","RequestId":"r"}"#),
        json(400, "needle"),
        json(200, r#"{"SecretName":"needle","VersionId":"v","SecretData":"needle"}"#),
        json(
            200,
            r#"{"SecretName":"db/password","VersionId":"v","SecretData":"needle","SecretDataType":"binary"}"#,
        ),
        json(200, r#"{"SecretData":"needle","#),
        json(200, "{\"SecretData\":\"needle\\q\"}"),
        json(200, "\u{feff}needle"),
        Trick::Answer(
            403,
            vec![hostile],
            b"<Error><Code>Forbidden.X</Code><Message>needle</Message></Error>".to_vec(),
        ),
        Trick::Fail(FetchErrorKind::Connect),
        Trick::Fail(FetchErrorKind::Unsupported),
    ]
}

async fn no_failure_prints_a_needle(w: World) {
    for fault in faults() {
        let client = w.client();
        w.kms.inject(fault.clone());
        match w.read(&client, "db/password").await {
            Ok(secret) => secret_is_clean(&secret),
            Err(error) => error_is_clean(&format!("{fault:?}"), &error),
        }
        w.kms.clear_faults();
        debug_is_clean("Client", &client);
        debug_is_clean("ClientStatus", &client.status());
    }
    for (n, trick) in tricks().into_iter().enumerate() {
        let client = w.client();
        w.wire.play(trick);
        match w.read(&client, "db/password").await {
            Ok(secret) => secret_is_clean(&secret),
            Err(error) => error_is_clean(&format!("trick {n}"), &error),
        }
        debug_is_clean("Client", &client);
    }
    for (id, secret, token) in [
        (KEY_ID, "needle-wrong", TOKEN),
        (KEY_ID, KEY_SECRET, "needle-wrong"),
        ("STS.unknown", KEY_SECRET, TOKEN),
    ] {
        let credentials = Credentials::session(id, secret, token).unwrap();
        let client = w.bare().credentials(credentials).build().unwrap();
        let error = w.read(&client, "db/password").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        error_is_clean(id, &error);
        if secret != KEY_SECRET {
            let message = error.service_message().expect("kept for those who ask");
            assert!(message.contains(TOKEN), "the service repeats the token: the search can fail");
        }
    }
    let broken = w.with_callback(|| async { Err(Error::new(ErrorKind::Transport, "the issuer is down")) });
    let client = broken.build().unwrap();
    error_is_clean("provider", &w.read(&client, "db/password").await.unwrap_err());
}

async fn no_failure_after_a_success_prints_a_needle(w: World) {
    for fault in faults() {
        let client = w.client();
        secret_is_clean(&w.read(&client, "db/password").await.unwrap());
        w.pass(minutes(30)).await;
        w.kms.inject(fault.clone());
        match w.read(&client, "db/password").await {
            Ok(secret) => secret_is_clean(&secret),
            Err(error) => error_is_clean(&format!("{fault:?}"), &error),
        }
        let refreshing = client.clone();
        if let Err(error) = w.run(async move { refreshing.refresh("db/password").await }).await {
            error_is_clean(&format!("{fault:?}"), &error);
        }
        w.kms.clear_faults();
        debug_is_clean("Client", &client);
        client.close();
        debug_is_clean("Client", &client);
    }
    let client = w.client();
    for value in ["needle", "{\"needle\":", "[\"needle\"", "{\"a\":\"needle\"}", "\"needle\""] {
        w.kms.put_secret(SecretSeed::text("json", value));
        let secret = w.refresh(&client, "json").await.unwrap();
        secret_is_clean(&secret);
        #[cfg(feature = "json")]
        error_is_clean(value, &secret.json::<u32>().unwrap_err());
        #[cfg(feature = "json")]
        error_is_clean(value, &secret.json::<Vec<u8>>().unwrap_err());
    }
    w.kms.put_secret(SecretSeed::binary("bin", b"\xffneedle"));
    let secret = w.read(&client, "bin").await.unwrap();
    secret_is_clean(&secret);
    error_is_clean("binary", &secret.text().unwrap_err());
}

async fn nothing_that_a_user_holds_prints_a_needle(w: World) {
    let credentials =
        World::session().with_expiration(Timestamp::from_millis(START)).with_principal("role/a");
    assert!(
        credentials.access_key_secret().contains(NEEDLE)
            && credentials.security_token().unwrap().contains(NEEDLE)
    );
    debug_is_clean("Credentials", &credentials);
    debug_is_clean("Option<Credentials>", &Some(&credentials));
    let kept = credentials.clone();
    debug_is_clean(
        "CallbackCredentials",
        &CallbackCredentials::new(move || {
            let kept = kept.clone();
            async move { Ok(kept) }
        }),
    );
    let builder = w
        .builder()
        .endpoint("https://needle.example")
        .cache(CacheOptions::default())
        .retry(RetryOptions::default());
    debug_is_clean("ClientBuilder", &builder);
    let client = w.client();
    debug_is_clean("GetSecret", &client.get("db/password").version_id("v"));
    let secret = w.read(&client, "db/password").await.unwrap();
    secret_is_clean(&secret);
    debug_is_clean("Result<Secret>", &Ok::<_, Error>(secret.clone()));
    debug_is_clean("Emulator", &w.kms);
    debug_is_clean("SecretSeed", &SecretSeed::text("x", "needle"));
    debug_is_clean("log", &w.kms.log());

    fn both<T: Debug + Display>(value: &T) {
        clean("Sensitive", &format!("{value} {value:?} {value:#?}"));
    }
    both(&Sensitive::new(String::from("needle")));

    let sent = w.wire.sent();
    let token = sent[0].headers.iter().find(|(name, _)| name == "x-acs-security-token").expect("signed");
    assert!(token.1.contains(NEEDLE), "the search can fail");
    debug_is_clean("Request", &sent[0]);
    let response = || Response::new(200, vec![("x".to_owned(), "needle".to_owned())], b"needle".to_vec());
    debug_is_clean("Response", &response());
    debug_is_clean("FetchError", &FetchError::new(FetchErrorKind::Connect).with_code("<>\"'\n "));

    let query = [(Cow::Borrowed("SecretName"), Cow::Borrowed("x"))];
    let header = [(Cow::Borrowed("x-acs-x"), Cow::Borrowed("needle"))];
    let request = acs3::Acs3Request {
        method: Method::Post,
        host: "kms.cn-hangzhou.aliyuncs.com",
        path: "/",
        action: "PutSecretValue",
        version: "2016-01-20",
        query: &query,
        headers: &header,
        body: b"needle",
    };
    debug_is_clean("Acs3Request", &request);
    let signed = acs3::sign(&request, Some(&credentials), Timestamp::from_millis(START), "nonce");
    assert!(signed.canonical_request.expose().contains(NEEDLE));
    debug_is_clean("acs3::Signed", &signed);
    let parameters = [(Cow::Borrowed("SecretData"), Cow::Borrowed("needle"))];
    let request = rpc::RpcRequest {
        method: Method::Get,
        action: "PutSecretValue",
        version: "2016-01-20",
        format: "JSON",
        parameters: &parameters,
        form: &parameters,
    };
    debug_is_clean("RpcRequest", &request);

    debug_is_clean("Effect", &Effect::Fetch(sent[0].clone()));
    debug_is_clean("Effect", &Effect::Done(b"needle".to_vec()));
    debug_is_clean("Reply", &Reply::Answer(Ok(response())));
    debug_is_clean("Reply", &Reply::Credentials(Ok(credentials)));
    debug_is_clean("Reader", &wire::Reader::new(b"needle"));
}

async fn no_event_holds_a_needle(w: World) {
    w.kms.put_secret(SecretSeed::text("needle/in-the-name", "needle"));
    let (builder, events) = w.observed(w.builder());
    let client = builder.build().unwrap();
    w.kms.inject(Fault::throttle().times(1));
    for _ in 0..2 {
        w.text(&client, "needle/in-the-name").await;
    }
    w.read(&client, "needle/missing").await.unwrap_err();
    let events = std::mem::take(&mut *events.lock().unwrap());
    assert!(events.len() >= 5, "{}", events.len());
    debug_is_clean("Event", &events);
}

/// Everything that tracing is told, by whichever crate, as text.
#[cfg(feature = "tracing")]
mod traced {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    #[derive(Clone, Default)]
    struct Book(Arc<Mutex<String>>);

    impl Visit for Book {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0.lock().unwrap().push_str(&format!("{field}={value:?} "));
        }
    }

    impl Book {
        fn head(&self, what: &str, metadata: &Metadata<'_>) {
            let line = format!("\n{what} {} {} {}: ", metadata.level(), metadata.target(), metadata.name());
            self.0.lock().unwrap().push_str(&line);
        }
    }

    impl Subscriber for Book {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, span: &Attributes<'_>) -> Id {
            self.head("span", span.metadata());
            span.record(&mut self.clone());
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, values: &Record<'_>) {
            values.record(&mut self.clone());
        }
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            self.head("event", event.metadata());
            event.record(&mut self.clone());
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    scenarios![no_trace_holds_a_needle];

    async fn no_trace_holds_a_needle(w: World) {
        let book = Book::default();
        let _guard = tracing::subscriber::set_default(book.clone());
        tracing::trace!(value = "proof", "found");
        w.kms.put_secret(SecretSeed::text("needle/in-the-name", "needle"));
        for fault in faults() {
            let client = w.client();
            w.text(&client, "needle/in-the-name").await;
            w.text(&client, "needle/in-the-name").await;
            w.pass(minutes(30)).await;
            w.kms.inject(fault);
            drop(w.read(&client, "needle/in-the-name").await);
            drop(w.read(&client, "needle/missing").await);
            w.kms.clear_faults();
        }
        let text = book.0.lock().unwrap().clone();
        assert!(text.contains("TRACE") && text.contains("value=\"proof\""), "the search can fail");
        for kind in ["hit", "miss", "retry", "throttle", "stale"] {
            assert!(text.contains(&format!("event=\"{kind}\"")), "{kind}");
        }
        clean("tracing", &text);
    }
}
