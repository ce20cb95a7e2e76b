//! The control calls: JSON in, JSON out, whichever way they arrive.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::fields::{Fields, InputError, parse};
use super::{fault, principals, seed};
use crate::clock;
use crate::emulator::Emulator;
use crate::journal::LoggedCall;
use crate::secret::Kind;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long an OIDC token holds when nobody says.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3600);

/// Where control calls live on the server; everything else there is the service itself.
#[cfg(feature = "server")]
pub(crate) const PREFIX: &str = "/_emulator/";

impl Emulator {
    /// Carries out a control call: the part of its path after `/_emulator/`, its method and its JSON body.
    /// Answers an HTTP status and a JSON text. The README lists the calls.
    ///
    /// The server puts this on its port, for loopback only. A program that has the emulator in its own process can
    /// use it where the typed methods are out of reach.
    pub fn control(&self, method: &str, call: &str, body: &[u8]) -> (u16, String) {
        let (status, answer) = match (method, call) {
            ("GET", "log") => (200, json!({ "calls": self.log().iter().map(logged).collect::<Vec<_>>() })),
            ("GET", "counts") => (200, counts(self)),
            ("POST", call) => match parse(body).and_then(|body| post(self, call, &body)) {
                Ok(Some(answer)) => (200, answer),
                Ok(None) => (404, json!({ "error": "no such control call" })),
                Err(error) => (400, json!({ "error": error.to_string() })),
            },
            _ => (404, json!({ "error": "no such control call" })),
        };
        (status, answer.to_string())
    }
}

fn logged(call: &LoggedCall) -> Value {
    json!({
        "action": call.action,
        "secret": call.secret,
        "accessKeyId": call.access_key_id,
        "status": call.status,
        "code": call.code,
        "at": clock::iso(call.at),
        "atMs": call.at.as_millis(),
        "host": call.host,
    })
}

fn counts(emulator: &Emulator) -> Value {
    let actions: Map<String, Value> =
        emulator.call_counts().into_iter().map(|(action, n)| (action, n.into())).collect();
    json!({ "calls": actions, "readsAnswered": emulator.reads_answered() })
}

/// The one text that most calls take.
fn only<'a>(body: &'a Value, call: &str, name: &'static str) -> Result<&'a str, InputError> {
    let mut fields = Fields::of(body, call)?;
    let text = fields.required(name)?;
    fields.finish()?;
    Ok(text)
}

/// The one text, which must be the name or id of what there is: a typo would otherwise change nothing, in silence.
fn known<'a>(
    body: &'a Value,
    call: &str,
    (name, owner): (&'static str, &str),
    exists: impl FnOnce(&str) -> bool,
) -> Result<&'a str, InputError> {
    let text = only(body, call, name)?;
    if exists(text) {
        Ok(text)
    } else {
        Err(InputError::new(format!("{call}: field `{name}` is no {owner}'s")))
    }
}

fn nothing(body: &Value, call: &str) -> Result<(), InputError> {
    Fields::of(body, call)?.finish()
}

fn post(emulator: &Emulator, call: &str, body: &Value) -> Result<Option<Value>, InputError> {
    let secret = || known(body, call, ("name", "secret"), |name| emulator.has_secret(name));
    let key = || known(body, call, ("id", "key"), |id| emulator.has_key(id));
    let session = || known(body, call, ("id", "session"), |id| emulator.has_session(id));
    match call {
        "fault" => emulator.inject(fault::fault(body)?),
        "clear-faults" => {
            nothing(body, call)?;
            emulator.clear_faults();
        }
        "reset-log" => {
            nothing(body, call)?;
            emulator.reset_log();
        }
        "rotate" => return rotate(emulator, body).map(Some),
        "deny" => emulator.deny(only(body, call, "name")?),
        "allow" => emulator.allow(only(body, call, "name")?),
        "disable" => emulator.disable(secret()?),
        "schedule-deletion" => emulator.schedule_deletion(secret()?),
        "restore" => emulator.restore(secret()?),
        "remove-secret" => emulator.remove_secret(secret()?),
        "secret" => seed::secret(body, call)?.put(emulator),
        "access-key" => principals::access_key(body, call)?.put(emulator),
        "access-key/deactivate" => emulator.deactivate_access_key(key()?),
        "access-key/remove" => emulator.remove_access_key(key()?),
        "session" => principals::session(body, call)?.put(emulator),
        "session/expire" => emulator.expire_session(session()?),
        "role" => principals::role(body, call)?.put(emulator),
        "oidc-provider" => principals::oidc_provider(body, call)?.put(emulator),
        "oidc-token" => return oidc_token(emulator, body).map(Some),
        "instance-role" => principals::instance_role(body, call)?.put(emulator),
        "instance-role/detach" => {
            nothing(body, call)?;
            emulator.detach_instance_role();
        }
        "credentials-uri" => principals::credentials_uri(body, call)?.put(emulator),
        "clock" => {
            let mut fields = Fields::of(body, call)?;
            let offset = fields.signed("offsetMs")?.ok_or_else(|| fields.wrong("offsetMs", "is missing"))?;
            fields.finish()?;
            emulator.set_clock_offset(offset);
        }
        "quota" => {
            let mut fields = Fields::of(body, call)?;
            let per_second = fields.small("perSecond")?;
            fields.finish()?;
            emulator.set_quota(per_second);
        }
        _ => return Ok(None),
    }
    Ok(Some(json!({})))
}

fn oidc_token(emulator: &Emulator, body: &Value) -> Result<Value, InputError> {
    let mut fields = Fields::of(body, "oidc-token")?;
    let provider = fields.required("provider")?;
    let subject = fields.text("subject")?.unwrap_or("test");
    let audience = fields.text("audience")?;
    let lifetime = fields.unsigned("lifetimeSeconds")?.map_or(TOKEN_LIFETIME, Duration::from_secs);
    let unknown = fields.wrong("provider", "is no OIDC provider's ARN");
    fields.finish()?;
    let token = emulator.sign_oidc_token(provider, subject, audience, lifetime).ok_or(unknown)?;
    Ok(json!({ "token": token }))
}

fn rotate(emulator: &Emulator, body: &Value) -> Result<Value, InputError> {
    let mut fields = Fields::of(body, "rotate")?;
    let name = fields.required("name")?;
    let (kind, value) = match (fields.text("value")?, fields.text("valueBase64")?) {
        (Some(value), None) => (None, value),
        (None, Some(value)) => (Some(Kind::Binary), value),
        _ => return Err(fields.wrong("value", "or `valueBase64` must be given, one of them")),
    };
    let not_taken = fields
        .wrong("value", "is not one that this secret takes: 30720 bytes at most, base64 if it is binary");
    fields.finish()?;
    if !emulator.has_secret(name) {
        return Err(InputError::new("rotate: field `name` is no secret's"));
    }
    let version_id = emulator.rotate_to(name, kind, value);
    if version_id.is_empty() {
        return Err(not_taken);
    }
    Ok(json!({ "versionId": version_id }))
}
