//! The one error type, and the tables: service code → kind, and kind → (retry, serve stale, purge, remember).
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod kinds;
#[cfg(test)]
mod tests;

use crate::sensitive::Sensitive;
use crate::text::{self, has};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// `Result` with simsim's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as a closed set that a program can match on. The JavaScript codes are `ERR_SIMSIM_<KIND>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, a name or the environment is wrong; nothing was sent, and the message names the field and the remedy.
    /// Or the service refuses a parameter (`InvalidParameter`).
    Config,
    /// No credentials could be obtained, and none that are still valid are at hand.
    CredentialsUnavailable,
    /// The service refuses the key, the session or the signature, also after one refresh.
    CredentialsRejected,
    /// The principal may not read this secret (or not any more).
    PermissionDenied,
    /// There is no such secret, version or stage.
    NotFound,
    /// The secret or its key is disabled or pending deletion.
    Disabled,
    /// The account is in debt; values at hand are still served.
    InDebt,
    /// The service asks for fewer calls.
    Throttled,
    /// The service failed (5xx).
    Unavailable,
    /// No answer: no connection, a connection cut off.
    Transport,
    /// No answer within the attempt's, the call's or the caller's time.
    Timeout,
    /// An answer that cannot be what was asked for.
    Protocol,
    /// The clock is off and could not be corrected from the service's answers.
    ClockSkew,
    /// The budget of requests per call is used up.
    BudgetExceeded,
    /// This platform or build cannot do that.
    Unsupported,
    /// A fault of simsim or its host.
    Internal,
    /// The caller gave up.
    Cancelled,
    /// The client was closed.
    Closed,
}

/// For how long a failed key is left alone before KMS is asked again (architecture §5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// Not remembered: the fault is the caller's own.
    None,
    /// One second.
    Brief,
    /// Five seconds.
    Short,
    /// 1 s, doubled up to 60 s, jittered.
    Backoff,
}

/// What follows from a failure (architecture §5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Consequence {
    /// The same request may succeed if it is sent again.
    pub(crate) retry: bool,
    /// A value that is past its time may be served instead.
    pub(crate) stale: bool,
    /// The entry must go: the caller is not entitled to it, or it is gone.
    pub(crate) purge: bool,
    /// How long the failure answers for the key.
    pub(crate) memory: Memory,
}

impl ErrorKind {
    pub(crate) const fn consequence(self) -> Consequence {
        use Memory::{Backoff, Brief, None, Short};
        const fn row(retry: bool, stale: bool, purge: bool, memory: Memory) -> Consequence {
            Consequence { retry, stale, purge, memory }
        }
        match self {
            //                                        retry  stale  purge
            Self::Transport | Self::Timeout => row(true, true, false, Backoff),
            Self::Throttled | Self::Unavailable => row(true, true, false, Backoff),
            Self::InDebt | Self::Protocol => row(false, true, false, Backoff),
            Self::ClockSkew => row(false, true, false, Backoff),
            // A provider that is down now may be up in a moment: the credentials keep a backoff of their own.
            Self::CredentialsUnavailable => row(false, true, false, Brief),
            Self::NotFound | Self::PermissionDenied => row(false, false, true, Short),
            Self::Disabled => row(false, false, true, Short),
            // The credentials remember what was refused: others may come at any time.
            Self::CredentialsRejected => row(false, false, true, None),
            Self::BudgetExceeded | Self::Internal => row(false, true, false, None),
            Self::Config | Self::Unsupported => row(false, false, false, None),
            Self::Cancelled | Self::Closed => row(false, false, false, None),
        }
    }

    /// Whether the failure says something of one secret only, nothing of the service or the credentials.
    pub(crate) const fn is_of_one_secret(self) -> bool {
        matches!(self, Self::NotFound | Self::PermissionDenied | Self::Disabled | Self::Config)
    }

    /// The stable name, as in the JavaScript codes: `PERMISSION_DENIED`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "CONFIG",
            Self::CredentialsUnavailable => "CREDENTIALS_UNAVAILABLE",
            Self::CredentialsRejected => "CREDENTIALS_REJECTED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::Disabled => "DISABLED",
            Self::InDebt => "IN_DEBT",
            Self::Throttled => "THROTTLED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Transport => "TRANSPORT",
            Self::Timeout => "TIMEOUT",
            Self::Protocol => "PROTOCOL",
            Self::ClockSkew => "CLOCK_SKEW",
            Self::BudgetExceeded => "BUDGET_EXCEEDED",
            Self::Unsupported => "UNSUPPORTED",
            Self::Internal => "INTERNAL",
            Self::Cancelled => "CANCELLED",
            Self::Closed => "CLOSED",
        }
    }

    const fn summary(self) -> &'static str {
        match self {
            Self::Config => "invalid configuration",
            Self::CredentialsUnavailable => "no credentials available",
            Self::CredentialsRejected => "the service rejected the credentials",
            Self::PermissionDenied => "permission denied",
            Self::NotFound => "no such secret or version",
            Self::Disabled => "the secret or its key is disabled or pending deletion",
            Self::InDebt => "the account is in debt",
            Self::Throttled => "throttled by the service",
            Self::Unavailable => "the service is unavailable",
            Self::Transport => "no answer from the service",
            Self::Timeout => "no answer in time",
            Self::Protocol => "unexpected answer",
            Self::ClockSkew => "the clock is off",
            Self::BudgetExceeded => "the request budget is used up",
            Self::Unsupported => "not supported here",
            Self::Internal => "internal fault",
            Self::Cancelled => "cancelled",
            Self::Closed => "the client is closed",
        }
    }
}

