//! GetSecretValue on the shared gateway: its parameters, and its answer.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::base64;
use crate::error::{Error, ErrorKind, Facts, Result, printable};
use crate::http::Response;
use crate::json::{self, Json, Value};
use crate::secret::{ACS_CURRENT, Record, SecretName, SecretType, SecretValue, VersionSelector};
use crate::sensitive::Sensitive;
use crate::text::decimal;
use crate::time::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;
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
    let pair = |name, value| (Cow::Borrowed(name), Cow::Borrowed(value));
    let (by, version) = match selector {
        VersionSelector::Current => ("VersionStage", ACS_CURRENT),
        VersionSelector::Stage(stage) => ("VersionStage", stage.as_str()),
        VersionSelector::Id(id) => ("VersionId", id.as_str()),
    };
    let mut query =
        vec![pair("SecretName", name.as_str()), pair(by, version), pair("FetchExtendedConfig", "true")];
    if !extended {
        query.pop();
    }
    query
}

/// Decodes a 200. What is missing is absent; null and missing are alike.
///
/// # Errors
/// `Protocol` for anything that is not the answer to the question: no JSON, no SecretName, VersionId or SecretData,
/// or another secret's name.
pub(crate) fn decode(response: &Response, asked: &SecretName) -> Result<Arc<Record>> {
    one(parse(response)?.root(), asked, response)
}

/// The JSON of an answer.
pub(crate) fn parse(response: &Response) -> Result<Json<'_>> {
    let not_json = |e: json::JsonError| ["the answer is not JSON: ", &e.text()].concat();
    json::parse(response.body()).map_err(|e| wrong(not_json(e).into(), response, None))
}

/// One secret of an answer.
pub(super) fn one(body: Value<'_>, asked: &SecretName, response: &Response) -> Result<Arc<Record>> {
    record(body, asked, response).map_err(|what| wrong(what.into(), response, text(body, "RequestId")))
}

/// An answer that is none to what was asked.
pub(super) fn wrong(what: Cow<'static, str>, response: &Response, request_id: Option<String>) -> Error {
    let (status, request_id) = (Some(response.status()), id(request_id, response));
    Facts { status, request_id, ..Facts::new(ErrorKind::Protocol, what) }.into()
}

/// The request's id: from the body, else from the header.
pub(super) fn id(of_body: Option<String>, response: &Response) -> Option<String> {
    let id = of_body.as_deref().or_else(|| response.header("x-acs-request-id"));
    id.map(printable).filter(|id| !id.is_empty())
}

/// The record, or what is wrong with the answer.
fn record(
    body: Value<'_>,
    asked: &SecretName,
    response: &Response,
) -> std::result::Result<Arc<Record>, &'static str> {
    let name = text(body, "SecretName").ok_or("the answer has no SecretName")?;
    if name != asked.plain() {
        return Err("the answer's SecretName is not the asked one");
    }
    let version_id = text(body, "VersionId").filter(|id| !id.is_empty());
    let version_id = version_id.ok_or("the answer has no VersionId")?;
    let value = body.get("SecretData").and_then(Value::text).ok_or("the answer has no SecretData")?;
    let value = match text(body, "SecretDataType").as_deref() {
        Some("binary") => {
            let decoded = base64::decode(value.expose());
            SecretValue::Binary(Sensitive::new(decoded.ok_or("the binary SecretData is not base64")?))
        }
        _ => SecretValue::Text(value),
    };
    let date = |key: &str| text(body, key).as_deref().and_then(Timestamp::parse_iso);
    let create_time = date("CreateTime");
    let last_rotation_date = date("LastRotationDate");
    let next_rotation_date = date("NextRotationDate");
    Ok(Arc::new(Record {
        version_stages: stages(body.get("VersionStages")),
        extended_config: body.get("ExtendedConfig").and_then(Value::text).filter(|c| !c.expose().is_empty()),
        automatic_rotation: text(body, "AutomaticRotation"),
        rotation_interval: text(body, "RotationInterval").as_deref().and_then(interval),
        name,
        version_id,
        value,
        secret_type: SecretType::parse(&text(body, "SecretType").unwrap_or_default()),
        create_time,
        last_rotation_date,
        next_rotation_date,
        request_id: id(text(body, "RequestId"), response),
        size: body.size(),
    }))
}

