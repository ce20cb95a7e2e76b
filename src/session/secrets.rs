//! Secrets as the subject of a session: a client's options, and its operations as bytes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::Subject;
use crate::builder::{BUDGET, Blueprint, CacheOptions, RetryOptions, TIMEOUT, Target};
use crate::cache::{Intent, just_fetched};
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::error::Result;
use crate::mailbox::Mailbox;
use crate::mailbox::wire::{Malformed, Read, Reader, Writer, saturate};
use crate::observe::Watch;
use crate::read::{self, Wish};
use crate::region::{Endpoint, Network};
use crate::secret::{Secret, VersionSelector};
use crate::sync::BoxFuture;
use crate::time::{Now, Timestamp};
use std::fmt;
use std::sync::Arc;

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

/// A number that follows from others where it is not given; nobody means it.
const DERIVED: u64 = u64::MAX;

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
        let (cache, retry) = (CacheOptions::default(), RetryOptions::default());
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let mut numbers = [
            cache.ttl,
            DERIVED,
            cache.stale_if_error,
            cache.rotation_overlap,
            count(cache.max_entries),
            count(cache.max_bytes),
            retry.max_attempts.into(),
            retry.base,
            retry.cap,
            retry.attempt_timeout,
            TIMEOUT,
        ];
        for number in &mut numbers {
            if let Some(given) = options.f64()? {
                *number = saturate(given);
            }
        }
        let [ttl, revalidate, if_error, overlap, entries, bytes, attempts, base, cap, attempt, timeout] =
            numbers;
        let cache = CacheOptions {
            ttl,
            stale_while_revalidate: (revalidate != DERIVED).then_some(revalidate),
            stale_if_error: if_error,
            rotation_overlap: overlap,
            max_entries: usize::try_from(entries).unwrap_or(usize::MAX),
            max_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            off: set(flag::NO_CACHE),
        };
        let max_attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        let retry = RetryOptions { max_attempts, base, cap, attempt_timeout: attempt, ..retry };
        let target = Target {
            region: region.map(str::to_owned),
            region_is_explicit: set(flag::EXPLICIT_REGION),
            network: if set(flag::VPC) { Network::Vpc } else { Network::Public },
            endpoint: authority.map(|authority| Endpoint::trusted(!set(flag::PLAIN_HTTP), authority)),
            timeout,
            extended_config: true,
            // The driver counts what is sent.
            max_requests: u32::MAX,
        };
        let seams = Arc::new(mailbox.seams());
        let observer = set(flag::OBSERVED).then(|| seams.clone() as Arc<_>);
        let blueprint = Blueprint {
            target,
            fetch: seams.clone(),
            runtime: seams.clone(),
            background: Some(seams),
            credentials,
            cache: cache.policy(),
            budget: BUDGET,
            retry: retry.policy(),
            watch: Watch { observer, names: set(flag::NAMES) },
        };
        Ok(Self(blueprint.build()))
    }

    fn operation(&self, mut operation: Reader<'_>, _now: Now) -> BoxFuture<'static, Vec<u8>> {
        let (client, operation) = (self.0.clone(), operation.rest().to_vec());
        Box::pin(async move {
            let mut out = Writer::new();
            if let Err(malformed) = perform(&client, Reader::new(&operation), &mut out).await {
                out.failure(&malformed.into());
            }
            out.into_bytes()
        })
    }

    fn removals(&self) -> u32 {
        self.0.inner.cache.removals()
    }
}

/// Notes what the driver's memo answered since it was last here, and does the operation: its time, if it has one of its
/// own, what it does, and its fields.
async fn perform(client: &Client, mut operation: Reader<'_>, out: &mut Writer) -> Read<()> {
    let inner = &client.inner;
    for _ in 0..operation.u32()? {
        let (name, hits) = (operation.text()?, operation.u32()?);
        inner.cache.touch(name, hits, inner.clock().now());
    }
    let timeout = operation.millis()?;
    let tag = operation.u8()?;
    match tag {
        operation::GET | operation::REFRESH => {
            let name = operation.text()?;
            let (stage, id) = (operation.some_text()?, operation.some_text()?);
            let (max_age, refused) = (operation.millis()?, operation.some_text()?);
            let mut current = None;
            let outcome = match read::key(name, stage, id) {
                Ok(key) => {
                    current = matches!(key.selector, VersionSelector::Current).then_some(name);
                    let intent = match tag {
                        operation::GET => Intent::Read { max_age },
                        _ => client.newer(&key, refused),
                    };
                    client.read(Wish { key, intent, timeout }).await
                }
                Err(error) => Err(error),
            };
            answer(client, current, outcome, out);
        }
        operation::BATCH => {
            let mut names = Vec::new();
            for _ in 0..operation.u32()? {
                names.push(operation.text()?);
            }
            for (place, outcome) in client.read_batch(names.iter().copied(), timeout).await {
                out.u32(u32::try_from(place).unwrap_or_default());
                let outcome = outcome.map(|record| just_fetched(&record));
                answer(client, names.get(place).copied(), outcome, out);
            }
        }
        operation::CHECK => match client.check().await {
            Ok(()) => out.u8(0),
            Err(error) => out.failure(&error),
        },
        operation::STATUS => {
            out.u8(0);
            status(client, out);
        }
        operation::INVALIDATE => {
            inner.cache.invalidate(operation.some_text()?);
            out.u8(0);
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

/// An outcome, and behind a secret for how long the driver may answer plain reads of this name with it; 0: not at all.
fn answer(client: &Client, name: Option<&str>, outcome: Result<Secret>, out: &mut Writer) {
    match outcome {
        Ok(secret) => {
            out.secret(&secret);
            let name = name.filter(|_| !secret.stale());
            out.f64(name.map_or(0, |name| client.fresh_for(name, &secret)));
        }
        Err(error) => out.failure(&error),
    }
}

/// A client's state: region, source, clock offset, counts, the age of the oldest stale value (NaN: none), last error.
fn status(client: &Client, out: &mut Writer) {
    let inner = &client.inner;
    let counts = inner.cache.counts(inner.clock().now());
    out.text(inner.target.region.as_deref().unwrap_or_default());
    out.text(inner.credentials.name());
    out.time(Some(Timestamp::from_millis(inner.clock().ahead())));
    for count in [counts.hits, counts.stale, counts.misses, counts.coalesced, counts.entries, counts.bytes] {
        out.f64(count);
    }
    let oldest = counts.oldest_stale.and_then(|age| i64::try_from(age).ok());
    out.time(oldest.map(Timestamp::from_millis));
    inner.last_error.with(|last| {
        out.u8(u8::from(last.is_some()));
        if let Some((error, _)) = last {
            out.error(error);
        }
    });
}
