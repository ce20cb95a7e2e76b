//! Many secrets at once: one call for those that nobody has or fetches yet, single reads for the rest.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::cache::{Key, Outcome, just_fetched};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::gateway::batch;
use crate::gateway::shared::parse;
use crate::lease::{Lease, Renew};
use crate::observe::EventKind;
use crate::openapi::Answer;
use crate::secret::{Secret, SecretName, VersionSelector};
use crate::sync::{BoxFuture, join_bounded};
use crate::time::Instant64;
use std::sync::atomic::Ordering;

/// How many requests of one `get_secrets` are under way at once.
const AT_ONCE: usize = 6;

/// A secret that is led here: its place among the results, and its flight.
struct Led {
    place: usize,
    key: Key,
    lease: Lease<Outcome>,
}

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
        let results = self.read_many(&names).await;
        names.into_iter().zip(results).collect()
    }

    async fn read_many(&self, names: &[&str]) -> Vec<Result<Secret>> {
        let batches = names.chunks(batch::MOST).map(|names| {
            Box::pin(self.read_batch(names.iter().copied(), None)) as BoxFuture<'_, Vec<(usize, Outcome)>>
        });
        let mut results: Vec<Option<Result<Secret>>> = names.iter().map(|_| None).collect();
        let batches = join_bounded(batches, AT_ONCE).await;
        for (results, batch) in results.chunks_mut(batch::MOST).zip(batches) {
            for (place, outcome) in batch {
                if let Some(result) = results.get_mut(place) {
                    *result = Some(outcome.map(|record| just_fetched(&record)));
                }
            }
        }
        let alone = names.iter().zip(&results).filter(|(_, result)| result.is_none());
        let alone = alone.map(|(name, _)| Box::pin(self.get_secret(name)) as BoxFuture<'_, _>);
        let mut alone = join_bounded(alone, AT_ONCE).await.into_iter();
        let nothing = || Err(Error::new(ErrorKind::Internal, "a read among many has no result"));
        results.into_iter().map(|result| result.or_else(|| alone.next()).unwrap_or_else(nothing)).collect()
    }

    /// The lead of a secret by plain name that is neither at hand nor being fetched. An ARN may belong elsewhere.
    fn lead_cold(&self, place: usize, name: &str) -> Option<Led> {
        let inner = &self.inner;
        let name = SecretName::parse(name).ok()?;
        if name.region().is_some() || inner.target.endpoint_for(&name).is_err() {
            return None;
        }
        let key = Key { name, selector: VersionSelector::Current };
        let lease = inner.cache.lead_cold(&key, inner.clock().now(), inner.first_lease())?;
        lease.led_by(inner.clock().task());
        Some(Led { place, key, lease })
    }

    /// Fetches in one call those of up to twenty names that are to be fetched: their places, and what came. A name that
    /// is left out is better read by itself: it is at hand, under way, an ARN, the only one, or what the service said is
    /// not the last word.
    pub(crate) async fn read_batch(
        &self,
        names: impl Iterator<Item = &str>,
        timeout: Option<u64>,
    ) -> Vec<(usize, Outcome)> {
        let inner = &self.inner;
        let mut led = Vec::new();
        if !inner.batch_refused.load(Ordering::Relaxed) {
            for (place, name) in names.enumerate() {
                led.extend(self.lead_cold(place, name));
            }
        }
        let [first, _, ..] = &led[..] else { return Vec::new() };
        let started = inner.clock().now().mono;
        let (deadline, own_limit) = self.limit(started, timeout);
        let query = batch::query(led.iter().map(|one| &one.key.name), inner.target.extended_config);
        let answer = self.ask(&first.key.name, batch::ACTION, query, &led, deadline).await;
        self.share(answer, led, started, own_limit)
    }

    /// Ends the flights of a batch with what came of it.
    fn share(
        &self,
        answer: Result<Answer>,
        led: Vec<Led>,
        started: Instant64,
        own_limit: bool,
    ) -> Vec<(usize, Outcome)> {
        let inner = &self.inner;
        let mut found = Vec::new();
        let answer = match &answer {
            Ok(answer) => parse(&answer.response).map(|json| (json, answer)),
            Err(error) => Err(error.clone()),
        };
        if let Err(error) = &answer
            && is_about_the_action(error)
        {
            // An answer that was not understood says nothing of the next.
            if error.kind() != ErrorKind::Protocol || error.service_code().is_some() {
                inner.batch_refused.store(true, Ordering::Relaxed);
            }
            return found;
        }
        for Led { place, key, lease } in led {
            let outcome = match &answer {
                Ok((json, answer)) => {
                    let outcome = batch::decode(json.root(), &key.name, &answer.response);
                    let outcome = outcome.map_err(|e| e.with_attempts(answer.attempts));
                    if outcome.as_ref().is_err_and(is_not_the_last_word) {
                        continue;
                    }
                    outcome
                }
                Err(error) => Err(error.clone()),
            };
            let outcome = self.conclude(&key, lease, outcome, own_limit);
            self.tell(EventKind::Miss, &key, started, outcome.as_ref().err());
            found.push((place, outcome));
        }
        found
    }
}

impl Renew for Vec<Led> {
    fn renew(&self, until: Instant64) {
        for one in self {
            one.lease.renew(until);
        }
    }
}

/// What may be otherwise in a moment, or was not understood, is asked for by itself, with its retries.
fn is_not_the_last_word(error: &Error) -> bool {
    error.is_retryable() || error.kind() == ErrorKind::Protocol
}

/// Whether a refusal may be of the action and not of the secrets: unknown here, not permitted, or answered otherwise.
fn is_about_the_action(error: &Error) -> bool {
    use ErrorKind::{Config, Disabled, NotFound, PermissionDenied, Protocol, Unsupported};
    matches!(error.kind(), PermissionDenied | NotFound | Protocol | Unsupported | Config | Disabled)
}
