//! Many secrets at once: one call for those that nobody has or fetches yet, single reads for the rest.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::cache::{Key, Outcome, just_fetched};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::gateway::{batch, shared};
use crate::lease::{Lease, Renew};
use crate::observe::EventKind;
use crate::openapi::{ApiCall, Limit};
use crate::secret::{Record, Secret, SecretName, VersionSelector};
use crate::sync::{BoxFuture, join_bounded};
use crate::time::Instant64;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How many requests of one `get_secrets` are under way at once.
const AT_ONCE: usize = 6;

/// A secret that is led here: its place among the results, and its flight.
struct Led {
    place: usize,
    key: Key,
    lease: Lease<Outcome>,
}

/// Where a result belongs, and the result; nothing where the secret is to be read by itself.
type Placed = (usize, Option<Result<Secret>>);

impl Client {
    /// Reads several secrets: one result per name, in the order of the names.
    ///
    /// Those that are not at hand are fetched by `BatchGetSecretValue`, up to twenty in a call, and by single calls
    /// where the service or the permissions do not know that action; at most six calls are under way at a time.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> simsim::Result<()> {
    /// # let runtime = simsim::runtime::TokioRuntime::new();
    /// # let kms = simsim_emulator::Emulator::new(runtime);
    /// # kms.add_access_key("LTAI-example", "not-a-real-secret");
    /// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
    /// # let client = simsim::Client::builder()
    /// #     .region("cn-hangzhou").fetch(kms.clone()).runtime(runtime)
    /// #     .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?).build()?;
    /// let results = client.get_secrets(["db/login", "not/there"]).await;
    /// assert!(matches!(results.as_slice(), [("db/login", Ok(_)), ("not/there", Err(_))]));
    /// # assert_eq!((kms.calls("BatchGetSecretValue"), kms.calls("GetSecretValue")), (1, 0));
    /// # Ok(()) }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
    /// ```
    pub async fn get_secrets<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Vec<(&'a str, Result<Secret>)> {
        let names: Vec<&str> = names.into_iter().collect();
        let results = self.read_many(&names, None).await;
        names.into_iter().zip(results).collect()
    }

    pub(crate) async fn read_many(&self, names: &[&str], timeout: Option<Duration>) -> Vec<Result<Secret>> {
        let first = |name: &&str| names.iter().position(|n| n == name).unwrap_or_default();
        let of: Vec<usize> = names.iter().map(first).collect();
        let mut led = Vec::new();
        let mut alone = Vec::new();
        for (place, name) in names.iter().enumerate().filter(|(place, _)| of.get(*place) == Some(place)) {
            match self.lead_cold(name) {
                Some((key, lease)) => led.push(Led { place, key, lease }),
                None => alone.push(place),
            }
        }
        if led.len() == 1 {
            alone.extend(led.drain(..).map(|one| one.place));
        }
        let single = |place: usize| {
            let name = names.get(place).copied().unwrap_or_default();
            let read = async move { vec![(place, Some(self.read_one(name, timeout).await))] };
            Box::pin(read) as BoxFuture<'_, Vec<Placed>>
        };
        let mut calls: Vec<BoxFuture<'_, Vec<Placed>>> = Vec::new();
        while !led.is_empty() {
            let rest = led.split_off(led.len().min(batch::MOST));
            calls.push(Box::pin(self.fetch_batch(std::mem::replace(&mut led, rest), timeout)));
        }
        calls.extend(alone.into_iter().map(single));
        let mut found: Vec<Option<Result<Secret>>> = names.iter().map(|_| None).collect();
        loop {
            let mut again = Vec::new();
            for (place, result) in join_bounded(calls.into_iter(), AT_ONCE).await.into_iter().flatten() {
                match (result, found.get_mut(place)) {
                    (Some(result), Some(found)) => *found = Some(result),
                    _ => again.push(place),
                }
            }
            if again.is_empty() {
                break;
            }
            calls = again.into_iter().map(single).collect();
        }
        let nothing = || Err(Error::new(ErrorKind::Internal, "a read among many has no result"));
        of.into_iter().map(|place| found.get(place).cloned().flatten().unwrap_or_else(nothing)).collect()
    }

