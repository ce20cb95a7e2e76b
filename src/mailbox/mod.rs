//! The second way to drive the core: each operation is polled only inside its own `start` or `step`.
//!
//! Its transport, timers and providers are mailboxes: each posts an effect (bytes, see [`wire`]) and waits for the reply
//! that a later step brings. Nothing async is shared between operations, so a host that forbids one request to
//! touch another's promises (workerd) can run them side by side, and a host may drop an operation at any moment.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod desk;
pub mod driver;
pub mod host;
mod leaf;
#[cfg(test)]
mod tests;
pub mod wire;

pub use host::MailboxHost;
pub use leaf::Seams;

use crate::sync::BoxFuture;
use crate::time::{Instant64, Now};
use desk::{Desk, Tray};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wire::{Writer, tag};

/// Names an operation; never used twice.
pub type OpId = u32;
/// Names an effect; never used twice, nor for an operation.
pub type EffectId = u32;
/// Effects, each behind its name, or that of what it is about; 0 where it is about nothing else.
pub type Posted = Vec<(EffectId, Vec<u8>)>;

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
    operations: Vec<Operation>,
}

struct Operation {
    id: OpId,
    work: Work,
    tray: Tray,
}

enum Work {
    /// What a driver asked for.
    Asked(BoxFuture<'static, Vec<u8>>),
    /// What goes on behind an answer.
    Behind(BoxFuture<'static, ()>),
}

/// From how many operations on the orphans among them are looked for.
const CROWD: usize = 64;
/// How many milliseconds after its due time an operation counts as an orphan.
const ORPHAN: u64 = 60_000;

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
        Self { desk: Arc::new(Desk::new()), operations: Vec::new() }
    }

    /// How many operations are under way.
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// Transport, clocks and timers, randomness, work behind the answer, the caller's credentials, the observer: each
    /// posts effects, and has its time and randomness of the current turn.
    pub fn seams(&self) -> Seams {
        Seams(self.desk.clone())
    }

    /// A machine that posts effects.
    pub fn host(&self) -> MailboxHost {
        MailboxHost(self.desk.clone())
    }

    /// Starts an operation and polls it once. `background`: something can run work behind its answer.
    pub fn start(&mut self, turn: Turn<'_>, background: bool, future: BoxFuture<'static, Vec<u8>>) -> OpId {
        self.sweep(turn.now.mono);
        let op = self.desk.next();
        let tray = Tray::new(turn.now.mono, background);
        self.operations.push(Operation { id: op, work: Work::Asked(future), tray });
        self.poll(op, turn, None);
        op
    }

    /// Drops operations whose driver is gone: a cancelled worker request tells nobody, and every operation that
    /// waits has a timer that ends its wait.
    fn sweep(&mut self, now: Instant64) {
        if self.operations.len() >= CROWD {
            self.operations.retain(|operation| now < operation.tray.due.plus(ORPHAN));
        }
    }

    /// Polls a spawned operation for the first time.
    pub fn run(&mut self, op: OpId, turn: Turn<'_>) {
        self.poll(op, turn, None);
    }

    /// Brings the reply to an effect and polls the operation that posted it. A reply that nobody waits for is dropped.
    pub fn step(&mut self, op: OpId, effect: EffectId, reply: &[u8], turn: Turn<'_>) {
        self.poll(op, turn, Some((effect, reply)));
    }

    /// Drops an operation. The effects that it waited for are aborted.
    pub fn cancel(&mut self, op: OpId) {
        if let Some(place) = self.place(op) {
            let Operation { work, mut tray, .. } = self.operations.swap_remove(place);
            self.desk.exchange(&mut tray);
            drop(work);
        }
    }

    fn place(&self, op: OpId) -> Option<usize> {
        self.operations.iter().position(|operation| operation.id == op)
    }

    /// What was posted since this was asked for last.
    pub fn collect(&mut self) -> Posted {
        self.desk.collect()
    }

    fn poll(&mut self, op: OpId, turn: Turn<'_>, reply: Option<(EffectId, &[u8])>) {
        let place = self.place(op);
        let Some(Operation { work, tray, .. }) = place.and_then(|place| self.operations.get_mut(place))
        else {
            return;
        };
        self.desk.begin(turn, op);
        self.desk.exchange(tray);
        if let Some((effect, reply)) = reply {
            self.desk.deliver(effect, reply);
        }
        // The root waker does nothing: an operation is polled when its driver brings something, never otherwise.
        let mut cx = Context::from_waker(Waker::noop());
        let polled = match work {
            Work::Asked(future) => future.as_mut().poll(&mut cx),
            Work::Behind(future) => future.as_mut().poll(&mut cx).map(|()| Vec::new()),
        };
        self.desk.exchange(tray);
        let (spawned, malformed) = self.desk.end();
        for (id, task) in spawned {
            let tray = Tray::new(turn.now.mono, false);
            self.operations.push(Operation { id, work: Work::Behind(task), tray });
        }
        let mut done = Writer::effect(tag::DONE);
        match (malformed, polled) {
            (Some(malformed), _) => {
                self.cancel(op);
                done.failure(&malformed.into());
            }
            (None, Poll::Ready(result)) => {
                self.cancel(op);
                done.append(&result);
            }
            (None, Poll::Pending) => return,
        }
        self.desk.tell(done);
    }
}

#[cfg(test)]
mod orphans {
    use super::driver::{Driven, Effect, Reply};
    use super::*;
    use crate::runtime::Runtime as _;
    use crate::time::Timestamp;
    use std::time::Duration;

    fn turn(ms: u64) -> Turn<'static> {
        Turn {
            now: Now { wall: Timestamp::from_millis(0), mono: Instant64::from_millis(ms) },
            entropy: &[7; 32],
        }
    }

    fn nap(mailbox: &Driven, ms: u64) -> BoxFuture<'static, Vec<u8>> {
        let runtime = mailbox.seams();
        Box::pin(async move {
            runtime.sleep(Duration::from_millis(ms)).await;
            Vec::new()
        })
    }

    #[test]
    fn operations_whose_request_was_cancelled_do_not_stay_for_ever() {
        let mut mailbox = Driven::new();
        for second in 0..10_000u64 {
            let nap = nap(&mailbox, 3_000);
            mailbox.start(turn(second * 100), false, nap);
        }
        // 63 s of them at ten a second, and nothing older.
        assert!(mailbox.operations() <= 640, "{}", mailbox.operations());
    }

    #[test]
    fn an_operation_that_waits_within_its_time_is_never_swept() {
        let mut mailbox = Driven::new();
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
