//! The seed format: what an emulator starts with.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::fields::{Fields, InputError, parse};
use super::principals::{access_key, credentials_uri, instance_role, oidc_provider, role, session};
use crate::credentials_uri::CredentialsUri;
use crate::emulator::Emulator;
use crate::metadata::InstanceRole;
use crate::oidc::OidcProvider;
use crate::role::Role;
use crate::secret::{MAX_VALUE, SecretSeed, interval, is_name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use simsim::{Sensitive, Timestamp};

pub(super) const TYPES: [&str; 6] = ["Generic", "Rds", "Redis", "PolarDB", "RAMCredentials", "ECS"];

/// One thing to put into the emulator, checked already.
pub(super) enum Entry {
    AccessKey { id: String, secret: Sensitive<String>, account: String, active: bool },
    Session { id: String, secret: Sensitive<String>, token: Sensitive<String>, expiration: Option<Timestamp> },
    Role(Role),
    OidcProvider(OidcProvider),
    InstanceRole(InstanceRole),
    CredentialsUri(CredentialsUri),
    Secret { seed: Box<SecretSeed>, previous: Option<Box<SecretSeed>>, state: Option<String> },
}

/// A text as it is; any other JSON value as its text, so that structured values need no escaping.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

pub(super) fn secret(value: &Value, place: &str) -> Result<Entry, InputError> {
    let mut fields = Fields::of(value, place)?;
    let name = fields.required("name")?;
    if !is_name(name) {
        return Err(fields.wrong("name", "must be 1 to 192 of A-Z a-z 0-9 _ / + = . @ - !"));
    }
    let text = fields.value("value").map(as_text);
    let mut seed = match (text, fields.text("valueBase64")?) {
        (Some(text), None) => SecretSeed::text(name, text),
        (None, Some(base64)) => {
            let bytes = STANDARD.decode(base64).map_err(|_| fields.wrong("valueBase64", "is not base64"))?;
            SecretSeed::binary(name, bytes)
        }
        _ => return Err(fields.wrong("value", "or `valueBase64` must be given, one of them")),
    };
    let previous =
        fields.value("previousValue").map(|value| Box::new(SecretSeed::text(name, as_text(value))));
    let too_long = |seed: &SecretSeed| seed.data.expose().len() > MAX_VALUE;
    if too_long(&seed) || previous.as_deref().is_some_and(too_long) {
        return Err(fields.wrong("value", "is longer than 30720 bytes"));
    }
    if let Some(secret_type) = fields.text("type")? {
        if !TYPES.contains(&secret_type) {
            return Err(fields.wrong("type", &format!("must be one of {}", TYPES.join(", "))));
        }
        seed = seed.secret_type(secret_type);
    }
    seed.extended_config = fields.value("extendedConfig").map(as_text);
    seed.rotation_interval = fields.text("rotationInterval")?.map(str::to_owned);
    if seed.rotation_interval.as_deref().is_some_and(|text| interval(text).is_none()) {
        return Err(fields.wrong("rotationInterval", "must be a number of s, m, h or d, such as 604800s"));
    }
    seed.next_rotation = fields.time("nextRotation")?;
    seed.version_id = fields.filled("versionId")?.map(str::to_owned);
    if seed.version_id.as_deref().is_some_and(|id| id.len() > 64) {
        return Err(fields.wrong("versionId", "is longer than 64 characters"));
    }
    seed.account = fields.filled("account")?.map(str::to_owned);
    seed.region = fields.filled("region")?.map(str::to_owned);
    let state = fields.text("state")?.map(str::to_owned);
    if state.as_deref().is_some_and(|state| !["enabled", "disabled", "pendingDeletion"].contains(&state)) {
        return Err(fields.wrong("state", "must be enabled, disabled or pendingDeletion"));
    }
    fields.finish()?;
    Ok(Entry::Secret { seed: Box::new(seed), previous, state })
}

impl Entry {
    pub(super) fn put(self, emulator: &Emulator) {
        match self {
            Self::AccessKey { id, secret, account, active } => {
                emulator.add_access_key_of(&id, secret.expose(), &account);
                if !active {
                    emulator.deactivate_access_key(&id);
                }
            }
            Self::Session { id, secret, token, expiration } => {
                emulator.add_session(&id, secret.expose(), token.expose(), expiration);
            }
            Self::Role(role) => emulator.put_role(role),
            Self::OidcProvider(provider) => emulator.put_oidc_provider(provider),
            Self::InstanceRole(role) => emulator.attach_instance_role(role),
            Self::CredentialsUri(endpoint) => emulator.put_credentials_uri(endpoint),
            Self::Secret { seed, previous, state } => {
                let name = seed.name.clone();
                emulator.put_secret_with_previous(*seed, previous.map(|seed| *seed));
                match state.as_deref() {
                    Some("disabled") => emulator.disable(&name),
                    Some("pendingDeletion") => emulator.schedule_deletion(&name),
                    _ => {}
                }
            }
        }
    }
}

impl Emulator {
    /// Puts everything of a seed into the emulator, or nothing when any of it is wrong.
    ///
    /// The text is a JSON object; all fields are optional, unknown ones are refused:
    ///
    /// ```json
    /// {
    ///   "accessKeys": [{"id": "LTAI-example", "secret": "…", "account": "1234567890123456", "active": true}],
    ///   "sessions": [{"id": "STS.example", "secret": "…", "token": "…", "expiration": "2030-01-01T00:00:00Z"}],
    ///   "roles": [{"arn": "acs:ram::1234567890123456:role/reader", "maxSessionSeconds": 3600,
    ///              "trust": ["acs:ram::1234567890123456:root"], "externalId": "tenant-7"}],
    ///   "oidcProviders": [{"arn": "acs:ram::1234567890123456:oidc-provider/ci", "issuer": "https://ci.example",
    ///                      "clientIds": ["sts.aliyuncs.com"], "jwks": {"keys": ["… as published"]}}],
    ///   "secrets": [{
    ///     "name": "app/db", "value": "text, or any JSON value", "valueBase64": "instead of value",
    ///     "previousValue": "…", "type": "Generic", "extendedConfig": {"CustomData": {}},
    ///     "rotationInterval": "604800s", "nextRotation": "2030-01-01T00:00:00Z", "versionId": "v1",
    ///     "account": "1234567890123456", "region": "cn-hangzhou", "state": "enabled"
    ///   }],
    ///   "instanceRole": {"name": "ecs-reader", "account": "1234567890123456", "sessionSeconds": 21600, "v2Only": false},
    ///   "credentialsUri": {"path": "/credentials", "sessionSeconds": 3600, "code": "Success"},
    ///   "clockOffsetMs": 0,
    ///   "quotaPerSecond": 450
    /// }
    /// ```
    ///
    /// # Errors
    /// Names the place and the field that is wrong, never a value.
    pub fn load_seed(&self, json: &str) -> Result<(), InputError> {
        let value = parse(json.as_bytes())?;
        let mut fields = Fields::of(&value, "seed")?;
        let mut entries = Vec::new();
        for (place, item) in fields.list("accessKeys")? {
            entries.push(access_key(item, &place)?);
        }
        for (place, item) in fields.list("sessions")? {
            entries.push(session(item, &place)?);
        }
        for (place, item) in fields.list("roles")? {
            entries.push(role(item, &place)?);
        }
        for (place, item) in fields.list("oidcProviders")? {
            entries.push(oidc_provider(item, &place)?);
        }
        for (place, item) in fields.list("secrets")? {
            entries.push(secret(item, &place)?);
        }
        if let Some(value) = fields.value("instanceRole") {
            entries.push(instance_role(value, "instanceRole")?);
        }
        if let Some(value) = fields.value("credentialsUri") {
            entries.push(credentials_uri(value, "credentialsUri")?);
        }
        let offset = fields.signed("clockOffsetMs")?;
        let quota = fields.small("quotaPerSecond")?;
        fields.finish()?;
        // The clock first: it dates the secrets.
        if let Some(ms) = offset {
            self.set_clock_offset(ms);
        }
        if let Some(per_second) = quota {
            self.set_quota(Some(per_second));
        }
        entries.into_iter().for_each(|entry| entry.put(self));
        Ok(())
    }
}
