//! What the leaf futures of a mailbox share with it: effects going out, replies coming in, time and randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::wire::{Malformed, Writer, tag};
use super::{EffectId, OpId, Posted, Turn};
use crate::error::{Error, ErrorKind, Result};
use crate::hash::sha256;
use crate::sensitive::Sensitive;
use crate::sorted::Sorted;
use crate::sync::{BoxFuture, Guarded};
use crate::time::{Instant64, Now};
use std::task::Waker;
use zeroize::Zeroize as _;

type Task = BoxFuture<'static, ()>;

pub(super) struct Desk(Guarded<State>);

struct State {
    now: Now,
    running: OpId,
    /// When the last timer of the running operation is over.
    due: Instant64,
    pool: Pool,
    background: bool,
    /// What the last operation or effect was named.
    last: u32,
    outbox: Posted,
    spawned: Vec<(OpId, Task)>,
    waiting: Sorted<EffectId, Waiting>,
    /// A reply of this turn made no sense.
    malformed: Option<Malformed>,
}

enum Waiting {
    For(Waker),
    Reply(Sensitive<Vec<u8>>),
}

/// What came of a turn: the effects that were posted in it, and the tasks to be run behind the answer.
pub(super) struct Outcome {
    pub(super) posted: Posted,
    pub(super) spawned: Vec<(OpId, Task)>,
    pub(super) due: Instant64,
    pub(super) malformed: Option<Malformed>,
}

/// Randomness for a turn: SHA-256 over the pool and a counter; every turn's entropy is mixed into the pool.
#[derive(Default)]
struct Pool {
    state: [u8; 32],
    seeded: bool,
    counter: u64,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

/// The least entropy that seeds the pool, in bytes.
const SEED: usize = 16;

impl Pool {
    fn mix(&mut self, entropy: &[u8]) {
        if entropy.len() < SEED {
            return;
        }
        self.state = sha256(&[&self.state, entropy]);
        self.seeded = true;
    }

