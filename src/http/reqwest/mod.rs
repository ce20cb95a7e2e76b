//! `ReqwestFetch`: HTTP for native programs, by a reqwest client that simsim builds and nobody else configures.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod address;
mod builder;
mod failure;
mod lane;
#[cfg(any(feature = "ring", feature = "aws-lc"))]
mod tls;

pub use self::builder::ReqwestFetchBuilder;

use self::lane::Lane;
use super::{Fetch, FetchError, FetchErrorKind, Method, Request, Response};
use ::reqwest::header::{CONTENT_LENGTH, HeaderName, HeaderValue};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The native transport: HTTP/1.1 over a pool of kept connections, HTTPS by rustls.
///
/// - Redirects are answers, never followed. No cookies, no compression, no headers of its own beyond
///   `host`, `content-length` and `accept`: what is sent is what was signed.
/// - The proxies that `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` name are used (HTTP and HTTPS
///   proxies, not SOCKS), but never for loopback and link-local addresses: instance metadata is not sent to a proxy.
/// - A kept connection that turns out to be dead is [`FetchErrorKind::StaleConnection`], and with it
///   every other kept connection of that kind is given up, so that the next request opens a new one
///   (a function that was frozen wakes up with a pool full of dead ones).
/// - Dropping the future ends the exchange and closes its connection.
///
/// It must be awaited inside a tokio runtime that has time and I/O enabled; outside of any runtime requests fail as
/// [`FetchErrorKind::Unsupported`] with the code `NO_TOKIO_RUNTIME`.
///
/// Clones are cheap and share the pool.
///
/// ```
/// use simsim::http::ReqwestFetch;
/// # fn main() -> simsim::Result<()> {
/// let fetch = ReqwestFetch::builder()
///     .connect_timeout(std::time::Duration::from_secs(1))
///     .http_only() // plain HTTP to a local emulator; leave it out for HTTPS
///     .build()?;
/// # let _ = fetch;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ReqwestFetch(Arc<Shared>);

struct Shared {
    /// Whether `https` addresses can be asked at all.
    tls: bool,
    /// Loopback and link-local addresses: never through a proxy.
    near: Lane,
    /// Everything else.
    far: Lane,
}

impl ReqwestFetch {
    /// The transport with its defaults; the same as `ReqwestFetch::builder().build()`.
    ///
    /// # Errors
    /// As [`ReqwestFetchBuilder::build`].
    pub fn new() -> crate::Result<Self> {
        Self::builder().build()
    }

    /// Starts from the defaults: connecting may take 2 s, idle connections are kept for 10 s, proxies as the
    /// environment names them.
    pub fn builder() -> ReqwestFetchBuilder {
        ReqwestFetchBuilder::new()
    }

    async fn exchange(&self, request: Request) -> Result<Response, FetchError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(unsupported("NO_TOKIO_RUNTIME"));
        }
        let url = address::parse(&request.url)?;
        if url.scheme() == "https" && !self.0.tls {
            return Err(unsupported("NO_TLS"));
        }
        let lane = if address::is_near(&url) { &self.0.near } else { &self.0.far };
        let max_body = request.max_body;
        let outgoing = outgoing(request, url.clone())?;

        let answer = lane.send(outgoing).await?;
        if answer.url() != &url {
            return Err(FetchError::new(FetchErrorKind::Redirected));
        }
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        Ok(Response::new(status, headers, body(answer, max_body).await?))
    }
}

impl Fetch for ReqwestFetch {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        self.exchange(request).await
    }
}

impl fmt::Debug for ReqwestFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestFetch").field("tls", &self.0.tls).finish_non_exhaustive()
    }
}

fn unsupported(code: &str) -> FetchError {
    FetchError::new(FetchErrorKind::Unsupported).with_code(code)
}

/// The request as reqwest takes it. Every header value is marked sensitive: some are the keys to the account.
fn outgoing(request: Request, url: ::reqwest::Url) -> Result<::reqwest::Request, FetchError> {
    let method = match request.method {
        Method::Get => ::reqwest::Method::GET,
        Method::Post => ::reqwest::Method::POST,
        Method::Put => ::reqwest::Method::PUT,
    };
    let mut outgoing = ::reqwest::Request::new(method, url);
    let headers = outgoing.headers_mut();
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unsupported("HEADER"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| unsupported("HEADER"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    if !request.body.is_empty() {
        *outgoing.body_mut() = Some(request.body.into());
    } else if request.method != Method::Get {
        // hyper leaves it out, and some gateways and proxies refuse a POST without a length (411).
        outgoing.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *outgoing.timeout_mut() = Some(request.timeout);
    Ok(outgoing)
}

/// Reads at most `max` bytes of body. No copy of what was read stays behind in a buffer that was outgrown.
async fn body(mut answer: ::reqwest::Response, max: usize) -> Result<Vec<u8>, FetchError> {
    let too_large = || FetchError::new(FetchErrorKind::BodyTooLarge);
    let announced = match answer.content_length() {
        Some(length) => usize::try_from(length).ok().filter(|l| *l <= max).ok_or_else(too_large)?,
        None => 0,
    };
    let mut body = Zeroizing::new(Vec::with_capacity(announced));
    while let Some(chunk) = answer.chunk().await.map_err(|e| failure::of_body(&e))? {
        let length = body.len().saturating_add(chunk.len());
        if length > max {
            return Err(too_large());
        }
        if length > body.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(length.saturating_mul(2).min(max)));
            larger.extend_from_slice(&body);
            body = larger;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(std::mem::take(&mut *body))
}
