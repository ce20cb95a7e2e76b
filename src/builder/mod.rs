//! From options to a checked client: the only place for defaults.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod blueprint;
mod options;
mod target;
#[cfg(test)]
mod vectors;

pub(crate) use blueprint::Blueprint;
pub(crate) use options::BUDGET;
pub use options::{CacheOptions, RetryOptions};
pub(crate) use target::Target;

use crate::client::Client;
use crate::credentials::cached::CachedCredentials;
use crate::credentials::{Credentials, ProvideCredentials};
use crate::error::{Error, Result};
use crate::http::{DynFetch, Fetch};
use crate::observe::{Observer, Watch};
use crate::region::{Endpoint, Network, Origin, check_region};
use crate::runtime::{Background, DynRuntime, Runtime};
use crate::time::{check_time, millis};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a client is made of; see [`Client::builder`].
///
/// Nothing is sent before the first read. What is wrong with an option is said by [`build`](Self::build), by its name:
///
/// ```
/// use simsim::{Client, Credentials, ErrorKind};
/// # fn main() -> simsim::Result<()> {
/// let credentials = Credentials::access_key("LTAI-example", "not-a-real-secret")?;
/// let error = Client::builder()
///     .endpoint("https://kms.example.com/some/path")
///     .credentials(credentials)
///     .build()
///     .unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Config);
/// assert!(error.to_string().contains("endpoint: must be a host only"));
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct ClientBuilder {
    region: Option<String>,
    network: Network,
    endpoint: Option<String>,
    allow_http: bool,
    credentials: Option<CachedCredentials>,
    environment: Environment,
    default_credentials: bool,
    fetch: Option<Arc<dyn DynFetch>>,
    runtime: Option<Arc<dyn DynRuntime>>,
    background: Behind,
    cache: CacheOptions,
    retry: RetryOptions,
    timeout: Option<Duration>,
    observer: Option<Arc<dyn Observer>>,
    observe_names: bool,
    without_extended_config: bool,
    max_requests: Option<u32>,
    invalid: Option<Error>,
}

#[derive(Default)]
enum Behind {
    #[default]
    Default,
    Off,
    On(Arc<dyn Background>),
}

