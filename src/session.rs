//! One client behind a mailbox, as a driver sees it: bytes in, effects out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::builder::{CacheOptions, RetryOptions};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::mailbox::wire::{Reader, Writer, saturate};
use crate::mailbox::{Effect, EffectId, Mailbox, OpId, Turn};
use crate::region::Network;
use crate::secret::Secret;
use crate::status::ClientStatus;
use crate::time::{Instant64, Now, Timestamp, millis};
use std::fmt;

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
        let mut builder = Client::builder()
            .fetch(mailbox.fetch())
            .runtime(mailbox.runtime())
            .background(mailbox.background());
        if let Some(region) = options.some_text()? {
            builder = builder.region(region);
        }
        if let Some(endpoint) = options.some_text()? {
            builder = builder.endpoint(endpoint);
        }
        builder = builder.found(options.some_text()?, options.some_text()?);
        if options.u8()? == 1 {
            builder = builder.network(Network::Vpc);
        }
        builder = match options.u8()? {
            0 => builder.credentials(mailbox.credentials()),
            _ => builder.credentials(options.credentials()?),
        };
        let observe = options.u8()?;
        if observe > 0 {
            builder = builder.observer(mailbox.observer());
        }
        if observe > 1 {
            builder = builder.observe_names();
        }
        let (mut cache, cached) = (CacheOptions::default(), options.u8()? == 1);
        for set in [
            CacheOptions::ttl,
            CacheOptions::stale_while_revalidate,
            CacheOptions::stale_if_error,
            CacheOptions::rotation_overlap,
        ] {
            if let Some(time) = options.duration()? {
                cache = set(cache, time);
            }
        }
        for set in [CacheOptions::max_entries, CacheOptions::max_bytes] {
            if let Some(count) = options.f64()? {
                cache = set(cache, usize::try_from(saturate(count)).unwrap_or(usize::MAX));
            }
        }
        let mut retry = RetryOptions::default();
        if let Some(attempts) = options.f64()? {
            retry = retry.max_attempts(u32::try_from(saturate(attempts)).unwrap_or(u32::MAX));
        }
        for set in [RetryOptions::base, RetryOptions::cap, RetryOptions::attempt_timeout] {
            if let Some(time) = options.duration()? {
                retry = set(retry, time);
            }
        }
        if let Some(timeout) = options.duration()? {
            builder = builder.timeout(timeout);
        }
        builder = builder.cache(cache);
        if !cached {
            builder = builder.no_cache();
        }
        let client = builder.retry(retry).build()?;
        Ok(Self { mailbox, client })
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
        let operation = self.note_hits(operation, turn.now).map(<[u8]>::to_vec);
        let client = self.client.clone();
        let future = Box::pin(async move {
            let mut out = Writer::new();
            let performed = match &operation {
                Ok(operation) => perform(&client, operation, &mut out).await,
                Err(error) => Err(error.clone()),
            };
            if let Err(error) = performed {
                out = Writer::new();
                out.u8(1);
                out.error(&error);
            }
            out.into_bytes()
        });
        let (op, effects) = self.mailbox.start(turn, background, future);
        let mut out = Writer::new();
        out.u32(op);
        self.answer(out, &effects)
    }

    /// Reads what the driver's memo answered since it was last here, and gives the rest: the operation itself.
    fn note_hits<'a>(&self, operation: &'a [u8], now: Now) -> Result<&'a [u8]> {
        let mut operation = Reader::new(operation);
        for _ in 0..operation.u32()? {
            let (name, hits) = (operation.text()?, operation.u32()?);
            self.client.inner.cache.touch(name, hits, now);
        }
        Ok(operation.rest())
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
                done.u8(1);
                done.error(&error);
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

async fn perform(client: &Client, operation: &[u8], out: &mut Writer) -> Result<()> {
    let mut operation = Reader::new(operation);
    match operation.u8()? {
        operation::GET => {
            let (name, stage, id) = (operation.text()?, operation.some_text()?, operation.some_text()?);
            let mut read = client.get(name);
            if let Some(stage) = stage {
                read = read.version_stage(stage);
            }
            if let Some(id) = id {
                read = read.version_id(id);
            }
            if let Some(max_age) = operation.duration()? {
                read = read.max_age(max_age);
            }
            if let Some(timeout) = operation.duration()? {
                read = read.timeout(timeout);
            }
            let outcome = read.send().await;
            answer(client, name, &outcome, stage.is_none() && id.is_none(), out);
        }
        operation::REFRESH => {
            let (name, timeout, refused) = (operation.text()?, operation.duration()?, operation.some_text()?);
            let outcome = client.refresh_within(name, timeout, refused).await;
            answer(client, name, &outcome, true, out);
        }
        operation::BATCH => {
            let timeout = operation.duration()?;
            let mut names = Vec::new();
            for _ in 0..operation.u32()? {
                names.push(operation.text()?);
            }
            for (name, outcome) in client.get_secrets_within(names, timeout).await {
                answer(client, name, &outcome, true, out);
            }
        }
        operation::STATUS => status(&client.status(), out),
        operation::CHECK => {
            client.check().await?;
            out.u8(0);
        }
        operation::INVALIDATE => {
            match operation.some_text()? {
                Some(name) => client.invalidate(name),
                None => client.invalidate_all(),
            }
            out.u8(0);
        }
        _ => return Err(Error::new(ErrorKind::Internal, "the driver asked for an unknown operation")),
    }
    Ok(())
}

/// An outcome, and behind a secret for how long the driver may answer reads of its name with it; 0: not at all.
fn answer(client: &Client, name: &str, outcome: &Result<Secret>, current: bool, out: &mut Writer) {
    out.outcome(outcome);
    if let Ok(secret) = outcome {
        let fresh_for = if current && !secret.stale() { client.fresh_for(name, secret) } else { None };
        out.f64(millis(fresh_for.unwrap_or_default()));
    }
}

/// A client's state: region, source, clock offset, counts, the age of the oldest stale value (NaN: none), last error.
fn status(status: &ClientStatus, out: &mut Writer) {
    out.u8(0);
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
