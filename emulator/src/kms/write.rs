//! CreateSecret, PutSecretValue and UpdateSecretVersionStage.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Call, Outcome, invalid, object, stages_json};
use crate::answer::ServiceError;
use crate::secret::{
    CURRENT, Kind, PREVIOUS, Record, SecretRef, SecretSeed, Vault, Version, interval, is_value,
};
use serde_json::json;
use simsim::Sensitive;
use std::ops::RangeInclusive;
use std::time::Duration;

const TYPES: [&str; 6] = ["Generic", "Rds", "Redis", "PolarDB", "RAMCredentials", "ECS"];
const MAX_STAGES: usize = 8;
/// How often a secret can rotate by itself: every six hours at most, once a year at least.
const ROTATION: RangeInclusive<Duration> = Duration::from_secs(21_600)..=Duration::from_secs(31_536_000);

fn exists(message: &str) -> ServiceError {
    ServiceError::new(409, "Rejected.ResourceExist", message)
}

fn value<'a>(call: &Call<'a>) -> Result<(Kind, &'a str), ServiceError> {
    let kind = call.optional("SecretDataType").unwrap_or("text");
    let kind = Kind::parse(kind).ok_or_else(|| invalid("SecretDataType"))?;
    let data = call.required("SecretData")?;
    if is_value(kind, data) { Ok((kind, data)) } else { Err(invalid("SecretData")) }
}

pub(super) fn create_secret(vault: &mut Vault, call: &mut Call<'_>) -> Outcome {
    let name = call.plain_name()?;
    let version_id = call.version_id("VersionId")?;
    let (kind, data) = value(call)?;
    let secret_type = call.optional("SecretType").unwrap_or("Generic");
    if !TYPES.contains(&secret_type) {
        return Err(invalid("SecretType"));
    }
    super::check_allowed(vault, name)?;
    let account = &call.caller.account;
    if vault.find(&SecretRef { name, place: None }, account, call.region).is_some() {
        return Err(exists("A secret of that name exists."));
    }
    let mut seed = SecretSeed::text(name, data).secret_type(secret_type).version_id(version_id);
    seed.kind = kind;
    seed = seed.account(account);
    seed.region = call.region.map(str::to_owned);
    seed.extended_config = call.optional("ExtendedConfig").map(str::to_owned);
    if call.flag("EnableAutomaticRotation")? {
        let text = call.required("RotationInterval")?;
        let every = interval(text)
            .filter(|every| ROTATION.contains(every))
            .ok_or_else(|| invalid("RotationInterval"))?;
        seed.rotation_interval = Some(text.to_owned());
        seed.next_rotation = Some(call.now.after(every));
    }
    let region = call.region.unwrap_or("cn-hangzhou");
    let answer = json!({
        "Arn": format!("acs:kms:{region}:{account}:secret/{name}"),
        "SecretName": name,
        "SecretType": secret_type,
        "VersionId": version_id,
    });
    vault.put(Record::new(seed, String::new(), call.now));
    Ok(object(answer))
}

/// `VersionStages` is a JSON array of names; without one the new version becomes the current one.
fn stages(call: &Call<'_>) -> Result<Vec<String>, ServiceError> {
    let Some(text) = call.optional("VersionStages") else { return Ok(vec![CURRENT.to_owned()]) };
    let stages: Vec<String> = serde_json::from_str(text).map_err(|_| invalid("VersionStages"))?;
    let named = stages.iter().all(|stage| (1..=64).contains(&stage.len()));
    if named && (1..=MAX_STAGES).contains(&stages.len()) { Ok(stages) } else { Err(invalid("VersionStages")) }
}

pub(super) fn put_secret_value(vault: &mut Vault, call: &mut Call<'_>) -> Outcome {
    let named = call.named()?;
    let version_id = call.version_id("VersionId")?;
    let (kind, data) = value(call)?;
    let stages = stages(call)?;
    let now = call.now;
    let record = call.usable_mut(vault, &named)?;
    if !record.is_generic() {
        return Err(ServiceError::new(
            400,
            "Rejected.UnsupportedOperation",
            "The value of a managed secret changes by rotation only.",
        ));
    }
    if let Some(old) = record.with_id(version_id) {
        // The same version with the same value again is a repetition, not a conflict.
        if old.kind != kind || old.data.expose() != data {
            return Err(exists("A version of that id exists and has another value."));
        }
    } else {
        let data = Sensitive::new(data.to_owned());
        record.add(Version { id: version_id.to_owned(), kind, data, created: now, stages })?;
    }
    let held = record.with_id(version_id).map(|version| stages_json(&version.stages));
    Ok(object(json!({ "SecretName": record.name, "VersionId": version_id, "VersionStages": held })))
}

pub(super) fn update_secret_version_stage(vault: &mut Vault, call: &mut Call<'_>) -> Outcome {
    let named = call.named()?;
    let stage = call.required("VersionStage")?;
    let (to, from) = (call.optional("MoveToVersion"), call.optional("RemoveFromVersion"));
    let record = call.usable_mut(vault, &named)?;
    let holder = record.with_stage(stage).map(|version| version.id.clone());
    if from.is_some() && from != holder.as_deref() {
        return Err(invalid("RemoveFromVersion"));
    }
    match (to, from) {
        (Some(to), _) => {
            if record.with_id(to).is_none() {
                return Err(ServiceError::not_found());
            }
            record.move_stage(stage, to);
        }
        // The service's own stages always have a holder.
        (None, Some(_)) if stage != CURRENT && stage != PREVIOUS => record.take_stage(stage),
        (None, Some(_)) => return Err(invalid("VersionStage")),
        (None, None) => return Err(super::missing("MoveToVersion")),
    }
    Ok(object(json!({ "SecretName": record.name })))
}
