//! What the leaf futures of a mailbox share with it: effects going out, replies coming in, time and randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Effect, EffectId, OpId, Reply, Turn};
use crate::error::{Error, ErrorKind, Result};
use crate::hash::sha256;
use crate::sorted::Sorted;
use crate::sync::{BoxFuture, Guarded};
use crate::time::Now;
use std::task::Waker;
use zeroize::Zeroize as _;

type Task = BoxFuture<'static, ()>;
/// What one turn posted: effects, and tasks to be run behind the answer.
type Posted = (Vec<(EffectId, Effect)>, Vec<(OpId, Task)>);

pub(super) struct Desk(Guarded<State>);

struct State {
    now: Now,
    running: OpId,
    pool: Pool,
    background: bool,
    last_op: OpId,
    last_effect: EffectId,
    outbox: Vec<(EffectId, Effect)>,
    spawned: Vec<(OpId, Task)>,
    waiting: Sorted<EffectId, Waiting>,
}

enum Waiting {
    For(Waker),
    Reply(Box<Reply>),
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

impl Desk {
    pub(super) fn new() -> Self {
        Self(Guarded::new(State {
            now: Now::default(),
            running: 0,
            pool: Pool::default(),
            background: false,
            last_op: 0,
            last_effect: 0,
            outbox: Vec::new(),
            spawned: Vec::new(),
            waiting: Sorted::default(),
        }))
    }

    pub(super) fn next_op(&self) -> OpId {
        self.0.with(|s| {
            s.last_op = s.last_op.wrapping_add(1);
            s.last_op
        })
    }

    /// The beginning of an operation's turn: its time, its randomness, and whether work may be left behind.
    pub(super) fn begin(&self, turn: Turn<'_>, op: OpId, background: bool) {
        self.0.with(|s| {
            s.now = turn.now;
            s.running = op;
            s.background = background;
            s.pool.mix(turn.entropy);
        });
    }

    /// The end of a turn: everything that was posted in it.
    pub(super) fn collect(&self) -> Posted {
        self.0.with(|s| (std::mem::take(&mut s.outbox), std::mem::take(&mut s.spawned)))
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
    pub(super) fn tell(&self, effect: Effect) {
        self.0.with(|s| s.outbox.push((0, effect)));
    }

    /// Posts an effect whose reply will wake `waker`.
    pub(super) fn ask(&self, effect: Effect, waker: &Waker) -> EffectId {
        self.0.with(|s| {
            s.last_effect = s.last_effect.wrapping_add(1).max(1);
            let id = s.last_effect;
            s.outbox.push((id, effect));
            s.waiting.insert(id, Waiting::For(waker.clone()));
            id
        })
    }

    /// The reply to an effect, or `None` after noting who waits for it now.
    pub(super) fn poll_reply(&self, id: EffectId, waker: &Waker) -> Option<Box<Reply>> {
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
    pub(super) fn deliver(&self, id: EffectId, reply: Reply) {
        let mut unwanted = Some(Box::new(reply));
        let waiting = self.0.with(|s| {
            let waiting = s.waiting.get_mut(&id)?;
            let reply = unwanted.take()?;
            Some(std::mem::replace(waiting, Waiting::Reply(reply)))
        });
        if let Some(Waiting::For(waker)) = waiting {
            waker.wake();
        }
    }

    /// Nobody waits for this effect any more. One that has not left yet is taken back, another is aborted.
    pub(super) fn withdraw(&self, id: EffectId) {
        let dropped = self.0.with(|s| {
            let waiting = s.waiting.remove(&id);
            if matches!(waiting, Some(Waiting::For(_))) {
                match s.outbox.iter().position(|(posted, _)| *posted == id) {
                    Some(at) => return (waiting, Some(s.outbox.remove(at))),
                    None => s.outbox.push((0, Effect::Abort(id))),
                }
            }
            (waiting, None)
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
                s.last_op = s.last_op.wrapping_add(1);
                let id = s.last_op;
                s.spawned.push((id, task));
                s.outbox.push((0, Effect::Spawn(id)));
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
