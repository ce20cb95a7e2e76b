//! Send and Sync natively, nothing on wasm: the only `target_arch` switch outside the adapters.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// Into how many independently locked parts shared state is split: one where there is one thread.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) const SHARDS: usize = 64;
#[cfg(target_arch = "wasm32")]
pub(crate) const SHARDS: usize = 1;

/// A mutex whose guard never escapes: state is only touched inside the closure, so no guard crosses an await.
pub(crate) struct Guarded<T>(Mutex<T>);

impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Runs `f` on the state. A panic of an earlier closure does not lock the state for ever:
    /// every closure leaves it consistent before it calls anything that could panic.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let mut guard: MutexGuard<'_, T> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        f(&mut guard)
    }
}
