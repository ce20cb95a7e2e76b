//! What the fuzz targets run on their input, so that stable tests can replay the kept inputs; in no ordinary build.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::{external, profile};
use crate::error::ErrorKind;
use crate::gateway::{error_body, shared};
use crate::http::Response;
use crate::json::{self, JsonErrorKind, Value};
use crate::mailbox::wire::Reader;
use crate::secret::{SecretName, SecretValue};
use crate::signing::acs3::string_to_sign;
use crate::signing::diagnosis::{Difference, differing_line};
use crate::time::Timestamp;

/// Reads JSON. Whether the text was accepted; `None` when it exceeds a bound that other readers do not have.
pub fn json(data: &[u8]) -> Option<bool> {
    match json::parse(data) {
        Ok(value) => {
            visit(value.root(), data.len());
            Some(true)
        }
        Err(error) => {
            assert!(error.position <= data.len() && !error.message().is_empty());
            (!matches!(error.kind, JsonErrorKind::TooDeep | JsonErrorKind::TooLarge)).then_some(false)
        }
    }
}

/// Every accessor on every value; texts are never larger than what they were read from.
fn visit(value: Value<'_>, limit: usize) {
    assert!(value.text().is_none_or(|text| text.expose().len() <= limit));
    let mut elements = 0usize;
    value.elements(&mut |_| elements = elements.saturating_add(1));
    assert!(elements <= limit);
    value.parts(&mut |name, part| {
        if let Some(name) = json::text(name) {
            assert!(value.get(name.expose()).is_some());
        }
        visit(part, limit);
    });
}

/// Reads both date formats, and writes times.
pub fn dates(data: &[u8]) {
    if let Some(eight) = data.first_chunk() {
        let written = Timestamp::from_millis(i64::from_le_bytes(*eight)).to_iso();
        assert!(Timestamp::parse_iso(&written).is_some());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    for at in [Timestamp::parse_iso(text), Timestamp::parse_http_date(text)].into_iter().flatten() {
        let whole =
            Timestamp::parse_iso(&at.to_iso()).map(|whole| at.as_millis().checked_sub(whole.as_millis()));
        assert!(matches!(whole, Some(Some(0..=999))));
    }
}

/// Compares what was signed with the service's message: the two texts, parted by a zero byte.
pub fn signature_diagnosis(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (ours, message) = text.split_once('\0').unwrap_or((OURS, text));
    for difference in [differing_line(ours, message), differing_line(OURS, message)].into_iter().flatten() {
        // A name of our own is short, and no name holds what stands in the canonical request above.
        assert!(difference.name().len() < 40 && !difference.name().contains("needle"));
    }
    if !ours.is_empty() {
        assert_eq!(differing_line(ours, &string_to_sign(ours)), Some(Difference::Secret));
    }
}

/// Reads an error body: nothing that is found is longer than what it was read from.
pub fn error_body(data: &[u8]) {
    let parts = error_body::parts(data);
    let found = [parts.code, parts.message, parts.request_id];
    assert!(found.into_iter().flatten().all(|part| part.expose().len() <= data.len()));
}

/// Reads the answer to GetSecretValue: it is of the name that was asked for, or a protocol error that quotes nothing.
pub fn answer(data: &[u8]) {
    let Ok(asked) = SecretName::parse("db/password") else { return };
    match shared::decode(&Response::new(200, Vec::new(), data.to_vec()), &asked) {
        Ok(record) => {
            assert!(record.name == asked.plain() && !record.version_id.is_empty());
            let value = match &record.value {
                SecretValue::Text(text) => text.expose().len(),
                SecretValue::Binary(bytes) => bytes.expose().len(),
            };
            assert!(value <= data.len());
        }
        Err(error) => {
            // The request's id is told, and may be anything that is harmless.
            assert!(error.kind() == ErrorKind::Protocol && !error.explanation().contains("needle"));
            assert!(
                error
                    .request_id()
                    .is_none_or(|id| id.len() <= 128 && id.is_ascii() && !id.contains(['"', '<', ' ']))
            );
        }
    }
}

/// Reads the CLI's profiles: an error names the file, and quotes nothing of it.
pub fn cli_profile(data: &[u8]) {
    for wanted in [None, Some("main")] {
        if let Err(error) = profile::cli::read(data, "config.json", wanted) {
            told(&error);
        }
    }
}

/// Reads the sections of an INI file: as [`cli_profile`].
pub fn ini_profile(data: &[u8]) {
    if let Err(error) = profile::ini::read(data, "credentials", None) {
        told(&error);
    }
}

fn told(error: &crate::Error) {
    let text = error.explanation();
    assert!(error.kind() == ErrorKind::CredentialsUnavailable);
    assert!(text.starts_with("config.json") || text.starts_with("credentials"));
    // The name of a profile is told, and may be anything. The field and the fault behind it are our own words.
    assert!(text.rsplit(": ").take(2).all(|ours| !ours.contains("needle")));
}

/// Splits a command, and reads what a program writes: nothing is quoted, and no word is longer than the command.
pub fn external(data: &[u8]) {
    if let Ok(command) = std::str::from_utf8(data) {
        match external::split(command) {
            Ok(words) => assert!(words.iter().map(String::len).fold(0, usize::saturating_add) <= data.len()),
            Err(what) => assert!(!what.contains("needle")),
        }
    }
    assert!(external::read(data).map_or_else(|error| !error.explanation().contains("needle"), |_| true));
}

/// Reads what a driver brings to each of the effects.
pub fn reply(data: &[u8]) {
    let _ = Reader::new(data).waited();
    let _ = Reader::new(data).said();
    let _ = Reader::new(data).provided(|given| given.credentials());
    let _ = Reader::new(data).provided(|given| given.token());
    if let Ok(Ok(response)) = Reader::new(data).answer() {
        let headers = response.headers().iter().map(|(name, value)| name.len().saturating_add(value.len()));
        let read = headers.fold(response.body().len(), usize::saturating_add);
        assert!(read <= data.len());
    }
}

const OURS: &str = "POST\n/\nSecretName=needle\nhost:kms.cn-hangzhou.aliyuncs.com\nx-acs-action:GetSecretValue\n\
                    x-acs-security-token:needle\n\nhost;x-acs-action;x-acs-security-token\n\
                    e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// Runs one target on each input that is kept for it, and returns how many there are.
    fn replay(target: &str, run: impl Fn(&[u8])) -> usize {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        if !fuzz.exists() {
            return usize::MAX; // the published crate comes without the corpora
        }
        let inputs = std::fs::read_dir(fuzz.join("corpus").join(target)).unwrap();
        inputs.map(|input| run(&std::fs::read(input.unwrap().path()).unwrap())).count()
    }

    #[test]
    fn the_kept_inputs_of_every_fuzz_target_still_pass() {
        let read = |data: &[u8]| {
            if let Some(accepted) = json(data) {
                let theirs = serde_json::from_slice::<serde_json::Value>(data);
                let out_of_range =
                    theirs.as_ref().is_err_and(|e| e.to_string().starts_with("number out of range"));
                assert!(accepted == theirs.is_ok() || out_of_range);
            }
        };
        assert!(replay("json", read) >= 20);
        assert!(replay("dates", dates) >= 15);
        assert!(replay("signature_diagnosis", signature_diagnosis) >= 10);
        assert!(replay("error_body", error_body) >= 15);
        assert!(replay("answer", answer) >= 15);
        assert!(replay("reply", reply) >= 15);
        assert!(replay("cli_profile", cli_profile) >= 15);
        assert!(replay("ini_profile", ini_profile) >= 10);
        assert!(replay("external", external) >= 10);
    }
}
