//! The HTTP seam: plain request and answer structs, and the one trait a transport implements.
// SPDX-License-Identifier: Apache-2.0 OR MIT

#[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
mod reqwest;
pub(crate) mod retry;

#[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
pub use self::reqwest::{ReqwestFetch, ReqwestFetchBuilder};

use crate::sensitive::Sensitive;
use crate::sync::{BoxFuture, MaybeSend, MaybeSync};
use crate::text;
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// The HTTP methods that the gateway uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
}

impl Method {
    /// The name as it is sent and signed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
        }
    }
}

/// One request, ready to be sent as it is.
///
/// `Debug` shows the method and the path-less address only: headers, query and body can carry credentials.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address, query included.
    pub url: String,
    /// Headers in sending order; `host` and `content-length` are the transport's business and never in here.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The body; empty means none is sent.
    pub body: Vec<u8>,
    /// How long the whole exchange may take. simsim also enforces it from outside.
    pub timeout: Duration,
    /// The largest body, in bytes, that may be read; a longer one is [`FetchErrorKind::BodyTooLarge`].
    pub max_body: usize,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &authority(&self.url).unwrap_or("?"))
            .finish_non_exhaustive()
    }
}

/// The authority (`host[:port]`) of an absolute address, without userinfo, path and query.
pub(crate) fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

/// One answer. Any HTTP status is an answer; [`FetchError`] means that there was none.
///
/// `Debug` shows the status only. The body is wiped on drop.
pub struct Response(Box<Parts>);

/// Behind a pointer: an answer is handed on many times before it is read.
struct Parts {
    status: u16,
    headers: Vec<(String, String)>,
    body: Sensitive<Vec<u8>>,
}

impl Response {
    /// An answer as it arrived.
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self(Box::new(Parts { status, headers, body: Sensitive::new(body) }))
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The first header of that name, whatever its letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// All headers in the order they arrived.
    pub fn headers(&self) -> &[(String, String)] {
        &self.0.headers
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        self.0.body.expose()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.0.status).finish_non_exhaustive()
    }
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// No connection: refused, unreachable, name not resolved, TLS refused. Retried.
    Connect,
    /// A kept connection turned out to be dead before anything came back. Retried at once on a fresh one, uncounted.
    StaleConnection,
    /// Nothing came within the time that was given. Retried.
    Timeout,
    /// The connection ended in the middle of the answer, or the answer was not HTTP. Retried.
    Interrupted,
    /// The body is longer than [`Request::max_body`]. Not retried.
    BodyTooLarge,
    /// The answer was redirected although that was forbidden. Not retried.
    Redirected,
    /// This transport cannot send such a request at all (an address it refuses, say). Not retried.
    Unsupported,
    /// Nothing was sent: the caller's call has sent as many requests as it may. Not retried.
    OverBudget,
}

/// No answer: the kind, and at most a short code of the platform such as `ECONNREFUSED` (never an address).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    kind: FetchErrorKind,
    code: Option<String>,
}

impl FetchError {
    /// An error of that kind.
    pub fn new(kind: FetchErrorKind) -> Self {
        Self { kind, code: None }
    }

    /// Adds the platform's short code; only `[A-Za-z0-9_.-]`, at most 64 characters, survive.
    #[must_use]
    pub fn with_code(mut self, code: &str) -> Self {
        let code = text::printable(code, 64);
        self.code = (!code.is_empty()).then_some(code);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> FetchErrorKind {
        self.kind
    }

    /// The platform's short code, where it gave one.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FetchErrorKind::Connect => "no connection",
            FetchErrorKind::StaleConnection => "a kept connection was dead",
            FetchErrorKind::Timeout => "no answer in time",
            FetchErrorKind::Interrupted => "the answer was cut off",
            FetchErrorKind::BodyTooLarge => "the answer is too large",
            FetchErrorKind::Redirected => "the answer was redirected",
            FetchErrorKind::Unsupported => "the transport refused the request",
            FetchErrorKind::OverBudget => "the budget of requests is used up",
        })?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for FetchError {}

/// Sends one request and returns whatever answer came.
///
/// An implementation never follows redirects, never logs headers or bodies, reads at most
/// [`Request::max_body`] bytes and lets dropping the future end the exchange.
///
/// A transport around another one, which counts:
///
/// ```
/// use simsim::http::{Fetch, FetchError, Request, Response};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// struct Counted<F>(F, AtomicU64);
///
/// impl<F: Fetch> Fetch for Counted<F> {
///     async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
///         self.1.fetch_add(1, Ordering::Relaxed);
///         self.0.fetch(request).await
///     }
/// }
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.add_access_key("LTAI-example", "not-a-real-secret");
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
/// let counted = Arc::new(Counted(kms, AtomicU64::new(0)));
/// let client = simsim::Client::builder()
///     .region("cn-hangzhou")
///     .fetch(counted.clone())
///     # .runtime(runtime)
///     # .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?)
///     .build()?;
/// client.get_secret("db/login").await?;
/// assert_eq!(counted.1.load(Ordering::Relaxed), 1);
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub trait Fetch: MaybeSend + MaybeSync + 'static {
    /// Sends `request`.
    ///
    /// # Errors
    /// [`FetchError`] when no complete answer came; an HTTP error status is not an error here.
    fn fetch(
        &self,
        request: Request,
    ) -> impl Future<Output = std::result::Result<Response, FetchError>> + MaybeSend;
}

impl<F: Fetch> Fetch for std::sync::Arc<F> {
    fn fetch(
        &self,
        request: Request,
    ) -> impl Future<Output = std::result::Result<Response, FetchError>> + MaybeSend {
        F::fetch(self, request)
    }
}

/// The type-erased twin of [`Fetch`].
pub(crate) trait DynFetch: MaybeSend + MaybeSync + 'static {
    fn fetch(&self, request: Request) -> BoxFuture<'_, std::result::Result<Response, FetchError>>;
}

impl<F: Fetch> DynFetch for F {
    fn fetch(&self, request: Request) -> BoxFuture<'_, std::result::Result<Response, FetchError>> {
        Box::pin(Fetch::fetch(self, request))
    }
}