/// Why a call failed. Cheap to clone: waiters of one request share its error.
///
/// `Display` and `Debug` show the kind, simsim's own explanation, the service's code and the request id. They never
/// show values, keys, tokens, headers, addresses or the service's message, which can repeat the security token.
///
/// ```
/// use simsim::ErrorKind;
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.add_access_key("LTAI-example", "not-a-real-secret");
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
/// # let client = simsim::Client::builder()
/// #     .region("cn-hangzhou").fetch(kms.clone()).runtime(runtime)
/// #     .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?).build()?;
/// let error = client.get_secret("not/there").await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// assert_eq!(error.service_code(), Some("Forbidden.ResourceNotFound"));
/// assert!(error.request_id().is_some() && !error.is_retryable());
/// assert!(error.to_string().starts_with("no such secret or version, code Forbidden.ResourceNotFound"));
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

/// Two parts: waiters share the facts, and each call has sent its own number of requests.
struct Inner {
    facts: Arc<Facts>,
    attempts: u32,
}

/// What an error is made of.
pub(crate) struct Facts {
    pub(crate) kind: ErrorKind,
    pub(crate) explanation: Cow<'static, str>,
    pub(crate) service_code: Option<String>,
    pub(crate) service_message: Option<Sensitive<String>>,
    pub(crate) request_id: Option<String>,
    pub(crate) status: Option<u16>,
    /// How many milliseconds the service asked to wait; 0 where it did not.
    pub(crate) wait: u64,
    pub(crate) source: Option<Error>,
}

impl Facts {
    /// Nothing but the kind and an explanation.
    pub(crate) fn new(kind: ErrorKind, explanation: Cow<'static, str>) -> Self {
        Self {
            kind,
            explanation,
            service_code: None,
            service_message: None,
            request_id: None,
            status: None,
            wait: 0,
            source: None,
        }
    }
}

impl From<Facts> for Error {
    fn from(facts: Facts) -> Self {
        Self(Arc::new(Inner { facts: Arc::new(facts), attempts: 0 }))
    }
}

impl Error {
    /// An error of that kind with an explanation of one's own, which is printed: it must not quote secrets.
    /// For implementors of the seams, such as credential providers.
    pub fn new(kind: ErrorKind, explanation: impl Into<Cow<'static, str>>) -> Self {
        Self::caused(kind, explanation.into(), None, 0)
    }

    /// The same with what it follows from, and how many milliseconds are to be waited.
    pub(crate) fn caused(
        kind: ErrorKind,
        explanation: Cow<'static, str>,
        source: Option<Self>,
        wait: u64,
    ) -> Self {
        Facts { source, wait, ..Facts::new(kind, explanation) }.into()
    }

