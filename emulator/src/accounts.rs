//! Who may call: access keys, session keys, and the roles that can be assumed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::answer::ServiceError;
use crate::role::{Role, role_parts};
use simsim::{Sensitive, Timestamp};
use std::collections::BTreeMap;

/// The account of everything that names no other.
pub(crate) const DEFAULT_ACCOUNT: &str = "1234567890123456";

/// A session key's token and its end.
struct Session {
    token: Sensitive<String>,
    expiration: Option<Timestamp>,
    ended: bool,
}

impl Session {
    fn holds(&self, now: Timestamp) -> bool {
        !self.ended && self.expiration.is_none_or(|end| now < end)
    }
}

struct Key {
    secret: Sensitive<String>,
    active: bool,
    session: Option<Session>,
    caller: Caller,
}

/// A caller whose signature held, or the anonymous one of an action that needs none.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) account: String,
    /// The assumed role and the session's name; `None` for a long-term key.
    pub(crate) role: Option<(String, String)>,
}

#[derive(Default)]
pub(crate) struct Accounts {
    keys: BTreeMap<String, Key>,
    roles: BTreeMap<String, Role>,
}

impl Caller {
    /// Whoever it is: the action itself judges what it brings.
    pub(crate) fn anonymous() -> Self {
        Self { account: String::new(), role: None }
    }

    /// The names under which a role's trust can mean this caller.
    pub(crate) fn principals(&self) -> Vec<String> {
        let account = &self.account;
        let role = self.role.as_ref().map(|(role, _)| format!("acs:ram::{account}:role/{role}"));
        [format!("acs:ram::{account}:root")].into_iter().chain(role).collect()
    }
}

impl Accounts {
    pub(crate) fn add_key(&mut self, id: &str, secret: &str, account: &str) {
        self.insert(id, secret, account, None, None);
    }

    pub(crate) fn add_session(
        &mut self,
        id: &str,
        secret: &str,
        token: &str,
        expiration: Option<Timestamp>,
        account: &str,
        role: Option<(String, String)>,
    ) {
        let session = Session { token: Sensitive::new(token.to_owned()), expiration, ended: false };
        self.insert(id, secret, account, Some(session), role);
    }

    fn insert(
        &mut self,
        id: &str,
        secret: &str,
        account: &str,
        session: Option<Session>,
        role: Option<(String, String)>,
    ) {
        let caller = Caller { account: account.to_owned(), role };
        let secret = Sensitive::new(secret.to_owned());
        self.keys.insert(id.to_owned(), Key { secret, active: true, session, caller });
    }

    pub(crate) fn set_active(&mut self, id: &str, active: bool) {
        if let Some(key) = self.keys.get_mut(id) {
            key.active = active;
        }
    }

    pub(crate) fn remove_key(&mut self, id: &str) {
        self.keys.remove(id);
    }

    pub(crate) fn end_session(&mut self, id: &str) {
        if let Some(session) = self.keys.get_mut(id).and_then(|key| key.session.as_mut()) {
            session.ended = true;
        }
    }

    pub(crate) fn has_key(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    pub(crate) fn has_session(&self, id: &str) -> bool {
        self.keys.get(id).is_some_and(|key| key.session.is_some())
    }

    /// Whether a session is known and holds at `now`.
    pub(crate) fn is_live(&self, id: &str, now: Timestamp) -> bool {
        self.keys.get(id).and_then(|key| key.session.as_ref()).is_some_and(|session| session.holds(now))
    }

    /// Creates or replaces. Text that is no role's ARN could never be asked for.
    pub(crate) fn add_role(&mut self, role: Role) {
        if role_parts(&role.arn).is_some() {
            self.roles.insert(role.arn.clone(), role);
        }
    }

    pub(crate) fn role(&self, arn: &str) -> Option<&Role> {
        self.roles.get(arn)
    }

    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.keys.len(), self.roles.len())
    }

    /// The secret of a key that exists and is active.
    pub(crate) fn signing_secret(&self, id: &str) -> Result<&str, ServiceError> {
        let Some(key) = self.keys.get(id) else {
            return Err(ServiceError::new(
                404,
                "InvalidAccessKeyId.NotFound",
                "Specified access key is not found.",
            ));
        };
        if !key.active {
            return Err(ServiceError::new(
                400,
                "InvalidAccessKeyId.Inactive",
                "Specified access key is disabled.",
            ));
        }
        Ok(key.secret.expose())
    }

    /// Whether the token belongs to the key and still holds at `now`.
    pub(crate) fn check_token(
        &self,
        id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Caller, ServiceError> {
        let refuse = |code: &'static str, message: &str| Err(ServiceError::new(400, code, message));
        let Some(key) = self.keys.get(id) else {
            return refuse("InvalidAccessKeyId.NotFound", "Specified access key is not found.");
        };
        if token.is_some_and(|t| t.is_empty() || !t.bytes().all(|b| b.is_ascii_graphic())) {
            return refuse("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.");
        }
        let mismatch = "Specified SecurityToken mismatch with the AccessKey.";
        match (&key.session, token) {
            (None, None) => Ok(key.caller.clone()),
            (Some(_), None) => refuse("MissingSecurityToken", "SecurityToken is mandatory for this action."),
            (Some(session), Some(token)) if session.token.expose() == token => {
                if !session.holds(now) {
                    return refuse("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.");
                }
                Ok(key.caller.clone())
            }
            (_, Some(_)) => refuse("InvalidSecurityToken.MismatchWithAccessKey", mismatch),
        }
    }
}
