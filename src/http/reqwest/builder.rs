//! The builder of `ReqwestFetch`, and the one place where a reqwest client is made.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::lane::{Lane, NoteConnects, Route};
use super::{ReqwestFetch, Shared};
use crate::error::{Error, Result};
use crate::time::{check_time, millis};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// KMS publishes no idle timeout; Alibaba Cloud's load balancers close idle connections after 15 s by default.
/// Kept connections only serve bursts anyway: between two refreshes of a secret lie minutes.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_IDLE_PER_HOST: usize = 32;

/// Configures a [`ReqwestFetch`].
#[must_use]
pub struct ReqwestFetchBuilder {
    connect_timeout: Duration,
    idle_timeout: Duration,
    proxy: Proxy,
    http_only: bool,
    #[cfg(feature = "rustls")]
    root_certificates: Vec<Vec<u8>>,
}

#[derive(Clone)]
enum Proxy {
    Environment,
    Given(String),
    None,
}

impl ReqwestFetchBuilder {
    pub(super) fn new() -> Self {
        Self {
            connect_timeout: CONNECT_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
            proxy: Proxy::Environment,
            http_only: false,
            #[cfg(feature = "rustls")]
            root_certificates: Vec::new(),
        }
    }

    /// How long opening a connection may take, name resolution and TLS included (default 2 s).
    /// The timeout of the request bounds it as well.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long an idle connection is kept for the next request (default 10 s).
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sends everything but loopback and link-local requests through this `http://` or `https://` proxy, and
    /// does not look at the environment's. The address may carry `user:password@`; it is never printed.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Proxy::Given(url.into());
        self
    }

    /// Uses no proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Speaks plain HTTP only, as to an emulator on loopback, and loads no root certificates. Requests to
    /// `https` addresses fail as [`Unsupported`](crate::http::FetchErrorKind::Unsupported) with the code `NO_TLS`.
    /// In a build without TLS this is the only mode there is.
    pub fn http_only(mut self) -> Self {
        self.http_only = true;
        self
    }

    /// Trusts these certificates (PEM, one or more) beside the default roots. The roots by default are those
    /// of the platform with feature `native-roots` (on Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` name another
    /// store); with `bundled-roots` Mozilla's, which with both features only serve where the platform has none.
    #[cfg(feature = "rustls")]
    pub fn add_root_certificate_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Builds the transport. Nothing is sent; with `native-roots` the certificate store is read from disk.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), naming the remedy, for a duration of zero or of more than ten years, a proxy that is
    /// no `http` or `https` address, a certificate that cannot be read, a build without TLS that is not told
    /// [`http_only`](Self::http_only), and when there is no root certificate to trust.
    pub fn build(self) -> Result<ReqwestFetch> {
        for (field, duration) in
            [("connect_timeout", self.connect_timeout), ("idle_timeout", self.idle_timeout)]
        {
            check_time(field, millis(duration))?;
        }
        let far = if matches!(self.proxy, Proxy::None) { Route::Direct } else { Route::Proxied };
        let tls = !self.http_only;
        let setup = Setup {
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            tls: self.tls()?,
            proxy: self.proxy,
        };
        let near = Lane::new(setup.clone(), Route::Direct)?;
        let far = Lane::new(setup, far)?;
        Ok(ReqwestFetch(Arc::new(Shared { tls, near, far })))
    }

    #[cfg(any(feature = "ring", feature = "aws-lc"))]
    fn tls(&self) -> Result<rustls::ClientConfig> {
        if self.http_only { super::tls::unused() } else { super::tls::config(&self.root_certificates) }
    }

    #[cfg(not(any(feature = "ring", feature = "aws-lc")))]
    fn tls(&self) -> Result<()> {
        if self.http_only {
            return Ok(());
        }
        Err(Error::config(
            "this build has no TLS: enable simsim's feature `ring` or `aws-lc`, and `native-roots` or \
             `bundled-roots`; or say .http_only() if every endpoint is plain HTTP on loopback",
        ))
    }
}

impl fmt::Debug for ReqwestFetchBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestFetchBuilder")
            .field("connect_timeout", &self.connect_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("http_only", &self.http_only)
            .finish_non_exhaustive()
    }
}

/// What a client is made of, kept to make another one like it.
#[derive(Clone)]
pub(super) struct Setup {
    connect_timeout: Duration,
    idle_timeout: Duration,
    proxy: Proxy,
    #[cfg(any(feature = "ring", feature = "aws-lc"))]
    tls: rustls::ClientConfig,
    #[cfg(not(any(feature = "ring", feature = "aws-lc")))]
    #[allow(dead_code, reason = "a build without TLS has nothing to configure")]
    tls: (),
}

impl Setup {
    /// A client of its own, with a pool of its own.
    pub(super) fn client(&self, route: Route) -> Result<::reqwest::Client> {
        // The `no_…` lines hold even if another crate enables those features of reqwest: the bytes of the answer
        // must be those that were sent.
        let mut builder = ::reqwest::Client::builder()
            .redirect(::reqwest::redirect::Policy::none())
            .retry(::reqwest::retry::never())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_hickory_dns()
            .http1_only()
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(self.idle_timeout)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .connector_layer(NoteConnects);
        #[cfg(any(feature = "ring", feature = "aws-lc"))]
        {
            builder = builder.tls_backend_preconfigured(self.tls.clone());
        }
        builder = match (route, &self.proxy) {
            (Route::Direct, _) | (_, Proxy::None) => builder.no_proxy(),
            (Route::Proxied, Proxy::Environment) => builder,
            (Route::Proxied, Proxy::Given(url)) => builder.proxy(proxy(url)?),
        };
        // reqwest's own message can quote the proxy's address.
        builder.build().map_err(|_| Error::config("the HTTP client could not be built"))
    }
}

fn proxy(url: &str) -> Result<::reqwest::Proxy> {
    let refused = || Error::config("proxy: must be an http:// or https:// address");
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(refused());
    }
    ::reqwest::Proxy::all(url).map_err(|_| refused())
}
