//! Sessions of a RAM role for a token of an identity provider: STS `AssumeRoleWithOIDC`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::checked::Obtain;
use super::sts::{RoleSession, TOKEN_EXPIRED, is_arn, require, role_setters};
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::sensitive::Sensitive;
use crate::sync::{BoxFuture, MaybeSend, MaybeSync};
use std::fmt;
use std::future::Future;

const ACTION: &str = "AssumeRoleWithOIDC";

/// Provides the token (a JWT) that an identity provider issued for this workload; asked for every new session.
///
/// Implemented for a fixed text (`Sensitive<String>`) and for an async function ([`TokenCallback`]).
///
/// ```
/// use simsim::credentials::ProvideToken;
/// use simsim::{Error, ErrorKind, Result, Sensitive};
///
/// /// What a sidecar keeps in memory that is shared with this process.
/// struct Shared(std::sync::RwLock<Option<Sensitive<String>>>);
///
/// impl ProvideToken for Shared {
///     async fn token(&self) -> Result<Sensitive<String>> {
///         let token = self.0.read().ok().and_then(|token| token.clone());
///         token.ok_or_else(|| Error::new(ErrorKind::CredentialsUnavailable, "the sidecar has no token yet"))
///     }
/// }
/// ```
pub trait ProvideToken: MaybeSend + MaybeSync + 'static {
    /// The token as it is now. White space around it is ignored.
    ///
    /// # Errors
    /// Whatever went wrong; it must not quote the token.
    fn token(&self) -> impl Future<Output = Result<Sensitive<String>>> + MaybeSend;
}

/// The type-erased twin of [`ProvideToken`].
trait DynProvideToken: MaybeSend + MaybeSync + 'static {
    fn token(&self) -> BoxFuture<'_, Result<Sensitive<String>>>;
}

impl<P: ProvideToken> DynProvideToken for P {
    fn token(&self) -> BoxFuture<'_, Result<Sensitive<String>>> {
        Box::pin(ProvideToken::token(self))
    }
}

impl ProvideToken for Sensitive<String> {
    async fn token(&self) -> Result<Sensitive<String>> {
        Ok(self.clone())
    }
}

/// Asks an async function for the token, each time a session is needed: for platforms that issue one on demand.
///
/// ```
/// use simsim::Sensitive;
/// use simsim::credentials::TokenCallback;
///
/// let token = TokenCallback::new(|| async {
///     // … ask the platform …
///     Ok(Sensitive::new(String::from("not-a-real-token")))
/// });
/// # let _ = token;
/// ```
pub struct TokenCallback<F>(F);

impl<F, R> TokenCallback<F>
where
    F: Fn() -> R + MaybeSend + MaybeSync + 'static,
    R: Future<Output = Result<Sensitive<String>>> + MaybeSend,
{
    /// The token that `ask` returns.
    pub fn new(ask: F) -> Self {
        Self(ask)
    }
}

impl<F> fmt::Debug for TokenCallback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCallback")
    }
}

impl<F, R> ProvideToken for TokenCallback<F>
where
    F: Fn() -> R + MaybeSend + MaybeSync + 'static,
    R: Future<Output = Result<Sensitive<String>>> + MaybeSend,
{
    async fn token(&self) -> Result<Sensitive<String>> {
        (self.0)().await
    }
}

