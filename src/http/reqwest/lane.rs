//! One pool of kept connections, which is given up as a whole when one of them turns out to be dead.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::builder::Setup;
use super::failure;
use crate::http::{FetchError, FetchErrorKind};
use crate::sync::Guarded;
use std::cell::Cell;
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Whether requests of a lane may go through a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Direct,
    Proxied,
}

pub(super) struct Lane {
    setup: Setup,
    route: Route,
    pool: Guarded<Pool>,
}

#[derive(Clone)]
struct Pool {
    client: ::reqwest::Client,
    generation: u64,
}

impl Lane {
    pub(super) fn new(setup: Setup, route: Route) -> crate::Result<Self> {
        let client = setup.client(route)?;
        Ok(Self { setup, route, pool: Guarded::new(Pool { client, generation: 0 }) })
    }

    /// Sends, and returns when the head of an answer is there.
    pub(super) async fn send(&self, request: ::reqwest::Request) -> Result<::reqwest::Response, FetchError> {
        let Pool { client, generation } = self.pool.with(|pool| pool.clone());
        let (answer, reused) = watched(client.execute(request)).await;
        answer.map_err(|error| {
            let failure = failure::of_head(&error, reused);
            if failure.kind() == FetchErrorKind::StaleConnection {
                self.renew(generation);
            }
            failure
        })
    }

    /// Replaces the pool, once for all requests that found its connections dead. Exchanges under way go on.
    fn renew(&self, generation: u64) {
        if self.pool.with(|pool| pool.generation) != generation {
            return;
        }
        // The same setup was good before; if it fails now all the same, the old pool serves on.
        let Ok(client) = self.setup.client(self.route) else { return };
        let old = self.pool.with(|pool| {
            (pool.generation == generation).then(|| {
                let generation = generation.wrapping_add(1);
                std::mem::replace(pool, Pool { client, generation })
            })
        });
        drop(old);
    }
}

tokio::task_local! {
    /// Whether the request that is being polled has begun to open a connection.
    static OPENED: Cell<bool>;
}

/// Runs a request and says whether it went out on a kept connection.
///
/// reqwest does not tell. But hyper-util asks the connector from within the future of the request that wants
/// the connection, and only if the pool has none to give: a request that never asked was given a kept one.
/// (One that asked and then took a connection that became free meanwhile counts as new: the careful reading.)
async fn watched<F: Future>(request: F) -> (F::Output, bool) {
    OPENED
        .scope(Cell::new(false), async {
            let output = request.await;
            (output, !OPENED.with(Cell::get))
        })
        .await
}

/// Notes in [`OPENED`] that a connection is being opened; otherwise the connector itself.
#[derive(Clone, Debug)]
pub(super) struct NoteConnects;

impl<S> Layer<S> for NoteConnects {
    type Service = NotingConnector<S>;

    fn layer(&self, connector: S) -> Self::Service {
        NotingConnector(connector)
    }
}

#[derive(Clone, Debug)]
pub(super) struct NotingConnector<S>(S);

impl<S: Service<R>, R> Service<R> for NotingConnector<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        // Outside of a request (hyper-util finishing a connect behind) there is nothing to note.
        let _ = OPENED.try_with(|opened| opened.set(true));
        self.0.call(target)
    }
}
