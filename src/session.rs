//! One client behind a mailbox, as a driver sees it: bytes in, effects out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::builder::{Blueprint, CacheOptions, ENDPOINT_VARIABLE, RetryOptions, TIMEOUT, Target};
use crate::cache::just_fetched;
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::error::Result;
use crate::mailbox::wire::{Reader, Writer, malformed, saturate};
use crate::mailbox::{Effect, EffectId, Mailbox, OpId, Turn};
use crate::observe::Watch;
use crate::read::Wish;
use crate::region::{Endpoint, Network, Origin, check_region};
use crate::secret::{Secret, SecretName, VersionSelector};
use crate::status::ClientStatus;
use crate::time::{Instant64, Now, Timestamp, millis};
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

/// A client and its mailbox.
pub struct Session {
    mailbox: Mailbox,
    client: Client,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl Session {
    /// Opens a client from the driver's description of its options.
    ///
    /// # Errors
    /// `Config` for a bad option.
    pub fn open(options: &[u8]) -> Result<Self> {
        let mut options = Reader::new(options);
        let mailbox = Mailbox::new();
        let (region, endpoint) = (options.some_text()?, options.some_text()?);
        // What the driver found in its environment serves where the code says nothing, and is trusted less.
        let (found_region, found_endpoint) = (options.some_text()?, options.some_text()?);
        let (field, known_region) = match region {
            Some(region) => ("region", Some(region)),
            None => ("ALIBABA_CLOUD_REGION_ID", found_region),
        };
        if let Some(region) = known_region {
            check_region(field, region)?;
        }
        let endpoint = match (endpoint, found_endpoint) {
            (Some(text), _) => Some(("endpoint", text, Origin::Code { allow_http: false })),
            (None, found) => found.map(|text| (ENDPOINT_VARIABLE, text, Origin::Environment)),
        };
        let endpoint =
            endpoint.map(|(field, text, origin)| Endpoint::parse(field, text, origin)).transpose()?;
        let network = if options.u8()? == 1 { Network::Vpc } else { Network::Public };
        let credentials = match options.u8()? {
            0 => CachedCredentials::new(mailbox.credentials()),
            _ => CachedCredentials::new(options.credentials()?),
        };
        let observed = options.u8()?;
        let mut cache = CacheOptions { off: options.u8()? == 0, ..CacheOptions::default() };
        cache.ttl = options.duration()?.unwrap_or(cache.ttl);
        cache.stale_while_revalidate = options.duration()?;
        for value in [&mut cache.stale_if_error, &mut cache.rotation_overlap] {
            *value = options.duration()?.unwrap_or(*value);
        }
        for value in [&mut cache.max_entries, &mut cache.max_bytes] {
            if let Some(count) = options.f64()? {
                *value = usize::try_from(saturate(count)).unwrap_or(usize::MAX);
            }
        }
        let mut retry = RetryOptions::default();
        if let Some(attempts) = options.f64()? {
            retry.max_attempts = u32::try_from(saturate(attempts)).unwrap_or(u32::MAX);
        }
        for value in [&mut retry.base, &mut retry.cap, &mut retry.attempt_timeout] {
            *value = options.duration()?.unwrap_or(*value);
        }
        let target = Target {
            region: known_region.map(str::to_owned),
            region_is_explicit: region.is_some(),
            network,
            endpoint,
            timeout: options.duration()?.unwrap_or(TIMEOUT),
            extended_config: true,
        };
        let observer = (observed > 0).then(|| Arc::new(mailbox.observer()) as Arc<_>);
        let blueprint = Blueprint {
            target,
            fetch: Arc::new(mailbox.fetch()),
            runtime: Arc::new(mailbox.runtime()),
            background: Some(Arc::new(mailbox.background())),
            credentials,
            cache,
            retry,
            watch: Watch { observer, names: observed > 1 },
        };
        Ok(Self { client: blueprint.build()?, mailbox })
    }

    /// Starts an operation: its id, then its first effects.
    pub fn start(
        &mut self,
        operation: &[u8],
        background: bool,
        wall: f64,
        mono: f64,
        entropy: &[u8],
    ) -> Vec<u8> {
        let turn = turn(wall, mono, entropy);
        let mut out = Writer::new();
        let task = self.task(Reader::new(operation), turn.now, &mut out).unwrap_or_else(|error| {
            out.failure(&error);
            Task::Done
        });
        let future = Box::pin(perform(self.client.clone(), task, out));
        let (op, effects) = self.mailbox.start(turn, background, future);
        let mut out = Writer::new();
        out.u32(op);
        self.answer(out, &effects)
    }

    /// Notes what the driver's memo answered since it was last here, and reads the operation. One that waits for
    /// nothing is done at once.
    fn task(&self, mut operation: Reader<'_>, now: Now, out: &mut Writer) -> Result<Task> {
        let client = &self.client;
        for _ in 0..operation.u32()? {
            let (name, hits) = (operation.text()?, operation.u32()?);
            client.inner.cache.touch(name, hits, now);
        }
        match operation.u8()? {
            operation::GET => {
                let mut read = client.get(operation.text()?);
                read.version_stage = operation.some_text()?;
                read.version_id = operation.some_text()?;
                read.max_age = operation.duration()?;
                read.timeout = operation.duration()?;
                return read.wish().map(Task::Read);
            }
            operation::REFRESH => {
                let (name, timeout) = (operation.text()?, operation.duration()?);
                return client.wish_newer(name, timeout, operation.some_text()?).map(Task::Read);
            }
            operation::BATCH => {
                let timeout = operation.duration()?;
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
            }
            operation::INVALIDATE => {
                client.inner.cache.invalidate(operation.some_text()?);
                out.u8(0);
            }
            _ => return Err(malformed()),
        }
        Ok(Task::Done)
    }

    /// What every turn ends with: the count of removals, by which the driver's memo lives or dies, and the effects.
    fn answer(&self, mut out: Writer, effects: &[(EffectId, Effect)]) -> Vec<u8> {
        out.u32(self.client.inner.cache.removals());
        out.effects(effects);
        out.into_bytes()
    }

    /// Runs a spawned operation: its first effects.
    pub fn run(&mut self, op: OpId, wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
        let effects = self.mailbox.run(op, turn(wall, mono, entropy));
        self.answer(Writer::new(), &effects)
    }

    /// Brings the reply to an effect: the operation's next effects. A malformed reply ends the operation.
    pub fn step(
        &mut self,
        op: OpId,
        effect: u32,
        reply: &[u8],
        wall: f64,
        mono: f64,
        entropy: &[u8],
    ) -> Vec<u8> {
        let effects = match Reader::new(reply).reply() {
            Ok(reply) => self.mailbox.step(op, effect, reply, turn(wall, mono, entropy)),
            Err(error) => {
                let mut effects = self.mailbox.cancel(op);
                let mut done = Writer::new();
                done.failure(&error);
                effects.push((0, Effect::Done(done.into_bytes())));
                effects
            }
        };
        self.answer(Writer::new(), &effects)
    }

    /// Drops an operation: the effects that are to be aborted.
    pub fn cancel(&mut self, op: OpId) -> Vec<u8> {
        let effects = self.mailbox.cancel(op);
        self.answer(Writer::new(), &effects)
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

fn turn(wall: f64, mono: f64, entropy: &[u8]) -> Turn<'_> {
    let wall = Timestamp::from_millis(i64::try_from(saturate(wall)).unwrap_or(i64::MAX));
    Turn { now: Now { wall, mono: Instant64::from_millis(saturate(mono)) }, entropy }
}
