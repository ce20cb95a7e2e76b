//! One client behind a mailbox, as a driver sees it: bytes in, effects out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::builder::{Blueprint, CacheOptions, RetryOptions, TIMEOUT, Target};
use crate::cache::Key;
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result};
use crate::mailbox::wire::{Reader, Writer, saturate};
use crate::mailbox::{Effect, EffectId, Mailbox, OpId, Turn};
use crate::observe::Watch;
use crate::region::{Endpoint, Network, Origin, check_region};
use crate::secret::Secret;
use crate::status::ClientStatus;
use crate::time::{Instant64, Now, Timestamp, millis};
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
        let region = options.some_text()?;
        if let Some(region) = region {
            check_region("region", region)?;
        }
        let endpoint = options.some_text()?;
        let (found_region, found_endpoint) = (options.some_text()?, options.some_text()?);
        // What was said in code goes first; an endpoint of the environment must be Alibaba Cloud's own or loopback.
        let endpoint = match (endpoint, found_endpoint) {
            (Some(text), _) => Some(Endpoint::parse("endpoint", text, Origin::Code { allow_http: false })?),
            (None, Some(text)) => Some(Endpoint::parse("endpoint", text, Origin::Environment)?),
            (None, None) => None,
        };
        if let Some(region) = found_region {
            check_region("ALIBABA_CLOUD_REGION_ID", region)?;
        }
        let network = if options.u8()? == 1 { Network::Vpc } else { Network::Public };
        let credentials = match options.u8()? {
            0 => CachedCredentials::new(mailbox.credentials()),
            _ => CachedCredentials::new(options.credentials()?),
        };
        let observe = options.u8()?;
        let mut cache = CacheOptions { off: options.u8()? == 0, ..CacheOptions::default() };
        cache.ttl = options.duration()?.unwrap_or(cache.ttl);
        cache.stale_while_revalidate = options.duration()?;
        for time in [&mut cache.stale_if_error, &mut cache.rotation_overlap] {
            *time = options.duration()?.unwrap_or(*time);
        }
        for bound in [&mut cache.max_entries, &mut cache.max_bytes] {
            if let Some(count) = options.f64()? {
                *bound = usize::try_from(saturate(count)).unwrap_or(usize::MAX);
            }
        }
        let mut retry = RetryOptions::default();
        if let Some(attempts) = options.f64()? {
            retry.max_attempts = u32::try_from(saturate(attempts)).unwrap_or(u32::MAX);
        }
        for time in [&mut retry.base, &mut retry.cap, &mut retry.attempt_timeout] {
            *time = options.duration()?.unwrap_or(*time);
        }
        let target = Target {
            region: region.or(found_region).map(str::to_owned),
            region_is_explicit: region.is_some(),
            network,
            endpoint,
            timeout: options.duration()?.unwrap_or(TIMEOUT),
            extended_config: true,
        };
        let observer = (observe > 0).then(|| Arc::new(mailbox.observer()) as Arc<_>);
        let blueprint = Blueprint {
            target,
            fetch: Arc::new(mailbox.fetch()),
            runtime: Arc::new(mailbox.runtime()),
            background: Some(Arc::new(mailbox.background())),
            credentials,
            cache,
            retry,
            watch: Watch { observer, names: observe > 1 },
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
        let operation = self.note_hits(operation, turn.now).map(<[u8]>::to_vec);
        let client = self.client.clone();
        let future = Box::pin(async move {
            let mut out = Writer::new();
            let performed = match &operation {
                Ok(operation) => perform(&client, operation, &mut out).await,
                Err(error) => Err(error.clone()),
            };
            match performed {
                Ok(()) => out.into_bytes(),
                Err(error) => failed(&error),
            }
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
                effects.push((0, Effect::Done(failed(&error))));
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

/// The result of an operation that failed.
fn failed(error: &Error) -> Vec<u8> {
    let mut out = Writer::new();
    out.u8(1);
    out.error(error);
    out.into_bytes()
}

async fn perform(client: &Client, operation: &[u8], out: &mut Writer) -> Result<()> {
    let mut operation = Reader::new(operation);
    let reading = match operation.u8()? {
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
            read.checked()?
        }
        operation::REFRESH => {
            let (name, timeout, refused) = (operation.text()?, operation.duration()?, operation.some_text()?);
            client.refreshing_within(name, timeout, refused)?
        }
        operation::BATCH => {
            let timeout = operation.duration()?;
            let mut names = Vec::new();
            for _ in 0..operation.u32()? {
                names.push(operation.text()?);
            }
            for (name, outcome) in client.get_secrets_within(names, timeout).await {
                answer(client, &client.get(name).key(), &outcome, out);
            }
            return Ok(());
        }
        other => {
            match other {
                operation::INVALIDATE => match operation.some_text()? {
                    Some(name) => client.invalidate(name),
                    None => client.invalidate_all(),
                },
                operation::CHECK => client.check().await?,
                operation::STATUS => {}
                _ => {
                    return Err(Error::new(ErrorKind::Internal, "the driver asked for an unknown operation"));
                }
            }
            out.u8(0);
            if other == operation::STATUS {
                status(&client.status(), out);
            }
            return Ok(());
        }
    };
    let key = Ok(reading.key.clone());
    answer(client, &key, &client.read(reading).await, out);
    Ok(())
}

/// An outcome, and behind a secret for how long the driver may answer plain reads of its name with it; 0: not at all.
fn answer(client: &Client, key: &Result<Key>, outcome: &Result<Secret>, out: &mut Writer) {
    out.outcome(outcome);
    if let (Ok(secret), Ok(key)) = (outcome, key) {
        out.f64(millis(client.fresh_for(key, secret).unwrap_or_default()));
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
