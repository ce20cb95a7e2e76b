//! BatchGetSecretValue on the shared gateway: the current values of up to twenty secrets in one call.
//!
//! The parameter `SecretsList` and the lists `SecretValues` and `Errors` are those of the newest published SDK
//! (reference secret-client 7.2).
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::shared::{id, one, text, wrong};
use crate::error::{Error, Facts, Result, kind_of_code, printable};
use crate::http::Response;
use crate::json::Value;
use crate::secret::{ACS_CURRENT, Record, SecretName};
use std::borrow::Cow;
use std::sync::Arc;

/// The action.
pub(crate) const ACTION: &str = "BatchGetSecretValue";
/// How many secrets one call may ask for.
pub(crate) const MOST: usize = 20;

/// The query: the names as a JSON array of objects.
pub(crate) fn query<'a>(
    names: impl Iterator<Item = &'a SecretName>,
    extended: bool,
) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
    let mut list = String::from("[");
    for name in names {
        list.push_str(if list.len() > 1 { ",{\"SecretName\":\"" } else { "{\"SecretName\":\"" });
        // Names have no control characters: these two are all that JSON escapes.
        for c in name.as_str().chars() {
            if matches!(c, '"' | '\\') {
                list.push('\\');
            }
            list.push(c);
        }
        list.push_str("\",\"VersionStage\":\"");
        list.push_str(ACS_CURRENT);
        list.push_str(if extended { "\",\"FetchExtendedConfig\":true}" } else { "\"}" });
    }
    list.push(']');
    vec![(Cow::Borrowed("SecretsList"), Cow::Owned(list))]
}

/// The record of one name that was asked for, out of a 200: a list of secrets, and one of errors.
///
/// # Errors
/// The name's own error; `Protocol` where it has none, and where something of it is missing or malformed.
pub(crate) fn decode(body: Value<'_>, name: &SecretName, response: &Response) -> Result<Arc<Record>> {
    if let Some(value) = item_of(body, "SecretValues", name) {
        return one(value, name, response);
    }
    let request_id = text(body, "RequestId");
    Err(match item_of(body, "Errors", name) {
        Some(error) => refusal(error, response, request_id),
        None => wrong("the answer has nothing of this secret".into(), response, request_id),
    })
}

fn item_of<'a>(body: Value<'a>, list: &str, name: &SecretName) -> Option<Value<'a>> {
    // No answer has more, and each costs a walk through all of it.
    let (mut left, mut found) = (MOST, None);
    body.get(list)?.elements(&mut |item| {
        if left > 0 && found.is_none() && text(item, "SecretName").as_deref() == Some(name.plain()) {
            found = Some(item);
        }
        left = left.saturating_sub(1);
    });
    found
}

/// Why one of the secrets was refused. Its request is that of the batch.
fn refusal(item: Value<'_>, response: &Response, request_id: Option<String>) -> Error {
    let status = item.get("HttpStatus").and_then(Value::number).and_then(|n| u16::try_from(n).ok());
    let status = status.unwrap_or_else(|| response.status());
    let Some(code) = text(item, "Code").filter(|code| !code.is_empty()) else {
        return wrong("the answer has no Code".into(), response, request_id);
    };
    let facts = Facts {
        status: Some(status),
        service_code: Some(printable(&code)),
        service_message: item.get("Message").and_then(Value::text),
        request_id: id(request_id, response),
        ..Facts::new(kind_of_code(&code, status), "".into())
    };
    facts.into()
}

#[cfg(test)]
mod tests {
    use super::super::shared::parse;
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    fn names(of: &[&str]) -> Vec<SecretName> {
        of.iter().map(|name| SecretName::parse(name).unwrap()).collect()
    }

    fn read(asked: &[&str], body: &str) -> Result<Vec<Result<Arc<Record>>>> {
        let response = Response::new(200, Vec::new(), body.as_bytes().to_vec());
        let json = parse(&response)?;
        Ok(names(asked).iter().map(|name| decode(json.root(), name, &response)).collect())
    }

    fn kinds(asked: &[&str], body: &str) -> Vec<Option<ErrorKind>> {
        read(asked, body).unwrap().into_iter().map(|one| one.err().map(|e| e.kind())).collect()
    }

