//! OIDC providers: which ones RAM knows, the key that signs for them, and the judgement of a token.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod jwt;
mod key;
mod rsa;

pub(crate) use jwt::Claims;
pub(crate) use key::{PublicKey, Published};
pub(crate) use rsa::RsaKey;

use crate::answer::ServiceError;
use crate::entropy::Entropy;
use crate::role::provider_parts;
use p256::ecdsa::SigningKey;
use simsim::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// The audience of a provider that says nothing else: what a cluster's tokens for RAM have.
const DEFAULT_CLIENT_ID: &str = "sts.aliyuncs.com";

/// An OIDC provider to put into the emulator: `acs:ram::ACCOUNT:oidc-provider/NAME`.
///
/// The emulator has a private key of the provider's: [`Emulator::oidc_token`](crate::Emulator::oidc_token) signs with it.
/// Tokens of a real issuer are taken as well, by the keys that it publishes: [`jwks`](Self::jwks).
///
/// ```
/// use simsim_emulator::OidcProvider;
///
/// let provider = OidcProvider::new("acs:ram::1234567890123456:oidc-provider/ci")
///     .issuer("https://ci.example")
///     .client_ids(["https://ci.example/team"]);
/// ```
#[derive(Clone, Debug)]
pub struct OidcProvider {
    pub(crate) arn: String,
    pub(crate) issuer: String,
    pub(crate) client_ids: Vec<String>,
    /// What its issuer publishes.
    pub(crate) keys: Vec<Published>,
}

impl OidcProvider {
    /// A provider whose issuer is `https://NAME.example`, for the audience `sts.aliyuncs.com`.
    pub fn new(arn: impl Into<String>) -> Self {
        let arn = arn.into();
        let name = provider_parts(&arn).map(|(_, name)| name).unwrap_or_default();
        let issuer = format!("https://{name}.example");
        Self { arn, issuer, client_ids: vec![DEFAULT_CLIENT_ID.to_owned()], keys: Vec::new() }
    }

    /// Whose tokens these are: their `iss`.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// For whom a token may be: one of these must be in its `aud`.
    #[must_use]
    pub fn client_ids<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.client_ids = ids.into_iter().map(Into::into).collect();
        self
    }
}

/// The providers that are registered, and the emulator's key, which signs for all of them.
#[derive(Default)]
pub(crate) struct Federation {
    providers: BTreeMap<String, OidcProvider>,
    key: Option<SigningKey>,
}

/// A refusal of AssumeRoleWithOIDC for want of a permission, a provider that is not registered included.
pub(crate) fn no_permission() -> ServiceError {
    let message = "The OIDC provider, its issuer or the role's trust does not permit this.";
    ServiceError::new(401, "AuthenticationFail.NoPermission", message)
}

fn refused(what: &str, message: &str) -> ServiceError {
    ServiceError::new(401, format!("AuthenticationFail.OIDCToken.{what}"), message)
}

impl Federation {
    /// Creates or replaces. An ARN that is no provider's could never be asked for.
    pub(crate) fn put(&mut self, provider: OidcProvider) {
        if provider_parts(&provider.arn).is_some() {
            self.providers.insert(provider.arn.clone(), provider);
        }
    }

    /// Made when the first token is signed: most emulators never need one.
    fn key(&mut self, entropy: &mut Entropy) -> &SigningKey {
        self.key.get_or_insert_with(|| {
            loop {
                // Not every 32 bytes are a key, but all except one in four billion.
                if let Ok(key) = SigningKey::from_slice(&entropy.bytes(32)) {
                    break key;
                }
            }
        })
    }

    /// A token of that provider's; `None` when there is no such provider.
    pub(crate) fn token(
        &mut self,
        arn: &str,
        subject: &str,
        audience: Option<&str>,
        now: Timestamp,
        lifetime: Duration,
        entropy: &mut Entropy,
    ) -> Option<String> {
        let provider = self.providers.get(arn)?;
        let first = provider.client_ids.first().map_or(DEFAULT_CLIENT_ID, String::as_str);
        let claims = Claims {
            issuer: provider.issuer.clone(),
            subject: subject.to_owned(),
            audiences: vec![audience.unwrap_or(first).to_owned()],
            issued: now,
            not_before: Some(now),
            expires: now.after(lifetime),
        };
        Some(jwt::sign(&claims, self.key(entropy)))
    }

    /// What a token says, once all of it was judged: its issuer, its signature, its time, its audience.
    pub(crate) fn judge(&self, arn: &str, token: &str, now: Timestamp) -> Result<Claims, ServiceError> {
        let provider = self.providers.get(arn).ok_or_else(no_permission)?;
        let Some(read) = jwt::Token::parse(token) else {
            return Err(refused("Invalid", "The OIDC token is not a JWT signed with RS256 or ES256."));
        };
        if read.claims.issuer != provider.issuer {
            return Err(no_permission());
        }
        let published = provider.keys.iter().filter(|key| key.answers_to(read.key_id.as_deref()));
        let own = self.key.as_ref().map(|key| PublicKey::Es256(*key.verifying_key()));
        if !published.map(|published| &published.key).chain(&own).any(|key| read.is_signed_by(key)) {
            return Err(refused("InvalidSignature", "The signature of the OIDC token does not hold."));
        }
        let claims = read.claims;
        if now >= claims.expires {
            return Err(refused("Expired", "The OIDC token is expired."));
        }
        if claims.not_before.is_some_and(|start| now < start) {
            return Err(refused("Invalid", "The OIDC token is not valid yet."));
        }
        if !claims.audiences.iter().any(|audience| provider.client_ids.contains(audience)) {
            return Err(refused(
                "AudienceNotMatch",
                "The audience of the OIDC token is no client of the provider.",
            ));
        }
        Ok(claims)
    }
}
