//! What a program that provides credentials writes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::credentials::fields::{Fields, of_json};
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::time::Timestamp;

/// The credentials that the output of a program holds, or what is wrong with it; nothing of it is quoted.
///
/// Source: the mode `External` of the Alibaba Cloud CLI.
pub(crate) fn read(output: &[u8]) -> Result<Credentials> {
    let json = json::parse(output).map_err(|error| {
        let what = ["process_command: the output is not JSON: ", &error.text()].concat();
        Error::new(ErrorKind::CredentialsUnavailable, what)
    })?;
    let find = of_json(json.root());
    let place = String::from("process_command: the output");
    let fields = Fields::new(place, "is missing; correct the program", &find);
    let token = match fields.text("mode").as_deref() {
        Some("AK") => None,
        Some("StsToken") => Some(fields.required("sts_token")),
        _ => return Err(fields.fault("mode", "is neither AK nor StsToken")),
    };
    let keys = fields.keys(token)?;
    let Some(end) = fields.text("expiration") else { return fields.end(keys) };
    match Timestamp::parse_iso(&end) {
        Some(end) => fields.end(keys.with_expiration(end)),
        None => Err(fields.fault("expiration", "is no date like 2026-01-02T03:04:05Z")),
    }
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
                "access_key_secret",
            ),
        ] {
            let what = read(output.as_bytes()).expect_err(&output).to_string();
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
