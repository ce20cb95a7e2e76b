//! Sessions as JSON answers give them: STS, and the flat form of credentials URIs and instance metadata.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::Credentials;
use crate::error::{Error, ErrorKind, Facts, Result, printable};
use crate::http::Response;
use crate::json::{self, Value};
use crate::sensitive::Sensitive;
use crate::text::cut;
use crate::time::Timestamp;

/// Who answers (the beginning of every explanation), and the answer.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) from: &'static str,
    pub(super) response: &'a Response,
}

impl Answer<'_> {
    /// The session of an STS answer: `{"RequestId", "Credentials": {…}}`.
    ///
    /// Source: STS 2015-04-01, `AssumeRole` and `AssumeRoleWithOIDC`.
    pub(super) fn of_sts(self) -> Result<Credentials> {
        let json = json::parse(self.response.body()).map_err(|e| self.not_json(e))?;
        let body = json.root();
        let Some(session) = body.get("Credentials") else {
            return Err(self.fault(&["the answer has no Credentials"], Some(body)));
        };
        self.session(session).map_err(|what| self.fault(&[&what], Some(body)))
    }

    /// The session of a flat answer: status 200 and `{"Code": "Success", "AccessKeyId", …}`.
    ///
    /// Source: what the official SDKs ask of a credentials URI, and what instance metadata answers.
    pub(super) fn flat(self) -> Result<Credentials> {
        let status = self.response.status();
        if status != 200 {
            let digits = crate::text::digits(status.into());
            return Err(self.fault(&["the answer's HTTP status is ", &digits, ", not 200"], None));
        }
        let json = json::parse(self.response.body()).map_err(|e| self.not_json(e))?;
        let body = json.root();
        if !body.get("Code").is_some_and(|code| code.is("Success")) {
            return Err(self.fault(&["the answer's Code is not Success"], None));
        }
        self.session(body).map_err(|what| self.fault(&[&what], None))
    }

    /// The four parts, all of them; or what is wrong with one, by its name.
    fn session(self, parts: Value<'_>) -> std::result::Result<Credentials, String> {
        let part = |name: &str| match text(parts, name).filter(|text| !text.expose().is_empty()) {
            Some(text) => Ok(text),
            None => Err(["the answer has no ", name].concat()),
        };
        let id = part("AccessKeyId")?;
        let secret = part("AccessKeySecret")?;
        let token = part("SecurityToken")?;
        // Without its end a session would be kept too long, or asked for at every call.
        let Some(end) = Timestamp::parse_iso(part("Expiration")?.expose()) else {
            return Err(String::from("the answer's Expiration is no date like 2026-01-02T03:04:05Z"));
        };
        let (id, secret, token) = (id.into_exposed(), secret.into_exposed(), token.into_exposed());
        Credentials::new(id, secret, Some(token), Some(end)).map_err(|error| {
            let what = cut(error.explanation(), "; ").map_or(error.explanation(), |(what, _)| what);
            ["the answer's ", cut(what, ": ").map_or(what, |(_, what)| what)].concat()
        })
    }

    fn not_json(self, error: json::JsonError) -> Error {
        self.fault(&["the answer is not JSON: ", &error.text()], None)
    }

    /// An answer that is no session: what is wrong, never what it says.
    fn fault(self, what: &[&str], body: Option<Value<'_>>) -> Error {
        let id = body.and_then(|body| text(body, "RequestId"));
        let id = id.as_ref().map(|id| id.expose().as_str());
        let id = id.or_else(|| self.response.header("x-acs-request-id")).map(printable);
        let explanation = [self.from, ": ", &what.concat()].concat();
        let facts = Facts::new(ErrorKind::CredentialsUnavailable, explanation.into());
        let request_id = id.filter(|id| !id.is_empty());
        Facts { status: Some(self.response.status()), request_id, ..facts }.into()
    }
}

