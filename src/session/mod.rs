//! What is served behind a mailbox, as a driver sees it: bytes in, effects out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod provider;
mod secrets;
pub mod source;

pub use provider::Provider;
pub use secrets::Secrets;

use crate::mailbox::wire::{Read, Reader, Writer, saturate};
use crate::mailbox::{EffectId, Mailbox, OpId, Turn};
use crate::sync::BoxFuture;
use crate::time::{Instant64, Now, Timestamp};
use std::fmt;

/// What a driver wants of a turn: its first byte.
mod want {
    /// `START`, without a place for work behind the answer, is 0.
    pub(super) const START_WITH_BACKGROUND: u8 = 1;
    pub(super) const RUN: u8 = 2;
    pub(super) const STEP: u8 = 3;
    pub(super) const CANCEL: u8 = 4;
}

/// What a session serves: it makes operations of bytes.
pub trait Subject: Sized {
    /// Makes the subject of the driver's description, which it has checked: what it means is not looked at again.
    ///
    /// # Errors
    /// For a description that is cut off.
    fn open(mailbox: &Mailbox, description: Reader<'_>) -> Read<Self>;

    /// The operation that a driver described. One that makes no sense ends with a failure.
    fn operation(&self, operation: Reader<'_>, now: Now) -> BoxFuture<'static, Vec<u8>>;

    /// A count, told with every turn, of what a driver must not answer any more.
    fn removals(&self) -> u32;
}

/// A client and its mailbox.
pub type Session = Served<Secrets>;

/// A subject and its mailbox.
pub struct Served<S> {
    mailbox: Mailbox,
    subject: S,
}

impl<S> fmt::Debug for Served<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}

impl<S: Subject> Served<S> {
    /// Opens the subject that the driver describes.
    ///
    /// # Errors
    /// For a description that is cut off.
    pub fn open(description: &[u8]) -> Read<Self> {
        let mailbox = Mailbox::new();
        let subject = S::open(&mailbox, Reader::new(description))?;
        Ok(Self { mailbox, subject })
    }

    /// The one way in for a driver: what it wants, operation and effect that it is about, clocks, entropy, and what
    /// the want takes. Every answer begins with the operation.
    ///
    /// # Errors
    /// For a message that is cut off.
    pub fn turn(&mut self, message: &[u8]) -> Read<Vec<u8>> {
        let mut message = Reader::new(message);
        let (want, op, effect) = (message.u8()?, message.u32()?, message.u32()?);
        let (wall, mono) = (message.f64()?.unwrap_or_default(), message.f64()?.unwrap_or_default());
        let (entropy, rest) = (message.bytes()?, message.rest());
        Ok(match want {
            want::RUN => self.run(op, wall, mono, entropy),
            want::STEP => self.step(op, effect, rest, wall, mono, entropy),
            want::CANCEL => self.cancel(op),
            _ => self.start(rest, want == want::START_WITH_BACKGROUND, wall, mono, entropy),
        })
    }

    /// Starts an operation: its id, then its first effects.
    pub(crate) fn start(
        &mut self,
        operation: &[u8],
        background: bool,
        wall: f64,
        mono: f64,
        entropy: &[u8],
    ) -> Vec<u8> {
        let turn = turn(wall, mono, entropy);
        let future = self.subject.operation(Reader::new(operation), turn.now);
        let (op, effects) = self.mailbox.start(turn, background, future);
        self.answer(op, &effects)
    }

    /// What every turn ends with: the operation, the count of removals, by which the driver's memo lives or dies, and
    /// the effects.
    fn answer(&self, op: OpId, effects: &[(EffectId, Vec<u8>)]) -> Vec<u8> {
        let mut out = Writer::new();
        out.u32(op);
        out.u32(self.subject.removals());
        for (id, effect) in effects {
            out.u32(*id);
            out.append(effect);
        }
        out.into_bytes()
    }

    /// Runs a spawned operation: its first effects.
    pub(crate) fn run(&mut self, op: OpId, wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
        let effects = self.mailbox.run(op, turn(wall, mono, entropy));
        self.answer(op, &effects)
    }

    /// Brings the reply to an effect: the operation's next effects. A malformed reply ends the operation.
    pub(crate) fn step(
        &mut self,
        op: OpId,
        effect: u32,
        reply: &[u8],
        wall: f64,
        mono: f64,
        entropy: &[u8],
    ) -> Vec<u8> {
        let effects = self.mailbox.step(op, effect, reply, turn(wall, mono, entropy));
        self.answer(op, &effects)
    }

    /// Drops an operation: the effects that are to be aborted.
    pub(crate) fn cancel(&mut self, op: OpId) -> Vec<u8> {
        let effects = self.mailbox.cancel(op);
        self.answer(op, &effects)
    }
}

fn turn(wall: f64, mono: f64, entropy: &[u8]) -> Turn<'_> {
    let wall = Timestamp::from_millis(i64::try_from(saturate(wall)).unwrap_or(i64::MAX));
    Turn { now: Now { wall, mono: Instant64::from_millis(saturate(mono)) }, entropy }
}
