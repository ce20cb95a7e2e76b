//! Secrets as the subject of a session: a client's options, and its operations as bytes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::Subject;
use crate::builder::{Blueprint, CacheOptions, RetryOptions, TIMEOUT, Target};
use crate::cache::just_fetched;
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::error::Result;
use crate::mailbox::Mailbox;
use crate::mailbox::wire::{Malformed, Read, Reader, Writer, saturate};
use crate::observe::Watch;
use crate::read::Wish;
use crate::region::{Endpoint, Network};
use crate::secret::{Secret, SecretName, VersionSelector};
use crate::status::ClientStatus;
use crate::sync::BoxFuture;
use crate::time::{Now, Timestamp, millis};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What an operation does: the first byte of its description.
mod operation {
    pub(super) const GET: u8 = 1;
    pub(super) const REFRESH: u8 = 2;
    pub(super) const INVALIDATE: u8 = 3;
    pub(super) const BATCH: u8 = 4;
    pub(super) const STATUS: u8 = 5;
    pub(super) const CHECK: u8 = 6;
}

/// What a description of options says with yes or no: the bits of one byte.
mod flag {
    pub(super) const EXPLICIT_REGION: u8 = 1;
    pub(super) const VPC: u8 = 2;
    pub(super) const PLAIN_HTTP: u8 = 4;
    pub(super) const FIXED: u8 = 8;
    pub(super) const OBSERVED: u8 = 16;
    pub(super) const NAMES: u8 = 32;
    pub(super) const NO_CACHE: u8 = 64;
}

/// A client.
pub struct Secrets(Client);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Subject for Secrets {
    /// A client from the driver's description of its options: region, authority of the endpoint (each may be
    /// empty), flags, credentials if they are fixed, and numbers, NaN for those that keep their default. The driver
    /// has checked them by tests/vectors/options.json.
    fn open(mailbox: &Mailbox, mut options: Reader<'_>) -> Read<Self> {
        let (region, authority) = (options.some_text()?, options.some_text()?);
        let flags = options.u8()?;
        let set = |flag: u8| flags & flag != 0;
        let credentials = match set(flag::FIXED) {
            true => CachedCredentials::new(options.credentials()?),
            false => CachedCredentials::new(mailbox.seams()),
        };
        let mut numbers = [None; 11];
        for number in &mut numbers {
            *number = options.f64()?.map(saturate);
        }
        let [ttl, revalidate, if_error, overlap, entries, bytes, attempts, base, cap, attempt, timeout] =
            numbers;
        let count = |given: Option<u64>, default| {
            given.map_or(default, |count| usize::try_from(count).unwrap_or(usize::MAX))
        };
        let default = CacheOptions::default();
        let cache = CacheOptions {
            ttl: ttl.unwrap_or(default.ttl),
            stale_while_revalidate: revalidate,
            stale_if_error: if_error.unwrap_or(default.stale_if_error),
            rotation_overlap: overlap.unwrap_or(default.rotation_overlap),
            max_entries: count(entries, default.max_entries),
            max_bytes: count(bytes, default.max_bytes),
            off: set(flag::NO_CACHE),
        };
        let default = RetryOptions::default();
        let retry = RetryOptions {
            max_attempts: attempts
                .map_or(default.max_attempts, |count| u32::try_from(count).unwrap_or(u32::MAX)),
            base: base.unwrap_or(default.base),
            cap: cap.unwrap_or(default.cap),
            attempt_timeout: attempt.unwrap_or(default.attempt_timeout),
        };
        let target = Target {
            region: region.map(str::to_owned),
            region_is_explicit: set(flag::EXPLICIT_REGION),
            network: if set(flag::VPC) { Network::Vpc } else { Network::Public },
            endpoint: authority.map(|authority| Endpoint::trusted(!set(flag::PLAIN_HTTP), authority)),
            timeout: timeout.map_or(TIMEOUT, Duration::from_millis),
            extended_config: true,
            // The driver counts what is sent.
            max_requests: u32::MAX,
        };
        let observer = set(flag::OBSERVED).then(|| Arc::new(mailbox.seams()) as Arc<_>);
        let blueprint = Blueprint {
            target,
            fetch: Arc::new(mailbox.seams()),
            runtime: Arc::new(mailbox.seams()),
            background: Some(Arc::new(mailbox.seams())),
            credentials,
            cache: cache.policy(),
            retry: retry.policy(),
            watch: Watch { observer, names: set(flag::NAMES) },
        };
        Ok(Self(blueprint.build()))
    }

