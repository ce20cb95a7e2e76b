//! Credentials from the profiles of Alibaba's own tools: which file is read, and which profile of it.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub(crate) mod cli;
pub(crate) mod ini;

use super::host::{Host, Known, SharedHost, shown};
use super::plan::Found;
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
pub(crate) struct Choice {
    pub(crate) path: Option<String>,
    pub(crate) profile: Option<String>,
}

macro_rules! profile_provider {
    ($(#[$doc:meta])* $name:ident, $walk:ident, $label:literal) => {
        $(#[$doc])*
        pub struct $name(Walk);

        impl $name {
            /// The profile that the environment of `host` names, in the file that it names.
            pub fn new(host: impl Host) -> Self {
                Self($walk(Arc::new(host), Choice::default()))
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
    /// [`CredentialsUnavailable`](crate::ErrorKind::CredentialsUnavailable) naming the file, the profile and the field; the
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
    cli_walk,
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
    /// [`CredentialsUnavailable`](crate::ErrorKind::CredentialsUnavailable) naming the file, the section and the key; the
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
    ini_walk,
    "ini_profile"
);

/// A file of profiles.
struct File {
    /// Names its path.
    variable: &'static str,
    /// Where it is in the home otherwise: the first that is there.
    names: &'static [&'static str],
    read: fn(&[u8], &str, Option<&str>) -> Result<Found>,
}

/// What a profile of the CLI is made of.
pub(crate) fn cli_walk(host: SharedHost, choice: Choice) -> Walk {
    Walk::new(host, "profile", &[("profile", find_cli)], choice)
}

/// What a section of the INI file is made of.
fn ini_walk(host: SharedHost, choice: Choice) -> Walk {
    Walk::new(host, "ini_profile", &[("ini_profile", find_ini)], choice)
}

/// What the CLI's file says.
pub(super) fn find_cli(known: &Known, choice: &Choice) -> Result<Found> {
    let names = &["/.aliyun/config.json"];
    find(known, choice, &File { variable: "ALIBABA_CLOUD_CONFIG_FILE", names, read: cli::read })
}

/// What the INI file says.
pub(super) fn find_ini(known: &Known, choice: &Choice) -> Result<Found> {
    let names = &["/.alibabacloud/credentials", "/.alibabacloud/credentials.ini"];
    find(known, choice, &File { variable: "ALIBABA_CLOUD_CREDENTIALS_FILE", names, read: ini::read })
}

fn find(known: &Known, choice: &Choice, file: &File) -> Result<Found> {
    let named = choice.path.as_deref().or_else(|| known.variable(file.variable));
    let home = || known.variable("HOME").or_else(|| known.variable("USERPROFILE"));
    let (folder, names) = match named {
        Some(path) => (path, &[""][..]),
        None => match home() {
            Some(home) => (home, file.names),
            None => return Ok(Found::nothing(&["neither HOME nor USERPROFILE is set"])),
        },
    };
    let mut missing = String::new();
    for name in names {
        let path = [folder, name].concat();
        if let Some(content) = known.file(&path)? {
            let wanted = choice.profile.as_deref().or_else(|| known.variable(PROFILE));
            return (file.read)(content, &path, wanted);
        }
        if missing.is_empty() {
            missing = shown(&path);
        }
    }
    Ok(Found::nothing(&[&missing, ": there is no such file, or no permission to look"]))
}
