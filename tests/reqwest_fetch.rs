//! The native transport against raw sockets: every way in which an answer can fail to come, and what it is called.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![cfg(feature = "reqwest")]
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not know to be tests")]

mod support_http;

use simsim::ErrorKind;
use simsim::http::{Fetch, FetchError, FetchErrorKind, Method, Request, ReqwestFetch};
use std::sync::Arc;
use std::time::Duration;
use support_http::Step::{Closed, Hang, Meet, Read, Reset, Write};
use support_http::{OK, Server, Step, request};
use tokio::sync::Barrier;

fn plain() -> ReqwestFetch {
    ReqwestFetch::builder().http_only().build().unwrap()
}

/// The failure of one request to a server whose first connection plays `script`.
async fn failure(script: Vec<Step>) -> FetchError {
    let server = Server::start([script]).await;
    plain().fetch(request(server.url("/"))).await.unwrap_err()
}

#[tokio::test]
async fn a_request_is_sent_as_it_is_and_nothing_is_added() {
    let server = Server::start([vec![Read, Write(OK)]]).await;
    let answer = plain().fetch(request(server.url("/p?SecretName=db%2Fx%20y"))).await.unwrap();
    assert_eq!((answer.status(), answer.body()), (200, &b"ok"[..]));

    let text = server.requests().remove(0);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "a body");
    let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    assert_eq!(lines.remove(0), "post /p?secretname=db%2fx%20y http/1.1");
    lines.sort();
    assert_eq!(
        lines,
        [
            "accept: */*".to_owned(),
            "content-length: 6".to_owned(),
            format!("host: {}", server.address),
            "user-agent: simsim-test".to_owned(),
            "x-acs-action: getsecretvalue".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_request_that_may_have_a_body_and_has_none_says_so() {
    for (method, length) in [(Method::Post, 1), (Method::Put, 1), (Method::Get, 0)] {
        let server = Server::start([vec![Read, Write(OK)]]).await;
        let request = Request { method, body: Vec::new(), ..request(server.url("/")) };
        plain().fetch(request).await.unwrap();
        let head = server.requests().remove(0).to_ascii_lowercase();
        assert_eq!(head.matches("\r\ncontent-length: 0\r\n").count(), length, "{head}");
        assert!(!head.contains("transfer-encoding"), "{head}");
    }
}

#[tokio::test]
async fn any_status_is_an_answer_and_a_redirect_is_not_followed() {
    let server = Server::start([
        vec![Read, Write("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")],
        vec![Read, Write("HTTP/1.1 503 Busy\r\nX-Acs-Retry-After: 20\r\ncontent-length: 3\r\n\r\nwhy")],
    ])
    .await;
    let fetch = plain();
    let answer = fetch.fetch(request(server.url("/"))).await.unwrap();
    assert_eq!((answer.status(), answer.header("location")), (302, Some("/elsewhere")));
    assert_eq!(server.requests().len(), 1);

    let fresh = plain();
    let answer = fresh.fetch(request(server.url("/"))).await.unwrap();
    assert_eq!((answer.status(), answer.body()), (503, &b"why"[..]));
    assert_eq!(answer.header("x-acs-retry-after"), Some("20"));
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_before_or_while_it_is_read() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n";
    assert_eq!(failure(vec![Read, Write(announced), Hang]).await.kind(), FetchErrorKind::BodyTooLarge);

    let chunk: &'static str = Box::leak(format!("200\r\n{}\r\n", "x".repeat(512)).into_boxed_str());
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let unannounced = vec![Read, Write(chunked), Write(chunk), Write(chunk), Write("1\r\nx\r\n"), Hang];
    assert_eq!(failure(unannounced).await.kind(), FetchErrorKind::BodyTooLarge);

    let exactly = vec![Read, Write(chunked), Write(chunk), Write(chunk), Write("0\r\n\r\n")];
    let server = Server::start([exactly]).await;
    assert_eq!(plain().fetch(request(server.url("/"))).await.unwrap().body(), "x".repeat(1024).as_bytes());
}

#[tokio::test]
async fn an_encoded_body_is_handed_over_as_it_came() {
    let gzip = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nbyte";
    let server = Server::start([vec![Read, Write(gzip)]]).await;
    assert_eq!(plain().fetch(request(server.url("/"))).await.unwrap().body(), b"byte");
}

#[tokio::test]
async fn a_head_or_a_body_that_does_not_come_in_time_is_a_timeout() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    for script in [vec![Read, Hang], vec![Read, Write(head), Hang]] {
        let server = Server::start([script]).await;
        let mut request = request(server.url("/"));
        request.timeout = Duration::from_millis(50);
        let error = plain().fetch(request).await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Timeout);
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_or_not_http_is_interrupted() {
    for script in [
        vec![Read],
        vec![Read, Write("HTTP/1.1 200")],
        vec![Read, Write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")],
        vec![Read, Write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhalf")],
        vec![Read, Write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), Reset],
        vec![Read, Reset],
    ] {
        assert_eq!(failure(script).await.kind(), FetchErrorKind::Interrupted);
    }
    let error = failure(vec![Read, Write("220 smtp.invalid ESMTP\r\n\r\n"), Hang]).await;
    assert_eq!((error.kind(), error.code()), (FetchErrorKind::Interrupted, Some("EPROTO")));
}

#[tokio::test]
async fn a_refused_connection_has_its_code_and_no_address() {
    let server = Server::start([]).await;
    let url = server.url("/?needle");
    // Nobody listens any more once the task that holds the listener is gone.
    drop(server);
    while tokio::net::TcpStream::connect(url.split('/').nth(2).unwrap()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = plain().fetch(request(&url)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (FetchErrorKind::Connect, Some("ECONNREFUSED")));
    let printed = format!("{error} {error:?}");
    assert!(!printed.contains("needle") && !printed.contains("127.0.0.1"), "{printed}");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_a_failed_connect() {
    let fetch = ReqwestFetch::builder().http_only().no_proxy().build().unwrap();
    let error = fetch.fetch(request(support_http::NOWHERE)).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (FetchErrorKind::Connect, Some("ENOTFOUND")));
}

#[tokio::test]
async fn a_kept_connection_is_used_again_and_its_death_is_told_from_that_of_a_new_one() {
    for last in [vec![Read], vec![Read, Reset]] {
        let kept = [vec![Read, Write(OK)], last.clone()].concat();
        let server = Server::start([kept, last, vec![Read, Write(OK)]]).await;
        let fetch = plain();
        fetch.fetch(request(server.url("/first"))).await.unwrap();

        let error = fetch.fetch(request(server.url("/on-the-kept-one"))).await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::StaleConnection);
        let error = fetch.fetch(request(server.url("/on-a-new-one"))).await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::Interrupted);
        fetch.fetch(request(server.url("/again"))).await.unwrap();
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn after_one_dead_connection_no_other_kept_one_is_tried() {
    let both = Arc::new(Barrier::new(2));
    let dying = vec![Read, Meet(both), Write(OK), Read];
    let server = Server::start([dying.clone(), dying, vec![Read, Write(OK)]]).await;
    let fetch = plain();
    let (a, b) = tokio::join!(fetch.fetch(request(server.url("/a"))), fetch.fetch(request(server.url("/b"))));
    assert!(a.is_ok() && b.is_ok());

    let error = fetch.fetch(request(server.url("/c"))).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::StaleConnection);
    fetch.clone().fetch(request(server.url("/d"))).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn dropping_the_future_ends_the_exchange() {
    let (begun, ended) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let server = Server::start([vec![Read, Meet(begun.clone()), Closed, Meet(ended.clone())]]).await;
    let fetch = plain();
    {
        let call = fetch.fetch(request(server.url("/")));
        tokio::select! {
            _ = call => unreachable!("it is never answered"),
            _ = begun.wait() => {}
        }
    }
    ended.wait().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_unsupported_and_nothing_is_sent() {
    let server = Server::start([]).await;
    let at = server.address;
    let bad_header = {
        let mut request = request(server.url("/"));
        request.headers.push(("x-acs-token".into(), "needle\r\nx: y".into()));
        request
    };
    for (request, code) in [
        (request(format!("http://user:needle@{at}/")), "URL"),
        (request(format!("ftp://{at}/needle")), "URL"),
        (request(format!("https://{at}/needle")), "NO_TLS"),
        (bad_header, "HEADER"),
    ] {
        let error = plain().fetch(request).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (FetchErrorKind::Unsupported, Some(code)));
        assert!(!format!("{error:?}").contains("needle"));
    }
    assert!(server.requests().is_empty());
}

#[test]
fn outside_of_a_tokio_runtime_a_request_fails_and_does_not_panic() {
    let fetch = plain();
    let mut call = std::pin::pin!(fetch.fetch(request("http://127.0.0.1:1/")));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = call.as_mut().poll(&mut cx) else { panic!("not ready") };
    assert_eq!((error.kind(), error.code()), (FetchErrorKind::Unsupported, Some("NO_TOKIO_RUNTIME")));
}

#[test]
fn wrong_options_are_config_errors_that_name_the_field() {
    let zero = ReqwestFetch::builder().http_only().connect_timeout(Duration::ZERO);
    let idle = ReqwestFetch::builder().http_only().idle_timeout(Duration::ZERO);
    // Added to a point in time it would panic, in a task that nobody awaits.
    let ever = ReqwestFetch::builder().http_only().idle_timeout(Duration::MAX);
    let socks = ReqwestFetch::builder().http_only().proxy("socks5://needle:1080");
    let garbage = ReqwestFetch::builder().http_only().proxy("http://needle:port/");
    for (builder, field) in [
        (zero, "connect_timeout"),
        (idle, "idle_timeout"),
        (ever, "idle_timeout"),
        (socks, "proxy"),
        (garbage, "proxy"),
    ] {
        assert!(!format!("{builder:?}").contains("needle"));
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.explanation().starts_with(field), "{error}");
        assert!(!format!("{error} {error:?}").contains("needle"));
    }
}

#[cfg(not(any(feature = "ring", feature = "aws-lc")))]
#[test]
fn a_build_without_tls_says_which_features_to_enable() {
    let error = ReqwestFetch::new().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.explanation().contains("`ring` or `aws-lc`"), "{error}");
}
