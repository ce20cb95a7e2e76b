//! The server on loopback: answers, faults that are real on the wire, TLS, and who may steer it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the helpers of a test may panic as the test itself does"
)]

mod support;

use serde_json::Value;
use simsim::http::Request;
use simsim_emulator::server::{ServerHandle, serve, serve_tls};
use simsim_emulator::{Emulator, Fault, InstanceRole, SecretSeed};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::{emulator, kms};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

fn on_tokio<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

async fn served() -> (Emulator, SocketAddr, ServerHandle) {
    let (emulator, _) = emulator();
    emulator.put_secret(SecretSeed::text("s", "value"));
    let (addr, handle) = serve(emulator.clone(), ANY_PORT).await.unwrap();
    (emulator, addr, handle)
}

fn request(addr: SocketAddr, nonce: &str) -> Request {
    let mut draft = kms("GetSecretValue", nonce, &[("SecretName", "s")]);
    draft.host = addr.to_string();
    draft.acs3()
}

fn text(host: &str, request: &Request) -> String {
    let path = request.url.split_once("://").unwrap().1.split_once('/').unwrap().1;
    let mut text =
        format!("{} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", request.method.as_str());
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text + "content-length: 0\r\n\r\n"
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

async fn ask(addr: SocketAddr, nonce: &str) -> io::Result<String> {
    let stream = TcpStream::connect(addr).await?;
    speak(stream, &text(&addr.to_string(), &request(addr, nonce))).await
}

async fn control(addr: SocketAddr, line: &str, extra: &str, body: &str) -> (u16, Value) {
    let stream = TcpStream::connect(addr).await.unwrap();
    let text = format!(
        "{line} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{extra}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = speak(stream, &text).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

const JSON: &str = "content-type: application/json\r\n";

#[test]
fn a_signed_request_is_answered_over_http() {
    on_tokio(async {
        let (emulator, addr, handle) = served().await;
        let answer = ask(addr, "1").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("date: Fri, 02 Jan 2026 03:04:05 GMT\r\n"), "{answer}");
        assert!(answer.contains("x-acs-request-id: ") && answer.contains(r#""SecretData":"value""#));
        assert_eq!(emulator.log()[0].host, addr.to_string());
        handle.shutdown().await;
        assert_eq!(TcpStream::connect(addr).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn another_host_than_the_signed_one_is_refused() {
    on_tokio(async {
        let (_, addr, _handle) = served().await;
        let stream = TcpStream::connect(addr).await.unwrap();
        let answer = speak(stream, &text("127.0.0.1", &request(addr, "1"))).await.unwrap();
        assert!(answer.contains("SignatureDoesNotMatch"), "{answer}");
    });
}

#[test]
fn a_reset_is_a_reset_of_the_connection() {
    on_tokio(async {
        let (emulator, addr, _handle) = served().await;
        for fault in [Fault::reset(), Fault::unreachable()] {
            emulator.inject(fault.times(1));
            assert_eq!(ask(addr, "1").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn a_truncated_answer_promises_more_than_it_sends() {
    on_tokio(async {
        let (emulator, addr, _handle) = served().await;
        emulator.inject(Fault::truncated().times(1));
        let answer = ask(addr, "1").await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let promised: usize = promised.parse().unwrap();
        assert!(!body.is_empty() && body.len() == promised / 2, "{} of {promised}", body.len());
    });
}

#[test]
fn an_oversized_body_is_really_sent() {
    on_tokio(async {
        let (emulator, addr, _handle) = served().await;
        emulator.inject(Fault::oversized().times(1));
        assert!(ask(addr, "1").await.unwrap().len() > 2 * 1024 * 1024);
    });
}

#[test]
fn slow_answers_arrive_whole_and_a_redirect_says_where() {
    on_tokio(async {
        let (emulator, addr, _handle) = served().await;
        emulator.inject(Fault::slow_headers(Duration::from_secs(60)).times(1));
        emulator.inject(Fault::slow_body(Duration::from_secs(60)).times(1));
        emulator.inject(Fault::redirect("https://example.invalid/").times(1));
        emulator.inject(Fault::wrong_date(86_400_000).times(1));
        for nonce in ["1", "2"] {
            assert!(ask(addr, nonce).await.unwrap().ends_with('}'));
        }
        let answer = ask(addr, "3").await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 302") && answer.contains("location: https://example.invalid/\r\n")
        );
        assert!(ask(addr, "4").await.unwrap().contains("date: Sat, 03 Jan 2026"));
    });
}

#[test]
fn a_hanging_request_ends_when_its_client_goes() {
    on_tokio(async {
        let (emulator, addr, handle) = served().await;
        emulator.inject(Fault::hang());
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(text(&addr.to_string(), &request(addr, "1")).as_bytes()).await.unwrap();
        while emulator.calls("GetSecretValue") == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(stream.try_read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
        drop(handle);
        // The server's end ends its connections as well.
        assert_ne!(stream.read(&mut [0; 1]).await.ok(), Some(1));
    });
}

#[test]
fn https_is_trusted_by_whoever_trusts_its_authority() {
    on_tokio(async {
        let (emulator, _) = emulator();
        emulator.put_secret(SecretSeed::text("s", "value"));
        let names = ["kms.cn-hangzhou.aliyuncs.com".to_owned()];
        let (addr, _handle, ca) = serve_tls(emulator.clone(), ANY_PORT, &names).await.unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let connect = |roots: RootCertStore, name: &'static str| async move {
            let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let stream = TcpStream::connect(addr).await?;
            TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name).unwrap(), stream).await
        };
        for (at, name) in ["localhost", "127.0.0.1", "kms.cn-hangzhou.aliyuncs.com"].into_iter().enumerate() {
            let stream = connect(roots.clone(), name).await.unwrap();
            let answer = speak(stream, &text(&addr.to_string(), &request(addr, &at.to_string()))).await;
            // The server closes without a TLS farewell after "connection: close"; what came is what counts.
            assert!(answer.is_ok_and(|answer| answer.contains(r#""SecretData":"value""#)), "{name}");
        }
        assert!(connect(roots, "example.invalid").await.is_err());
        assert!(connect(RootCertStore::empty(), "localhost").await.is_err());
        emulator.inject(Fault::reset());
        assert_eq!(emulator.calls("GetSecretValue"), 3);
    });
}

#[test]
fn a_port_serves_the_metadata_by_their_path_whatever_the_host() {
    on_tokio(async {
        let (emulator, addr, _handle) = served().await;
        emulator.attach_instance_role(InstanceRole::new("ecs-reader"));
        let ask = |line: &str, header: &str| {
            let text = format!("{line} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n{header}\r\n\r\n");
            async move { speak(TcpStream::connect(addr).await.unwrap(), &text).await.unwrap() }
        };
        let answer = ask("PUT /latest/api/token", "x-aliyun-ecs-metadata-token-ttl-seconds: 60").await;
        let (head, token) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/plain"), "{head}");
        let header = format!("x-aliyun-ecs-metadata-token: {token}");
        let answer = ask("GET /latest/meta-data/ram/security-credentials/", &header).await;
        assert!(answer.ends_with("\r\n\r\necs-reader"), "{answer}");
        let answer = ask("GET /latest/meta-data/ram/security-credentials/ecs-reader", &header).await;
        assert!(answer.contains(r#""Code":"Success""#), "{answer}");
    });
}

#[test]
fn an_address_that_is_not_loopback_is_refused() {
    on_tokio(async {
        let (emulator, _) = emulator();
        let refused = serve(emulator, "0.0.0.0:0".parse().unwrap()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn control_calls_steer_the_emulator_and_read_its_log() {
    on_tokio(async {
        let (emulator, addr, _handle) = served().await;
        let fault = r#"{"kind":"throttle","times":1,"retryAfterMs":20}"#;
        assert_eq!(control(addr, "POST /_emulator/fault", JSON, fault).await.0, 200);
        assert!(ask(addr, "1").await.unwrap().contains("x-acs-retry-after: 20\r\n"));
        let (status, body) =
            control(addr, "POST /_emulator/rotate", JSON, r#"{"name":"s","value":"two"}"#).await;
        assert!(status == 200 && body["versionId"].is_string());
        assert!(ask(addr, "2").await.unwrap().contains(r#""SecretData":"two""#));
        let (_, log) = control(addr, "GET /_emulator/log", "", "").await;
        assert_eq!((&log["calls"][0]["status"], &log["calls"][1]["status"]), (&429.into(), &200.into()));
        let (_, counts) = control(addr, "GET /_emulator/counts", "", "").await;
        assert_eq!((&counts["calls"]["GetSecretValue"], &counts["readsAnswered"]), (&2.into(), &1.into()));
        assert_eq!(control(addr, "POST /_emulator/nothing", JSON, "{}").await.0, 404);
        assert_eq!(control(addr, "POST /_emulator/fault", JSON, "{}").await.0, 400);
        assert_eq!(emulator.calls("GetSecretValue"), 2);
    });
}

#[test]
fn control_calls_of_a_browser_are_refused() {
    on_tokio(async {
        let (_, addr, _handle) = served().await;
        let deny = r#"{"name":"s"}"#;
        let origin = format!("{JSON}origin: http://localhost\r\n");
        assert_eq!(control(addr, "POST /_emulator/deny", &origin, deny).await.0, 403);
        assert_eq!(control(addr, "POST /_emulator/deny", "content-type: text/plain\r\n", deny).await.0, 403);
        let stream = TcpStream::connect(addr).await.unwrap();
        let rebound = "GET /_emulator/log HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n";
        assert!(speak(stream, rebound).await.unwrap().starts_with("HTTP/1.1 403"));
        assert!(ask(addr, "1").await.unwrap().starts_with("HTTP/1.1 200"));
    });
}
