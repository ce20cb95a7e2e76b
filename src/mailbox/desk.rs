//! What the leaf futures of a mailbox share with it: effects going out, replies coming in, time and randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::wire::{Malformed, Writer, tag};
use super::{EffectId, OpId, Posted, Turn};
use crate::error::{Error, ErrorKind, Result};
use crate::hash::sha256;
use crate::sync::{BoxFuture, Guarded};
use crate::time::{Instant64, Now};
use std::task::Waker;
use zeroize::Zeroize as _;

type Task = BoxFuture<'static, ()>;

pub(super) struct Desk(Guarded<State>);

struct State {
    now: Now,
    running: OpId,
    tray: Tray,
    pool: Pool,
    /// What the last operation or effect was named.
    last: u32,
    outbox: Posted,
    spawned: Vec<(OpId, Task)>,
    /// A reply of this turn made no sense.
    malformed: Option<Malformed>,
}

/// An operation's own: on the desk in its turns only.
#[derive(Default)]
pub(super) struct Tray {
    /// When the last of its timers is over: a live driver has stepped it by then.
    pub(super) due: Instant64,
    /// Whether work may be left behind its answer.
    background: bool,
    waiting: Vec<(EffectId, Waiting)>,
}

enum Waiting {
    For(Waker),
    Reply(Vec<u8>),
}

impl Tray {
    pub(super) fn new(due: Instant64, background: bool) -> Self {
        Self { due, background, waiting: Vec::new() }
    }

    fn place(&self, id: EffectId) -> Option<usize> {
        self.waiting.iter().position(|(waiting, _)| *waiting == id)
    }
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
            tray: Tray::default(),
            pool: Pool::default(),
            last: 0,
            outbox: Vec::new(),
            spawned: Vec::new(),
            malformed: None,
        }))
    }

    /// A new name.
    pub(super) fn next(&self) -> u32 {
        self.0.with(State::next)
    }

    /// The beginning of an operation's turn: its time and its randomness.
    pub(super) fn begin(&self, turn: Turn<'_>, op: OpId) {
        self.0.with(|s| {
            s.now = turn.now;
            s.running = op;
            s.pool.mix(turn.entropy);
        });
    }

    /// Puts a tray on the desk, and takes off the other one.
    pub(super) fn exchange(&self, tray: &mut Tray) {
        self.0.with(|s| std::mem::swap(&mut s.tray, tray));
    }

    /// The end of a turn: what is to be run behind the answer, and whether the operation is broken off.
    pub(super) fn end(&self) -> (Vec<(OpId, Task)>, Option<Malformed>) {
        self.0.with(|s| (std::mem::take(&mut s.spawned), s.malformed.take()))
    }

    pub(super) fn collect(&self) -> Posted {
        self.0.with(|s| std::mem::take(&mut s.outbox))
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
            s.tray.waiting.push((id, Waiting::For(Waker::noop().clone())));
            id
        })
    }

    /// Notes that the running operation has a timer of so many milliseconds.
    pub(super) fn expect_within(&self, ms: u64) {
        self.0.with(|s| s.tray.due = s.tray.due.max(s.now.mono.plus(ms)));
    }

    /// The reply to an effect, or `None` after noting who waits for it now.
    pub(super) fn poll_reply(&self, id: EffectId, waker: &Waker) -> Option<Vec<u8>> {
        let found = self.0.with(|s| {
            let (_, waiting) = s.tray.waiting.swap_remove(s.tray.place(id)?);
            if let Waiting::For(_) = waiting {
                s.tray.waiting.push((id, Waiting::For(waker.clone())));
            }
            Some(waiting)
        });
        match found {
            Some(Waiting::Reply(reply)) => Some(reply),
            _ => None,
        }
    }

    /// Takes a reply in, if someone waits for it, and wakes them.
    pub(super) fn deliver(&self, id: EffectId, reply: &[u8]) {
        let waiting = self.0.with(|s| {
            let place = s.tray.place(id)?;
            let (_, waiting) = s.tray.waiting.get_mut(place)?;
            Some(std::mem::replace(waiting, Waiting::Reply(reply.to_vec())))
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
        // Dropped outside the lock: a waker may own a task.
        let dropped = self.0.with(|s| {
            let (_, waiting) = s.tray.waiting.swap_remove(s.tray.place(id)?);
            if let Waiting::For(_) = waiting {
                match s.outbox.iter().position(|(posted, _)| *posted == id) {
                    Some(at) => drop(s.outbox.remove(at)),
                    None => s.outbox.push((id, Writer::effect(tag::ABORT).into_bytes())),
                }
            }
            Some(waiting)
        });
        drop(dropped);
    }

    /// Leaves a task to be run behind the answer, or hands it back where nothing can.
    pub(super) fn spawn(&self, task: Task) -> std::result::Result<(), Task> {
        let mut task = Some(task);
        self.0.with(|s| {
            if s.tray.background
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
