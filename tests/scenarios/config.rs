//! Bad input is refused before anything is sent, by an error that names the field; the environment is read when asked.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::support::{KEY_ID, KEY_SECRET, TOKEN, World, minutes, seconds};
use simsim::{CacheOptions, ClientBuilder, Credentials, Error, ErrorKind, Network, RetryOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// The field that comes first in a `Config` error, and that nothing was sent.
#[track_caller]
fn names(error: &Error, field: &str) {
    assert_eq!(error.kind(), ErrorKind::Config, "{field}: {error}");
    assert!(error.explanation().starts_with(field), "{field}: {error}");
    assert_eq!((error.attempts(), error.service_code(), error.is_retryable()), (0, None, false));
    assert!(error.to_string().contains(field));
}

#[tokio::test]
async fn a_bad_option_is_refused_by_name() {
    type Change = fn(ClientBuilder) -> ClientBuilder;
    const ZERO: Duration = Duration::ZERO;
    const EVER: Duration = Duration::MAX;
    let cases: Vec<(&str, Change)> = vec![
        ("region: ", |b| b.region("")),
        ("region: ", |b| b.region("cn_hangzhou")),
        ("region: ", |b| b.region("CN-HANGZHOU")),
        ("region: ", |b| b.region("cn-hangzhou.evil.example/")),
        ("region: ", |b| b.region("cn-hangzhou\n")),
        ("region: ", |b| b.region("x".repeat(65))),
        ("endpoint: ", |b| b.endpoint("https://kms.example/path")),
        ("endpoint: ", |b| b.endpoint("https://kms.example?query=1")),
        ("endpoint: ", |b| b.endpoint("https://kms.example#fragment")),
        ("endpoint: ", |b| b.endpoint("https://user:pass@kms.example")),
        ("endpoint: ", |b| b.endpoint("http://kms.example")),
        ("endpoint: ", |b| b.endpoint("ftp://kms.example")),
        ("endpoint: ", |b| b.endpoint("https://")),
        ("endpoint: ", |b| b.endpoint("")),
        ("endpoint: ", |b| b.endpoint("https://kms.example:70000")),
        ("timeout: ", |b| b.timeout(ZERO)),
        ("timeout: ", |b| b.timeout(EVER)),
        ("cache.ttl: ", |b| b.cache(CacheOptions::default().ttl(ZERO))),
        ("cache.ttl: ", |b| b.cache(CacheOptions::default().ttl(EVER))),
        ("cache.stale_while_revalidate: ", |b| b.cache(CacheOptions::default().stale_while_revalidate(EVER))),
        ("cache.stale_if_error: ", |b| b.cache(CacheOptions::default().stale_if_error(EVER))),
        ("cache.rotation_overlap: ", |b| b.cache(CacheOptions::default().rotation_overlap(EVER))),
        ("cache.max_entries: ", |b| b.cache(CacheOptions::default().max_entries(0))),
        ("cache.max_bytes: ", |b| b.cache(CacheOptions::default().max_bytes(0))),
        ("retry.max_attempts: ", |b| b.retry(RetryOptions::default().max_attempts(0))),
        ("retry.budget: ", |b| b.retry(RetryOptions::default().budget(0))),
        ("retry.base: ", |b| b.retry(RetryOptions::default().base(ZERO))),
        ("retry.cap: ", |b| b.retry(RetryOptions::default().cap(EVER))),
        ("retry.attempt_timeout: ", |b| b.retry(RetryOptions::default().attempt_timeout(ZERO))),
        ("retry.attempt_timeout: ", |b| b.retry(RetryOptions::default().attempt_timeout(EVER))),
    ];
    let w = World::on_tokio();
    for (field, change) in cases {
        names(&change(w.builder()).build().expect_err(field), field);
    }
    names(&w.bare().build().expect_err("no credentials"), "credentials: ");
    match w.bare().default_credentials().build() {
        Ok(client) => assert_eq!(client.status().credential_source, "default_chain"),
        Err(error) => names(&error, "default_credentials: "),
    }
    let keys = w.bare().environment(environment(&KEYS)).default_credentials().build().unwrap();
    assert_eq!(keys.status().credential_source, "static_sts", "keys that were read already come first");
    let half = w.bare().environment(environment(&KEYS[..1])).default_credentials().build();
    names(&half.expect_err("half"), "ALIBABA_CLOUD_ACCESS_KEY_SECRET: ");
    assert!(w.wire.sent().is_empty());
    // What only looks unusual is taken.
    let off =
        CacheOptions::default().stale_if_error(ZERO).stale_while_revalidate(ZERO).rotation_overlap(ZERO);
    assert!(w.builder().cache(off).build().is_ok());
    assert!(w.builder().endpoint("http://kms.example").allow_http().build().is_ok());
    assert!(w.nowhere().credentials(World::session()).build().is_ok(), "ARNs name their region");
}

#[test]
fn a_key_that_can_be_none_is_refused_by_its_part() {
    let long = "x".repeat(70_000);
    for bad in ["", " ", "a b", "line\nbreak", "käse", "tab\t", &long] {
        let id = Credentials::access_key(bad, "secret").expect_err("id");
        names(&id, "credentials: AccessKeyId ");
        let secret = Credentials::access_key("id", bad).expect_err("secret");
        names(&secret, "credentials: AccessKeySecret ");
        let token = Credentials::session("id", "secret", bad).expect_err("token");
        names(&token, "credentials: SecurityToken ");
        for error in [id, secret, token] {
            assert!(bad.trim().is_empty() || !format!("{error:?}").contains(bad), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_bad_name_or_version_is_refused_before_anything_is_sent() {
    let w = World::on_tokio();
    let client = w.client();
    let long = "x".repeat(193);
    let long_arn = format!("acs:kms:cn-hangzhou:1:secret/{long}");
    for name in [
        "",
        "a\nb",
        "a\0",
        "\u{85}",
        &long,
        &long_arn,
        "acs:kms:cn-hangzhou:1:secret/",
        "acs:kms:cn-hangzhou:1:key/x",
        "acs:kms:CN:1:secret/x",
        "acs:kms::1:secret/x",
        "acs:kms:cn-hangzhou:one:secret/x",
        &["acs:kms:cn-hangzhou:", &"1".repeat(1_000_000), ":secret/x"].concat(),
        "acs:kms:cn-hangzhou:secret/x",
        "acs:ram::1:role/x",
        "acs:",
    ] {
        names(&client.get_secret(name).await.expect_err(name), "secret name: ");
        names(&client.refresh(name).await.expect_err(name), "secret name: ");
        names(&client.get(name).max_age(seconds(1)).send().await.expect_err(name), "secret name: ");
        let used = client.with_secret(name, |_| async { Ok::<(), Error>(()) }, |_| true).await;
        names(&used.expect_err(name), "secret name: ");
    }
    let long_id = "v".repeat(65);
    for bad in ["", "a\nb", long_id.as_str()] {
        names(&client.get("x").version_id(bad).send().await.expect_err(bad), "version_id: ");
        names(&client.get("x").version_stage(bad).send().await.expect_err(bad), "version_stage: ");
    }
    let both = client.get("x").version_id("v").version_stage("ACSPrevious");
    names(&both.send().await.expect_err("both"), "version_id and version_stage: ");
    names(&client.get("x").timeout(Duration::ZERO).send().await.expect_err("zero"), "timeout: ");
    names(&client.get("x").timeout(Duration::MAX).send().await.expect_err("for ever"), "timeout: ");
    let elsewhere = "acs:kms:cn-beijing:1:secret/x";
    names(&client.get_secret(elsewhere).await.expect_err("another region"), "region: ");
    names(&client.refresh(elsewhere).await.expect_err("another region"), "region: ");
    let nowhere = w.nowhere().credentials(World::session()).build().unwrap();
    names(&nowhere.get_secret("x").await.expect_err("no region"), "region: ");
    assert!(w.wire.sent().is_empty());
    assert_eq!((client.status().entries, client.status().bytes), (0, 0));
    assert!(client.get_secret(&"x".repeat(192)).await.is_err_and(|e| e.kind() == ErrorKind::NotFound));
}

/// An environment with these variables.
fn environment(set: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    move |name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
}

const KEYS: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN),
];

#[tokio::test]
async fn the_environment_gives_key_and_region_where_code_does_not() {
    let w = World::on_tokio();
    let host = |w: &World| w.kms.log().last().unwrap().host.clone();
    let with = |region: Option<&'static str>, fc: Option<&'static str>| {
        move |name: &str| match name {
            "ALIBABA_CLOUD_REGION_ID" => region.map(str::to_owned),
            "FC_REGION" => fc.map(str::to_owned),
            name => environment(&KEYS)(name),
        }
    };
    let client = w.nowhere().environment(with(Some("cn-shanghai"), Some("cn-beijing"))).build().unwrap();
    client.get_secret("db/password").await.unwrap();
    assert_eq!(
        (host(&w).as_str(), client.status().region.as_deref()),
        ("kms.cn-shanghai.aliyuncs.com", Some("cn-shanghai"))
    );
    let client =
        w.nowhere().environment(with(None, Some("cn-beijing"))).network(Network::Vpc).build().unwrap();
    client.get_secret("db/password").await.unwrap();
    assert_eq!(host(&w), "kms-vpc.cn-beijing.aliyuncs.com");
    // Empty is unset, as shells and container platforms have it.
    let client = w.nowhere().environment(with(Some(""), Some("cn-beijing"))).build().unwrap();
    client.get_secret("db/password").await.unwrap();
    assert_eq!(host(&w), "kms.cn-beijing.aliyuncs.com");
    // An ARN is more exact than the environment.
    client.get_secret("acs:kms:cn-shenzhen:1:secret/db/password").await.unwrap();
    assert_eq!(host(&w), "kms.cn-shenzhen.aliyuncs.com");
    assert!(w.kms.log().iter().all(|call| call.access_key_id == KEY_ID));
    // Code comes before the environment, whichever is said first, and bad variables that are not needed do no harm.
    let code = Credentials::access_key("LTAI.code", "code-secret").unwrap();
    w.kms.add_access_key("LTAI.code", "code-secret");
    let bad = with(Some("NOT A REGION"), None);
    let client = w.bare().credentials(code).environment(bad).build().unwrap();
    client.get_secret("db/password").await.unwrap();
    let last = w.kms.log().last().unwrap().clone();
    assert_eq!(
        (last.access_key_id.as_str(), last.host.as_str()),
        ("LTAI.code", "kms.cn-hangzhou.aliyuncs.com")
    );
}

#[tokio::test]
async fn a_bad_variable_is_refused_by_its_name() {
    let w = World::on_tokio();
    let cases: [(&str, &'static [(&'static str, &'static str)]); 11] = [
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET: ", &[("ALIBABA_CLOUD_ACCESS_KEY_ID", "a")]),
        ("ALIBABA_CLOUD_ACCESS_KEY_ID: ", &[("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "a")]),
        ("credentials: ", &[("ALIBABA_CLOUD_SECURITY_TOKEN", "a")]),
        ("credentials: ", &[]),
        (
            "credentials: ",
            &[("ALIBABA_CLOUD_ACCESS_KEY_ID", "a b"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "b")],
        ),
        ("ALIBABA_CLOUD_REGION_ID: ", &[KEYS[0], KEYS[1], ("ALIBABA_CLOUD_REGION_ID", "cn hangzhou")]),
        ("FC_REGION: ", &[KEYS[0], KEYS[1], ("FC_REGION", "../x")]),
        (
            "ALIBABA_CLOUD_KMS_ENDPOINT: ",
            &[KEYS[0], KEYS[1], ("ALIBABA_CLOUD_KMS_ENDPOINT", "https://evil.example")],
        ),
        (
            "ALIBABA_CLOUD_KMS_ENDPOINT: ",
            &[KEYS[0], KEYS[1], ("ALIBABA_CLOUD_KMS_ENDPOINT", "evilaliyuncs.com")],
        ),
        (
            "ALIBABA_CLOUD_KMS_ENDPOINT: ",
            &[KEYS[0], KEYS[1], ("ALIBABA_CLOUD_KMS_ENDPOINT", "kms.cn-hangzhou.aliyuncs.com.evil.example")],
        ),
        (
            "ALIBABA_CLOUD_KMS_ENDPOINT: ",
            &[KEYS[0], KEYS[1], ("ALIBABA_CLOUD_KMS_ENDPOINT", "http://kms.cn-hangzhou.aliyuncs.com")],
        ),
    ];
    for (field, set) in cases {
        let built = w.nowhere().environment(environment(set)).build();
        names(&built.expect_err(field), field);
        // Not even code that allows plain http elsewhere opens the environment to it.
        let built = w.nowhere().allow_http().environment(environment(set)).build();
        names(&built.expect_err(field), field);
    }
    for good in
        ["kms-vpc.cn-hangzhou.aliyuncs.com", "https://KMS.cn-hangzhou.aliyuncs.com:443/", "http://[::1]:8080"]
    {
        let set = move |name: &str| match name {
            "ALIBABA_CLOUD_KMS_ENDPOINT" => Some(good.to_owned()),
            name => environment(&KEYS)(name),
        };
        w.nowhere().environment(set).build().expect(good).get_secret("db/password").await.expect(good);
    }
    let hosts: Vec<String> = w.kms.log().into_iter().map(|call| call.host).collect();
    assert_eq!(hosts, ["kms-vpc.cn-hangzhou.aliyuncs.com", "kms.cn-hangzhou.aliyuncs.com", "[::1]:8080"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_configured_in_code_never_reads_the_environment() {
    let reads = Arc::new(AtomicUsize::new(0));
    let seen = reads.clone();
    let w = World::on_tokio();
    let builder = w.nowhere().environment(move |name| {
        seen.fetch_add(1, Ordering::Relaxed);
        environment(&KEYS)(name)
    });
    let at_once = reads.load(Ordering::Relaxed);
    assert!(at_once > 0);
    let client = builder.region("cn-hangzhou").build().unwrap();
    client.get_secret("db/password").await.unwrap();
    w.pass(minutes(30)).await;
    client.get_secret("db/password").await.unwrap();
    assert_eq!(reads.load(Ordering::Relaxed), at_once, "read once, when it was asked for");
    // Without that call the process's own variables count for nothing: see the test below, run with some set.
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "config::a_builder_of_a_process_with_variables_ignores_them", "--ignored"])
        .envs(KEYS)
        .env("ALIBABA_CLOUD_REGION_ID", "cn-shanghai")
        .env("ALIBABA_CLOUD_KMS_ENDPOINT", "https://evil.example")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
#[ignore = "run by the test above, in a process with such variables"]
async fn a_builder_of_a_process_with_variables_ignores_them() {
    if std::env::var("ALIBABA_CLOUD_KMS_ENDPOINT").is_err() {
        return;
    }
    let w = World::on_tokio();
    names(&w.bare().build().expect_err("no credentials"), "credentials: ");
    match w.bare().default_credentials().build() {
        Ok(client) => assert_eq!(client.status().credential_source, "default_chain"),
        Err(error) => names(&error, "default_credentials: "),
    }
    let keys = w.bare().environment(environment(&KEYS)).default_credentials().build().unwrap();
    assert_eq!(keys.status().credential_source, "static_sts", "keys that were read already come first");
    let half = w.bare().environment(environment(&KEYS[..1])).default_credentials().build();
    names(&half.expect_err("half"), "ALIBABA_CLOUD_ACCESS_KEY_SECRET: ");
    names(
        &w.nowhere().credentials(World::session()).build().unwrap().get_secret("x").await.expect_err("none"),
        "region: ",
    );
    let client = w.client();
    client.get_secret("db/password").await.unwrap();
    assert_eq!(w.kms.log().last().unwrap().host, "kms.cn-hangzhou.aliyuncs.com");
}