    #[test]
    fn each_name_gets_its_own_record_or_error_in_the_order_of_the_names() {
        let body = r#"{"SecretValues":[
                {"SecretName":"b","VersionId":"v2","SecretData":"of b","RequestId":"rb"},
                {"SecretName":"a","VersionId":"v1","SecretData":"of a","RequestId":"ra"},
                {"SecretName":"broken","VersionId":"v1"},
                {"SecretName":"unasked","VersionId":"v1","SecretData":"x"}],
            "Errors":[{"SecretName":"gone","Code":"Forbidden.ResourceNotFound","Message":"m","HttpStatus":404},
                {"SecretName":"odd","Message":"no code"}],"RequestId":"r"}"#;
        let all = read(&["a", "gone", "b", "broken", "odd", "missing"], body).unwrap();
        let shown: Vec<_> = all
            .iter()
            .map(|one| match one {
                Ok(record) => {
                    (String::from_utf8_lossy(record.value.bytes()).into_owned(), record.request_id.clone())
                }
                Err(error) => (error.kind().name().to_owned(), error.request_id().map(str::to_owned)),
            })
            .collect();
        let some = |text: &str| Some(text.to_owned());
        let expected = [
            (String::from("of a"), some("ra")),
            (String::from("NOT_FOUND"), some("r")),
            (String::from("of b"), some("rb")),
            (String::from("PROTOCOL"), None),
            (String::from("PROTOCOL"), some("r")),
            (String::from("PROTOCOL"), some("r")),
        ];
        assert_eq!(shown, expected);
        let gone = all[1].as_ref().unwrap_err();
        assert_eq!((gone.status(), gone.service_code()), (Some(404), Some("Forbidden.ResourceNotFound")));
        assert_eq!(gone.service_message(), Some("m"));
    }

    #[test]
    fn what_is_no_answer_to_a_batch_is_a_protocol_error() {
        for body in ["", "<html>"] {
            assert_eq!(read(&["a"], body).unwrap_err().kind(), ErrorKind::Protocol, "{body}");
        }
        for body in [
            "[]",
            "null",
            r#"{"RequestId":"r"}"#,
            r#"{"SecretValues":{"SecretValue":[]}}"#,
            r#"{"SecretValues":[null,7,{"SecretName":7}]}"#,
            r#"{"SecretValues":{"a":{"SecretName":"a","VersionId":"v1","SecretData":"x"}}}"#,
            r#"{"Errors":[]}"#,
        ] {
            assert_eq!(kinds(&["a"], body), [Some(ErrorKind::Protocol)], "{body}");
        }
    }

    #[test]
    fn the_status_of_an_error_decides_where_its_code_is_unknown() {
        let kind = |status: &str| {
            let error =
                [r#"{"Errors":[{"SecretName":"a","Code":"New.Code","HttpStatus":"#, status, "}]}"].concat();
            kinds(&["a"], &error)[0]
        };
        assert_eq!(
            (kind("503"), kind("403")),
            (Some(ErrorKind::Unavailable), Some(ErrorKind::PermissionDenied))
        );
        for odd in ["99999", "-1", "null", "\"503\""] {
            assert_eq!(kind(odd), Some(ErrorKind::Protocol), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn the_list_is_json_whatever_the_names(asked in prop::collection::vec("[^\\PC\u{0}-\u{1f}]{1,20}", 1..=MOST), extended: bool) {
            let asked: Vec<_> = asked.iter().filter_map(|name| SecretName::parse(name).ok()).collect();
            let query = query(asked.iter(), extended);
            prop_assert_eq!(query.len(), 1);
            prop_assert_eq!(&query[0].0, "SecretsList");
            let items: Vec<serde_json::Value> = serde_json::from_str(&query[0].1).expect("JSON");
            prop_assert_eq!(items.len(), asked.len());
            for (item, name) in items.iter().zip(&asked) {
                prop_assert_eq!(item["SecretName"].as_str(), Some(name.as_str()));
                prop_assert_eq!(item["VersionStage"].as_str(), Some("ACSCurrent"));
                prop_assert_eq!(item["FetchExtendedConfig"].as_bool(), extended.then_some(true));
            }
        }

        #[test]
        fn no_body_panics(body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200).prop_map(|b| String::from_utf8_lossy(&b).into_owned()),
            r#"\{"(SecretValues|Errors)":\[(\{("(SecretName|Code|HttpStatus|VersionId|SecretData)":("a"|4{1,6}|null),){0,5}"X":1\},?){0,3}\]\}"#,
        ]) {
            if let Ok(all) = read(&["a", "b"], &body) {
                prop_assert_eq!(all.len(), 2);
            }
        }
    }
}
