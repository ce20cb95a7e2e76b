//! Credentials from the profiles of Alibaba's own tools: which file is read, and which profile of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub(crate) mod cli;
mod fields;
pub(crate) mod ini;

use super::host::{Host, Known};
use super::plan::{Found, Plan};
use super::walk::Walk;
use super::{Context, Credentials, ProvideCredentials};
use crate::error::Result;
use crate::sync::MaybeSend;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

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
        pub struct $name(Walk);

        impl $name {
            /// The profile that the environment of `host` names, in the file that it names.
            pub fn new(host: impl Host) -> Self {
                Self(Walk::new(Arc::new(host), $label, &[($label, $find)]))
            }

            /// The file's path. Default: as the type's description says.
            #[must_use]
            pub fn file(mut self, path: impl Into<String>) -> Self {
                self.0.choice.path = Some(path.into());
                self
            }

            /// The profile's name. Default: as the type's description says.
            #[must_use]
            pub fn profile(mut self, name: impl Into<String>) -> Self {
                self.0.choice.profile = Some(name.into());
                self
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("file", &self.0.choice.path)
                    .field("profile", &self.0.choice.profile)
                    .finish_non_exhaustive()
            }
        }

        impl ProvideCredentials for $name {
            fn provide(
                &self,
                cx: &Context<'_>,
            ) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend {
                self.0.provide(cx)
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

/// What the CLI's file says.
pub(super) fn find_cli(known: &Known, choice: &Choice) -> Result<Found> {
    let named = choice.path.as_deref().or_else(|| known.variable("ALIBABA_CLOUD_CONFIG_FILE"));
    let path = match named {
        Some(path) => path.to_owned(),
        None => match home(known) {
            Some(home) => [home, "/.aliyun/config.json"].concat(),
            None => return Ok(Found::nothing(&[NO_HOME])),
        },
    };
    let Some(content) = known.file(&path)? else { return Ok(missing(&path)) };
    Ok(match cli::read(content, &path, wanted(known, choice))? {
        Found::Plan(plan, place) => at_sts(known, plan, place),
        nothing => nothing,
    })
}

/// What the INI file says.
pub(super) fn find_ini(known: &Known, choice: &Choice) -> Result<Found> {
    let named = choice.path.as_deref().or_else(|| known.variable("ALIBABA_CLOUD_CREDENTIALS_FILE"));
    let (folder, names) = match named {
        Some(path) => (path, &[""][..]),
        None => match home(known) {
            Some(home) => (home, &["/.alibabacloud/credentials", "/.alibabacloud/credentials.ini"][..]),
            None => return Ok(Found::nothing(&[NO_HOME])),
        },
    };
    for name in names {
        let path = [folder, name].concat();
        if let Some(content) = known.file(&path)? {
            return Ok(match ini::read(content, &path, wanted(known, choice))? {
                Found::Plan(plan, place) => at_sts(known, plan, place),
                nothing => nothing,
            });
        }
    }
    Ok(missing(&[folder, names.first().copied().unwrap_or_default()].concat()))
}

const NO_HOME: &str = "neither HOME nor USERPROFILE is set";

fn missing(path: &str) -> Found {
    Found::nothing(&[&super::host::shown(path), ": there is no such file, or no permission to look"])
}

fn home(known: &Known) -> Option<&str> {
    known.variable("HOME").or_else(|| known.variable("USERPROFILE"))
}

fn wanted<'a>(known: &'a Known, choice: &'a Choice) -> Option<&'a str> {
    choice.profile.as_deref().or_else(|| known.variable(PROFILE))
}

/// A plan that asks STS where the environment says, unless it says so itself.
pub(super) fn at_sts(known: &Known, mut plan: Plan, place: String) -> Found {
    let region = known.variable("ALIBABA_CLOUD_STS_REGION");
    plan.at_sts(region, known.is_on("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"));
    Found::Plan(plan, place)
}
