//! A provider of credentials as the subject of a session: its operations as bytes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::Subject;
use super::source::{Source, Sources};
use crate::builder::{BUDGET, RetryOptions, TIMEOUT};
use crate::credentials::Credentials;
use crate::credentials::cached::{CachedCredentials, PROVIDING};
use crate::error::{Error, ErrorKind, Result};
use crate::http::retry::Bucket;
use crate::lease::Lease;
use crate::mailbox::wire::{Malformed, Read, Reader, Writer};
use crate::mailbox::{Mailbox, Seams};
use crate::observe::Watch;
use crate::openapi::{Behind, Limit, OpenApi, Place, Upstream};
use crate::region::Network;
use crate::runtime::{Background as _, Clock};
use crate::sync::{BoxFuture, Guarded};
use crate::time::{Instant64, Now};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

/// What an operation does: its first byte behind its time.
mod operation {
    /// Whether what was given before was refused, region and network of who asks.
    pub(super) const PROVIDE: u8 = 1;
    pub(super) const STATUS: u8 = 2;
}

/// For how many milliseconds a session that was obtained after a refusal is not given up for another refusal: of
/// several that ask, each may have been refused with the one before.
const RENEWED: u64 = 5_000;

/// A provider, of one of the sources that the build knows.
pub struct Provider<S> {
    inner: Arc<Inner>,
    sources: PhantomData<S>,
}

struct Inner {
    api: OpenApi,
    /// What it is asked for is kept.
    source: CachedCredentials,
    background: Seams,
    /// Until when a refusal is not heard again.
    renewed: Guarded<Instant64>,
    closed: AtomicBool,
}

/// Where who asks works: a region that may be empty, and a network.
#[derive(Clone, Default)]
struct Asker {
    region: Option<String>,
    network: Network,
}

impl<S> fmt::Debug for Provider<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

impl<S: Sources> Subject for Provider<S> {
    /// A provider from the driver's description: the kind of its source, and that one's fields.
    fn open(mailbox: &Mailbox, mut description: Reader<'_>) -> Read<Self> {
        let Source(source) = S::source(description.u8()?, mailbox, &mut description)?;
        let source = CachedCredentials::shared(source);
        let api = OpenApi {
            clock: Clock::new(Arc::new(mailbox.seams())),
            fetch: Arc::new(mailbox.seams()),
            policy: RetryOptions::default().policy(),
            bucket: Guarded::new(Bucket::full(BUDGET)),
            watch: Watch { observer: None, names: false },
        };
        let inner = Inner {
            api,
            source,
            background: mailbox.seams(),
            renewed: Guarded::new(Instant64::default()),
            closed: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner), sources: PhantomData })
    }

    fn operation(&self, operation: Reader<'_>, now: Now) -> BoxFuture<'static, Vec<u8>> {
        let inner = self.inner.clone();
        let asked = inner.read(operation, now);
        Box::pin(async move {
            let mut out = Writer::new();
            match asked {
                Ok(Some((asker, deadline))) => match inner.provide(&asker, deadline).await {
                    Ok(given) => {
                        out.u8(0);
                        out.credentials(&given);
                    }
                    Err(error) => out.failure(&error),
                },
                Ok(None) => {
                    out.u8(0);
                    out.text(inner.source.name());
                }
                Err(malformed) => out.failure(&malformed.into()),
            }
            out.into_bytes()
        })
    }

    /// A driver keeps nothing that a provider gave.
    fn removals(&self) -> u32 {
        0
    }
}

impl Inner {
    /// Who asks, and until when; or nobody, who wants to know of the source.
    fn read(&self, mut operation: Reader<'_>, now: Now) -> Read<Option<(Asker, Instant64)>> {
        let timeout = operation.millis()?;
        match operation.u8()? {
            operation::STATUS => Ok(None),
            operation::PROVIDE => {
                if operation.u8()? != 0 {
                    self.give_up(now);
                }
                let region = operation.some_text()?.map(str::to_owned);
                let network = if operation.u8()? != 0 { Network::Vpc } else { Network::Public };
                Ok(Some((Asker { region, network }, now.mono.plus(timeout.unwrap_or(TIMEOUT)))))
            }
            _ => Err(Malformed),
        }
    }

    /// What was given is refused: others are obtained.
    fn give_up(&self, now: Now) {
        let heard = self.renewed.with(|until| {
            let heard = now.mono >= *until;
            if heard {
                *until = now.mono.plus(RENEWED);
            }
            heard
        });
        if let Some(given) = self.source.given().filter(|_| heard) {
            let why =
                Error::new(ErrorKind::CredentialsRejected, "the service refuses what the provider gives");
            self.source.reject(&given, &why, now);
        }
    }

    async fn provide(self: &Arc<Self>, asker: &Asker, deadline: Instant64) -> Result<Credentials> {
        let (requests, behind) = (AtomicU32::new(u32::MAX), Renewal { inner: self.clone(), asker });
        let limit = self.limit(asker, deadline, Some(&behind), &requests);
        self.source.get(Upstream { api: &self.api, limit: &limit }).await
    }

    fn limit<'a>(
        &'a self,
        asker: &'a Asker,
        deadline: Instant64,
        behind: Option<&'a dyn Behind>,
        requests: &'a AtomicU32,
    ) -> Limit<'a> {
        let place = Place { region: asker.region.as_deref(), network: asker.network };
        Limit { deadline, closed: &self.closed, name: "", lease: &(), behind, requests, place }
    }
}

/// The renewal of a session that still serves, for who happened to ask.
struct Renewal<'a> {
    inner: Arc<Inner>,
    asker: &'a Asker,
}

impl Behind for Renewal<'_> {
    fn renew(&self, lease: Lease<Result<Credentials>>, old: &Credentials) -> bool {
        let (inner, asker, old) = (self.inner.clone(), self.asker.clone(), Some(old.clone()));
        let task = Box::pin(async move {
            let requests = AtomicU32::new(u32::MAX);
            let deadline = inner.api.clock.now().mono.plus(PROVIDING);
            let limit = inner.limit(&asker, deadline, None, &requests);
            let upstream = Upstream { api: &inner.api, limit: &limit };
            drop(inner.source.lead(lease, old, PROVIDING, upstream).await);
        });
        self.inner.background.run(task).is_ok()
    }
}

#[cfg(test)]
mod tests;
