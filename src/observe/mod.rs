//! The observer seam: what a client reports of its reads, without names (unless asked) and without values.
// SPDX-License-Identifier: Apache-2.0 OR MIT

#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "tracing")]
use self::tracing as adapter;

use crate::error::ErrorKind;
use crate::sync::{MaybeSend, MaybeSync};
use std::time::Duration;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A fresh value was answered from the cache.
    Hit,
    /// A value past its time was answered.
    Stale,
    /// A value was not at hand and was fetched.
    Miss,
    /// A read waited for a fetch that was under way.
    Coalesced,
    /// A value was fetched although an old one was at hand.
    Refresh,
    /// A request is sent again.
    Retry,
    /// The service asked for fewer calls.
    Throttle,
}

impl EventKind {
    /// The stable name, such as `hit`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Coalesced => "coalesced",
            Self::Refresh => "refresh",
            Self::Retry => "retry",
            Self::Throttle => "throttle",
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The secret: the first 16 hex digits of the SHA-256 of the asked name, or the name itself where the client was
    /// built with [`observe_names`](crate::ClientBuilder::observe_names).
    pub secret: String,
    /// How long the read took; for a retry, the wait before it; for a hit, zero.
    pub duration: Duration,
    /// How the read failed, if it did.
    pub error: Option<ErrorKind>,
}

/// Receives events. Called outside every lock, on the task that reads: keep it short, and do not block.
/// Any closure will do.
///
/// ```
/// use simsim::{Client, Event};
/// let builder = Client::builder().observer(|event: &Event| {
///     // The name of the secret is hashed, unless observe_names() is said.
///     println!("{} {} {:?}", event.kind.name(), event.secret, event.duration);
/// });
/// # let _ = builder;
/// ```
pub trait Observer: MaybeSend + MaybeSync + 'static {
    /// Takes note of one event.
    fn observe(&self, event: &Event);
}

impl<F: Fn(&Event) + MaybeSend + MaybeSync + 'static> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

/// The observer of a client, with what it may be told.
pub(crate) struct Watch {
    pub(crate) observer: Option<std::sync::Arc<dyn Observer>>,
    pub(crate) names: bool,
}

impl Watch {
    /// `ms`: the event's duration.
    pub(crate) fn emit(&self, kind: EventKind, name: &str, ms: u64, error: Option<ErrorKind>) {
        #[cfg(feature = "tracing")]
        adapter::emit(kind, &self.shown(name), ms, error);
        if let Some(observer) = &self.observer {
            let duration = Duration::from_millis(ms);
            observer.observe(&Event { kind, secret: self.shown(name), duration, error });
        }
    }

    /// Whether anyone listens: hits are not worth an event otherwise.
    #[inline]
    pub(crate) fn listens(&self) -> bool {
        self.observer.is_some() || cfg!(feature = "tracing")
    }

    fn shown(&self, name: &str) -> String {
        if self.names { name.to_owned() } else { hashed(name) }
    }
}

/// The first 16 hex digits of the name's SHA-256.
fn hashed(name: &str) -> String {
    let digest = crate::hash::sha256(&[name.as_bytes()]);
    crate::text::lower_hex(digest.get(..8).unwrap_or_default())
}
