//! Credentials from the profiles of Alibaba's own tools: which file is read, and which profile of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub(crate) mod cli;
pub(crate) mod ini;

use super::host::{DynHost, Host, SharedHost, file, is_on, plain};
use super::plan::{Found, Kept};
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::sync::Arc;

/// The longest file that is read, in bytes.
const MAX_FILE: usize = 1024 * 1024;
/// Names the profile, in both files.
const PROFILE: &str = "ALIBABA_CLOUD_PROFILE";

/// What a user may say of a profile file.
#[derive(Clone, Default)]
pub(super) struct Choice {
    path: Option<String>,
    profile: Option<String>,
}

macro_rules! profile_provider {
    ($(#[$doc:meta])* $name:ident, $find:ident, $label:literal) => {
        $(#[$doc])*
        pub struct $name {
            host: SharedHost,
            choice: Choice,
            kept: Kept,
        }

        impl $name {
            /// The profile that the environment of `host` names, in the file that it names.
            pub fn new(host: impl Host) -> Self {
                Self { host: Arc::new(host), choice: Choice::default(), kept: Kept::default() }
            }

            /// The file's path. Default: as the type's description says.
            #[must_use]
            pub fn file(mut self, path: impl Into<String>) -> Self {
                self.choice.path = Some(path.into());
                self
            }

            /// The profile's name. Default: as the type's description says.
            #[must_use]
            pub fn profile(mut self, name: impl Into<String>) -> Self {
                self.choice.profile = Some(name.into());
                self
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("file", &self.choice.path)
                    .field("profile", &self.choice.profile)
                    .finish_non_exhaustive()
            }
        }

        impl ProvideCredentials for $name {
            async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
                provide(&self.host, &self.kept, $find(&*self.host, &self.choice).await?, cx).await
            }

            fn name(&self) -> &'static str {
                $label
            }
        }
    };
}

profile_provider!(
    /// A profile of the Alibaba Cloud CLI: `~/.aliyun/config.json`.
    ///
    /// The file is [`file`](Self::file), else `ALIBABA_CLOUD_CONFIG_FILE`, else `.aliyun/config.json` in `HOME` (or
    /// `USERPROFILE`); the profile is [`profile`](Self::profile), else `ALIBABA_CLOUD_PROFILE`, else the file's
    /// `current`. The file is read again whenever credentials are asked for, and never written.
    ///
    /// Modes: `AK`, `StsToken`, `RamRoleArn`, `EcsRamRole`, `OIDC`, `ChainableRamRoleArn`, `External`. The others keep
    /// a login that only the CLI can renew; the error says what to do in their place.
    ///
    /// # Errors
    /// [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) naming the file, the profile and the field; the
    /// content of the file is never quoted. The errors of the providers that a profile stands for stay as they are.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use simsim::credentials::{NativeHost, Profile};
    /// let credentials = Profile::new(NativeHost::new()).profile("staging");
    /// let builder = simsim::Client::builder().region("cn-hangzhou").credentials(credentials);
    /// # let _ = builder;
    /// # }
    /// ```
    Profile,
    find_cli,
    "profile"
);

profile_provider!(
    /// A section of the INI file that Alibaba's own packages share.
    ///
    /// The file is [`file`](Self::file), else `ALIBABA_CLOUD_CREDENTIALS_FILE`, else `.alibabacloud/credentials` or
    /// `.alibabacloud/credentials.ini` in `HOME` (or `USERPROFILE`), the first that is there; the section is
    /// [`profile`](Self::profile), else `ALIBABA_CLOUD_PROFILE`, else `default`. It is read again whenever
    /// credentials are asked for.
    ///
    /// Types: `access_key`, `ecs_ram_role`, `ram_role_arn`, `oidc_role_arn`. A section with `enable = false` counts as
    /// not there.
    ///
    /// # Errors
    /// [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) naming the file, the section and the key; the
    /// content of the file is never quoted. The errors of the providers that a section stands for stay as they are.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use simsim::credentials::{IniProfile, NativeHost};
    /// let credentials = IniProfile::new(NativeHost::new()).profile("staging");
    /// let builder = simsim::Client::builder().region("cn-hangzhou").credentials(credentials);
    /// # let _ = builder;
    /// # }
    /// ```
    IniProfile,
    find_ini,
    "ini_profile"
);

/// A source that was chosen must be there.
async fn provide(
    host: &SharedHost,
    kept: &Kept,
    found: Found,
    cx: &Context<'_>,
) -> Result<Option<Credentials>> {
    match found {
        Found::Plan(plan, place) => kept.provide(plan, &place, host, cx).await,
        Found::Nothing(why) => Err(Error::new(ErrorKind::CredentialsUnavailable, why)),
    }
}

/// What the CLI's file says.
pub(super) async fn find_cli(host: &dyn DynHost, choice: &Choice) -> Result<Found> {
    let path = match &choice.path {
        Some(path) => Some(path.clone()),
        None => match plain(host, "ALIBABA_CLOUD_CONFIG_FILE").await {
            Some(path) => Some(path),
            None => in_home(host, "/.aliyun/config.json").await,
        },
    };
    let Some(path) = path else { return Ok(Found::nothing(&[NO_HOME])) };
    let Some(content) = file(host, &path, MAX_FILE).await? else { return Ok(missing(&path)) };
    let wanted = wanted(host, choice).await;
    sts(host, cli::read(content.expose(), &path, wanted.as_deref())?).await
}

/// What the INI file says.
pub(super) async fn find_ini(host: &dyn DynHost, choice: &Choice) -> Result<Found> {
    let mut paths: Vec<String> = choice.path.iter().cloned().collect();
    if paths.is_empty() {
        paths.extend(plain(host, "ALIBABA_CLOUD_CREDENTIALS_FILE").await);
    }
    if paths.is_empty() {
        for name in ["/.alibabacloud/credentials", "/.alibabacloud/credentials.ini"] {
            paths.extend(in_home(host, name).await);
        }
    }
    let Some(first) = paths.first() else { return Ok(Found::nothing(&[NO_HOME])) };
    for path in &paths {
        if let Some(content) = file(host, path, MAX_FILE).await? {
            let wanted = wanted(host, choice).await;
            return sts(host, ini::read(content.expose(), path, wanted.as_deref())?).await;
        }
    }
    Ok(missing(first))
}

/// Whether the CLI's file is not to be looked at.
pub(super) async fn cli_is_off(host: &dyn DynHost) -> bool {
    is_on(host, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED").await
}

const NO_HOME: &str = "neither HOME nor USERPROFILE is set";

fn missing(path: &str) -> Found {
    Found::nothing(&[&super::host::shown(path), ": there is no such file, or no permission to look"])
}

async fn in_home(host: &dyn DynHost, path: &str) -> Option<String> {
    let home = match plain(host, "HOME").await {
        Some(home) => home,
        None => plain(host, "USERPROFILE").await?,
    };
    Some([&home, path].concat())
}

async fn wanted(host: &dyn DynHost, choice: &Choice) -> Option<String> {
    match &choice.profile {
        Some(name) => Some(name.clone()),
        None => plain(host, PROFILE).await,
    }
}

/// Where the environment says that STS is asked, for a file that does not.
pub(super) async fn sts(host: &dyn DynHost, found: Found) -> Result<Found> {
    Ok(match found {
        Found::Plan(mut plan, place) => {
            let region = plain(host, "ALIBABA_CLOUD_STS_REGION").await;
            plan.at_sts(region.as_deref(), is_on(host, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED").await);
            Found::Plan(plan, place)
        }
        nothing => nothing,
    })
}
