//! GetSecretValue on the shared gateway: its parameters, and its answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::base64;
use crate::error::{Error, Result};
use crate::http::Response;
use crate::json::{self, Value};
use crate::secret::{ACS_CURRENT, Record, SecretName, SecretType, SecretValue, VersionSelector};
use crate::sensitive::Sensitive;
use crate::text::decimal;
use crate::time::Timestamp;
use std::borrow::Cow;
use std::time::Duration;

/// The action.
pub(crate) const ACTION: &str = "GetSecretValue";
/// The API version of KMS.
pub(crate) const VERSION: &str = "2016-01-20";

/// The query of GetSecretValue. The stage is always sent, as the official clients do.
pub(crate) fn query<'a>(
    name: &'a SecretName,
    selector: &'a VersionSelector,
    extended: bool,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut query = Vec::with_capacity(3);
    query.push((Cow::Borrowed("SecretName"), Cow::Borrowed(name.as_str())));
    query.push(match selector {
        VersionSelector::Current => (Cow::Borrowed("VersionStage"), Cow::Borrowed(ACS_CURRENT)),
        VersionSelector::Stage(stage) => (Cow::Borrowed("VersionStage"), Cow::Borrowed(stage.as_str())),
        VersionSelector::Id(id) => (Cow::Borrowed("VersionId"), Cow::Borrowed(id.as_str())),
    });
    if extended {
        query.push((Cow::Borrowed("FetchExtendedConfig"), Cow::Borrowed("true")));
    }
    query
}

/// Decodes a 200. What is missing is absent; null and missing are alike.
///
/// # Errors
/// `Protocol` for anything that is not the answer to the question: no JSON, no SecretName, VersionId or SecretData,
/// or another secret's name.
pub(crate) fn decode(response: &Response, asked: &SecretName) -> Result<Record> {
    let mut body = json::parse(response.body())
        .map_err(|e| Error::protocol(["the answer is not JSON: ", &e.text()].concat()))?;
    let request_id = text(&mut body, "RequestId").map(|id| crate::error::printable(&id));
    let wrong = |what: &str| {
        let error = Error::protocol(what.to_owned()).with_status(response.status());
        match &request_id {
            Some(id) => error.with_request_id(id.clone()),
            None => error,
        }
    };
    let name = text(&mut body, "SecretName").ok_or_else(|| wrong("the answer has no SecretName"))?;
    if name != asked.plain() {
        return Err(wrong("the answer's SecretName is not the asked one"));
    }
    let version_id = text(&mut body, "VersionId")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| wrong("the answer has no VersionId"))?;
    let value = body.take_str("SecretData").ok_or_else(|| wrong("the answer has no SecretData"))?;
    let value = match text(&mut body, "SecretDataType").as_deref() {
        Some("binary") => {
            let decoded = base64::decode(value.expose());
            SecretValue::Binary(Sensitive::new(
                decoded.ok_or_else(|| wrong("the binary SecretData is not base64"))?,
            ))
        }
        _ => SecretValue::Text(value),
    };
    let secret_type = SecretType::parse(&text(&mut body, "SecretType").unwrap_or_default());
    let mut date = |key: &str| text(&mut body, key).as_deref().and_then(Timestamp::parse_iso);
    let create_time = date("CreateTime");
    let last_rotation_date = date("LastRotationDate");
    let next_rotation_date = date("NextRotationDate");
    Ok(Record {
        version_stages: stages(body.get("VersionStages")),
        extended_config: body.take_str("ExtendedConfig").filter(|c| !c.expose().is_empty()),
        automatic_rotation: text(&mut body, "AutomaticRotation"),
        rotation_interval: text(&mut body, "RotationInterval").as_deref().and_then(interval),
        name,
        version_id,
        value,
        secret_type,
        create_time,
        last_rotation_date,
        next_rotation_date,
        request_id,
    })
}

fn text(body: &mut Value, key: &str) -> Option<String> {
    body.take_str(key).map(Sensitive::into_exposed)
}

/// `{"VersionStage": ["…"]}` on the shared gateway, a plain list in the instance's documentation.
fn stages(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(|v| v.get("VersionStage").or(Some(v))).and_then(Value::as_array);
    list.unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// `604800s`.
fn interval(text: &str) -> Option<Duration> {
    decimal(text.strip_suffix('s')?).map(Duration::from_secs)
}
