//! The STS actions AssumeRole and GetCallerIdentity.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::accounts::Accounts;
use crate::answer::ServiceError;
use crate::clock;
use crate::kms::{Call, Outcome, unknown_action};
use serde_json::{Map, Value, json};
use std::time::Duration;

const MIN_SECONDS: u64 = 900;
const DEFAULT_SECONDS: u64 = 3600;
/// The bytes of a made-up token; real ones are longer than a thousand characters.
const TOKEN_BYTES: usize = 768;

/// Carries an STS action out.
pub(crate) fn act(action: &str, accounts: &mut Accounts, call: &mut Call<'_>) -> Outcome {
    match action {
        "AssumeRole" => assume_role(accounts, call),
        "GetCallerIdentity" => Ok(caller_identity(call)),
        _ => Err(unknown_action()),
    }
}

fn invalid(name: &str) -> ServiceError {
    ServiceError::new(
        400,
        format!("InvalidParameter.{name}"),
        format!("The parameter {name} is wrongly formed."),
    )
}

fn parameter<'a>(call: &Call<'a>, name: &str) -> Option<&'a str> {
    let (_, value) = call.params.iter().find(|(n, _)| n == name)?;
    (!value.is_empty()).then_some(value)
}

fn required<'a>(call: &Call<'a>, name: &str) -> Result<&'a str, ServiceError> {
    parameter(call, name).ok_or_else(|| {
        ServiceError::new(400, "MissingParameter", format!("The parameter {name} is required."))
    })
}

fn is_made_of(text: &str, others: &[u8], length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b))
}

fn assume_role(accounts: &mut Accounts, call: &mut Call<'_>) -> Outcome {
    let arn = required(call, "RoleArn")?;
    let session_name = required(call, "RoleSessionName")?;
    if !is_made_of(session_name, b".@_-", 2..=64) {
        return Err(invalid("RoleSessionName"));
    }
    if parameter(call, "ExternalId").is_some_and(|id| !is_made_of(id, b"_+=,.@:/-", 2..=1224)) {
        return Err(invalid("ExternalId"));
    }
    let is_policy =
        |text: &str| text.len() <= 2048 && serde_json::from_str::<Map<String, Value>>(text).is_ok();
    if parameter(call, "Policy").is_some_and(|policy| !is_policy(policy)) {
        return Err(invalid("PolicyGrammar"));
    }
    let Some(role) = accounts.role(arn) else {
        return Err(ServiceError::new(404, "EntityNotExist.Role", "The specified Role not exists."));
    };
    let seconds = match parameter(call, "DurationSeconds") {
        None => DEFAULT_SECONDS,
        Some(text) => text.parse().map_err(|_| invalid("DurationSeconds"))?,
    };
    if !(MIN_SECONDS..=role.max_session_seconds).contains(&seconds) {
        return Err(invalid("DurationSeconds"));
    }
    let (account, name) = (role.account.clone(), role.name.clone());
    // STS tells whole seconds.
    let expiration = call.now.after(Duration::from_secs(seconds));
    let id = format!("STS.N{}", call.entropy.letters(22));
    let secret = call.entropy.letters(44);
    let token = format!("CAIS{}", call.entropy.base64(TOKEN_BYTES));
    let held = Some((name.clone(), session_name.to_owned()));
    accounts.add_session(&id, &secret, &token, Some(expiration), &account, held);
    let answer = json!({
        "AssumedRoleUser": {
            "Arn": format!("acs:ram::{account}:role/{name}/{session_name}"),
            "AssumedRoleId": format!("3{account}:{session_name}"),
        },
        "Credentials": {
            "AccessKeyId": id,
            "AccessKeySecret": secret,
            "SecurityToken": token,
            "Expiration": clock::iso(expiration),
        },
    });
    Ok(crate::kms::object(answer))
}

fn caller_identity(call: &Call<'_>) -> Map<String, Value> {
    let account = &call.caller.account;
    let answer = match &call.caller.role {
        Some((role, session)) => json!({
            "IdentityType": "AssumedRoleUser",
            "AccountId": account,
            "PrincipalId": format!("3{account}:{session}"),
            "RoleId": format!("3{account}"),
            "Arn": format!("acs:ram::{account}:assumed-role/{role}/{session}"),
        }),
        None => json!({
            "IdentityType": "RAMUser",
            "AccountId": account,
            "PrincipalId": format!("2{account}"),
            "UserId": format!("2{account}"),
            "Arn": format!("acs:ram::{account}:user/emulator"),
        }),
    };
    crate::kms::object(answer)
}
