//! What environment variables say of credentials: keys, Function Compute, OIDC, a credentials URI, instance metadata.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::function_compute::{HALF, of_account};
use super::host::{Host, Known, SharedHost};
use super::plan::{Found, Plan, Role};
use super::profile::Choice;
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::text::has;
use std::fmt;
use std::sync::Arc;

const ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
const SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
const TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";

/// Credentials from `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for a session,
/// `ALIBABA_CLOUD_SECURITY_TOKEN`; they are read again for every call to the service.
///
/// # Errors
/// [`Config`](ErrorKind::Config) where one half is missing or a value is no key;
/// [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) where none is set.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use simsim::credentials::{Environment, NativeHost};
/// let builder = simsim::Client::builder().credentials(Environment::new(NativeHost::new()));
/// # let _ = builder;
/// # }
/// ```
pub struct Environment(SharedHost);

impl Environment {
    /// The variables of that host.
    pub fn new(host: impl Host) -> Self {
        Self(Arc::new(host))
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl ProvideCredentials for Environment {
    async fn provide(&self, _cx: &Context<'_>) -> Result<Option<Credentials>> {
        match Known::default().look(&*self.0, keys).await? {
            Some(keys) => Ok(Some(keys)),
            None => Err(Error::new(
                ErrorKind::CredentialsUnavailable,
                [NO_KEYS, "; set them, or use another source"].concat(),
            )),
        }
    }

    fn name(&self) -> &'static str {
        "environment"
    }
}

const NO_KEYS: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set";

fn keys(known: &Known) -> Result<Option<Credentials>> {
    let (id, secret) = match (known.variable(ID), known.variable(SECRET)) {
        (Some(id), Some(secret)) => (id, secret),
        (None, None) => return Ok(None),
        (id, _) => {
            let missing = if id.is_none() { ID } else { SECRET };
            return Err(Error::config([missing, ": is not set, its other half is"].concat()));
        }
    };
    let token = known.variable(TOKEN).map(str::to_owned);
    Credentials::new(id.to_owned(), secret.to_owned(), token, None).map(Some)
}

fn not_set(name: &str) -> Result<Found> {
    Ok(Found::nothing(&[name, " is not set"]))
}

/// The keys in the environment.
pub(super) fn find_keys(known: &Known, _: &Choice) -> Result<Found> {
    match keys(known)? {
        Some(keys) => Found::plan(Plan::Keys(keys), ""),
        None => Ok(Found::nothing(&[NO_KEYS])),
    }
}

/// The session that Function Compute put into the environment of an instance.
pub(super) fn find_function(known: &Known, _: &Choice) -> Result<Found> {
    const NAME: &str = "FC_FUNCTION_NAME";
    if known.variable(NAME).is_none() {
        return not_set(NAME);
    }
    let part = |name, older| known.variable(name).or_else(|| known.variable(older)).map(str::to_owned);
    // Keys that a user set in a function without a role are the environment's.
    let Some(token) = part(TOKEN, "securityToken") else {
        return Ok(Found::nothing(&["the function has no session; give it a RAM role"]));
    };
    let (Some(id), Some(secret)) = (part(ID, "accessKeyID"), part(SECRET, "accessKeySecret")) else {
        return Err(Error::config(HALF));
    };
    let session = of_account(id, secret, token, known.variable("FC_ACCOUNT_ID"))?;
    Found::plan(Plan::Keys(session), "")
}

/// A role for the token of a workload (ACK's RRSA).
pub(super) fn find_oidc(known: &Known, _: &Choice) -> Result<Found> {
    let [provider, file, role] =
        ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_ROLE_ARN"];
    let Some(provider_arn) = known.variable(provider) else { return not_set(provider) };
    let Some(token_file) = known.variable(file) else { return not_set(file) };
    let Some(arn) = known.variable(role) else { return not_set(role) };
    let session_name = known.variable("ALIBABA_CLOUD_ROLE_SESSION_NAME").map(str::to_owned);
    let role = Role { arn: arn.to_owned(), session_name, ..Role::default() };
    let (provider_arn, token_file) = (provider_arn.to_owned(), token_file.to_owned());
    Found::plan(Plan::Oidc { provider_arn, token_file, role }, "the environment")
}

/// An address that issues sessions.
pub(super) fn find_uri(known: &Known, _: &Choice) -> Result<Found> {
    const NAME: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
    let Some(uri) = known.variable(NAME) else { return not_set(NAME) };
    Found::plan(Plan::Uri(uri.to_owned()), NAME)
}

/// The role of the instance, where the machine says that it is one, or a user does.
pub(super) fn find_instance(known: &Known, _: &Choice) -> Result<Found> {
    const NAME: &str = "ALIBABA_CLOUD_ECS_METADATA";
    const OFF: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
    if known.is_on(OFF) {
        return Ok(Found::nothing(&[OFF, " is set"]));
    }
    let role_name = known.variable(NAME).map(str::to_owned);
    if role_name.is_none() && !is_instance(known) {
        return Ok(Found::nothing(&[
            "this machine is no ECS instance (",
            NAME,
            " = the role's name insists)",
        ]));
    }
    let without_v1 = known.is_on("ALIBABA_CLOUD_IMDSV1_DISABLED");
    Found::plan(Plan::Ecs { role_name, without_v1 }, NAME)
}

/// Whether the machine's firmware was made by Alibaba Cloud. What cannot be read does not say so.
fn is_instance(known: &Known) -> bool {
    ["/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"].into_iter().any(|path| {
        let content = known.file(path).ok().flatten().unwrap_or_default();
        crate::text::utf8(content).is_ok_and(|text| has(text, "Alibaba Cloud"))
    })
}