    fn fill(&mut self, buf: &mut [u8]) -> Result<()> {
        if !self.seeded {
            return Err(Error::new(ErrorKind::Internal, "the driver brought no randomness"));
        }
        for part in buf.chunks_mut(32) {
            self.counter = self.counter.wrapping_add(1);
            let block = sha256(&[&self.state, &self.counter.to_le_bytes()]);
            for (to, from) in part.iter_mut().zip(block) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl State {
    fn next(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1).max(1);
        self.last
    }
}

impl Desk {
    pub(super) fn new() -> Self {
        Self(Guarded::new(State {
            now: Now::default(),
            running: 0,
            due: Instant64::default(),
            pool: Pool::default(),
            background: false,
            last: 0,
            outbox: Vec::new(),
            spawned: Vec::new(),
            waiting: Sorted::default(),
            malformed: None,
        }))
    }

    pub(super) fn next_op(&self) -> OpId {
        self.0.with(State::next)
    }

    /// The beginning of an operation's turn: its time, its randomness, until when it waits, and whether work may be
    /// left behind.
    pub(super) fn begin(&self, turn: Turn<'_>, op: OpId, due: Instant64, background: bool) {
        self.0.with(|s| {
            s.now = turn.now;
            s.running = op;
            s.due = due;
            s.background = background;
            s.pool.mix(turn.entropy);
        });
    }

    /// The end of a turn.
    pub(super) fn collect(&self) -> Outcome {
        self.0.with(|s| Outcome {
            posted: std::mem::take(&mut s.outbox),
            spawned: std::mem::take(&mut s.spawned),
            due: s.due,
            malformed: s.malformed.take(),
        })
    }

    /// The operation whose turn it is.
    pub(super) fn running(&self) -> OpId {
        self.0.with(|s| s.running)
    }

    pub(super) fn now(&self) -> Now {
        self.0.with(|s| s.now)
    }

    pub(super) fn fill(&self, buf: &mut [u8]) -> Result<()> {
        self.0.with(|s| s.pool.fill(buf))
    }

    /// Posts an effect that has no reply.
    pub(super) fn tell(&self, effect: Writer) {
        self.0.with(|s| s.outbox.push((0, effect.into_bytes())));
    }

    /// Posts an effect that has a reply.
    pub(super) fn ask(&self, effect: Writer) -> EffectId {
        self.0.with(|s| {
            let id = s.next();
            s.outbox.push((id, effect.into_bytes()));
            s.waiting.insert(id, Waiting::For(Waker::noop().clone()));
            id
        })
    }

    /// Notes that the running operation has a timer of so many milliseconds.
    pub(super) fn expect_within(&self, ms: u64) {
        self.0.with(|s| s.due = s.due.max(s.now.mono.plus(ms)));
    }

    /// The reply to an effect, or `None` after noting who waits for it now.
    pub(super) fn poll_reply(&self, id: EffectId, waker: &Waker) -> Option<Sensitive<Vec<u8>>> {
        let found = self.0.with(|s| match s.waiting.get_mut(&id)? {
            Waiting::Reply(_) => s.waiting.remove(&id),
            waiting => Some(std::mem::replace(waiting, Waiting::For(waker.clone()))),
        });
        match found {
            Some(Waiting::Reply(reply)) => Some(reply),
            _ => None,
        }
    }

    /// Takes a reply in, if someone waits for it, and wakes them.
    pub(super) fn deliver(&self, id: EffectId, reply: &[u8]) {
        let waiting = self.0.with(|s| {
            let waiting = s.waiting.get_mut(&id)?;
            Some(std::mem::replace(waiting, Waiting::Reply(Sensitive::new(reply.to_vec()))))
        });
        if let Some(Waiting::For(waker)) = waiting {
            waker.wake();
        }
    }

    /// Notes that a reply made no sense: its operation is broken off.
    pub(super) fn break_off(&self, malformed: Malformed) {
        self.0.with(|s| s.malformed = Some(malformed));
    }

    /// Nobody waits for this effect any more. One that has not left yet is taken back, another is aborted.
    pub(super) fn withdraw(&self, id: EffectId) {
        let dropped = self.0.with(|s| {
            let waiting = s.waiting.remove(&id);
            if matches!(waiting, Some(Waiting::For(_))) {
                match s.outbox.iter().position(|(posted, _)| *posted == id) {
                    Some(at) => drop(s.outbox.remove(at)),
                    None => s.outbox.push((id, Writer::effect(tag::ABORT).into_bytes())),
                }
            }
            waiting
        });
        drop(dropped);
    }

    /// Leaves a task to be run behind the answer, or hands it back where nothing can.
    pub(super) fn spawn(&self, task: Task) -> std::result::Result<(), Task> {
        let mut task = Some(task);
        self.0.with(|s| {
            if s.background
                && let Some(task) = task.take()
            {
                let id = s.next();
                s.spawned.push((id, task));
                s.outbox.push((id, Writer::effect(tag::SPAWN).into_bytes()));
            }
        });
        task.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn draw(pool: &mut Pool) -> [u8; 16] {
        let mut out = [0; 16];
        pool.fill(&mut out).expect("seeded");
        out
    }

    #[test]
    fn an_unseeded_pool_gives_an_error_and_no_bytes() {
        let mut pool = Pool::default();
        for entropy in [&[][..], &[7; SEED - 1]] {
            pool.mix(entropy);
            let mut out = [0; 40];
            assert_eq!(pool.fill(&mut out).unwrap_err().kind(), ErrorKind::Internal);
            assert_eq!(out, [0; 40]);
        }
        pool.mix(&[7; SEED]);
        assert!(pool.fill(&mut [0; 1]).is_ok());
    }

    #[test]
    fn no_output_comes_twice_with_or_without_fresh_entropy() {
        let (mut pool, mut seen) = (Pool::default(), HashSet::new());
        pool.mix(&[1; 32]);
        for turn in 0..2_000 {
            // The same entropy again, as of a broken driver, and too little of it.
            match turn % 3 {
                0 => pool.mix(&[1; 32]),
                1 => pool.mix(b"short"),
                _ => {}
            }
            for _ in 0..3 {
                assert!(seen.insert(draw(&mut pool)));
            }
        }
    }

    #[test]
    fn long_outputs_have_no_block_twice_and_seeds_differ() {
        let mut out = [0; 32 * 64 + 5];
        let mut pool = Pool::default();
        pool.mix(&[1; 16]);
        pool.fill(&mut out).expect("seeded");
        let blocks: HashSet<&[u8]> = out.chunks(32).collect();
        assert_eq!(blocks.len(), 65);
        let first_of = |seed: &[u8]| {
            let mut pool = Pool::default();
            pool.mix(seed);
            draw(&mut pool)
        };
        assert_eq!(first_of(&[1; 16]), first_of(&[1; 16]));
        assert_ne!(first_of(&[1; 16]), first_of(&[2; 16]));
        assert_ne!(first_of(&[1; 16]), first_of(&[1; 17]));
    }
}
