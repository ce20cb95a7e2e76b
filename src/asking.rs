//! What a client asks upstream: within which bounds, as whom, and the renewal of its session behind an answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::client::Client;
use crate::credentials::Credentials;
use crate::credentials::cached::PROVIDING;
use crate::error::Result;
use crate::gateway::shared;
use crate::lease::{Lease, Renew};
use crate::openapi::{Answer, ApiCall, Behind, Limit, Place, Upstream};
use crate::secret::SecretName;
use crate::time::Instant64;
use std::borrow::Cow;
use std::future::Future;
use std::sync::atomic::AtomicU32;

impl Client {
    /// Asks KMS for a secret, or for several of which this is the first.
    #[expect(clippy::manual_async_fn, reason = "the future of an async fn holds what it is given twice")]
    pub(crate) fn ask<'a>(
        &'a self,
        name: &'a SecretName,
        action: &'static str,
        query: Vec<(Cow<'a, str>, Cow<'a, str>)>,
        lease: &'a dyn Renew,
        deadline: Instant64,
    ) -> impl Future<Output = Result<Answer>> {
        async move {
            let inner = &self.inner;
            let endpoint = inner.target.endpoint_for(name)?;
            let call = ApiCall { endpoint, action, version: shared::VERSION, query, body: () };
            let requests = AtomicU32::new(inner.target.max_requests);
            let limit = self.bounds(name.as_str(), name.region(), deadline, lease, &requests);
            inner.api.call(&call, Some(&inner.credentials), &limit).await
        }
    }

    /// What bounds one call upstream, whoever makes it.
    pub(crate) fn bounds<'a>(
        &'a self,
        name: &'a str,
        region: Option<&'a str>,
        deadline: Instant64,
        lease: &'a dyn Renew,
        requests: &'a AtomicU32,
    ) -> Limit<'a> {
        let target = &self.inner.target;
        let place = Place { region: region.or(target.region.as_deref()), network: target.network };
        Limit { deadline, closed: &self.inner.closed, name, lease, behind: Some(self), requests, place }
    }
}

impl Behind for Client {
    fn renew(&self, lease: Lease<Result<Credentials>>, old: &Credentials) -> bool {
        let Some(background) = &self.inner.background else { return false };
        let (client, old) = (self.clone(), Some(old.clone()));
        let task = Box::pin(async move {
            let inner = &client.inner;
            let requests = AtomicU32::new(inner.target.max_requests);
            // The credentials' own flight is the only one.
            let limit = client.bounds("", None, inner.clock().now().mono.plus(PROVIDING), &(), &requests);
            let upstream = Upstream { api: &inner.api, limit: &limit };
            drop(inner.credentials.lead(lease, old, PROVIDING, upstream).await);
        });
        background.run(task).is_ok()
    }

    fn given(&self, credentials: &Credentials) {
        let Some(principal) = credentials.principal() else { return };
        let changed = self.inner.principal.with(|known| match known {
            Some(known) if known == principal => false,
            known => known.replace(principal.to_owned()).is_some(),
        });
        if changed {
            self.inner.cache.invalidate(None);
        }
    }
}
