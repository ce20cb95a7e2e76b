//! HTTPS: a certificate that nobody vouches for is refused, one whose CA was given is accepted.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{OK, Step, play, request};
use simsim::http::{Fetch, FetchErrorKind, ReqwestFetch};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

/// A server certificate for `name`, signed by a CA of its own; and that CA as PEM.
fn certificate(name: &str) -> (rustls::ServerConfig, String) {
    let mut ca = rcgen::CertificateParams::default();
    ca.distinguished_name.push(rcgen::DnType::CommonName, format!("the CA of {name}"));
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);

    let key = rcgen::KeyPair::generate().unwrap();
    let leaf =
        rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], rustls::pki_types::PrivateKeyDer::from(key))
        .unwrap();
    (config, ca_certificate.pem())
}

async fn serve(config: rustls::ServerConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            play(stream, vec![Step::Read, Step::Write(OK)], Arc::new(Mutex::new(Vec::new()))).await;
        }
    });
    address
}

#[tokio::test]
async fn a_server_is_trusted_only_with_its_ca_and_only_under_its_name() {
    let (config, ca) = certificate("127.0.0.1");
    let url = format!("https://{}/", serve(config).await);
    let (other_name, other_ca) = certificate("kms.invalid");
    let other_url = format!("https://{}/", serve(other_name).await);

    let knowing = ReqwestFetch::builder().add_root_certificate_pem(ca).build().unwrap();
    let answer = knowing.fetch(request(&url)).await.unwrap();
    assert_eq!((answer.status(), answer.body()), (200, &b"ok"[..]));

    let stranger = ReqwestFetch::builder().add_root_certificate_pem(other_ca).build().unwrap();
    let error = stranger.fetch(request(&url)).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Connect);
    assert_eq!(error.code(), Some("TLS_UNKNOWN_ISSUER"));

    let error = stranger.fetch(request(&other_url)).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Connect);
    assert_eq!(error.code(), Some("TLS_CERTIFICATE_FOR_ANOTHER_NAME"));

    #[cfg(any(feature = "native-roots", feature = "bundled-roots"))]
    if let Ok(default) = ReqwestFetch::new() {
        let error = default.fetch(request(&url)).await.unwrap_err();
        assert_eq!(error.code(), Some("TLS_UNKNOWN_ISSUER"));
    }
}

#[tokio::test]
async fn https_to_something_that_does_not_speak_tls_is_a_failed_connect() {
    let plain = super::Server::start([vec![Step::Write("HTTP/1.1 400 Bad Request\r\n\r\n")]]).await;
    let (_, ca) = certificate("127.0.0.1");
    let fetch = ReqwestFetch::builder().add_root_certificate_pem(ca).build().unwrap();
    let error = fetch.fetch(request(plain.url("/").replace("http:", "https:"))).await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Connect);
    assert_eq!(error.code(), Some("TLS"));
}