    fn operation(&self, operation: Reader<'_>, now: Now) -> BoxFuture<'static, Vec<u8>> {
        let mut out = Writer::new();
        let task = self.task(operation, now, &mut out).unwrap_or_else(|malformed| {
            out.failure(&malformed.into());
            Task::Done
        });
        Box::pin(perform(self.0.clone(), task, out))
    }

    fn removals(&self) -> u32 {
        self.0.inner.cache.removals()
    }
}

impl Secrets {
    /// Notes what the driver's memo answered since it was last here, and reads the operation: its time, if it has one
    /// of its own, what it does, and its fields. One that waits for nothing is done at once.
    fn task(&self, mut operation: Reader<'_>, now: Now, out: &mut Writer) -> Read<Task> {
        let client = &self.0;
        for _ in 0..operation.u32()? {
            let (name, hits) = (operation.text()?, operation.u32()?);
            client.inner.cache.touch(name, hits, now);
        }
        let timeout = operation.duration()?;
        let wish = match operation.u8()? {
            operation::GET => {
                let mut read = client.get(operation.text()?);
                read.version_stage = operation.some_text()?;
                read.version_id = operation.some_text()?;
                read.max_age = operation.duration()?;
                read.timeout = timeout;
                read.wish()
            }
            operation::REFRESH => {
                let name = operation.text()?;
                client.wish_newer(name, timeout, operation.some_text()?)
            }
            operation::BATCH => {
                let mut names = Vec::new();
                for _ in 0..operation.u32()? {
                    names.push(operation.text()?.to_owned());
                }
                return Ok(Task::Many(names, timeout));
            }
            operation::CHECK => return Ok(Task::Check),
            operation::STATUS => {
                out.u8(0);
                status(&client.status(), out);
                return Ok(Task::Done);
            }
            operation::INVALIDATE => {
                client.inner.cache.invalidate(operation.some_text()?);
                out.u8(0);
                return Ok(Task::Done);
            }
            _ => return Err(Malformed),
        };
        Ok(wish.map_or_else(
            |error| {
                out.failure(&error);
                Task::Done
            },
            Task::Read,
        ))
    }
}

/// An operation that was understood.
enum Task {
    Read(Wish),
    Many(Vec<String>, Option<Duration>),
    Check,
    /// Its result is written already.
    Done,
}

async fn perform(client: Client, task: Task, mut out: Writer) -> Vec<u8> {
    match task {
        Task::Read(wish) => {
            let name = matches!(wish.key.selector, VersionSelector::Current).then(|| wish.key.name.clone());
            let outcome = client.read(wish).await;
            answer(&client, name.as_ref().map(SecretName::as_str), outcome, &mut out);
        }
        Task::Many(names, timeout) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = client.read_batch(&names, timeout).await;
            for (name, found) in names.iter().zip(found) {
                match found {
                    Some(outcome) => {
                        let outcome = outcome.map(|record| just_fetched(&record));
                        answer(&client, Some(name), outcome, &mut out);
                    }
                    // The driver reads this one by itself.
                    None => out.u8(2),
                }
            }
        }
        Task::Check => match client.check().await {
            Ok(()) => out.u8(0),
            Err(error) => out.failure(&error),
        },
        Task::Done => {}
    }
    out.into_bytes()
}

/// An outcome, and behind a secret for how long the driver may answer plain reads of this name with it; 0: not at all.
fn answer(client: &Client, name: Option<&str>, outcome: Result<Secret>, out: &mut Writer) {
    match outcome {
        Ok(secret) => {
            out.secret(&secret);
            let name = name.filter(|_| !secret.stale());
            let fresh_for = name.and_then(|name| client.fresh_for(name, &secret));
            out.f64(millis(fresh_for.unwrap_or_default()));
        }
        Err(error) => out.failure(&error),
    }
}

/// A client's state: region, source, clock offset, counts, the age of the oldest stale value (NaN: none), last error.
fn status(status: &ClientStatus, out: &mut Writer) {
    out.text(status.region.as_deref().unwrap_or_default());
    out.text(status.credential_source);
    out.time(Some(Timestamp::from_millis(status.clock_offset_ms)));
    for count in [status.hits, status.stale, status.misses, status.coalesced, status.entries, status.bytes] {
        out.f64(count);
    }
    let oldest = status.oldest_stale.and_then(|age| i64::try_from(millis(age)).ok());
    out.time(oldest.map(Timestamp::from_millis));
    out.u8(u8::from(status.last_error.is_some()));
    if let Some(error) = &status.last_error {
        out.error(error);
    }
}
