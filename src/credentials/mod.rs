//! Credentials as one immutable value, and the seam that provides them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod answer;
mod assume_role;
pub(crate) mod cached;
mod callback;
pub(crate) mod chain;
pub(crate) mod checked;
mod ecs_ram_role;
mod environment;
pub(crate) mod external;
mod fields;
mod function_compute;
pub(crate) mod host;
mod oidc;
pub(crate) mod plan;
pub(crate) mod profile;
mod static_keys;
pub(crate) mod sts;
mod token_file;
mod uri;
pub(crate) mod walk;

pub use assume_role::AssumeRole;
pub use callback::CallbackCredentials;
pub use chain::DefaultChain;
pub use ecs_ram_role::EcsRamRole;
pub use environment::Environment;
pub use external::External;
pub use function_compute::FunctionCompute;
#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
pub use host::NativeHost;
pub use host::{Host, HostError};
#[doc(hidden)]
pub use host::{Question, Said};
pub use oidc::{AssumeRoleWithOidc, ProvideToken, TokenCallback};
pub use profile::{IniProfile, Profile};
pub use token_file::TokenFile;
pub use uri::CredentialsUri;

use crate::error::{Error, Result};
use crate::openapi::Upstream;
use crate::sensitive::Sensitive;
use crate::sync::{BoxFuture, MaybeSend, MaybeSync};
use crate::time::Timestamp;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// The longest AccessKey id or secret that is accepted, in bytes. Security tokens have no documented maximum.
const MAX_KEY: usize = 512;
/// The longest security token that is accepted, in bytes (seen today: 1–2 kB).
const MAX_TOKEN: usize = 64 * 1024;

/// An AccessKey pair, or the triple of a session: id, secret, token and expiry as ONE immutable value.
///
/// Cheap to clone. `Debug` shows the expiry and whether there is a token, nothing else.
///
/// ```
/// use simsim::{Credentials, Timestamp};
/// # fn main() -> simsim::Result<()> {
/// let session = Credentials::session("STS.example", "not-a-real-secret", "not-a-real-token")?
///     .with_expiration(Timestamp::from_millis(4_070_908_800_000));
/// assert!(!format!("{session:?}").contains("not-a-real"));
/// // A line break that came along from a file is found before anything is sent.
/// assert!(Credentials::access_key("LTAI-example", "not-a-real-secret\n").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials(Arc<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    access_key_id: Sensitive<String>,
    access_key_secret: Sensitive<String>,
    security_token: Option<Sensitive<String>>,
    expiration: Option<Timestamp>,
    principal: Option<String>,
}

impl Credentials {
    /// A long-lived AccessKey pair.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when a part is empty, over-long or has characters that no
    /// key has (spaces, line breaks, non-ASCII); the message names the part, never its content.
    pub fn access_key(id: impl Into<String>, secret: impl Into<String>) -> Result<Self> {
        Self::new(id.into(), secret.into(), None, None)
    }

    /// The triple of a temporary session (STS, Function Compute). Add the expiry where it is known.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), as for [`access_key`](Self::access_key).
    pub fn session(
        id: impl Into<String>,
        secret: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self> {
        Self::new(id.into(), secret.into(), Some(token.into()), None)
    }

    /// All parts at once, checked.
    pub(crate) fn new(
        id: String,
        secret: String,
        token: Option<String>,
        expiration: Option<Timestamp>,
    ) -> Result<Self> {
        let credentials = Self::trusted(id, secret, token, expiration, None);
        check("AccessKeyId", credentials.access_key_id(), MAX_KEY)?;
        check("AccessKeySecret", credentials.access_key_secret(), MAX_KEY)?;
        if let Some(token) = credentials.security_token() {
            check("SecurityToken", token, MAX_TOKEN)?;
        }
        Ok(credentials)
    }

    /// All parts at once, from someone who has checked them.
    pub(crate) fn trusted(
        id: String,
        secret: String,
        token: Option<String>,
        expiration: Option<Timestamp>,
        principal: Option<String>,
    ) -> Self {
        Self(Arc::new(Parts {
            access_key_id: Sensitive::new(id),
            access_key_secret: Sensitive::new(secret),
            security_token: token.map(Sensitive::new),
            expiration,
            principal,
        }))
    }

    fn edit(mut self, change: impl FnOnce(&mut Parts)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// When the session ends. Without one, a provider is asked again for every call to the service.
    #[must_use]
    pub fn with_expiration(self, at: Timestamp) -> Self {
        self.edit(|p| p.expiration = Some(at))
    }

    /// Who this is (account and role). When it changes, everything that was cached for the former is purged.
    #[must_use]
    pub fn with_principal(self, principal: impl Into<String>) -> Self {
        self.edit(|p| p.principal = Some(principal.into()))
    }

    /// The AccessKey id.
    pub fn access_key_id(&self) -> &str {
        self.0.access_key_id.expose()
    }

    /// The AccessKey secret. Do not log it.
    pub fn access_key_secret(&self) -> &str {
        self.0.access_key_secret.expose()
    }

    /// The session's security token. Do not log it.
    pub fn security_token(&self) -> Option<&str> {
        self.0.security_token.as_ref().map(|t| t.expose().as_str())
    }

    /// When the session ends, where that is known.
    pub fn expiration(&self) -> Option<Timestamp> {
        self.0.expiration
    }

    /// Who this is, where the provider knows it.
    pub fn principal(&self) -> Option<&str> {
        self.0.principal.as_deref()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("session", &self.0.security_token.is_some())
            .field("expiration", &self.0.expiration)
            .finish_non_exhaustive()
    }
}

fn check(field: &str, value: &str, max: usize) -> Result<()> {
    let fault = if value.is_empty() {
        "is empty"
    } else if value.len() > max {
        "is too long"
    } else if !value.bytes().all(|b| b.is_ascii_graphic()) {
        "contains a space or another character that no key has"
    } else {
        return Ok(());
    };
    Err(Error::config(["credentials: ", field, " ", fault, "; copy it again"].concat()))
}

/// What a provider is given: the corrected time, why it is asked, and (simsim's own providers) the client's transport.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    now: Timestamp,
    rejected: bool,
    upstream: Upstream<'a>,
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("now", &self.now)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}

impl<'a> Context<'a> {
    pub(crate) fn new(now: Timestamp, rejected: bool, upstream: Upstream<'a>) -> Self {
        Self { now, rejected, upstream }
    }

