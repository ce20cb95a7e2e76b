//! What a configuration says of where credentials come from, and the provider that is built from it and kept.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::external::External;
use super::host::SharedHost;
use super::token_file::TokenFile;
use super::{
    AssumeRole, AssumeRoleWithOidc, Context, Credentials, CredentialsUri, DynProvideCredentials, EcsRamRole,
    ProvideCredentials,
};
use crate::error::{Error, ErrorKind, Result};
use crate::region::Network;
use crate::sync::Guarded;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What a source has to say.
pub(crate) enum Found {
    /// It is configured. The text says where, for errors; empty where the plan's own errors do.
    Plan(Plan, String),
    /// It is not, and why.
    Nothing(Cow<'static, str>),
}

impl Found {
    pub(super) fn nothing(why: &[&str]) -> Self {
        Self::Nothing(why.concat().into())
    }
}

/// Where credentials come from, with everything that was configured. Equal plans give equal providers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    Keys(Credentials),
    Role { source: Box<Plan>, role: Role, external_id: Option<String> },
    Oidc { provider_arn: String, token_file: String, role: Role },
    Ecs { role_name: Option<String>, without_v1: bool },
    Uri(String),
    External(Vec<String>),
}

/// A role and its session; what is missing keeps the provider's default.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Role {
    pub(super) arn: String,
    pub(super) session_name: Option<String>,
    pub(super) duration: Option<Duration>,
    pub(super) policy: Option<String>,
    pub(super) region: Option<String>,
    pub(super) vpc: bool,
    pub(super) endpoint: Option<String>,
}

/// Sets what the role says on a provider of either kind.
macro_rules! configured {
    ($provider:expr, $role:expr) => {{
        let (mut provider, role) = ($provider, $role);
        if let Some(name) = &role.session_name {
            provider = provider.role_session_name(name.as_str());
        }
        if let Some(duration) = role.duration {
            provider = provider.duration(duration);
        }
        if let Some(policy) = &role.policy {
            provider = provider.policy(policy.as_str());
        }
        if let Some(region) = &role.region {
            provider = provider.region(region.as_str());
        }
        if role.vpc {
            provider = provider.network(Network::Vpc);
        }
        if let Some(endpoint) = &role.endpoint {
            provider = provider.endpoint(endpoint.as_str());
        }
        provider
    }};
}

impl Plan {
    /// Where STS is asked, for every role of the plan that does not say so itself.
    pub(super) fn at_sts(&mut self, region: Option<&str>, vpc: bool) {
        let (Self::Role { role, .. } | Self::Oidc { role, .. }) = self else { return };
        if role.region.is_none() {
            role.region = region.map(str::to_owned);
            role.vpc |= vpc;
        }
        if let Self::Role { source, .. } = self {
            source.at_sts(region, vpc);
        }
    }

    /// The provider, its parameters checked.
    fn build(&self, host: &SharedHost) -> Result<Arc<dyn DynProvideCredentials>> {
        match self {
            Self::Keys(keys) => checked(keys.clone()),
            Self::Role { source, role, external_id } => {
                let source = Shared(source.build(host)?);
                let mut provider = configured!(AssumeRole::new(source, role.arn.as_str()), role);
                if let Some(id) = external_id {
                    provider = provider.external_id(id.as_str());
                }
                checked(provider)
            }
            Self::Oidc { provider_arn, token_file, role } => {
                let token = TokenFile::shared(host.clone(), token_file.clone());
                let provider = AssumeRoleWithOidc::new(provider_arn.as_str(), role.arn.as_str(), token);
                checked(configured!(provider, role))
            }
            Self::Ecs { role_name, without_v1 } => {
                let mut provider = EcsRamRole::new().optional();
                if let Some(name) = role_name {
                    provider = provider.role_name(name.as_str());
                }
                checked(if *without_v1 { provider.without_imds_v1() } else { provider })
            }
            Self::Uri(uri) => checked(CredentialsUri::new(uri.as_str())),
            Self::External(argv) => checked(External::shared(host.clone(), Ok(argv.clone()))),
        }
    }
}

fn checked<P: ProvideCredentials>(provider: P) -> Result<Arc<dyn DynProvideCredentials>> {
    provider.validate()?;
    Ok(Arc::new(provider))
}

/// A provider of any kind, as the source of another.
struct Shared(Arc<dyn DynProvideCredentials>);

impl ProvideCredentials for Shared {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        DynProvideCredentials::provide(&*self.0, cx).await
    }

    fn name(&self) -> &'static str {
        DynProvideCredentials::name(&*self.0)
    }
}

/// The provider of the last plan, with whatever it keeps (a source's own session, a metadata token), for as long as
/// the configuration stays the same.
#[derive(Default)]
pub(super) struct Kept(Guarded<Option<(Plan, Arc<dyn DynProvideCredentials>)>>);

impl Kept {
    /// Asks the plan's provider. `place`: where the plan was found.
    pub(super) async fn provide(
        &self,
        plan: Plan,
        place: &str,
        host: &SharedHost,
        cx: &Context<'_>,
    ) -> Result<Option<Credentials>> {
        let kept = self.0.with(|kept| match kept {
            Some((known, provider)) if *known == plan => Some(provider.clone()),
            _ => None,
        });
        let provider = match kept {
            Some(provider) => provider,
            None => {
                let provider = plan.build(host).map_err(|error| at(place, error))?;
                // What was there before is dropped outside of the lock.
                drop(self.0.with(|kept| kept.replace((plan, provider.clone()))));
                provider
            }
        };
        provider.provide(cx).await
    }
}

/// A parameter that is wrong, with the place where it was found.
fn at(place: &str, error: Error) -> Error {
    match place {
        "" => error,
        place => Error::new(ErrorKind::CredentialsUnavailable, [place, ": ", error.explanation()].concat()),
    }
}
