//! The session of an instance's RAM role, from the instance metadata service.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::answer::Answer;
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Facts, Result};
use crate::http::{Method, Request, Response};
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
pub struct EcsRamRole {
    role_name: Option<String>,
    without_imds_v1: bool,
    /// What every address begins with.
    base: Cow<'static, str>,
    /// What is wrong with the endpoint.
    endpoint_fault: Option<Error>,
    /// No role at all means "not configured here".
    optional: bool,
    /// The token, and until when it is used.
    token: Guarded<Option<(Sensitive<String>, Instant64)>>,
}

impl EcsRamRole {
    /// Whichever role is attached to this instance.
    pub fn new() -> Self {
        Self::of(None, false, None)
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
        let endpoint = endpoint.into();
        // Plain http is accepted for loopback only.
        match Endpoint::parse("endpoint", &endpoint, Origin::Code { allow_http: false }) {
            Ok(parsed) => match parsed.url("") {
                url if url.starts_with("http:") => self.base = url.into(),
                _ => {
                    let what = "endpoint: must be http:// and a loopback address; leave it out elsewhere";
                    self.endpoint_fault = Some(Error::config(what));
                }
            },
            Err(fault) => self.endpoint_fault = Some(fault),
        }
        self
    }

    /// What the parts say; `origin`: of a metadata service that was checked.
    pub(crate) fn of(role_name: Option<String>, without_imds_v1: bool, origin: Option<&str>) -> Self {
        let base = origin.map_or(Cow::Borrowed(METADATA), |origin| [origin, "/"].concat().into());
        let token = Guarded::new(None);
        Self { role_name, without_imds_v1, base, endpoint_fault: None, optional: false, token }
    }

    /// In a chain: an instance without a role is not configured, and not broken.
    pub(super) fn in_chain(role_name: Option<String>, without_imds_v1: bool) -> Self {
        Self { optional: true, ..Self::of(role_name, without_imds_v1, None) }
    }

    /// A token that was given earlier and still holds.
    fn kept(&self, now: Instant64) -> Option<Sensitive<String>> {
        self.token.with(|kept| {
            let (token, until) = kept.as_ref()?;
            (now < *until).then(|| token.clone())
        })
    }
}

/// One conversation with the metadata service: everything between two waits.
struct Talk<'a> {
    own: &'a EcsRamRole,
    role: Option<String>,
    token: Option<Sensitive<String>>,
    /// The token was given in this conversation, and nothing was asked with it yet.
    fresh: bool,
    /// No token was given, or the one that was is refused: the rest is asked without.
    bare: bool,
}

/// What a conversation ends with: a session, or none where there is no role.
type Outcome = Option<Credentials>;

impl Talk<'_> {
    /// A token where one is needed, else the role's name where it is not known, else the session.
    fn next(&mut self, now: Instant64) -> Request {
        if self.token.is_none() && !self.bare {
            self.token = self.own.kept(now);
        }
        let (method, path, header) = match &self.token {
            Some(token) => {
                (Method::Get, ROLES, Some(("x-aliyun-ecs-metadata-token", token.expose().as_str())))
            }
            None if self.bare => (Method::Get, ROLES, None),
            None => (Method::Put, TOKEN, Some(("x-aliyun-ecs-metadata-token-ttl-seconds", TOKEN_TTL))),
        };
        let role = self.role.as_deref().filter(|_| method == Method::Get).unwrap_or_default();
        Request {
            method,
            url: [&self.own.base, path, role].concat(),
            headers: header
                .map(|(name, value)| (Cow::Borrowed(name), value.to_owned()))
                .into_iter()
                .collect(),
            body: Vec::new(),
            timeout: TIMEOUT,
            max_body: MAX_BODY,
        }
    }

    /// What follows from an answer to what was asked next: the end, or another question.
    fn heard(&mut self, answer: Result<Response>, now: Instant64) -> Result<Option<Outcome>> {
        if self.token.is_none() && !self.bare {
            match answer.and_then(|answer| token_of(&answer)) {
                Ok(token) => {
                    self.own.token.with(|kept| *kept = Some((token.clone(), now.after(TOKEN_USE))));
                    (self.token, self.fresh) = (Some(token), true);
                }
                Err(error) if self.own.without_imds_v1 || error.kind() == ErrorKind::BudgetExceeded => {
                    return Err(error);
                }
                Err(_) => self.bare = true,
            }
            return Ok(None);
        }
        let answer = answer?;
        if self.token.is_some() && matches!(answer.status(), 401 | 403) {
            self.own.token.with(|kept| *kept = None);
            // One that was kept is replaced, once.
            if !self.fresh || !self.own.without_imds_v1 {
                (self.token, self.bare) = (None, self.fresh);
                return Ok(None);
            }
        }
        self.fresh = false;
        match (answer.status(), &self.role) {
            (404, Some(_)) => Err(unavailable(
                "role_name: this role is not attached to the instance; attach it, or leave the name out",
            )),
            (_, Some(_)) => {
                Answer { from: "ecs_ram_role", response: &answer }.flat().map(|given| Some(Some(given)))
            }
            (404, None) if self.own.optional => Ok(Some(None)),
            (404, None) => Err(unavailable(NO_ROLE)),
            (200, None) => {
                let name = text_of(&answer);
                if !is_role_name(name) {
                    return Err(unavailable(
                        "what the metadata service gives as the name of the role cannot be one",
                    ));
                }
                self.role = Some(name.to_owned());
                Ok(None)
            }
            (status, None) => Err(status_fault("the name of the role was refused", status)),
        }
    }
}

impl Default for EcsRamRole {
    fn default() -> Self {
        Self::new()
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
        let upstream = cx.upstream();
        let role = self.role_name.clone();
        let mut talk = Talk { own: self, role, token: None, fresh: false, bare: false };
        loop {
            let now = upstream.api.clock.now().mono;
            let answer = upstream.exchange(talk.next(now)).await.map_err(silent);
            if let Some(outcome) = talk.heard(answer, now)? {
                return Ok(outcome);
            }
        }
    }

    fn name(&self) -> &'static str {
        "ecs_ram_role"
    }

    fn validate(&self) -> Result<()> {
        if let Some(fault) = &self.endpoint_fault {
            return Err(fault.clone());
        }
        match &self.role_name {
            Some(name) if !is_role_name(name) => Err(Error::config(
                "role_name: a role's name has 1 to 64 of the characters A-Z a-z 0-9 . _ @ -, and no path or ARN around it",
            )),
            _ => Ok(()),
        }
    }
}

/// There is no answer.
fn silent(error: Error) -> Error {
    if error.kind() == ErrorKind::BudgetExceeded {
        return error;
    }
    let what = "ecs_ram_role: the instance metadata service gave no answer; on a machine that is no ECS instance use \
                other credentials";
    let facts = Facts::new(ErrorKind::CredentialsUnavailable, Cow::Borrowed(what));
    Facts { source: Some(error), ..facts }.into()
}

pub(super) const NO_ROLE: &str = "no RAM role is attached to this instance; attach one";

fn text_of(answer: &Response) -> &str {
    crate::text::utf8(answer.body()).map(str::trim_ascii).unwrap_or_default()
}

fn token_of(answer: &Response) -> Result<Sensitive<String>> {
    if answer.status() != 200 {
        return Err(status_fault("no metadata token was given", answer.status()));
    }
    let token = text_of(answer);
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
