//! Sessions of a RAM role, assumed with other credentials: STS `AssumeRole`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::cached::CachedCredentials;
use super::checked::Obtain;
use super::sts::{RoleSession, is_made_of, require, role_setters};
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, Result};
use crate::sync::MaybeSend;
use std::fmt;
use std::future::Future;

const ACTION: &str = "AssumeRole";

/// Assumes a RAM role with whatever credentials `source` gives: an AccessKey, a session, another role (roles chain).
///
/// The client keeps the session and renews it ahead of its end, one call to STS for all who wait; the provider keeps
/// those of its source in the same way. The call is signed with ACS3, its parameters are in the body.
///
/// # Errors
/// `provide` fails, and with it a read that has no session left, with
/// - [`Config`](crate::ErrorKind::Config) when a parameter is wrong (the message names it) or STS refuses one,
/// - [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected) when STS refuses for good (`NoPermission`,
///   `EntityNotExist.Role`, a key that does not hold): the service's code and request id are kept, and values that
///   are read with the role are purged,
/// - [`CredentialsUnavailable`](crate::ErrorKind::CredentialsUnavailable) when STS cannot be asked or its answer is
///   no session; the cause is the [`source`](std::error::Error::source).
///
/// Source of the protocol's facts: the documentation of STS 2015-04-01, `AssumeRole`.
///
/// ```
/// use simsim::credentials::AssumeRole;
/// use simsim::{Client, Credentials};
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.add_access_key("LTAI-example", "not-a-real-secret");
/// # kms.add_role("acs:ram::1234567890123456:role/secret-reader");
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/password", "open sesame"));
/// let key = Credentials::access_key("LTAI-example", "not-a-real-secret")?;
/// let role = AssumeRole::new(key, "acs:ram::1234567890123456:role/secret-reader")
///     .role_session_name("orders")
///     .duration(std::time::Duration::from_secs(1800));
/// let client = Client::builder()
///     .region("cn-hangzhou")
///     .credentials(role)
///     # .fetch(kms.clone()).runtime(runtime)
///     .build()?;
/// assert_eq!(client.get_secret("db/password").await?.text()?, "open sesame");
/// # assert_eq!(kms.calls("AssumeRole"), 1);
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub struct AssumeRole {
    source: CachedCredentials,
    /// What is wrong with the source's own parameters.
    source_fault: Option<Error>,
    session: Box<RoleSession>,
    external_id: Option<String>,
}

impl AssumeRole {
    /// Sessions of the role `acs:ram::ACCOUNT:role/NAME`, asked for with the credentials of `source`, which must be
    /// those of a RAM user or of another role: the account itself may assume none.
    pub fn new(source: impl ProvideCredentials, role_arn: impl Into<String>) -> Self {
        let source_fault = source.validate().err();
        let source = CachedCredentials::new(source);
        Self { source_fault, ..Self::of(source, Box::new(RoleSession::new(role_arn.into())), None) }
    }

    /// Such sessions, with credentials of a source whose parameters are right.
    pub(crate) fn of(
        source: CachedCredentials,
        session: Box<RoleSession>,
        external_id: Option<String>,
    ) -> Self {
        Self { source, source_fault: None, session, external_id }
    }

    role_setters!();

    /// What the role's trust policy asks of third parties: 2 to 1,224 of `A-Z a-z 0-9 _ + = , . @ : / -`.
    #[must_use]
    pub fn external_id(mut self, external_id: impl Into<String>) -> Self {
        self.external_id = Some(external_id.into());
        self
    }
}

impl fmt::Debug for AssumeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRole").field("role_arn", &self.session.role_arn).finish_non_exhaustive()
    }
}

impl Obtain for AssumeRole {
    fn obtain(&self, cx: &Context<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend {
        let own = [("ExternalId", self.external_id.as_deref().unwrap_or_default()), ("", "")];
        self.session.ask(cx.upstream(), ACTION, own, Some(&self.source))
    }
}

impl ProvideCredentials for AssumeRole {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        self.validate()?;
        self.obtain(cx).await
    }

    fn name(&self) -> &'static str {
        "assume_role"
    }

    fn validate(&self) -> Result<()> {
        if let Some(fault) = &self.source_fault {
            return Err(fault.clone());
        }
        self.session.check()?;
        let fits = |id: &String| is_made_of(id, "_+=,.@:/-", 2, 1224);
        require(
            self.external_id.as_ref().is_none_or(fits),
            "external_id",
            "must have 2 to 1224 of the characters A-Z a-z 0-9 _ + = , . @ : / -",
        )
    }
}
