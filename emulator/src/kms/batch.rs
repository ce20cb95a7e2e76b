//! BatchGetSecretValue: up to twenty values in one call, in both shapes that a client may meet.
// SPDX-License-Identifier: Apache-2.0 OR MIT
//
// The action is young and nothing here was compared with the live service. `SecretsList`, a JSON array of objects
// answered by the plain lists `SecretValues` and `Errors`, follows the newest published SDK. `SecretNames`, a JSON
// array of names answered by `SecretValues.SecretValue` and `FailedSecrets.FailedSecret` in the nested style of the
// older actions, is our best reading of how the gateway would shape it otherwise.

use super::read::{Wanted, value};
use super::{Call, Outcome, invalid, missing, object};
use crate::answer::ServiceError;
use crate::encoding::Pairs;
use crate::secret::{SecretRef, Vault};
use serde_json::{Value, json};

const MAX_SECRETS: usize = 20;

fn list(params: &Pairs, name: &str) -> Option<Result<Vec<Value>, ServiceError>> {
    let (_, text) = params.iter().find(|(n, value)| n == name && !value.is_empty())?;
    // The parser's own words can quote the text, so they are dropped.
    Some(serde_json::from_str(text).map_err(|_| invalid(name)))
}

fn name_of(item: &Value) -> Option<&str> {
    item.as_str().or_else(|| item.get("SecretName")?.as_str())
}

/// The names that a batch asks for, before anything is validated.
pub(super) fn names(params: &Pairs) -> Vec<String> {
    let lists = ["SecretsList", "SecretNames"];
    let items = lists.iter().find_map(|name| list(params, name)).and_then(Result::ok).unwrap_or_default();
    items.iter().filter_map(name_of).map(str::to_owned).collect()
}

pub(super) fn batch_get_secret_value(vault: &Vault, call: &mut Call<'_>) -> Outcome {
    let (parameter, items) = match (list(call.params, "SecretsList"), list(call.params, "SecretNames")) {
        (Some(items), _) => ("SecretsList", items?),
        (None, Some(items)) => ("SecretNames", items?),
        (None, None) => return Err(missing("SecretsList")),
    };
    if items.is_empty() || items.len() > MAX_SECRETS {
        return Err(invalid(parameter));
    }
    let nested = parameter == "SecretNames";
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for item in &items {
        let name = name_of(item).filter(|_| item.is_string() == nested).ok_or_else(|| invalid(parameter))?;
        match wanted(item, name).and_then(|wanted| value(vault, call, &wanted)) {
            Ok(mut found) => {
                if !nested {
                    found.insert("RequestId".to_owned(), call.entropy.id().into());
                }
                values.push(Value::Object(found));
            }
            Err(error) => errors.push(json!({
                "SecretName": name,
                "Code": error.code,
                "Message": error.message(),
                "HttpStatus": error.status,
            })),
        }
    }
    let answer = if nested {
        json!({ "SecretValues": { "SecretValue": values }, "FailedSecrets": { "FailedSecret": errors } })
    } else {
        json!({ "SecretValues": values, "Errors": errors })
    };
    Ok(object(answer))
}

fn wanted<'a>(item: &'a Value, name: &'a str) -> Result<Wanted<'a>, ServiceError> {
    let text = |field: &str| item.get(field)?.as_str().filter(|text| !text.is_empty());
    let extended_config = match item.get("FetchExtendedConfig") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(flag)) => *flag,
        Some(other) => match other.as_str().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => true,
            Some("false" | "") => false,
            _ => return Err(invalid("FetchExtendedConfig")),
        },
    };
    Ok(Wanted {
        named: SecretRef::parse(name).ok_or_else(|| invalid("SecretName"))?,
        version_id: text("VersionId"),
        stage: text("VersionStage"),
        extended_config,
    })
}