    async fn read_one(&self, name: &str, timeout: Option<Duration>) -> Result<Secret> {
        match timeout {
            None => self.get_secret(name).await,
            Some(timeout) => self.get(name).timeout(timeout).send().await,
        }
    }

    /// The lead of a secret by plain name that is neither at hand nor being fetched: batches are made of those. An ARN
    /// may belong elsewhere.
    fn lead_cold(&self, name: &str) -> Option<(Key, Lease<Outcome>)> {
        let inner = &self.inner;
        let name = SecretName::parse(name).ok().filter(|name| name.region().is_none())?;
        if inner.batch_refused.load(Ordering::Relaxed) || inner.target.endpoint_for(&name).is_err() {
            return None;
        }
        let key = Key { name, selector: VersionSelector::Current };
        let lease = inner.cache.lead_cold(&key, inner.clock().now(), inner.api.first_lease())?;
        Some((key, lease))
    }

    /// One BatchGetSecretValue, for up to twenty secrets that are led here.
    async fn fetch_batch(&self, led: Vec<Led>, timeout: Option<Duration>) -> Vec<Placed> {
        let inner = &self.inner;
        let started = inner.clock().now().mono;
        let usual = inner.target.timeout;
        let deadline = started.after(timeout.unwrap_or(usual));
        let own_limit = timeout.is_some_and(|t| t < usual);
        let outcomes = match self.call_batch(&led, deadline).await {
            Ok(records) => records,
            Err(error) if is_about_the_action(&error) => {
                if error.kind() != ErrorKind::Protocol || error.service_code().is_some() {
                    inner.batch_refused.store(true, Ordering::Relaxed);
                }
                return led.into_iter().map(|one| (one.place, None)).collect();
            }
            Err(error) => led.iter().map(|_| Err(error.clone())).collect(),
        };
        let end = |(one, outcome): (Led, Outcome)| {
            // What may be otherwise in a moment, or was not understood, is asked for by itself, with its retries.
            let unsettled = |e: &Error| {
                e.status().is_some()
                    && (e.is_retryable() || is_about_the_action(e) && e.service_code().is_none())
            };
            if outcome.as_ref().is_err_and(unsettled) {
                return (one.place, None);
            }
            let outcome = self.conclude(&one.key, one.lease, outcome, own_limit);
            let took = inner.clock().now().mono.since(started);
            let error = outcome.as_ref().err().map(Error::kind);
            inner.api.watch.emit(EventKind::Miss, one.key.name.as_str(), took, error);
            (one.place, Some(outcome.map(|record| just_fetched(&record))))
        };
        led.into_iter().zip(outcomes).map(end).collect()
    }

    async fn call_batch(&self, led: &Vec<Led>, deadline: Instant64) -> Result<Vec<Outcome>> {
        let inner = &self.inner;
        let Some(one) = led.first() else { return Ok(Vec::new()) };
        let names: Vec<&SecretName> = led.iter().map(|one| &one.key.name).collect();
        let endpoint = inner.target.endpoint_for(&one.key.name)?;
        let query = batch::query(&names, inner.target.extended_config);
        let call = ApiCall { endpoint, action: batch::ACTION, version: shared::VERSION, query };
        let limit = Limit { deadline, closed: &inner.closed, name: one.key.name.as_str(), lease: led };
        let answer = inner.api.call(&call, &inner.credentials, &limit).await?;
        self.note_principal(&answer);
        let attempted = |one: Result<Record>| one.map(Arc::new).map_err(|e| e.with_attempts(answer.attempts));
        Ok(batch::decode(&answer.response, &names)?.into_iter().map(attempted).collect())
    }
}

impl Renew for Vec<Led> {
    fn renew(&self, until: Instant64) {
        for one in self {
            one.lease.renew(until);
        }
    }
}

/// Whether a refusal may be of the action and not of the secrets: unknown here, not permitted, or answered otherwise.
fn is_about_the_action(error: &Error) -> bool {
    use ErrorKind::{Config, Disabled, NotFound, PermissionDenied, Protocol, Unsupported};
    matches!(error.kind(), PermissionDenied | NotFound | Protocol | Unsupported | Config | Disabled)
}
