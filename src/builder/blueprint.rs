//! What every client is made of, whoever describes it: parts at hand, options still to be checked.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{CacheOptions, RetryOptions, Target, check_duration};
use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::error::Result;
use crate::http::DynFetch;
use crate::http::retry::Bucket;
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
    pub(crate) cache: CacheOptions,
    pub(crate) retry: RetryOptions,
    pub(crate) watch: Watch,
}

impl Blueprint {
    /// Checks the options and makes the client.
    pub(crate) fn build(self) -> Result<Client> {
        check_duration("timeout", self.target.timeout)?;
        let policy = self.cache.check()?;
        let api = OpenApi {
            clock: Clock::new(self.runtime),
            fetch: self.fetch,
            policy: self.retry.check()?,
            bucket: Guarded::new(Bucket::full()),
            watch: self.watch,
        };
        Ok(Client::assemble(Arc::new(api), Arc::new(self.target), self.background, self.credentials, policy))
    }
}
