//! GetSecretValue and ListSecretVersionIds.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Call, Outcome, invalid, object, stages_json, time_json};
use crate::answer::ServiceError;
use crate::clock;
use crate::secret::{CURRENT, PREVIOUS, Record, SecretRef, Vault, Version};
use serde_json::{Map, Value, json};

/// Which version a read asks for.
pub(super) struct Wanted<'a> {
    pub(super) named: SecretRef<'a>,
    pub(super) version_id: Option<&'a str>,
    pub(super) stage: Option<&'a str>,
    pub(super) extended_config: bool,
}

pub(super) fn get_secret_value(vault: &Vault, call: &Call<'_>) -> Outcome {
    let dry_run = call.flag("DryRun")?;
    let answer = read(vault, call);
    if dry_run { Err(dry_run_error(&answer)) } else { answer }
}

fn read(vault: &Vault, call: &Call<'_>) -> Outcome {
    let wanted = Wanted {
        named: call.named()?,
        version_id: call.optional("VersionId"),
        stage: call.optional("VersionStage"),
        extended_config: call.flag("FetchExtendedConfig")?,
    };
    value(vault, call, &wanted)
}

/// A dry run never succeeds: its code says how the call would have ended.
fn dry_run_error(answer: &Outcome) -> ServiceError {
    match answer {
        Ok(_) => {
            ServiceError::new(400, "DryRunOperationError", "Request would have succeeded, but DryRun is set.")
        }
        Err(error) if error.status == 403 => ServiceError::new(403, "AccessDeniedError", error.message()),
        Err(error) => ServiceError::new(400, "ValidationError", error.message()),
    }
}

/// Looks a value up and shapes it as GetSecretValue answers it, without the request's id.
pub(super) fn value(vault: &Vault, call: &Call<'_>, wanted: &Wanted<'_>) -> Outcome {
    let record = call.usable(vault, &wanted.named)?;
    let version = select(record, wanted)?;
    Ok(value_json(record, version, wanted.extended_config))
}

/// A managed secret is read by its two stages only and ignores version ids. Of a generic one the id, the stage, or
/// both can be given; both must agree.
fn select<'r>(record: &'r Record, wanted: &Wanted<'_>) -> Result<&'r Version, ServiceError> {
    let version = if record.is_generic() {
        match (wanted.version_id, wanted.stage) {
            (None, stage) => record.with_stage(stage.unwrap_or(CURRENT)),
            (Some(id), None) => record.with_id(id),
            (Some(id), Some(stage)) => record.with_id(id).filter(|v| v.stages.iter().any(|s| s == stage)),
        }
    } else {
        let stage = wanted.stage.unwrap_or(CURRENT);
        if stage != CURRENT && stage != PREVIOUS {
            return Err(invalid("VersionStage"));
        }
        record.with_stage(stage)
    };
    version.ok_or_else(ServiceError::not_found)
}

fn value_json(record: &Record, version: &Version, with_extended_config: bool) -> Map<String, Value> {
    let managed = !record.is_generic();
    let automatic = if record.rotation_interval.is_some() { "Enabled" } else { "Disabled" };
    let extended_config = record.extended_config.as_deref().filter(|_| managed && with_extended_config);
    object(json!({
        "SecretName": record.name,
        "SecretData": version.data.expose(),
        "SecretDataType": version.kind.as_str(),
        "SecretType": record.secret_type,
        "VersionId": version.id,
        "VersionStages": stages_json(&version.stages),
        "CreateTime": clock::iso(record.created),
        // The real service answers null for the managed fields of a generic secret.
        "AutomaticRotation": managed.then_some(automatic),
        "RotationInterval": record.rotation_interval.as_deref().filter(|_| managed),
        "NextRotationDate": time_json(record.next_rotation.filter(|_| managed)),
        "LastRotationDate": time_json(record.last_rotation.filter(|_| managed)),
        "ExtendedConfig": extended_config,
    }))
}

pub(super) fn list_secret_version_ids(vault: &Vault, call: &Call<'_>) -> Outcome {
    let deprecated_too = call.flag("IncludeDeprecated")?;
    let page = call.number("PageNumber", 1, usize::MAX)?;
    let size = call.number("PageSize", 20, 100)?;
    let record = call.usable(vault, &call.named()?)?;
    let listed: Vec<&Version> =
        record.versions().iter().filter(|v| deprecated_too || !v.stages.is_empty()).collect();
    let skipped = page.saturating_sub(1).saturating_mul(size);
    let versions: Vec<Value> = listed
        .iter()
        .skip(skipped)
        .take(size)
        .map(|version| {
            json!({
                "VersionId": version.id,
                "CreateTime": clock::iso(version.created),
                "VersionStages": stages_json(&version.stages),
            })
        })
        .collect();
    Ok(object(json!({
        "SecretName": record.name,
        "VersionIds": { "VersionId": versions },
        "TotalCount": listed.len(),
        "PageNumber": page,
        "PageSize": size,
    })))
}
