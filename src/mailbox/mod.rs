//! The second way to drive the core: each operation is polled only inside its own `start` or `step`.
//!
//! Its transport, timers and providers are mailboxes: awaiting one posts an [`Effect`] and waits for the [`Reply`]
//! that a later step brings. Nothing async is shared between operations, so a host that forbids one request to
//! touch another's promises (workerd) can run them side by side, and a host may drop an operation at any moment.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod desk;
pub mod host;
mod leaf;
#[cfg(test)]
mod tests;
pub mod wire;

pub use host::MailboxHost;
pub use leaf::{MailboxBackground, MailboxCredentials, MailboxFetch, MailboxObserver, MailboxRuntime};

use crate::credentials::Credentials;
use crate::error::Result;
use crate::http::{FetchError, Request, Response};
use crate::sensitive::Sensitive;
use crate::sorted::Sorted;
use crate::sync::BoxFuture;
use crate::time::{Instant64, Now};
use desk::Desk;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Names an operation; never used twice.
pub type OpId = u32;
/// Names an effect; never used twice.
pub type EffectId = u32;

/// What an operation asks its driver to do. `Debug` never shows a result: it holds the value.
#[non_exhaustive]
pub enum Effect {
    /// Send this request; answer with [`Reply::Answer`].
    Fetch(Request),
    /// Wait; answer with [`Reply::Slept`].
    Sleep(Duration),
    /// Wait for what this operation leads: so long, or until it is over; answer with [`Reply::Slept`].
    Wait(OpId, Duration),
    /// Ask the user's credentials provider; answer with [`Reply::Credentials`].
    Provide {
        /// The service refused what the provider gave before.
        rejected: bool,
    },
    /// Ask the machine for a variable, a file or a process, as [`MailboxHost`] wrote it; answer with [`Reply::Host`].
    Host(Vec<u8>),
    /// Run this new operation behind the answer: call [`Mailbox::run`]. No reply.
    Spawn(OpId),
    /// Tell the observer. No reply.
    Emit(crate::observe::Event),
    /// Nobody waits for this effect any more: end it if that is possible. No reply.
    Abort(EffectId),
    /// The operation is over, with this result. No reply.
    Done(Vec<u8>),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(request) => f.debug_tuple("Fetch").field(request).finish(),
            Self::Sleep(time) => f.debug_tuple("Sleep").field(time).finish(),
            Self::Wait(op, time) => f.debug_tuple("Wait").field(op).field(time).finish(),
            Self::Provide { rejected } => f.debug_struct("Provide").field("rejected", rejected).finish(),
            Self::Host(_) => f.write_str("Host"),
            Self::Spawn(op) => f.debug_tuple("Spawn").field(op).finish(),
            Self::Emit(event) => f.debug_tuple("Emit").field(event).finish(),
            Self::Abort(effect) => f.debug_tuple("Abort").field(effect).finish(),
            Self::Done(_) => f.write_str("Done"),
        }
    }
}

/// What a driver brings back.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// For [`Effect::Fetch`].
    Answer(std::result::Result<Response, FetchError>),
    /// For [`Effect::Sleep`] and [`Effect::Wait`].
    Slept,
    /// For [`Effect::Provide`].
    Credentials(Result<Option<Credentials>>),
    /// For [`Effect::Host`], as [`MailboxHost`] reads it; or a token, where a provider of tokens was asked.
    Host(Sensitive<Vec<u8>>),
}

/// The time and the randomness of one call into the mailbox.
#[derive(Clone, Copy)]
pub struct Turn<'a> {
    /// Both clocks.
    pub now: Now,
    /// At least 16 fresh random bytes, or empty to go on with what earlier turns brought.
    pub entropy: &'a [u8],
}

impl fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("now", &self.now).finish_non_exhaustive()
    }
}

/// Operations, and the desk where their effects are posted.
pub struct Mailbox {
    desk: Arc<Desk>,
    operations: Sorted<OpId, Operation>,
}

struct Operation {
    future: BoxFuture<'static, Vec<u8>>,
    background: bool,
    /// When the last of its timers is over: a live driver has stepped it by then.
    due: Instant64,
}

/// From how many operations on the orphans among them are looked for.
const CROWD: usize = 64;
/// How long after its due time an operation counts as an orphan.
const ORPHAN: Duration = Duration::from_secs(60);

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("operations", &self.operations.len()).finish_non_exhaustive()
    }
}

impl Default for Mailbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Mailbox {
    /// A mailbox without operations.
    pub fn new() -> Self {
        Self { desk: Arc::new(Desk::new()), operations: Sorted::default() }
    }

    /// How many operations are under way.
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// A transport that posts [`Effect::Fetch`].
    pub fn fetch(&self) -> MailboxFetch {
        MailboxFetch(self.desk.clone())
    }

    /// Clocks as of the current turn, timers as [`Effect::Sleep`], randomness from the turns' entropy.
    pub fn runtime(&self) -> MailboxRuntime {
        MailboxRuntime(self.desk.clone())
    }

    /// Work behind the answer as [`Effect::Spawn`], for operations that were started with `background`.
    pub fn background(&self) -> MailboxBackground {
        MailboxBackground(self.desk.clone())
    }

