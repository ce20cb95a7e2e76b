//! Replays tests/vectors/options.json: what the builder takes and refuses is what the npm package's driver does.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{CacheOptions, ClientBuilder, RetryOptions};
use crate::client::Client;
use crate::credentials::Credentials;
use crate::error::{ErrorKind, Result};
use crate::http::{Fetch, FetchError, FetchErrorKind, Request, Response};
use crate::region::{Endpoint, Origin};
use crate::runtime::Runtime;
use crate::{Instant64, Timestamp};
use serde_json::Value;
use std::time::Duration;

/// Neither sends nor waits: a builder does not.
struct Nothing;

impl Fetch for Nothing {
    async fn fetch(&self, _: Request) -> Result<Response, FetchError> {
        Err(FetchError::new(FetchErrorKind::Unsupported))
    }
}

impl Runtime for Nothing {
    fn wall(&self) -> Timestamp {
        Timestamp::default()
    }

    fn mono(&self) -> Instant64 {
        Instant64::default()
    }

    async fn sleep(&self, _: Duration) {}

    fn fill_random(&self, _: &mut [u8]) -> Result<()> {
        Ok(())
    }
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/options.json")).unwrap()
}

fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let times = value["times"].as_u64().unwrap_or_else(|| panic!("{value} is no text"));
            value["repeat"].as_str().unwrap().repeat(usize::try_from(times).unwrap())
        }
    }
}

/// The client with this one option, and the name that Rust has for it.
fn with_option(option: &str, value: &Value) -> (Result<Client>, &'static str) {
    let builder = builder_with(Credentials::access_key("LTAI-example", "not-a-real-secret").unwrap());
    // Exact: what is a millisecond too long must stay too long.
    let time = || Duration::from_secs_f64(value.as_f64().unwrap()) / 1000;
    let count = || usize::try_from(value.as_u64().unwrap()).unwrap();
    let (cache, retry) = (CacheOptions::default(), RetryOptions::default());
    let given = |credentials: Result<Credentials>| Ok(builder_with(credentials?));
    let (builder, field) = match option {
        "regionId" => (Ok(builder.region(text(value))), "region"),
        "endpoint" => (Ok(builder.endpoint(text(value))), "endpoint"),
        "credentials.accessKeyId" => (given(Credentials::access_key(text(value), "s")), "AccessKeyId"),
        "credentials.accessKeySecret" => {
            (given(Credentials::access_key("id", text(value))), "AccessKeySecret")
        }
        "credentials.securityToken" => (given(Credentials::session("id", "s", text(value))), "SecurityToken"),
        "timeoutMs" => (Ok(builder.timeout(time())), "timeout"),
        "maxRequestsPerCall" => {
            let requests = u32::try_from(count()).unwrap();
            (Ok(builder.max_requests_per_call(requests)), "max_requests_per_call")
        }
        "cache.ttlMs" => (Ok(builder.cache(cache.ttl(time()))), "cache.ttl"),
        "cache.staleWhileRevalidateMs" => {
            (Ok(builder.cache(cache.stale_while_revalidate(time()))), "cache.stale_while_revalidate")
        }
        "cache.staleIfErrorMs" => (Ok(builder.cache(cache.stale_if_error(time()))), "cache.stale_if_error"),
        "cache.rotationOverlapMs" => {
            (Ok(builder.cache(cache.rotation_overlap(time()))), "cache.rotation_overlap")
        }
        "cache.maxEntries" => (Ok(builder.cache(cache.max_entries(count()))), "cache.max_entries"),
        "cache.maxBytes" => (Ok(builder.cache(cache.max_bytes(count()))), "cache.max_bytes"),
        "retry.maxAttempts" => {
            let attempts = u32::try_from(count()).unwrap();
            (Ok(builder.retry(retry.max_attempts(attempts))), "retry.max_attempts")
        }
        "retry.baseMs" => (Ok(builder.retry(retry.base(time()))), "retry.base"),
        "retry.capMs" => (Ok(builder.retry(retry.cap(time()))), "retry.cap"),
        "retry.attemptTimeoutMs" => {
            (Ok(builder.retry(retry.attempt_timeout(time()))), "retry.attempt_timeout")
        }
        _ => panic!("no such option in Rust: {option}"),
    };
    (builder.and_then(ClientBuilder::build), field)
}

fn builder_with(credentials: Credentials) -> ClientBuilder {
    ClientBuilder::default().region("cn-hangzhou").credentials(credentials).fetch(Nothing).runtime(Nothing)
}

/// The client of an environment in which this one variable is set, beside a key.
fn with_variable(variable: &str, value: &Value) -> Result<Client> {
    let value = text(value);
    let environment = |name: &str| match name {
        _ if name == variable => Some(value.clone()),
        "ALIBABA_CLOUD_ACCESS_KEY_ID" | "ALIBABA_CLOUD_ACCESS_KEY_SECRET" => {
            Some("not-a-real-key".to_owned())
        }
        _ => None,
    };
    ClientBuilder::default().environment(environment).fetch(Nothing).runtime(Nothing).build()
}

/// Each value of a table of `good` and `bad` ones, with its name.
fn each(table: &Value, mut judge: impl FnMut(&str, &Value, bool)) {
    for (name, values) in table.as_object().unwrap() {
        for (good, list) in [(true, &values["good"]), (false, &values["bad"])] {
            let list = list.as_array().filter(|list| !list.is_empty()).unwrap();
            list.iter().for_each(|value| judge(name, value, good));
        }
    }
}

#[test]
fn options_are_taken_and_refused_by_name_as_in_javascript() {
    each(&vectors()["options"], |name, value, good| match with_option(name, value) {
        (Ok(_), _) => assert!(good, "{name}: {value} was taken"),
        (Err(error), field) => {
            assert!(!good, "{name}: {value}: {error}");
            assert_eq!(error.kind(), ErrorKind::Config, "{name}: {value}");
            assert!(error.to_string().contains(field), "{name}: {value}: {error}");
        }
    });
}

#[test]
fn variables_are_taken_and_refused_as_in_javascript() {
    each(&vectors()["variables"], |name, value, good| match with_variable(name, value) {
        Ok(_) => assert!(good, "{name}: {value} was taken"),
        Err(error) => {
            assert!(!good, "{name}: {value}: {error}");
            assert_eq!(error.kind(), ErrorKind::Config, "{name}: {value}");
        }
    });
}

#[test]
fn an_endpoint_is_signed_for_as_the_host_that_is_sent() {
    for row in vectors()["hosts"].as_array().unwrap() {
        let endpoint = Endpoint::parse("endpoint", &text(&row[0]), Origin::Code { allow_http: false });
        assert_eq!(endpoint.unwrap().authority(), text(&row[1]), "{row}");
    }
}
