//! What is served behind a mailbox, as a driver sees it: bytes in, effects out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod provider;
mod secrets;
pub mod source;

pub use provider::Provider;
pub use secrets::Secrets;

#[cfg(test)]
use crate::mailbox::OpId;
use crate::mailbox::wire::{Read, Reader, Writer};
use crate::mailbox::{Mailbox, Turn};
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
        let (wall, mono) = (message.millis()?.unwrap_or_default(), message.millis()?.unwrap_or_default());
        let wall = Timestamp::from_millis(i64::try_from(wall).unwrap_or(i64::MAX));
        let now = Now { wall, mono: Instant64::from_millis(mono) };
        let turn = Turn { now, entropy: message.bytes()? };
        let op = match want {
            want::RUN => {
                self.mailbox.run(op, turn);
                op
            }
            want::STEP => {
                self.mailbox.step(op, effect, message.rest(), turn);
                op
            }
            want::CANCEL => {
                self.mailbox.cancel(op);
                op
            }
            _ => {
                let future = self.subject.operation(message, now);
                self.mailbox.start(turn, want == want::START_WITH_BACKGROUND, future)
            }
        };
        let mut out = Writer::new();
        out.u32(op);
        out.u32(self.subject.removals());
        for (id, effect) in self.mailbox.collect() {
            out.u32(id);
            out.append(&effect);
        }
        Ok(out.into_bytes())
    }
}

/// The wants of a driver, one by one.
#[cfg(test)]
impl<S: Subject> Served<S> {
    fn want(
        &mut self,
        want: u8,
        [op, effect]: [u32; 2],
        rest: &[u8],
        clocks: [f64; 2],
        entropy: &[u8],
    ) -> Vec<u8> {
        let mut message = Writer::new();
        message.u8(want);
        message.u32(op);
        message.u32(effect);
        clocks.iter().for_each(|clock| message.append(&clock.to_le_bytes()));
        message.bytes(entropy);
        message.append(rest);
        self.turn(&message.into_bytes()).expect("the message is whole")
    }

    pub(crate) fn start(
        &mut self,
        operation: &[u8],
        background: bool,
        wall: f64,
        mono: f64,
        entropy: &[u8],
    ) -> Vec<u8> {
        self.want(u8::from(background), [0, 0], operation, [wall, mono], entropy)
    }

    pub(crate) fn run(&mut self, op: OpId, wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
        self.want(want::RUN, [op, 0], &[], [wall, mono], entropy)
    }

    pub(crate) fn step(
        &mut self,
        op: OpId,
        effect: u32,
        reply: &[u8],
        wall: f64,
        mono: f64,
        entropy: &[u8],
    ) -> Vec<u8> {
        self.want(want::STEP, [op, effect], reply, [wall, mono], entropy)
    }

    pub(crate) fn cancel(&mut self, op: OpId) -> Vec<u8> {
        self.want(want::CANCEL, [op, 0], &[], [0.0; 2], &[])
    }
}
