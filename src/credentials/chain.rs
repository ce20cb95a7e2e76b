//! The default chain: the first source that is configured on this machine.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::environment::{find_function, find_instance, find_keys, find_oidc, find_uri};
use super::host::{Host, Known, SharedHost};
use super::plan::Found;
use super::profile::{Choice, find_cli, find_ini};
use super::walk::{Look, Walk};
use super::{Context, Credentials, ProvideCredentials};
use crate::error::Result;
use crate::sync::MaybeSend;
use std::fmt;
use std::future::Future;
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
/// - [`CredentialsUnavailable`](crate::ErrorKind::CredentialsUnavailable) where none is configured; it lists each source with
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
pub struct DefaultChain(Walk);

/// In the order of the walk.
const SOURCES: [(&str, Look); 7] = [
    ("function_compute", find_function),
    ("environment", find_keys),
    ("oidc", find_oidc),
    ("profile", find_cli_unless_off),
    ("ini_profile", find_ini),
    ("credentials_uri", find_uri),
    ("ecs_ram_role", find_instance),
];

impl DefaultChain {
    /// The sources of that machine.
    pub fn new(host: impl Host) -> Self {
        Self(walk(Arc::new(host)))
    }
}

/// What a chain is made of.
pub(crate) fn walk(host: SharedHost) -> Walk {
    Walk::new(host, "default_chain", &SOURCES, Choice::default())
}

fn find_cli_unless_off(known: &Known, choice: &Choice) -> Result<Found> {
    const OFF: &str = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED";
    match known.is_on(OFF) {
        true => Ok(Found::nothing(&[OFF, " is set"])),
        false => find_cli(known, choice),
    }
}

impl fmt::Debug for DefaultChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultChain").field("answered", &self.0.name()).finish_non_exhaustive()
    }
}

impl ProvideCredentials for DefaultChain {
    fn provide(&self, cx: &Context<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend {
        self.0.provide(cx)
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}
