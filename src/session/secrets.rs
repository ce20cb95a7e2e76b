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
use crate::region::{Endpoint, Network};
use crate::secret::{Secret, VersionSelector};
use crate::status::ClientStatus;
use crate::sync::BoxFuture;
use crate::time::{Now, Timestamp, millis};
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
            timeout: timeout.unwrap_or(TIMEOUT),
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
                out = Writer::new();
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
            let wish = if tag == operation::GET {
                let mut read = client.get(name);
                read.version_stage = operation.some_text()?;
                read.version_id = operation.some_text()?;
                read.max_age = operation.millis()?;
                read.timeout = timeout;
                read.wish()
            } else {
                client.wish_newer(name, timeout, operation.some_text()?)
            };
            let mut current = false;
            let outcome = match wish {
                Ok(wish) => {
                    current = matches!(wish.key.selector, VersionSelector::Current);
                    client.read(wish).await
                }
                Err(error) => Err(error),
            };
            answer(client, current.then_some(name), outcome, out);
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
            status(&client.status(), out);
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
