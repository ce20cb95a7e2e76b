//! What a program that provides credentials writes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::json;
use crate::sensitive::Sensitive;
use crate::text::cut;
use crate::time::Timestamp;

/// The credentials that the output of a program holds, or what is wrong with it; nothing of it is quoted.
///
/// Source: the mode `External` of the Alibaba Cloud CLI.
pub(crate) fn read(output: &[u8]) -> Result<Credentials, String> {
    let json = json::parse(output).map_err(|e| ["the output is not JSON: ", &e.text()].concat())?;
    let text = |name: &str| json.root().get(name)?.text().filter(|text| !text.expose().is_empty());
    let required = |name: &str| match text(name) {
        Some(text) => Ok(text.into_exposed()),
        None => Err(["the output has no ", name].concat()),
    };
    let mode = text("mode");
    let token = match mode.as_ref().map(|mode| mode.expose().as_str()) {
        Some("AK") => None,
        Some("StsToken") => Some(required("sts_token")?),
        _ => return Err(String::from("the output's mode is neither AK nor StsToken")),
    };
    let (id, secret) = (required("access_key_id")?, required("access_key_secret")?);
    let expiration = match text("expiration").as_ref().map(Sensitive::expose) {
        Some(text) => match Timestamp::parse_iso(text) {
            Some(at) => Some(at),
            None => return Err(String::from("the output's expiration is no date like 2026-01-02T03:04:05Z")),
        },
        None => None,
    };
    Credentials::new(id, secret, token, expiration).map_err(|error| {
        let what = cut(error.explanation(), ": ").map_or(error.explanation(), |(_, what)| what);
        ["the output's ", cut(what, "; ").map_or(what, |(what, _)| what)].concat()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: &str = r#""access_key_id": "STS.needle", "access_key_secret": "needle-secret""#;

    #[test]
    fn both_modes_are_read_with_and_without_an_end() {
        let plain = read(format!(r#"{{"mode": "AK", {KEYS}, "sts_token": "ignored"}}"#).as_bytes()).unwrap();
        assert_eq!((plain.security_token(), plain.expiration()), (None, None));
        let end = "2026-01-02T04:04:05Z";
        let session = format!(r#"{{"mode": "StsToken", {KEYS}, "sts_token": "t", "expiration": "{end}"}}"#);
        let session = read(session.as_bytes()).unwrap();
        assert_eq!(session.access_key_secret(), "needle-secret");
        assert_eq!(session.security_token(), Some("t"));
        assert_eq!(session.expiration(), Timestamp::parse_iso(end));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_quoted() {
        for (output, named) in [
            ("needle".to_owned(), "not JSON"),
            ("<html>needle</html>".to_owned(), "not JSON"),
            (String::new(), "not JSON"),
            ("[]".to_owned(), "mode"),
            (format!("{{{KEYS}}}"), "mode"),
            (format!(r#"{{"mode": "needle", {KEYS}}}"#), "mode"),
            (format!(r#"{{"mode": "StsToken", {KEYS}}}"#), "sts_token"),
            (r#"{"mode": "AK", "access_key_secret": "needle"}"#.to_owned(), "access_key_id"),
            (r#"{"mode": "AK", "access_key_id": "needle"}"#.to_owned(), "access_key_secret"),
            (
                r#"{"mode": "AK", "access_key_id": 7, "access_key_secret": "needle"}"#.to_owned(),
                "access_key_id",
            ),
            (format!(r#"{{"mode": "AK", {KEYS}, "expiration": "needle"}}"#), "expiration"),
            (
                r#"{"mode": "AK", "access_key_id": "x", "access_key_secret": "needle\n"}"#.to_owned(),
                "AccessKeySecret",
            ),
        ] {
            let what = read(output.as_bytes()).expect_err(&output);
            assert!(what.contains(named) && !what.contains("needle"), "{output}: {what}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(output in prop::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&output));
        }
    }
}
