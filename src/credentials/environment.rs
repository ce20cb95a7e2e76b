//! What environment variables say of credentials: keys, Function Compute, OIDC, a credentials URI, instance metadata.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::host::{DynHost, Host, SharedHost, is_on, plain, variable};
use super::plan::{Found, Plan, Role};
use super::{Context, Credentials, FunctionCompute, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::sensitive::Sensitive;
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
        match keys(&*self.0).await? {
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

async fn keys(host: &dyn DynHost) -> Result<Option<Credentials>> {
    let (id, secret) = match (variable(host, ID).await, variable(host, SECRET).await) {
        (Some(id), Some(secret)) => (id.into_exposed(), secret.into_exposed()),
        (None, None) => return Ok(None),
        (id, _) => {
            let missing = if id.is_none() { ID } else { SECRET };
            return Err(Error::config([missing, ": is not set, its other half is"].concat()));
        }
    };
    let token = variable(host, TOKEN).await.map(Sensitive::into_exposed);
    Credentials::new(id, secret, token, None).map(Some)
}

/// The keys in the environment.
pub(super) async fn find_keys(host: &dyn DynHost) -> Result<Found> {
    Ok(match keys(host).await? {
        Some(keys) => Found::Plan(Plan::Keys(keys), String::new()),
        None => Found::nothing(&[NO_KEYS]),
    })
}

/// The session that Function Compute put into the environment of an instance.
pub(super) async fn find_function(host: &dyn DynHost) -> Result<Found> {
    if variable(host, "FC_FUNCTION_NAME").await.is_none() {
        return Ok(Found::nothing(&["FC_FUNCTION_NAME is not set"]));
    }
    let mut known = Vec::new();
    for name in [
        "FC_FUNCTION_NAME",
        "FC_ACCOUNT_ID",
        ID,
        SECRET,
        TOKEN,
        "accessKeyID",
        "accessKeySecret",
        "securityToken",
    ] {
        known.extend(variable(host, name).await.map(|value| (name, value)));
    }
    let get =
        |name: &str| known.iter().find(|(own, _)| *own == name).map(|(_, value)| value.expose().clone());
    // Keys that a user set in a function without a role are the environment's.
    if get(TOKEN).is_none() && get("securityToken").is_none() {
        return Ok(Found::nothing(&["the function has no session; give it a RAM role"]));
    }
    Ok(match FunctionCompute::from_variables(get)?.environment() {
        Some(session) => Found::Plan(Plan::Keys(session), String::new()),
        None => Found::nothing(&["the function has no session; give it a RAM role"]),
    })
}

/// A role for the token of a workload (ACK's RRSA).
pub(super) async fn find_oidc(host: &dyn DynHost) -> Result<Found> {
    let [provider, role, file] =
        ["ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"];
    let (provider_arn, token_file, arn) =
        match (plain(host, provider).await, plain(host, file).await, plain(host, role).await) {
            (Some(provider), Some(file), Some(role)) => (provider, file, role),
            (None, ..) => return Ok(Found::nothing(&[provider, " is not set"])),
            (_, None, _) => return Ok(Found::nothing(&[file, " is not set"])),
            _ => return Ok(Found::nothing(&[role, " is not set"])),
        };
    let session_name = plain(host, "ALIBABA_CLOUD_ROLE_SESSION_NAME").await;
    let role = Role { arn, session_name, ..Role::default() };
    Ok(Found::Plan(Plan::Oidc { provider_arn, token_file, role }, String::from("the environment")))
}

/// An address that issues sessions.
pub(super) async fn find_uri(host: &dyn DynHost) -> Result<Found> {
    const NAME: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
    Ok(match plain(host, NAME).await {
        Some(uri) => Found::Plan(Plan::Uri(uri), String::from(NAME)),
        None => Found::nothing(&[NAME, " is not set"]),
    })
}

/// The role of the instance, where the machine says that it is one, or a user does.
pub(super) async fn find_instance(host: &dyn DynHost) -> Result<Found> {
    const NAME: &str = "ALIBABA_CLOUD_ECS_METADATA";
    const OFF: &str = "ALIBABA_CLOUD_ECS_METADATA_DISABLED";
    if is_on(host, OFF).await {
        return Ok(Found::nothing(&[OFF, " is set"]));
    }
    let role_name = plain(host, NAME).await;
    if role_name.is_none() && !is_instance(host).await {
        return Ok(Found::nothing(&[
            "this machine is no ECS instance (",
            NAME,
            " = the role's name insists)",
        ]));
    }
    let without_v1 = is_on(host, "ALIBABA_CLOUD_IMDSV1_DISABLED").await;
    Ok(Found::Plan(Plan::Ecs { role_name, without_v1 }, String::from(NAME)))
}

/// Whether the machine's firmware was made by Alibaba Cloud.
async fn is_instance(host: &dyn DynHost) -> bool {
    for path in ["/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"] {
        if let Ok(Some(content)) = host.read(path, 4096).await
            && crate::text::utf8(content.expose()).is_ok_and(|text| has(text, "Alibaba Cloud"))
        {
            return true;
        }
    }
    false
}
