//! What a configuration says of where credentials come from, and the provider that is built from it and kept.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::cached::CachedCredentials;
use super::checked::{Checked, Obtain};
use super::external::External;
use super::host::{Known, SharedHost};
use super::sts::RoleSession;
use super::token_file::TokenFile;
use super::{
    AssumeRole, AssumeRoleWithOidc, Credentials, CredentialsUri, DynProvideCredentials, EcsRamRole,
    ProvideCredentials as _,
};
use crate::error::{Error, ErrorKind, Result};
use crate::region::Network;
use crate::sync::Guarded;
use std::sync::Arc;
use std::time::Duration;

/// What a source has to say.
pub(crate) enum Found {
    /// It is configured. The text says where, for errors; empty where the plan's own errors do.
    Plan(Box<Plan>, String),
    /// It is not, and why.
    Nothing(String),
}

impl Found {
    pub(super) fn plan(plan: Plan, place: &str) -> Result<Self> {
        Ok(Self::Plan(Box::new(plan), place.to_owned()))
    }

    pub(super) fn nothing(why: &[&str]) -> Self {
        Self::Nothing(why.concat())
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

impl Role {
    /// The session that it describes.
    fn session(&self) -> Box<RoleSession> {
        let mut session = Box::new(RoleSession {
            policy: self.policy.clone(),
            region: self.region.clone(),
            network: self.vpc.then_some(Network::Vpc),
            ..RoleSession::new(self.arn.clone())
        });
        if let Some(name) = &self.session_name {
            session.session_name = name.clone();
        }
        if let Some(duration) = self.duration {
            session.duration = duration;
        }
        if let Some(endpoint) = &self.endpoint {
            session.set_endpoint(endpoint);
        }
        session
    }
}

impl Plan {
    /// Has every role of the plan that does not say so itself ask STS where the environment says.
    pub(super) fn at_sts(&mut self, known: &Known) {
        let (Self::Role { role, .. } | Self::Oidc { role, .. }) = self else { return };
        if role.region.is_none() {
            role.region = known.variable("ALIBABA_CLOUD_STS_REGION").map(str::to_owned);
            role.vpc |= known.is_on("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED");
        }
        if let Self::Role { source, .. } = self {
            source.at_sts(known);
        }
    }

    /// The provider, its parameters checked.
    fn build(&self, host: &SharedHost) -> Result<Provider> {
        match self {
            Self::Keys(keys) => Ok(Arc::new(keys.clone())),
            Self::Role { source, role, external_id } => {
                let source = CachedCredentials::shared(source.build(host)?);
                checked(AssumeRole::of(source, role.session(), external_id.clone()))
            }
            Self::Oidc { provider_arn, token_file, role } => {
                let token = TokenFile::shared(host.clone(), token_file.clone());
                checked(AssumeRoleWithOidc::of(provider_arn.clone(), token, role.session()))
            }
            Self::Ecs { role_name, without_v1 } => {
                let provider = EcsRamRole::in_chain(role_name.clone(), *without_v1);
                provider.validate()?;
                Ok(Arc::new(provider))
            }
            Self::Uri(uri) => checked(CredentialsUri::new(uri.as_str())),
            Self::External(argv) => Ok(Arc::new(External::shared(host.clone(), Ok(argv.clone())))),
        }
    }
}

fn checked<P: Obtain>(provider: P) -> Result<Provider> {
    provider.validate()?;
    Ok(Arc::new(Checked(provider)))
}

/// What a plan is built into.
type Provider = Arc<dyn DynProvideCredentials>;

/// The provider of the last plan, with whatever it keeps (a source's own session, a metadata token), for as long as
/// the configuration stays the same.
#[derive(Default)]
pub(super) struct Kept(Guarded<Option<(Box<Plan>, Provider)>>);

impl Kept {
    /// The plan's provider. `place`: where the plan was found.
    pub(super) fn provider(&self, plan: Box<Plan>, place: &str, host: &SharedHost) -> Result<Provider> {
        let kept = self.0.with(|kept| match kept {
            Some((known, provider)) if *known == plan => Some(provider.clone()),
            _ => None,
        });
        if let Some(provider) = kept {
            return Ok(provider);
        }
        let provider = plan.build(host).map_err(|error| at(place, error))?;
        // What was there before is dropped outside of the lock.
        drop(self.0.with(|kept| kept.replace((plan, provider.clone()))));
        Ok(provider)
    }
}

/// A parameter that is wrong, with the place where it was found.
fn at(place: &str, error: Error) -> Error {
    match place {
        "" => error,
        place => Error::new(ErrorKind::CredentialsUnavailable, [place, ": ", error.explanation()].concat()),
    }
}