/// Assumes a RAM role for a token of an OIDC identity provider that RAM knows (Kubernetes' service accounts, GitHub,
/// Vercel, Deno and the like): no key is stored anywhere.
///
/// The call is not signed. The token is asked for at every new session, sent in the body, and never part of an
/// address, an event or an error. A token that has expired is asked for again, once.
///
/// # Errors
/// `provide` fails, and with it a read that has no session left, with
/// - [`Config`](crate::ErrorKind::Config) when a parameter is wrong (the message names it) or STS refuses one,
/// - [`CredentialsRejected`](crate::ErrorKind::CredentialsRejected) when STS refuses for good: the role, the provider, the
///   token's signature or audience (`AuthenticationFail.*`). The service's code and request id are kept, and values that
///   are read with the role are purged,
/// - [`CredentialsUnavailable`](crate::ErrorKind::CredentialsUnavailable) when there is no token, the token has expired and
///   the next one, too, STS cannot be asked, or its answer is no session; a cause is the
///   [`source`](std::error::Error::source).
///
/// Source of the protocol's facts: the documentation of STS 2015-04-01, `AssumeRoleWithOIDC`.
///
/// ```
/// use simsim::credentials::{AssumeRoleWithOidc, TokenCallback};
/// use simsim::{Client, Sensitive};
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # let provider = "acs:ram::1234567890123456:oidc-provider/vercel";
/// # kms.put_oidc_provider(simsim_emulator::OidcProvider::new(provider));
/// # kms.add_role("acs:ram::1234567890123456:role/secret-reader");
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/password", "open sesame"));
/// # let hour = std::time::Duration::from_secs(3600);
/// # let token = kms.oidc_token(provider, "project:orders", "sts.aliyuncs.com", hour).unwrap_or_default();
/// # let token_of_the_platform = move || { let token = token.clone(); async move { token } };
/// let role = AssumeRoleWithOidc::new(
///     "acs:ram::1234567890123456:oidc-provider/vercel",
///     "acs:ram::1234567890123456:role/secret-reader",
///     TokenCallback::new(move || {
///         let token = token_of_the_platform();
///         async { Ok(Sensitive::new(token.await)) }
///     }),
/// );
/// let client = Client::builder()
///     .region("cn-hangzhou")
///     .credentials(role)
///     # .fetch(kms.clone()).runtime(runtime)
///     .build()?;
/// assert_eq!(client.get_secret("db/password").await?.text()?, "open sesame");
/// # assert_eq!(kms.calls("AssumeRoleWithOIDC"), 1);
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
pub struct AssumeRoleWithOidc {
    provider_arn: String,
    token: Box<dyn DynProvideToken>,
    session: Box<RoleSession>,
}

impl AssumeRoleWithOidc {
    /// Sessions of the role `acs:ram::ACCOUNT:role/NAME` for tokens of the provider
    /// `acs:ram::ACCOUNT:oidc-provider/NAME`.
    pub fn new(
        oidc_provider_arn: impl Into<String>,
        role_arn: impl Into<String>,
        token: impl ProvideToken,
    ) -> Self {
        Self::of(oidc_provider_arn.into(), token, Box::new(RoleSession::new(role_arn.into())))
    }

    /// Such sessions, all parameters given.
    pub(crate) fn of(provider_arn: String, token: impl ProvideToken, session: Box<RoleSession>) -> Self {
        Self { provider_arn, token: Box::new(token), session }
    }

    role_setters!();
}

impl fmt::Debug for AssumeRoleWithOidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumeRoleWithOidc")
            .field("oidc_provider_arn", &self.provider_arn)
            .field("role_arn", &self.session.role_arn)
            .finish_non_exhaustive()
    }
}

impl Obtain for AssumeRoleWithOidc {
    async fn obtain(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        let mut again = true;
        loop {
            // The token of this moment.
            let token = self.token.token().await?;
            let text = token.expose().trim_ascii();
            let fits = (4..=20_000).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
            if !fits {
                return Err(Error::new(
                    ErrorKind::CredentialsUnavailable,
                    "token: must be the text of a JWT, 4 to 20000 characters without spaces; see who provides it",
                ));
            }
            let own = [("OIDCProviderArn", self.provider_arn.as_str()), ("OIDCToken", text)];
            match self.session.ask(cx.upstream(), ACTION, own, None).await {
                Err(error) if again && error.service_code() == Some(TOKEN_EXPIRED) => again = false,
                given => return given,
            }
        }
    }
}

impl ProvideCredentials for AssumeRoleWithOidc {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        self.validate()?;
        self.obtain(cx).await
    }

    fn name(&self) -> &'static str {
        "oidc"
    }

    fn validate(&self) -> Result<()> {
        require(
            is_arn(&self.provider_arn, "oidc-provider/"),
            "oidc_provider_arn",
            "must be acs:ram::ACCOUNT:oidc-provider/NAME",
        )?;
        self.session.check()
    }
}
