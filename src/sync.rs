//! Send and Sync natively, nothing on wasm: the only `target_arch` switch outside the adapters.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::future::Future;
use std::pin::Pin;
#[cfg(not(target_arch = "wasm32"))]
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

/// `Send` natively, no bound on wasm32 (where one isolate is one thread and JavaScript values are not `Send`).
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSend: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + ?Sized> MaybeSend for T {}

/// `Sync` natively, no bound on wasm32.
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSync: Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Sync + ?Sized> MaybeSync for T {}

/// `Send` natively, no bound on wasm32 (where one isolate is one thread and JavaScript values are not `Send`).
#[cfg(target_arch = "wasm32")]
pub trait MaybeSend {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> MaybeSend for T {}

/// `Sync` natively, no bound on wasm32.
#[cfg(target_arch = "wasm32")]
pub trait MaybeSync {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> MaybeSync for T {}

/// A boxed future: `Send` natively, without that bound on wasm32.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future: `Send` natively, without that bound on wasm32.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What is kept by name.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type NameMap<V> = std::collections::HashMap<Box<str>, V, foldhash::fast::RandomState>;
/// What is kept by name.
#[cfg(target_arch = "wasm32")]
pub(crate) type NameMap<V> = crate::sorted::Sorted<Box<str>, V>;

/// Whether this is an isolate: one thread, little memory.
pub(crate) const ISOLATE: bool = cfg!(target_arch = "wasm32");

/// Whether a runtime may let one task wake another. On wasm32 tasks belong to requests, which may not touch each other.
pub(crate) const TASKS_WAKE_TASKS: bool = cfg!(not(target_arch = "wasm32"));

/// A lock whose guard never escapes: state is only touched inside the closure, so no guard crosses an await.
pub(crate) struct Guarded<T>(Lock<T>);

#[cfg(not(target_arch = "wasm32"))]
type Lock<T> = std::sync::Mutex<T>;
/// One thread: std's mutex would bring its poisoning along.
#[cfg(target_arch = "wasm32")]
type Lock<T> = std::cell::RefCell<T>;

impl<T: Default> Default for Guarded<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Lock::new(value))
    }

    /// Runs `f` on the state. A panic of an earlier closure does not lock the state for ever:
    /// every closure leaves it consistent before it calls anything that could panic.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        #[cfg(not(target_arch = "wasm32"))]
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        #[cfg(target_arch = "wasm32")]
        let mut state = self.0.borrow_mut();
        f(&mut state)
    }
}

/// State that is read far more often than it is written: readers on different threads do not touch each other's
/// memory, whoever writes waits for all of them. Guards never escape, as with [`Guarded`].
pub(crate) struct Shared<T>(Readers<T>);

#[cfg(not(target_arch = "wasm32"))]
type Readers<T> = crossbeam_utils::sync::ShardedLock<T>;
#[cfg(target_arch = "wasm32")]
type Readers<T> = std::cell::RefCell<T>;

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Readers::new(value))
    }

    #[inline]
    pub(crate) fn read<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        #[cfg(not(target_arch = "wasm32"))]
        let state = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        #[cfg(target_arch = "wasm32")]
        let state = self.0.borrow();
        f(&state)
    }

    pub(crate) fn write<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        #[cfg(not(target_arch = "wasm32"))]
        let mut state = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        #[cfg(target_arch = "wasm32")]
        let mut state = self.0.borrow_mut();
        f(&mut state)
    }
}

/// A count that many threads raise: each in a lane of its own, as far as there are lanes.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Default)]
pub(crate) struct Tally([crossbeam_utils::CachePadded<AtomicU64>; 8]);
#[cfg(target_arch = "wasm32")]
#[derive(Default)]
pub(crate) struct Tally([AtomicU64; 1]);

impl Tally {
    #[inline]
    pub(crate) fn add(&self, count: u64) {
        if let Some(lane) = self.0.get(lane(self.0.len())) {
            lane.fetch_add(count, Ordering::Relaxed);
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().fold(0, |sum, lane| sum.wrapping_add(lane.load(Ordering::Relaxed)))
    }
}

/// The calling thread's lane, of so many.
#[cfg(not(target_arch = "wasm32"))]
fn lane(of: usize) -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed));
    // A thread that is ending has none any more.
    THREAD.try_with(|thread| *thread).unwrap_or(0).checked_rem(of).unwrap_or(0)
}

#[cfg(target_arch = "wasm32")]
fn lane(_of: usize) -> usize {
    0
}

/// Runs futures, at most `at_once` of them at a time; results in the order of the futures.
pub(crate) async fn join_bounded<'a, T>(
    futures: impl Iterator<Item = BoxFuture<'a, T>>,
    at_once: usize,
) -> Vec<T> {
    let mut waiting = futures.enumerate();
    let mut running: Vec<(usize, BoxFuture<'a, T>)> = Vec::new();
    let mut done: Vec<Option<T>> = Vec::new();
    std::future::poll_fn(|cx| {
        loop {
            while running.len() < at_once
                && let Some((index, future)) = waiting.next()
            {
                done.push(None);
                running.push((index, future));
            }
            let before = running.len();
            running.retain_mut(|(index, future)| match future.as_mut().poll(cx) {
                Poll::Pending => true,
                Poll::Ready(result) => {
                    if let Some(place) = done.get_mut(*index) {
                        *place = Some(result);
                    }
                    false
                }
            });
            match (running.is_empty(), running.len() == before) {
                (true, true) => return Poll::Ready(()),
                (false, true) => return Poll::Pending,
                _ => {}
            }
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
