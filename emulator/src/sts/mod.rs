//! The STS actions: AssumeRole, GetCallerIdentity, and what they have in common with AssumeRoleWithOIDC.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod oidc;

pub(crate) use oidc::ACTION as UNSIGNED_ACTION;

use crate::accounts::Accounts;
use crate::answer::ServiceError;
use crate::kms::{Call, Outcome, unknown_action};
use crate::oidc::Federation;
use crate::role::{Role, role_parts};
use crate::session::{Grant, Issued};
use serde_json::{Map, Value, json};

const MIN_SECONDS: u64 = 900;
const DEFAULT_SECONDS: u64 = 3600;

/// Carries an STS action out.
pub(crate) fn act(
    action: &str,
    accounts: &mut Accounts,
    federation: &Federation,
    call: &mut Call<'_>,
) -> Outcome {
    match action {
        "AssumeRole" => assume_role(accounts, call),
        "GetCallerIdentity" => Ok(caller_identity(call)),
        UNSIGNED_ACTION => oidc::assume_role_with_oidc(accounts, federation, call),
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

/// What every way to assume a role is told alike: which role, under which name, for how long.
struct Wish<'a> {
    role: Role,
    session_name: &'a str,
    seconds: u64,
}

impl<'a> Wish<'a> {
    fn read(accounts: &Accounts, call: &Call<'a>) -> Result<Self, ServiceError> {
        let arn = required(call, "RoleArn")?;
        let session_name = required(call, "RoleSessionName")?;
        if !is_made_of(session_name, b".@_-", 2..=64) {
            return Err(invalid("RoleSessionName"));
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
        Ok(Self { role: role.clone(), session_name, seconds })
    }

    /// The session that was wished for, as an answer tells it.
    fn grant(&self, accounts: &mut Accounts, call: &mut Call<'_>) -> Map<String, Value> {
        let (account, name) = role_parts(&self.role.arn).unwrap_or_default();
        let session_name = self.session_name;
        let to = Grant { account, role: name, session_name, seconds: self.seconds };
        let issued = Issued::new(accounts, &to, call.now, call.entropy);
        crate::kms::object(json!({
            "AssumedRoleUser": {
                "Arn": format!("acs:ram::{account}:role/{name}/{session_name}"),
                "AssumedRoleId": format!("3{account}:{session_name}"),
            },
            "Credentials": issued.fields(),
        }))
    }
}

fn assume_role(accounts: &mut Accounts, call: &mut Call<'_>) -> Outcome {
    let external_id = parameter(call, "ExternalId");
    if external_id.is_some_and(|id| !is_made_of(id, b"_+=,.@:/-", 2..=1224)) {
        return Err(invalid("ExternalId"));
    }
    let wish = Wish::read(accounts, call)?;
    wish.role.admit(&call.caller.principals(), external_id)?;
    Ok(wish.grant(accounts, call))
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