    /// The client's own transport, clock and bounds.
    pub(crate) fn upstream(&self) -> Upstream<'a> {
        self.upstream
    }

    /// The wall clock, corrected by what the service's answers said of it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Whether the service refused the credentials that this provider gave before: do not give them again.
    pub fn rejected(&self) -> bool {
        self.rejected
    }
}

/// Provides credentials. Implemented by simsim's sources, and by users for their own.
///
/// A provider need not cache or coalesce: the client does both, refreshes sessions ahead of their expiry, and
/// keeps a session that is still valid when its refresh fails.
///
/// ```
/// use simsim::credentials::{Context, Credentials, ProvideCredentials};
/// use simsim::{Client, ErrorKind, Result};
///
/// /// Reads a session from a file that a sidecar keeps up to date.
/// struct FromFile(std::path::PathBuf);
///
/// impl ProvideCredentials for FromFile {
///     async fn provide(&self, _cx: &Context<'_>) -> Result<Option<Credentials>> {
///         let Ok(text) = std::fs::read_to_string(&self.0) else { return Ok(None) };
///         let [id, secret, token] = text.lines().collect::<Vec<_>>()[..] else {
///             // Never quote what was read.
///             return Err(simsim::Error::new(ErrorKind::CredentialsUnavailable, "the file has not three lines"));
///         };
///         Credentials::session(id, secret, token).map(Some)
///     }
///
///     fn name(&self) -> &'static str {
///         "file"
///     }
/// }
///
/// let builder = Client::builder().credentials(FromFile("session".into()));
/// # let _ = builder;
/// ```
pub trait ProvideCredentials: MaybeSend + MaybeSync + 'static {
    /// Obtains credentials. `Ok(None)` means "not configured here, try the next source"; an error means
    /// "configured but broken" and stops the search.
    ///
    /// # Errors
    /// Whatever went wrong; it must not quote keys or tokens.
    fn provide(&self, cx: &Context<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend;

    /// The source's name for `status()`, such as `static_ak`; a chain gives that of the source which answered last.
    fn name(&self) -> &'static str {
        "custom"
    }

    /// What is wrong with the provider's parameters, found when a client is built, before anything is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) with the field and the remedy.
    fn validate(&self) -> Result<()> {
        Ok(())
    }

    /// The credentials themselves, where they never change: then nothing is asked, coalesced or refreshed.
    #[doc(hidden)]
    fn fixed(&self) -> Option<Credentials> {
        None
    }
}

/// The type-erased twin of [`ProvideCredentials`].
pub(crate) trait DynProvideCredentials: MaybeSend + MaybeSync + 'static {
    fn provide<'a>(&'a self, cx: &'a Context<'a>) -> BoxFuture<'a, Result<Option<Credentials>>>;
    fn name(&self) -> &'static str;
}

impl<P: ProvideCredentials> DynProvideCredentials for P {
    fn provide<'a>(&'a self, cx: &'a Context<'a>) -> BoxFuture<'a, Result<Option<Credentials>>> {
        Box::pin(ProvideCredentials::provide(self, cx))
    }

    fn name(&self) -> &'static str {
        ProvideCredentials::name(self)
    }
}
