//! Which requests a proxy sees: none to loopback or link-local addresses, however it was configured.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{NOWHERE, OK, Server, Step, request};
use simsim::http::{Fetch, ReqwestFetch};

fn answering(times: usize) -> Vec<Vec<Step>> {
    vec![vec![Step::Read, Step::Write(OK)]; times]
}

#[tokio::test]
async fn a_given_proxy_sees_distant_requests_but_none_to_loopback() {
    let (proxy, server) = (Server::start(answering(1)).await, Server::start(answering(1)).await);
    let fetch = ReqwestFetch::builder().http_only().proxy(proxy.url("")).build().unwrap();

    fetch.fetch(request(server.url("/near"))).await.unwrap();
    assert_eq!(proxy.requests().len(), 0);

    fetch.fetch(request("http://kms.invalid/far")).await.unwrap();
    assert!(proxy.requests()[0].starts_with("POST http://kms.invalid/far HTTP/1.1\r\n"));
    assert_eq!(server.requests().len(), 1);
}

/// Runs one test of this program again, as a process with these variables and no other proxy settings.
async fn run_again(test: &str, variables: &[(&str, String)]) {
    let program = std::env::current_exe().unwrap();
    let mut command = std::process::Command::new(program);
    command.args(["--exact", test, "--ignored", "--test-threads=1"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_environments_proxy_sees_distant_requests_but_none_to_loopback() {
    let (proxy, server) = (Server::start(answering(4)).await, Server::start(answering(4)).await);
    let variables = [
        ("http_proxy", proxy.url("")),
        ("all_proxy", proxy.url("")),
        ("SIMSIM_TEST_SERVER", server.url("/near")),
    ];
    run_again("support_http::proxy::child_asks_near_and_far", &variables).await;
    assert_eq!(proxy.requests().len(), 1, "the distant one, and only once: .no_proxy() was obeyed");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
#[ignore = "run by the_environments_proxy_sees_distant_requests_but_none_to_loopback"]
async fn child_asks_near_and_far() {
    let Ok(server) = std::env::var("SIMSIM_TEST_SERVER") else { return };
    let fetch = ReqwestFetch::builder().http_only().build().unwrap();
    fetch.fetch(request(server)).await.unwrap();
    fetch.fetch(request("http://kms.invalid/far")).await.unwrap();

    let fetch = ReqwestFetch::builder().http_only().no_proxy().build().unwrap();
    fetch.fetch(request(NOWHERE)).await.unwrap_err();
}

#[cfg(all(any(feature = "ring", feature = "aws-lc"), feature = "native-roots"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn without_a_certificate_store_the_remedy_is_named_or_the_bundled_roots_serve() {
    let nowhere = [("SSL_CERT_FILE", "/nonexistent".into()), ("SSL_CERT_DIR", "/nonexistent".into())];
    run_again("support_http::proxy::child_has_no_certificate_store", &nowhere).await;
}

#[cfg(all(any(feature = "ring", feature = "aws-lc"), feature = "native-roots"))]
#[test]
#[ignore = "run by without_a_certificate_store_the_remedy_is_named_or_the_bundled_roots_serve"]
fn child_has_no_certificate_store() {
    if std::env::var_os("SSL_CERT_FILE").is_none_or(|file| file != "/nonexistent") {
        return;
    }
    let built = ReqwestFetch::new();
    assert_eq!(built.is_ok(), cfg!(feature = "bundled-roots"));
    if let Err(error) = built {
        assert_eq!(error.kind(), simsim::ErrorKind::Config);
        assert!(error.explanation().contains("bundled-roots"), "{error}");
    }
}