    pub(crate) fn config(explanation: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, explanation)
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "make a new client")
    }

    /// The same with the number of requests that were sent.
    pub(crate) fn with_attempts(self, attempts: u32) -> Self {
        Self(Arc::new(Inner { facts: self.0.facts.clone(), attempts }))
    }

    /// The same answer of the service, told as another kind and with simsim's own words.
    pub(crate) fn told_as(&self, kind: ErrorKind, explanation: impl Into<Cow<'static, str>>) -> Self {
        let facts = &*self.0.facts;
        let told = Facts {
            service_code: facts.service_code.clone(),
            service_message: facts.service_message.clone(),
            request_id: facts.request_id.clone(),
            status: facts.status,
            wait: facts.wait,
            ..Facts::new(kind, explanation.into())
        };
        Self::from(told).with_attempts(self.0.attempts)
    }

    #[cfg(test)]
    pub(crate) fn with_wait(self, wait: u64) -> Self {
        Facts { wait, ..Facts::new(self.kind(), "".into()) }.into()
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.facts.kind
    }

    /// simsim's own explanation: for [`ErrorKind::Config`] the field and the remedy. Empty where the kind says it all.
    pub fn explanation(&self) -> &str {
        &self.0.facts.explanation
    }

    /// The `Code` of the service's answer, such as `Forbidden.ResourceNotFound`.
    pub fn service_code(&self) -> Option<&str> {
        self.0.facts.service_code.as_deref()
    }

    /// The `Message` of the service's answer. **It can repeat the string that was signed, and with it the
    /// security token**: do not log it.
    pub fn service_message(&self) -> Option<&str> {
        self.0.facts.service_message.as_ref().map(|m| m.expose().as_str())
    }

    /// The service's id of the request, for its support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.facts.request_id.as_deref()
    }

    /// The HTTP status of the last answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.facts.status
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        Some(self.wait()).filter(|ms| *ms > 0).map(Duration::from_millis)
    }

    /// [`retry_after`](Self::retry_after) in milliseconds; 0 where there is none.
    pub(crate) fn wait(&self) -> u64 {
        self.0.facts.wait
    }

    /// How many requests were sent; 0 when nothing was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// What `Display` shows.
    pub(crate) fn text(&self) -> String {
        let facts = &*self.0.facts;
        let mut text = facts.kind.summary().to_owned();
        for (before, part) in [
            (": ", Some(&*facts.explanation).filter(|e| !e.is_empty())),
            (", code ", facts.service_code.as_deref()),
            (", request id ", facts.request_id.as_deref()),
        ] {
            if let Some(part) = part {
                text.push_str(before);
                text.push_str(part);
            }
        }
        text
    }

    /// For how long the failure is remembered. The credentials remember which key was refused; what was wrong with a
    /// signature they cannot tell.
    pub(crate) fn memory(&self) -> Memory {
        match self.service_code() {
            Some("SignatureDoesNotMatch") => Memory::Short,
            _ => self.kind().consequence().memory,
        }
    }

    /// Whether the same call may succeed later without any change by the caller.
    pub fn is_retryable(&self) -> bool {
        self.kind().consequence().retry
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.facts.kind)
            .field("explanation", &self.0.facts.explanation)
            .field("service_code", &self.0.facts.service_code)
            .field("request_id", &self.0.facts.request_id)
            .field("status", &self.0.facts.status)
            .field("attempts", &self.0.attempts)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.facts.source.as_ref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

/// A code or an id of the service, made fit to be printed: the characters such names have, at most 128 of them.
pub(crate) fn printable(name: &str) -> String {
    text::printable(name, 128)
}

/// The kind that a service's error `Code` stands for; an unknown code is judged by the HTTP status.
///
/// Source: the codes that Alibaba Cloud documents for KMS and STS and that its SDKs and secret clients name.
/// Codes that only the caller's loop can act on (clock, nonce, rejected keys) have predicates of their own below.
pub(crate) fn kind_of_code(code: &str, status: u16) -> ErrorKind {
    match code {
        "Forbidden.ResourceNotFound" | "EntityNotExist.Role" => ErrorKind::NotFound,
        "Forbidden.InDebt" | "Forbidden.InDebtOverdue" => ErrorKind::InDebt,
        "NoPermission" | "AccessDeniedError" | "AuthenticationFail.NoPermission" => {
            ErrorKind::PermissionDenied
        }
        "SignatureDoesNotMatch" | "IncompleteSignature" | "MissingSecurityToken" => {
            ErrorKind::CredentialsRejected
        }
        "SignatureNonceUsed" => ErrorKind::Unavailable,
        "ServiceUnavailableTemporary" | "SerivceUnavailableTemporary" => ErrorKind::Unavailable,
        "InternalFailure" | "InternalError" | "ServiceUnavailable" => ErrorKind::Unavailable,
        "RequestTimeTooSkewed" => ErrorKind::ClockSkew,
        _ if is_clock_code(code) => ErrorKind::ClockSkew,
        _ if is_key_code(code) => ErrorKind::CredentialsRejected,
        "Rejected.Throttling" => ErrorKind::Throttled,
        _ if code.starts_with("Throttling") => ErrorKind::Throttled,
        _ if is_disabled_code(code) => ErrorKind::Disabled,
        _ if code.starts_with("Forbidden.") || code.starts_with("NoPermission.") => {
            ErrorKind::PermissionDenied
        }
        _ if code.starts_with("InvalidParameter") || code.starts_with("MissingParameter") => {
            ErrorKind::Config
        }
        _ => kind_of_status(status),
    }
}

/// The kind that an HTTP status alone stands for, where the answer has no code.
pub(crate) fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::CredentialsRejected,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::Protocol,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::Throttled,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::Protocol,
    }
}

/// The clock is off: learn the offset from the answer's `Date`, sign again.
pub(crate) fn is_clock_code(code: &str) -> bool {
    code == "IllegalTimestamp" || code == "RequestTimeTooSkewed" || code.starts_with("InvalidTimeStamp.")
}

/// The key or session is refused: drop the snapshot, obtain a new one, try once more.
pub(crate) fn is_key_code(code: &str) -> bool {
    code.starts_with("InvalidAccessKeyId")
        || code.starts_with("InvalidSecurityToken")
        || code == "MissingSecurityToken"
}

fn is_disabled_code(code: &str) -> bool {
    has(code, "Disabled") || has(code, "PendingDelet")
}
