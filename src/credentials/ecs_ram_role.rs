//! The session of an instance's RAM role, from the instance metadata service.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::answer::Answer;
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Facts, Result};
use crate::http::{Method, Request, Response};
use crate::openapi::Upstream;
use crate::region::{Endpoint, Origin};
use crate::sensitive::Sensitive;
use crate::sync::Guarded;
use crate::text::digits;
use crate::time::Instant64;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

const METADATA: &str = "http://100.100.100.200/";
const TOKEN: &str = "latest/api/token";
const ROLES: &str = "latest/meta-data/ram/security-credentials/";
/// For how long a token is asked for, in seconds: the most that there is.
const TOKEN_TTL: &str = "21600";
/// For how long it is used: shortly before its end another is asked for.
const TOKEN_USE: Duration = Duration::from_secs(21_600 - 300);
/// How long one exchange may take: the service is inside of the machine.
const TIMEOUT: Duration = Duration::from_secs(1);
const MAX_BODY: usize = 1024 * 1024;
/// The longest role name that RAM has, and the longest token that is sent back, in bytes.
const MAX_NAME: usize = 64;
const MAX_TOKEN: usize = 4096;

/// The RAM role of the ECS instance (or ECI container group) that the program runs on.
///
/// It asks the metadata service at `100.100.100.200`, which hands out sessions of about six hours: with a token
/// (version 2) that is kept until shortly before its end, and without one (version 1) where the service gives none,
/// unless that is [switched off](Self::without_imds_v1). Each exchange may take one second, and is sent once.
///
/// The metadata service is not asked through a proxy: [`ReqwestFetch`](crate::http) sees to that; a transport of
/// your own must.
///
/// # Errors
/// [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) when no role is attached, the service does not
/// answer, or its answer is no session; [`Config`](ErrorKind::Config) for a role name that cannot be one.
///
/// Source of the protocol's facts: the ECS documentation of instance metadata, and what the official SDKs send.
///
/// ```
/// use simsim::credentials::EcsRamRole;
/// // Which role is attached is found out; naming it spares a request.
/// let credentials = EcsRamRole::new().role_name("secret-reader").without_imds_v1();
/// let builder = simsim::Client::builder().region("cn-hangzhou").credentials(credentials);
/// # let _ = builder;
/// ```
#[derive(Default)]
pub struct EcsRamRole {
    role_name: Option<String>,
    without_imds_v1: bool,
    endpoint: Option<String>,
    /// No role at all means "not configured here".
    optional: bool,
    /// The token, and until when it is used.
    token: Guarded<Option<(Sensitive<String>, Instant64)>>,
}

impl EcsRamRole {
    /// Whichever role is attached to this instance.
    pub fn new() -> Self {
        Self::default()
    }

    /// The role's name (not its ARN). Default: the one that is attached is asked for.
    #[must_use]
    pub fn role_name(mut self, name: impl Into<String>) -> Self {
        self.role_name = Some(name.into());
        self
    }

    /// Never asks without a token (version 1), which anything that makes this machine send a request could do as well.
    #[must_use]
    pub fn without_imds_v1(mut self) -> Self {
        self.without_imds_v1 = true;
        self
    }

    /// A metadata service for tests: `http://` and a loopback address.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// In a chain: an instance without a role is not configured, and not broken.
    pub(super) fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    fn url(&self, path: &str) -> Result<String> {
        let Some(endpoint) = &self.endpoint else { return Ok([METADATA, path].concat()) };
        // Plain http is accepted for loopback only.
        let parsed = Endpoint::parse("endpoint", endpoint, Origin::Code { allow_http: false })?;
        if !endpoint.starts_with("http://") {
            return Err(Error::config(
                "endpoint: must be http:// and a loopback address; leave it out elsewhere",
            ));
        }
        Ok([&parsed.url(""), path].concat())
    }

