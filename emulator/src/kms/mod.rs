//! The KMS actions: which there are, and what their parameters have in common.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod batch;
mod read;
mod write;

use crate::accounts::Caller;
use crate::answer::ServiceError;
use crate::clock;
use crate::encoding::Pairs;
use crate::entropy::Entropy;
use crate::secret::{Record, SecretRef, Vault, is_name};
use serde_json::{Map, Value, json};
use simsim::Timestamp;

/// One verified call.
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) params: &'a Pairs,
    /// The region of the host name; absent on loopback.
    pub(crate) region: Option<&'a str>,
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'a mut Entropy,
}

pub(crate) type Outcome = Result<Map<String, Value>, ServiceError>;

/// Whether an action counts against the quota of the GetSecretValue group.
pub(crate) fn is_read(action: &str) -> bool {
    matches!(action, "GetSecretValue" | "BatchGetSecretValue")
}

/// Carries a KMS action out.
pub(crate) fn act(action: &str, vault: &mut Vault, call: &mut Call<'_>) -> Outcome {
    match action {
        "GetSecretValue" => read::get_secret_value(vault, call),
        "BatchGetSecretValue" => batch::batch_get_secret_value(vault, call),
        "ListSecretVersionIds" => read::list_secret_version_ids(vault, call),
        "CreateSecret" => write::create_secret(vault, call),
        "PutSecretValue" => write::put_secret_value(vault, call),
        "UpdateSecretVersionStage" => write::update_secret_version_stage(vault, call),
        _ => Err(unknown_action()),
    }
}

pub(crate) fn unknown_action() -> ServiceError {
    let message = "Specified api is not found, please check your url and method.";
    ServiceError::new(404, "InvalidAction.NotFound", message)
}

/// The plain names of the secrets that a request is about, for the log and for faults; not yet validated.
pub(crate) fn secret_names(params: &Pairs) -> Vec<String> {
    let value = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let plain = |text: &str| SecretRef::parse(text).map(|named| named.name.to_owned());
    match value("SecretName") {
        // What is no name may be anything, a value in the wrong place included: it is not kept.
        Some(name) => plain(name).into_iter().collect(),
        None => batch::names(params).iter().filter_map(|name| plain(name)).collect(),
    }
}

fn missing(name: &str) -> ServiceError {
    ServiceError::new(400, "MissingParameter", format!("The parameter {name} is required."))
}

fn invalid(name: &str) -> ServiceError {
    ServiceError::invalid_parameter(format!("The specified parameter {name} is not valid."))
}

impl<'a> Call<'a> {
    /// A parameter; an empty one counts as absent.
    fn optional(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.params.iter().find(|(n, _)| n == name)?;
        (!value.is_empty()).then_some(value)
    }

    fn required(&self, name: &str) -> Result<&'a str, ServiceError> {
        self.optional(name).ok_or_else(|| missing(name))
    }

    fn flag(&self, name: &str) -> Result<bool, ServiceError> {
        match self.optional(name) {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(_) => Err(invalid(name)),
        }
    }

    fn number(&self, name: &str, default: usize, most: usize) -> Result<usize, ServiceError> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        text.parse().ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| invalid(name))
    }

    /// A version id of 1 to 64 characters.
    fn version_id(&self, name: &str) -> Result<&'a str, ServiceError> {
        let id = self.required(name)?;
        if id.len() <= 64 { Ok(id) } else { Err(invalid(name)) }
    }

    fn named(&self) -> Result<SecretRef<'a>, ServiceError> {
        SecretRef::parse(self.required("SecretName")?).ok_or_else(|| invalid("SecretName"))
    }

    /// A plain name, where an ARN is no answer.
    fn plain_name(&self) -> Result<&'a str, ServiceError> {
        let name = self.required("SecretName")?;
        if is_name(name) { Ok(name) } else { Err(invalid("SecretName")) }
    }

    /// The secret that is meant, if this caller may have it and it can be used.
    fn usable<'v>(&self, vault: &'v Vault, named: &SecretRef<'_>) -> Result<&'v Record, ServiceError> {
        check_allowed(vault, named.name)?;
        let found =
            vault.find(named, &self.caller.account, self.region).ok_or_else(ServiceError::not_found)?;
        found.check_state()?;
        Ok(found)
    }

    fn usable_mut<'v>(
        &self,
        vault: &'v mut Vault,
        named: &SecretRef<'_>,
    ) -> Result<&'v mut Record, ServiceError> {
        check_allowed(vault, named.name)?;
        let found =
            vault.find_mut(named, &self.caller.account, self.region).ok_or_else(ServiceError::not_found)?;
        found.check_state()?;
        Ok(found)
    }
}

fn check_allowed(vault: &Vault, name: &str) -> Result<(), ServiceError> {
    if vault.is_denied(name) {
        let message = "This operation is forbidden by permission system.";
        return Err(ServiceError::new(403, "Forbidden.NoPermission", message));
    }
    Ok(())
}

fn stages_json(stages: &[String]) -> Value {
    json!({ "VersionStage": stages })
}

fn time_json(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| clock::iso(at).into())
}

pub(crate) fn object(fields: Value) -> Map<String, Value> {
    match fields {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
