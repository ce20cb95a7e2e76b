//! What every client is made of, whoever describes it: parts at hand, policies that were checked.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::Target;
use crate::cache::ttl::CachePolicy;
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::http::DynFetch;
use crate::http::retry::{Bucket, RetryPolicy};
use crate::observe::Watch;
use crate::openapi::OpenApi;
use crate::runtime::{Background, Clock, DynRuntime};
use crate::sync::Guarded;
use std::sync::Arc;

pub(crate) struct Blueprint {
    pub(crate) target: Target,
    pub(crate) fetch: Arc<dyn DynFetch>,
    pub(crate) runtime: Arc<dyn DynRuntime>,
    pub(crate) background: Option<Arc<dyn Background>>,
    pub(crate) credentials: CachedCredentials,
    pub(crate) cache: CachePolicy,
    pub(crate) retry: RetryPolicy,
    /// How many retries a client has in store.
    pub(crate) budget: u32,
    pub(crate) watch: Watch,
}

impl Blueprint {
    pub(crate) fn build(self) -> Client {
        let api = OpenApi {
            clock: Clock::new(self.runtime),
            fetch: self.fetch,
            policy: self.retry,
            bucket: Guarded::new(Bucket::full(self.budget)),
            watch: self.watch,
        };
        Client::assemble(Arc::new(api), Arc::new(self.target), self.background, self.credentials, self.cache)
    }
}