    async fn send(
        &self,
        upstream: Upstream<'_>,
        method: Method,
        path: &str,
        header: Option<(&'static str, &str)>,
    ) -> Result<Response> {
        let headers = header.map(|(name, value)| (Cow::Borrowed(name), value.to_owned()));
        let request = Request {
            method,
            url: self.url(path)?,
            headers: headers.into_iter().collect(),
            body: Vec::new(),
            timeout: TIMEOUT,
            max_body: MAX_BODY,
        };
        upstream.exchange(request).await.map_err(|error| match error.kind() {
            ErrorKind::BudgetExceeded => error,
            _ => {
                let what = "ecs_ram_role: the instance metadata service gave no answer; on a machine that is no \
                            ECS instance use other credentials";
                Facts {
                    source: Some(error),
                    ..Facts::new(ErrorKind::CredentialsUnavailable, Cow::Borrowed(what))
                }
                .into()
            }
        })
    }

    /// The token that is kept, or a new one; none where the service gives none and is asked without.
    async fn token(&self, upstream: Upstream<'_>) -> Result<Option<(Sensitive<String>, bool)>> {
        let now = upstream.api.clock.now().mono;
        let kept = self.token.with(|kept| {
            let (token, until) = kept.as_ref()?;
            (now < *until).then(|| token.clone())
        });
        if let Some(token) = kept {
            return Ok(Some((token, true)));
        }
        let ttl = ("x-aliyun-ecs-metadata-token-ttl-seconds", TOKEN_TTL);
        let outcome = match self.send(upstream, Method::Put, TOKEN, Some(ttl)).await {
            Ok(answer) => token_of(&answer),
            Err(error) if error.kind() == ErrorKind::BudgetExceeded => return Err(error),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(token) => {
                self.token.with(|kept| *kept = Some((token.clone(), now.after(TOKEN_USE))));
                Ok(Some((token, false)))
            }
            Err(error) if self.without_imds_v1 => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Asks with a token, unless none was given a moment ago. One that was kept and is refused is replaced, once.
    async fn get(&self, upstream: Upstream<'_>, path: &str, bare: &mut bool) -> Result<Response> {
        loop {
            let token = if *bare { None } else { self.token(upstream).await? };
            let Some((token, kept)) = token else { break };
            let header = ("x-aliyun-ecs-metadata-token", token.expose().as_str());
            let answer = self.send(upstream, Method::Get, path, Some(header)).await?;
            if !matches!(answer.status(), 401 | 403) {
                return Ok(answer);
            }
            self.token.with(|kept| *kept = None);
            match kept {
                true => {}
                false if self.without_imds_v1 => return Ok(answer),
                false => break,
            }
        }
        *bare = true;
        self.send(upstream, Method::Get, path, None).await
    }

    /// The name of the role that is attached; none where there is none.
    async fn attached(&self, upstream: Upstream<'_>, bare: &mut bool) -> Result<Option<String>> {
        let answer = self.get(upstream, ROLES, bare).await?;
        match answer.status() {
            200 => {}
            404 => return Ok(None),
            status => return Err(status_fault("the name of the role was refused", status)),
        }
        let name = crate::text::utf8(answer.body()).map(str::trim_ascii).unwrap_or_default();
        match is_role_name(name) {
            true => Ok(Some(name.to_owned())),
            false => {
                Err(unavailable("what the metadata service gives as the name of the role cannot be one"))
            }
        }
    }
}

impl fmt::Debug for EcsRamRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcsRamRole").field("role_name", &self.role_name).finish_non_exhaustive()
    }
}

impl ProvideCredentials for EcsRamRole {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        self.validate()?;
        let (upstream, mut bare) = (cx.upstream(), false);
        let role = match &self.role_name {
            Some(name) => Some(name.clone()),
            None => self.attached(upstream, &mut bare).await?,
        };
        let Some(role) = role else {
            return match self.optional {
                true => Ok(None),
                false => Err(unavailable(NO_ROLE)),
            };
        };
        let answer = self.get(upstream, &[ROLES, &role].concat(), &mut bare).await?;
        if answer.status() == 404 {
            return Err(unavailable(
                "role_name: this role is not attached to the instance; attach it, or leave the name out",
            ));
        }
        Answer { from: "ecs_ram_role", response: &answer }.flat().map(Some)
    }

    fn name(&self) -> &'static str {
        "ecs_ram_role"
    }

    fn validate(&self) -> Result<()> {
        self.url("")?;
        match &self.role_name {
            Some(name) if !is_role_name(name) => Err(Error::config(
                "role_name: a role's name has 1 to 64 of the characters A-Z a-z 0-9 . _ @ -, and no path or ARN around it",
            )),
            _ => Ok(()),
        }
    }
}

pub(super) const NO_ROLE: &str = "no RAM role is attached to this instance; attach one";

fn token_of(answer: &Response) -> Result<Sensitive<String>> {
    if answer.status() != 200 {
        return Err(status_fault("no metadata token was given", answer.status()));
    }
    let token = crate::text::utf8(answer.body()).map(str::trim_ascii).unwrap_or_default();
    let fits = (1..=MAX_TOKEN).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    match fits {
        true => Ok(Sensitive::new(token.to_owned())),
        false => Err(unavailable("what the metadata service gives as a token cannot be one")),
    }
}

/// Whether this may stand in the address: a name that is no path.
fn is_role_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits) && name != "." && name != ".."
}

fn status_fault(what: &str, status: u16) -> Error {
    let explanation = ["ecs_ram_role: ", what, " (HTTP status ", &digits(status.into()), ")"].concat();
    let facts = Facts::new(ErrorKind::CredentialsUnavailable, explanation.into());
    Facts { status: Some(status), ..facts }.into()
}

fn unavailable(what: &str) -> Error {
    Error::new(ErrorKind::CredentialsUnavailable, ["ecs_ram_role: ", what].concat())
}