    /// A provider that posts [`Effect::Provide`].
    pub fn credentials(&self) -> MailboxCredentials {
        MailboxCredentials(self.desk.clone())
    }

    /// A machine that posts [`Effect::Host`].
    pub fn host(&self) -> MailboxHost {
        MailboxHost(self.desk.clone())
    }

    /// An observer that posts [`Effect::Emit`].
    pub fn observer(&self) -> MailboxObserver {
        MailboxObserver(self.desk.clone())
    }

    /// Starts an operation and polls it once. `background`: something can run work behind its answer.
    pub fn start(
        &mut self,
        turn: Turn<'_>,
        background: bool,
        future: BoxFuture<'static, Vec<u8>>,
    ) -> (OpId, Vec<(EffectId, Effect)>) {
        self.sweep(turn.now.mono);
        let op = self.desk.next_op();
        self.operations.insert(op, Operation { future, background, due: turn.now.mono });
        (op, self.poll(op, turn))
    }

    /// Drops operations whose driver is gone: a cancelled worker request tells nobody, and every operation that
    /// waits has a timer that ends its wait.
    fn sweep(&mut self, now: Instant64) {
        if self.operations.len() >= CROWD {
            self.operations.retain(|_, operation| now < operation.due.after(ORPHAN));
            // What they had posted is nobody's business any more.
            self.desk.collect();
        }
    }

    /// Polls a spawned operation for the first time.
    pub fn run(&mut self, op: OpId, turn: Turn<'_>) -> Vec<(EffectId, Effect)> {
        self.poll(op, turn)
    }

    /// Brings the reply to an effect and polls the operation that posted it. A reply that nobody waits for is dropped.
    pub fn step(
        &mut self,
        op: OpId,
        effect: EffectId,
        reply: Reply,
        turn: Turn<'_>,
    ) -> Vec<(EffectId, Effect)> {
        if self.operations.get_mut(&op).is_some() {
            self.desk.deliver(effect, reply);
        }
        self.poll(op, turn)
    }

    /// Drops an operation. The effects that it waited for come back as [`Effect::Abort`].
    pub fn cancel(&mut self, op: OpId) -> Vec<(EffectId, Effect)> {
        drop(self.operations.remove(&op));
        self.desk.collect().0
    }

    fn poll(&mut self, op: OpId, turn: Turn<'_>) -> Vec<(EffectId, Effect)> {
        let Some(operation) = self.operations.get_mut(&op) else { return Vec::new() };
        self.desk.begin(turn, op, operation.background);
        // The root waker does nothing: an operation is polled when its driver brings something, never otherwise.
        let mut cx = Context::from_waker(Waker::noop());
        let polled = operation.future.as_mut().poll(&mut cx);
        if polled.is_ready() {
            self.operations.remove(&op);
        }
        let (mut effects, spawned) = self.desk.collect();
        if let Some(operation) = self.operations.get_mut(&op) {
            for (_, effect) in &effects {
                if let Effect::Sleep(time) | Effect::Wait(_, time) = effect {
                    operation.due = operation.due.max(turn.now.mono.after(*time));
                }
            }
        }
        for (id, task) in spawned {
            let future = Box::pin(async move {
                task.await;
                Vec::new()
            });
            self.operations.insert(id, Operation { future, background: false, due: turn.now.mono });
        }
        if let Poll::Ready(result) = polled {
            effects.push((0, Effect::Done(result)));
        }
        effects
    }
}

#[cfg(test)]
mod orphans {
    use super::*;
    use crate::runtime::Runtime as _;
    use crate::time::Timestamp;

    fn turn(ms: u64) -> Turn<'static> {
        Turn {
            now: Now { wall: Timestamp::from_millis(0), mono: Instant64::from_millis(ms) },
            entropy: &[7; 32],
        }
    }

    fn nap(mailbox: &Mailbox, ms: u64) -> BoxFuture<'static, Vec<u8>> {
        let runtime = mailbox.runtime();
        Box::pin(async move {
            runtime.sleep(Duration::from_millis(ms)).await;
            Vec::new()
        })
    }

    #[test]
    fn operations_whose_request_was_cancelled_do_not_stay_for_ever() {
        let mut mailbox = Mailbox::new();
        for second in 0..10_000u64 {
            let nap = nap(&mailbox, 3_000);
            mailbox.start(turn(second * 100), false, nap);
        }
        // 63 s of them at ten a second, and nothing older.
        assert!(mailbox.operations() <= 640, "{}", mailbox.operations());
    }

    #[test]
    fn an_operation_that_waits_within_its_time_is_never_swept() {
        let mut mailbox = Mailbox::new();
        let patient = nap(&mailbox, 3_600_000);
        let (op, effects) = mailbox.start(turn(0), false, patient);
        let Some((sleep, Effect::Sleep(_))) = effects.first() else { panic!("{effects:?}") };
        for second in 0..3_600u64 {
            let nap = nap(&mailbox, 10);
            mailbox.start(turn(second * 1_000), false, nap);
        }
        let effects = mailbox.step(op, *sleep, Reply::Slept, turn(3_600_000));
        assert!(matches!(effects.as_slice(), [(_, Effect::Done(_))]), "{effects:?}");
    }
}
