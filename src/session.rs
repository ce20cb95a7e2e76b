//! One client behind a mailbox, as a driver sees it: bytes in, effects out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::builder::{Blueprint, CacheOptions, RetryOptions, TIMEOUT, Target};
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::error::{Error, ErrorKind, Result};
use crate::mailbox::wire::{Reader, Writer, saturate};
use crate::mailbox::{Effect, EffectId, Mailbox, OpId, Turn};
use crate::observe::Watch;
use crate::region::{Endpoint, Network, Origin, check_region};
use crate::time::{Instant64, Now, Timestamp};
use std::fmt;
use std::sync::Arc;

/// What an operation does: the first byte of its description.
mod operation {
    pub(super) const GET: u8 = 1;
    pub(super) const REFRESH: u8 = 2;
    pub(super) const INVALIDATE: u8 = 3;
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
        let code = Origin::Code { allow_http: false };
        let endpoint =
            options.some_text()?.map(|text| Endpoint::parse("endpoint", text, code)).transpose()?;
        let network = if options.u8()? == 1 { Network::Vpc } else { Network::Public };
        let credentials = match options.u8()? {
            0 => CachedCredentials::new(mailbox.credentials()),
            _ => CachedCredentials::new(options.credentials()?),
        };
        let observed = options.u8()? == 1;
        let mut cache = CacheOptions::default();
        cache.ttl = options.duration()?.unwrap_or(cache.ttl);
        cache.stale_if_error = options.duration()?.unwrap_or(cache.stale_if_error);
        let mut retry = RetryOptions::default();
        if let Some(attempts) = options.f64()? {
            retry.max_attempts = u32::try_from(saturate(attempts)).unwrap_or(u32::MAX);
        }
        retry.attempt_timeout = options.duration()?.unwrap_or(retry.attempt_timeout);
        let target = Target {
            region: region.map(str::to_owned),
            region_is_explicit: region.is_some(),
            network,
            endpoint,
            timeout: options.duration()?.unwrap_or(TIMEOUT),
            extended_config: true,
        };
        let blueprint = Blueprint {
            target,
            fetch: Arc::new(mailbox.fetch()),
            runtime: Arc::new(mailbox.runtime()),
            background: Some(Arc::new(mailbox.background())),
            credentials,
            cache,
            retry,
            watch: Watch { observer: observed.then(|| Arc::new(mailbox.observer()) as Arc<_>), names: false },
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
        let client = self.client.clone();
        let operation = operation.to_vec();
        let future = Box::pin(async move {
            let mut out = Writer::new();
            match perform(&client, &operation, &mut out).await {
                Ok(()) => out.into_bytes(),
                Err(error) => failed(&error),
            }
        });
        let (op, effects) = self.mailbox.start(turn(wall, mono, entropy), background, future);
        written(Some(op), &effects)
    }

    /// Runs a spawned operation: its first effects.
    pub fn run(&mut self, op: OpId, wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
        written(None, &self.mailbox.run(op, turn(wall, mono, entropy)))
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
        written(None, &effects)
    }

    /// Drops an operation: the effects that are to be aborted.
    pub fn cancel(&mut self, op: OpId) -> Vec<u8> {
        written(None, &self.mailbox.cancel(op))
    }
}

/// What one turn brought, after the id of an operation that it began.
fn written(op: Option<OpId>, effects: &[(EffectId, Effect)]) -> Vec<u8> {
    let mut out = Writer::new();
    if let Some(op) = op {
        out.u32(op);
    }
    out.effects(effects);
    out.into_bytes()
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
        operation::REFRESH => client.refreshing(operation.text()?)?,
        operation::INVALIDATE => {
            match operation.some_text()? {
                Some(name) => client.invalidate(name),
                None => client.invalidate_all(),
            }
            out.u8(0);
            return Ok(());
        }
        _ => return Err(Error::new(ErrorKind::Internal, "the driver asked for an unknown operation")),
    };
    out.outcome(&client.read(reading).await);
    Ok(())
}

fn turn(wall: f64, mono: f64, entropy: &[u8]) -> Turn<'_> {
    let wall = Timestamp::from_millis(i64::try_from(saturate(wall)).unwrap_or(i64::MAX));
    Turn { now: Now { wall, mono: Instant64::from_millis(saturate(mono)) }, entropy }
}