pub(super) fn text(body: Value<'_>, key: &str) -> Option<String> {
    body.get(key)?.text().map(Sensitive::into_exposed)
}

/// `{"VersionStage": ["…"]}` on the shared gateway, a plain list in the instance's documentation.
fn stages(value: Option<Value<'_>>) -> Vec<String> {
    let mut stages = Vec::new();
    if let Some(value) = value {
        let list = value.get("VersionStage").unwrap_or(value);
        list.elements(&mut |stage| stages.extend(stage.text().map(Sensitive::into_exposed)));
    }
    stages
}

/// `604800s`.
fn interval(text: &str) -> Option<Duration> {
    decimal(text.strip_suffix('s')?).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(asked: &str, body: &str) -> Result<Record> {
        let record =
            decode(&Response::new(200, Vec::new(), body.as_bytes().to_vec()), &SecretName::parse(asked)?)?;
        Ok(Arc::into_inner(record).unwrap())
    }

    /// An answer with these members beside the ones that must be there.
    fn with(members: &str) -> Record {
        read("a", &[r#"{"SecretName":"a","VersionId":"v1","SecretData":"x""#, members, "}"].concat()).unwrap()
    }

    #[test]
    fn every_documented_member_is_read() {
        let record = read(
            "db/password",
            r#"{"SecretName":"db/password","VersionId":"v2","SecretData":"{\"user\":\"u\"}",
                "SecretDataType":"text","SecretType":"Rds","CreateTime":"2026-01-02T03:04:05Z",
                "VersionStages":{"VersionStage":["ACSCurrent","Mine"]},"ExtendedConfig":"{}",
                "AutomaticRotation":"Enabled","RotationInterval":"604800s",
                "LastRotationDate":"2026-01-01T00:00:00Z","NextRotationDate":"2026-01-08T00:00:00Z",
                "RequestId":"r-1"}"#,
        )
        .unwrap();
        assert_eq!(record.value.bytes(), br#"{"user":"u"}"#);
        assert_eq!((record.version_id.as_str(), record.secret_type), ("v2", SecretType::Rds));
        assert_eq!(record.version_stages, ["ACSCurrent", "Mine"]);
        assert_eq!(record.create_time, Timestamp::parse_iso("2026-01-02T03:04:05Z"));
        assert_eq!(record.rotation_interval, Some(Duration::from_secs(604_800)));
        assert_eq!(record.automatic_rotation.as_deref(), Some("Enabled"));
        assert_eq!(record.last_rotation_date, Timestamp::parse_iso("2026-01-01T00:00:00Z"));
        assert_eq!(record.next_rotation_date, Timestamp::parse_iso("2026-01-08T00:00:00Z"));
        assert_eq!(record.extended_config.map(Sensitive::into_exposed).as_deref(), Some("{}"));
        assert_eq!(record.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn whichever_member_is_large_the_record_weighs_as_much() {
        let long = "x".repeat(10_000);
        for member in ["SecretType", "AutomaticRotation", "ExtendedConfig", "VersionStages"] {
            let value =
                if member == "VersionStages" { format!("[\"{long}\"]") } else { format!("\"{long}\"") };
            let weight = with(&format!(",\"{member}\":{value}")).weight();
            assert!((10_500..10_700).contains(&weight), "{member}: {weight}");
        }
    }

    #[test]
    fn stages_come_as_an_object_as_a_list_or_not_at_all() {
        let stages = |value: &str| with(&[r#","VersionStages":"#, value].concat()).version_stages;
        assert_eq!(stages(r#"{"VersionStage":["ACSCurrent"]}"#), ["ACSCurrent"]);
        assert_eq!(stages(r#"["ACSCurrent","ACSPrevious"]"#), ["ACSCurrent", "ACSPrevious"]);
        assert_eq!(stages(r#"["ACSCurrent",null,7]"#), ["ACSCurrent"]);
        for none in ["null", "{}", "[]", r#"{"VersionStage":null}"#, "\"ACSCurrent\"", "7"] {
            assert!(stages(none).is_empty(), "{none}");
        }
        assert!(with("").version_stages.is_empty());
    }

    #[test]
    fn null_missing_and_malformed_members_are_absent_alike() {
        let members = [
            "CreateTime",
            "ExtendedConfig",
            "AutomaticRotation",
            "RotationInterval",
            "LastRotationDate",
            "NextRotationDate",
            "RequestId",
            "SecretType",
            "SecretDataType",
        ];
        let nulls: String = members.iter().flat_map(|m| [",\"", m, "\":null"]).collect();
        let odd =
            r#","CreateTime":"yesterday","RotationInterval":"7d","NextRotationDate":7,"ExtendedConfig":"""#;
        for record in [with(""), with(&nulls), with(odd)] {
            assert!(record.create_time.is_none() && record.rotation_interval.is_none());
            assert!(record.last_rotation_date.is_none() && record.next_rotation_date.is_none());
            assert!(record.extended_config.is_none() && record.automatic_rotation.is_none());
            assert!(record.request_id.is_none() && matches!(record.value, SecretValue::Text(_)));
            assert_eq!(record.secret_type, SecretType::Other(String::new()));
        }
    }

    #[test]
    fn binary_data_is_decoded_and_unknown_types_stay_text() {
        let binary = r#"{"SecretName":"a","VersionId":"v","SecretDataType":"binary","SecretData":"AP8="}"#;
        let record = read("a", binary).unwrap();
        assert!(matches!(record.value, SecretValue::Binary(_)) && record.value.bytes() == [0, 255]);
        let unknown = with(r#","SecretDataType":"hologram","SecretType":"Tomorrow""#);
        assert!(matches!(unknown.value, SecretValue::Text(_)));
        assert_eq!(unknown.secret_type.as_str(), "Tomorrow");
    }

    #[test]
    fn an_answer_to_another_question_is_refused_and_never_quoted() {
        for body in [
            "",
            "<html>needle</html>",
            "[]",
            "\"needle\"",
            r#"{"SecretName":"a","VersionId":"v"}"#,
            r#"{"SecretName":"a","SecretData":"needle"}"#,
            r#"{"SecretName":"a","VersionId":"","SecretData":"needle"}"#,
            r#"{"SecretName":null,"VersionId":"v","SecretData":"needle"}"#,
            r#"{"SecretName":"needle","VersionId":"v","SecretData":"needle"}"#,
            r#"{"SecretName":"A","VersionId":"v","SecretData":"needle"}"#,
            r#"{"SecretName":"a","VersionId":"v","SecretData":{"needle":1}}"#,
            r#"{"SecretName":"a","VersionId":"v","SecretDataType":"binary","SecretData":"needle!"}"#,
        ] {
            let error = read("a", body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
            assert!(!format!("{error} {error:?}").contains("needle"), "{error}");
        }
    }

    #[test]
    fn an_arn_is_answered_by_its_plain_name() {
        let body = r#"{"SecretName":"db/password","VersionId":"v","SecretData":"x"}"#;
        assert!(read("acs:kms:cn-hangzhou:1234:secret/db/password", body).is_ok());
        assert!(read("acs:kms:cn-hangzhou:1234:secret/password", body).is_err());
    }

    #[test]
    fn the_query_names_exactly_one_version() {
        let name = SecretName::parse("a").unwrap();
        let pairs = |selector: VersionSelector, extended| {
            let query = query(&name, &selector, extended).into_iter();
            query.map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(pairs(VersionSelector::Current, false), "SecretName=a&VersionStage=ACSCurrent");
        let stage = VersionSelector::stage("ACSPrevious").unwrap();
        assert_eq!(pairs(stage, true), "SecretName=a&VersionStage=ACSPrevious&FetchExtendedConfig=true");
        assert_eq!(pairs(VersionSelector::id("v1").unwrap(), false), "SecretName=a&VersionId=v1");
    }

    proptest! {
        #[test]
        fn no_body_panics_and_what_is_read_is_of_the_name_that_was_asked_for(
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                r#"\{("(SecretName|VersionId|SecretData|SecretDataType|VersionStages|RotationInterval)":("a"|"binary"|"9{1,25}s"|null|\[\]|\{\}),){0,8}"SecretData":"AA=="\}"#
                    .prop_map(String::into_bytes),
            ],
        ) {
            let asked = SecretName::parse("a").unwrap();
            match decode(&Response::new(200, Vec::new(), body), &asked) {
                Ok(record) => prop_assert!(record.name == "a" && !record.version_id.is_empty()),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Protocol),
            }
        }
    }
}