/// What was read from the environment; any error is kept for `build`, so that the builder's calls chain.
#[derive(Default)]
struct Environment {
    region: Option<(&'static str, String)>,
    endpoint: Option<String>,
    credentials: Option<Result<Credentials>>,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("region", &self.region)
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

/// The time of one read.
pub(crate) const TIMEOUT: u64 = 10_000;
/// The variable for an explicit KMS endpoint; it must end in `.aliyuncs.com` or be loopback.
pub(crate) const ENDPOINT_VARIABLE: &str = "ALIBABA_CLOUD_KMS_ENDPOINT";

impl ClientBuilder {
    /// The region, such as `cn-hangzhou`. Without one: an ARN's own, then the environment's if it is read.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Public or VPC hosts of the region. Default public.
    #[must_use]
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// A gateway's address instead of the region's: `https://host[:port]`; plain http for loopback only.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Allows an `http://` endpoint that is not loopback. For tests in closed networks: secrets cross in the clear.
    #[must_use]
    pub fn allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// [`Credentials`] themselves, or whatever provides them.
    #[must_use]
    pub fn credentials(mut self, credentials: impl ProvideCredentials) -> Self {
        self.invalid = credentials.validate().err();
        self.credentials = Some(CachedCredentials::new(credentials));
        self
    }

    /// Where neither [`credentials`](Self::credentials) nor keys in the [`environment`](Self::environment) are given:
    /// looks for them wherever this machine has them, when they are first needed. See
    /// [`DefaultChain`](crate::credentials::DefaultChain) for the places and their order. Needs the feature `tokio`;
    /// without it give `credentials(DefaultChain::new(…))` a [`Host`](crate::credentials::Host) of your own.
    #[must_use]
    pub fn default_credentials(mut self) -> Self {
        self.default_credentials = true;
        self
    }

    /// Reads what is not set in code from these variables: `ALIBABA_CLOUD_ACCESS_KEY_ID`, `…_ACCESS_KEY_SECRET`,
    /// `…_SECURITY_TOKEN`, `ALIBABA_CLOUD_REGION_ID` or `FC_REGION`, `ALIBABA_CLOUD_KMS_ENDPOINT`.
    /// Without this call a builder never reads the environment.
    ///
    /// ```
    /// let variable = |name: &str| (name == "ALIBABA_CLOUD_ACCESS_KEY_ID").then(|| String::from("LTAI-example"));
    /// let error = simsim::Client::builder().environment(variable).build().unwrap_err();
    /// assert!(error.to_string().contains("ALIBABA_CLOUD_ACCESS_KEY_SECRET: is not set"));
    /// ```
    #[must_use]
    pub fn environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| variable(name).filter(|v| !v.is_empty());
        let region = |name: &'static str| get(name).map(|value| (name, value));
        self.environment.region = region("ALIBABA_CLOUD_REGION_ID").or_else(|| region("FC_REGION"));
        self.environment.endpoint = get(ENDPOINT_VARIABLE);
        let key = (get("ALIBABA_CLOUD_ACCESS_KEY_ID"), get("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
        self.environment.credentials = match (key, get("ALIBABA_CLOUD_SECURITY_TOKEN")) {
            ((None, None), _) => None,
            ((Some(id), Some(secret)), Some(token)) => Some(Credentials::session(id, secret, token)),
            ((Some(id), Some(secret)), None) => Some(Credentials::access_key(id, secret)),
            ((id, _), _) => {
                let missing = if id.is_none() { "ID" } else { "SECRET" };
                Some(Err(Error::config(
                    ["ALIBABA_CLOUD_ACCESS_KEY_", missing, ": is not set, its other half is"].concat(),
                )))
            }
        };
        self
    }

    /// The HTTP transport. Default (feature `reqwest`): [`ReqwestFetch`](crate::http::ReqwestFetch).
    #[must_use]
    pub fn fetch(mut self, fetch: impl Fetch) -> Self {
        self.fetch = Some(Arc::new(fetch));
        self
    }

    /// Clocks, timers and randomness. Default (feature `tokio`): [`TokioRuntime`](crate::runtime::TokioRuntime).
    #[must_use]
    pub fn runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Some(Arc::new(runtime));
        self
    }

    /// Runs refreshes behind the answer. Default (feature `tokio`, and no `runtime` given): tokio's spawn.
    #[must_use]
    pub fn background(mut self, background: impl Background) -> Self {
        self.background = Behind::On(Arc::new(background));
        self
    }

    /// Nothing runs behind an answer: a refresh that is due is done by the read that notices it.
    #[must_use]
    pub fn no_background(mut self) -> Self {
        self.background = Behind::Off;
        self
    }

    /// How long values are kept, and how much of them.
    #[must_use]
    pub fn cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// Every read asks KMS; only reads at the same time share an answer. Mind the 450 reads a second of an account.
    #[must_use]
    pub fn no_cache(mut self) -> Self {
        self.cache.off = true;
        self
    }

    /// How failed requests are sent again.
    #[must_use]
    pub fn retry(mut self, options: RetryOptions) -> Self {
        self.retry = options;
        self
    }

    /// A failed request is not sent again (corrections of the clock and renewed credentials apart).
    #[must_use]
    pub fn no_retry(mut self) -> Self {
        self.retry = self.retry.max_attempts(1);
        self
    }

    /// The whole time of one read, retries included. Default 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Is told of hits, misses, retries and the like.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Events and spans carry the names of secrets instead of hashes.
    #[must_use]
    pub fn observe_names(mut self) -> Self {
        self.observe_names = true;
        self
    }

    /// Does not ask for `ExtendedConfig`.
    #[must_use]
    pub fn without_extended_config(mut self) -> Self {
        self.without_extended_config = true;
        self
    }

    /// The most requests that one call may cost, those for its credentials and every retry included: for platforms
    /// that count them. A call that would need more fails with
    /// [`ErrorKind::BudgetExceeded`](crate::ErrorKind::BudgetExceeded). Default: no limit of its own.
    #[must_use]
    pub fn max_requests_per_call(mut self, requests: u32) -> Self {
        self.max_requests = Some(requests);
        self
    }

    /// Checks everything and makes the client. Sends nothing.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config); the message names the field and the remedy.
    pub fn build(self) -> Result<Client> {
        let target = self.target()?;
        check_time("timeout", target.timeout)?;
        self.cache.check()?;
        self.retry.check()?;
        if self.max_requests == Some(0) {
            return Err(Error::config("max_requests_per_call: 0 would forbid every read; allow 1 or more"));
        }
        if let Some(error) = self.invalid {
            return Err(error);
        }
        let credentials = match (self.credentials, self.environment.credentials) {
            (Some(credentials), _) => credentials,
            (None, Some(found)) => CachedCredentials::new(found?),
            (None, None) if self.default_credentials => default_credentials()?,
            (None, None) => {
                return Err(Error::config(
                    "credentials: none given; set credentials(), or ALIBABA_CLOUD_ACCESS_KEY_ID and \
                     ALIBABA_CLOUD_ACCESS_KEY_SECRET (with ALIBABA_CLOUD_SECURITY_TOKEN for a session) and read \
                     the environment, or default_credentials()",
                ));
            }
        };
        let background = match self.background {
            Behind::On(background) => Some(background),
            Behind::Off => None,
            Behind::Default => default_background(self.runtime.is_none()),
        };
        let blueprint = Blueprint {
            target,
            fetch: self.fetch.map_or_else(default_fetch, Ok)?,
            runtime: self.runtime.map_or_else(default_runtime, Ok)?,
            background,
            credentials,
            cache: self.cache.policy(),
            budget: self.retry.budget,
            retry: self.retry.policy(),
            watch: Watch { observer: self.observer, names: self.observe_names },
        };
        Ok(blueprint.build())
    }

    fn target(&self) -> Result<Target> {
        if let Some(region) = &self.region {
            check_region("region", region)?;
        } else if let Some((variable, region)) = &self.environment.region {
            check_region(variable, region)?;
        }
        let endpoint = match (&self.endpoint, &self.environment.endpoint) {
            (Some(text), _) => {
                Some(Endpoint::parse("endpoint", text, Origin::Code { allow_http: self.allow_http })?)
            }
            (None, Some(text)) => Some(Endpoint::parse(ENDPOINT_VARIABLE, text, Origin::Environment)?),
            (None, None) => None,
        };
        Ok(Target {
            region_is_explicit: self.region.is_some(),
            region: self.region.clone().or_else(|| Some(self.environment.region.as_ref()?.1.clone())),
            network: self.network,
            endpoint,
            timeout: self.timeout.map_or(TIMEOUT, millis),
            extended_config: !self.without_extended_config,
            max_requests: self.max_requests.unwrap_or(u32::MAX),
        })
    }
}

#[cfg(all(feature = "reqwest", not(target_arch = "wasm32")))]
fn default_fetch() -> Result<Arc<dyn DynFetch>> {
    Ok(Arc::new(crate::http::ReqwestFetch::new()?))
}

#[cfg(not(all(feature = "reqwest", not(target_arch = "wasm32"))))]
fn default_fetch() -> Result<Arc<dyn DynFetch>> {
    Err(Error::config("fetch: none given; set fetch(), or build simsim with the feature reqwest"))
}

#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
fn default_runtime() -> Result<Arc<dyn DynRuntime>> {
    Ok(Arc::new(crate::runtime::TokioRuntime::new()))
}

#[cfg(not(all(feature = "tokio", not(target_arch = "wasm32"))))]
fn default_runtime() -> Result<Arc<dyn DynRuntime>> {
    Err(Error::config("runtime: none given; set runtime(), or build simsim with the feature tokio"))
}

#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
fn default_background(native_runtime: bool) -> Option<Arc<dyn Background>> {
    native_runtime.then(|| Arc::new(crate::runtime::TokioBackground) as Arc<dyn Background>)
}

#[cfg(not(all(feature = "tokio", not(target_arch = "wasm32"))))]
fn default_background(_native_runtime: bool) -> Option<Arc<dyn Background>> {
    None
}

#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
fn default_credentials() -> Result<CachedCredentials> {
    use crate::credentials::{DefaultChain, NativeHost};
    Ok(CachedCredentials::new(DefaultChain::new(NativeHost::new())))
}

#[cfg(not(all(feature = "tokio", not(target_arch = "wasm32"))))]
fn default_credentials() -> Result<CachedCredentials> {
    Err(Error::config(
        "default_credentials: needs the feature tokio; set credentials(), such as DefaultChain::new() of a Host of \
         your own",
    ))
}

#[cfg(all(feature = "reqwest", feature = "tokio", not(target_arch = "wasm32")))]
impl Client {
    /// A client from the environment: region and endpoint now (see [`ClientBuilder::environment`]), credentials from
    /// its keys, or else from [wherever this machine has them](crate::credentials::DefaultChain) when they are first
    /// needed.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) naming the variable that is wrong. That no credentials are to
    /// be had anywhere is said by the first read, or by [`check`](Client::check).
    pub fn from_env() -> Result<Self> {
        Self::builder().environment(|name| std::env::var(name).ok()).default_credentials().build()
    }
}
