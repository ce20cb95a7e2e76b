//! The one error type, and the tables: service code → kind, and kind → (retry, serve stale, purge, remember).
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::sensitive::Sensitive;
use crate::text::has;
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
    /// An option, a name or the environment is wrong; nothing was sent. The message names the field and the remedy.
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
        use Memory::{Backoff, None, Short};
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
            Self::CredentialsUnavailable => row(false, true, false, Short),
            Self::NotFound | Self::PermissionDenied => row(false, false, true, Short),
            Self::Disabled | Self::CredentialsRejected => row(false, false, true, Short),
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

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    explanation: Cow<'static, str>,
    service_code: Option<String>,
    service_message: Option<Arc<Sensitive<String>>>,
    request_id: Option<String>,
    status: Option<u16>,
    retry_after: Option<Duration>,
    attempts: u32,
    source: Option<Error>,
}

impl Error {
    /// An error of that kind with an explanation of one's own, which is printed: it must not quote secrets.
    /// For implementors of the seams, such as credential providers.
    pub fn new(kind: ErrorKind, explanation: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner {
            kind,
            explanation: explanation.into(),
            service_code: None,
            service_message: None,
            request_id: None,
            status: None,
            retry_after: None,
            attempts: 0,
            source: None,
        }))
    }

    pub(crate) fn config(explanation: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, explanation)
    }

    pub(crate) fn protocol(explanation: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Protocol, explanation)
    }

    fn edit(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    pub(crate) fn with_service_code(self, code: impl Into<String>) -> Self {
        self.edit(|e| e.service_code = Some(code.into()))
    }

    pub(crate) fn with_service_message(self, message: impl Into<String>) -> Self {
        self.edit(|e| e.service_message = Some(Arc::new(Sensitive::new(message.into()))))
    }

    pub(crate) fn with_request_id(self, id: impl Into<String>) -> Self {
        self.edit(|e| e.request_id = Some(id.into()))
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        self.edit(|e| e.status = Some(status))
    }

    pub(crate) fn with_retry_after(self, after: Option<Duration>) -> Self {
        self.edit(|e| e.retry_after = after)
    }

    pub(crate) fn with_attempts(self, attempts: u32) -> Self {
        self.edit(|e| e.attempts = attempts)
    }

    pub(crate) fn with_source(self, source: Self) -> Self {
        self.edit(|e| e.source = Some(source))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// simsim's own explanation: for [`ErrorKind::Config`] the field and the remedy. Empty where the kind says it all.
    pub fn explanation(&self) -> &str {
        &self.0.explanation
    }

    /// The `Code` of the service's answer, such as `Forbidden.ResourceNotFound`.
    pub fn service_code(&self) -> Option<&str> {
        self.0.service_code.as_deref()
    }

    /// The `Message` of the service's answer. **It can repeat the string that was signed, and with it the
    /// security token**: do not log it.
    pub fn service_message(&self) -> Option<&str> {
        self.0.service_message.as_deref().map(|m| m.expose().as_str())
    }

    /// The service's id of the request, for its support.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// The HTTP status of the last answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// How long the service asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many requests were sent; 0 when nothing was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// What `Display` shows.
    pub(crate) fn text(&self) -> String {
        let inner = &*self.0;
        let mut text = inner.kind.summary().to_owned();
        for (before, part) in [
            (": ", Some(&*inner.explanation).filter(|e| !e.is_empty())),
            (", code ", inner.service_code.as_deref()),
            (", request id ", inner.request_id.as_deref()),
        ] {
            if let Some(part) = part {
                text.push_str(before);
                text.push_str(part);
            }
        }
        text
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
            .field("kind", &self.0.kind)
            .field("explanation", &self.0.explanation)
            .field("service_code", &self.0.service_code)
            .field("request_id", &self.0.request_id)
            .field("status", &self.0.status)
            .field("attempts", &self.0.attempts)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

/// A code or an id of the service, made fit to be printed: the characters such names have, at most 128 of them.
pub(crate) fn printable(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).take(128).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_documented_code_has_its_kind_whatever_the_status() {
        for (code, kind) in [
            ("Rejected.Throttling", ErrorKind::Throttled),
            ("Throttling", ErrorKind::Throttled),
            ("Throttling.User", ErrorKind::Throttled),
            ("Throttling.Api", ErrorKind::Throttled),
            ("ThrottlingException", ErrorKind::Throttled),
            ("ServiceUnavailableTemporary", ErrorKind::Unavailable),
            ("InternalFailure", ErrorKind::Unavailable),
            ("Forbidden.ResourceNotFound", ErrorKind::NotFound),
            ("Forbidden.NoPermission", ErrorKind::PermissionDenied),
            ("Forbidden.InDebt", ErrorKind::InDebt),
            ("Forbidden.InDebtOverdue", ErrorKind::InDebt),
            ("Rejected.Disabled", ErrorKind::Disabled),
            ("Rejected.PendingDeletion", ErrorKind::Disabled),
            ("InvalidAccessKeyId.NotFound", ErrorKind::CredentialsRejected),
            ("InvalidAccessKeyId.Inactive", ErrorKind::CredentialsRejected),
            ("InvalidSecurityToken.Expired", ErrorKind::CredentialsRejected),
            ("SignatureDoesNotMatch", ErrorKind::CredentialsRejected),
            ("IllegalTimestamp", ErrorKind::ClockSkew),
            ("InvalidTimeStamp.Expired", ErrorKind::ClockSkew),
            ("InvalidParameter", ErrorKind::Config),
        ] {
            for status in [400, 403, 404, 429, 500] {
                assert_eq!(kind_of_code(code, status), kind, "{code} with {status}");
            }
        }
    }

    #[test]
    fn an_unknown_code_is_judged_by_its_status() {
        assert_eq!(kind_of_code("Whatever", 503), ErrorKind::Unavailable);
        assert_eq!(kind_of_code("Whatever", 429), ErrorKind::Throttled);
        assert_eq!(kind_of_code("", 418), ErrorKind::Protocol);
    }

    #[test]
    fn errors_print_neither_the_service_message_nor_control_characters() {
        let e = Error::new(ErrorKind::CredentialsRejected, "")
            .with_service_code(printable("SignatureDoesNotMatch\n\u{7}"))
            .with_service_message("needle-token")
            .with_request_id(printable("r-1"));
        assert_eq!(
            e.to_string(),
            "the service rejected the credentials, code SignatureDoesNotMatch, request id r-1"
        );
        assert!(!format!("{e:?}{e:#?}").contains("needle"));
        assert_eq!(e.service_message(), Some("needle-token"));
    }
}
