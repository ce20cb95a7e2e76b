//! The default chain: the first source that is configured on this machine.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::ecs_ram_role::NO_ROLE;
use super::environment::{find_function, find_instance, find_keys, find_oidc, find_uri};
use super::host::{DynHost, Host, SharedHost};
use super::plan::{Found, Kept};
use super::profile::{Choice, cli_is_off, find_cli, find_ini, sts};
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::Guarded;
use std::fmt;
use std::sync::Arc;

/// Credentials from wherever this machine has them. The first source that is configured answers:
///
/// | source (`name()`) | is configured when |
/// |---|---|
/// | `function_compute` | `FC_FUNCTION_NAME` is set and the function has a role |
/// | `environment` | `ALIBABA_CLOUD_ACCESS_KEY_ID` and `…_ACCESS_KEY_SECRET` are set (`…_SECURITY_TOKEN` for a session) |
/// | `oidc` | `ALIBABA_CLOUD_OIDC_PROVIDER_ARN`, `…_ROLE_ARN` and `…_OIDC_TOKEN_FILE` are set (ACK's RRSA) |
/// | `profile` | `~/.aliyun/config.json` has the profile ([`Profile`](super::Profile)), unless `…_CLI_PROFILE_DISABLED` |
/// | `ini_profile` | `~/.alibabacloud/credentials` has the section ([`IniProfile`](super::IniProfile)) |
/// | `credentials_uri` | `ALIBABA_CLOUD_CREDENTIALS_URI` is set |
/// | `ecs_ram_role` | the machine is an ECS instance, or `ALIBABA_CLOUD_ECS_METADATA` is set, unless `…_METADATA_DISABLED` |
///
/// Nothing is read before credentials are needed, and the walk begins anew whenever they are: a source that appears,
/// changes or goes away is noticed at the next refresh, and no failure is remembered as the answer. The source that
/// answered keeps what it has (a role's own session, a metadata token) while its configuration stays the same.
///
/// [`name`](ProvideCredentials::name), and with it [`ClientStatus`](crate::ClientStatus), is that of the source which
/// answered last, `default_chain` before.
///
/// # Errors
/// - A source that is configured but broken ends the walk with its own error: what comes after it might be someone
///   else's identity.
/// - [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) where none is configured; it lists each source with
///   its reason.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use simsim::credentials::{DefaultChain, NativeHost};
/// let chain = DefaultChain::new(NativeHost::new());
/// let builder = simsim::Client::builder().region("cn-hangzhou").credentials(chain);
/// # let _ = builder;
/// # }
/// ```
pub struct DefaultChain {
    host: SharedHost,
    kept: Kept,
    answered: Guarded<&'static str>,
}

/// In the order of the walk.
const SOURCES: [&str; 7] =
    ["function_compute", "environment", "oidc", "profile", "ini_profile", "credentials_uri", "ecs_ram_role"];

impl DefaultChain {
    /// The sources of that machine.
    pub fn new(host: impl Host) -> Self {
        Self { host: Arc::new(host), kept: Kept::default(), answered: Guarded::new("default_chain") }
    }
}

async fn find(source: &str, host: &dyn DynHost) -> Result<Found> {
    match source {
        "function_compute" => find_function(host).await,
        "environment" => find_keys(host).await,
        "oidc" => sts(host, find_oidc(host).await?).await,
        "profile" if cli_is_off(host).await => {
            Ok(Found::nothing(&["ALIBABA_CLOUD_CLI_PROFILE_DISABLED is set"]))
        }
        "profile" => find_cli(host, &Choice::default()).await,
        "ini_profile" => find_ini(host, &Choice::default()).await,
        "credentials_uri" => find_uri(host).await,
        _ => find_instance(host).await,
    }
}

impl fmt::Debug for DefaultChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultChain")
            .field("answered", &ProvideCredentials::name(self))
            .finish_non_exhaustive()
    }
}

impl ProvideCredentials for DefaultChain {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        let mut reasons = String::from("no source is configured here");
        for source in SOURCES {
            let why = match find(source, &*self.host).await? {
                Found::Plan(plan, place) => match self.kept.provide(plan, &place, &self.host, cx).await? {
                    Some(credentials) => {
                        self.answered.with(|answered| *answered = source);
                        return Ok(Some(credentials));
                    }
                    None => NO_ROLE.into(),
                },
                Found::Nothing(why) => why,
            };
            for part in ["; ", source, ": ", &why] {
                reasons.push_str(part);
            }
        }
        Err(Error::new(ErrorKind::CredentialsUnavailable, reasons))
    }

    fn name(&self) -> &'static str {
        self.answered.with(|answered| *answered)
    }
}