fn text(object: Value<'_>, name: &str) -> Option<Sensitive<String>> {
    object.get(name)?.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = r#""AccessKeyId":"STS.needle""#;
    const SECRET: &str = r#""AccessKeySecret":"needle-secret""#;
    const TOKEN: &str = r#""SecurityToken":"needle-token""#;
    const END: &str = r#""Expiration":"2026-01-02T04:04:05Z""#;

    fn both(parts: &[&str]) -> [Result<Credentials>; 2] {
        let parts = parts.join(",");
        let sts = format!(r#"{{"RequestId":"r-1","Credentials":{{{parts}}}}}"#);
        let flat = format!(r#"{{"Code":"Success",{parts}}}"#);
        let response = |body: String| Response::new(200, Vec::new(), body.into_bytes());
        [
            Answer { from: "STS", response: &response(sts) }.of_sts(),
            Answer { from: "URI", response: &response(flat) }.flat(),
        ]
    }

    fn fault(status: u16, body: &str) -> String {
        let response = Response::new(status, Vec::new(), body.as_bytes().to_vec());
        let answer = Answer { from: "URI", response: &response };
        let error = answer.flat().expect_err(body);
        assert_eq!((error.kind(), error.status()), (ErrorKind::CredentialsUnavailable, Some(status)));
        error.explanation().to_owned()
    }

    #[test]
    fn both_forms_give_the_four_parts_and_both_dates_are_read() {
        for (end, ms) in [(END, 0), (r#""Expiration":"2026-01-02T04:04:05.678Z""#, 678)] {
            for session in both(&[ID, SECRET, TOKEN, end]) {
                let session = session.expect("whole");
                assert_eq!(session.access_key_id(), "STS.needle");
                assert_eq!(session.access_key_secret(), "needle-secret");
                assert_eq!(session.security_token(), Some("needle-token"));
                let end = Timestamp::parse_iso("2026-01-02T04:04:05Z").map(|end| end.offset(ms));
                assert_eq!(session.expiration(), end);
            }
        }
    }

    #[test]
    fn a_part_that_is_missing_or_wrong_is_named_and_nothing_is_quoted() {
        let all = [ID, SECRET, TOKEN, END];
        for missing in 0..all.len() {
            let mut parts = all.to_vec();
            let name = parts.remove(missing).split('"').nth(1).expect("a name");
            for null in [false, true] {
                let mut parts = parts.clone();
                let text = format!(r#""{name}":null"#);
                parts.extend(null.then_some(text.as_str()));
                for error in both(&parts) {
                    let error = error.expect_err(name);
                    assert_eq!(error.kind(), ErrorKind::CredentialsUnavailable);
                    assert!(error.explanation().ends_with(&format!("the answer has no {name}")), "{error}");
                }
            }
        }
        for (part, name) in [
            (r#""AccessKeyId":"needle id""#, "AccessKeyId contains a space"),
            (r#""Expiration":"needle""#, "Expiration is no date"),
            (r#""Expiration":1767323045"#, "no Expiration"),
            (r#""SecurityToken":"needle\n""#, "SecurityToken contains a space"),
        ] {
            let mut parts = all.to_vec();
            parts.push(part);
            for error in both(&parts) {
                let shown = format!("{:?} {0}", error.expect_err(part));
                assert!(shown.contains(name) && !shown.contains("needle"), "{shown}");
            }
        }
        let [sts, _] = both(&[ID]);
        assert_eq!(sts.expect_err("a part").request_id(), Some("r-1"));
    }

    #[test]
    fn an_answer_that_is_no_session_says_why() {
        assert_eq!(fault(404, "needle"), "URI: the answer's HTTP status is 404, not 200");
        assert_eq!(fault(204, ""), "URI: the answer's HTTP status is 204, not 200");
        assert_eq!(
            fault(200, "<html>needle</html>"),
            "URI: the answer is not JSON: unexpected character (byte 0)"
        );
        for body in ["{}", "[]", r#"{"Code":"Failed","Message":"needle"}"#, r#"{"Code":1}"#] {
            assert_eq!(fault(200, body), "URI: the answer's Code is not Success", "{body}");
        }
        let response = Response::new(200, Vec::new(), b"{}".to_vec());
        let error = Answer { from: "STS", response: &response }.of_sts().expect_err("empty");
        assert_eq!(error.explanation(), "STS: the answer has no Credentials");
    }
}
