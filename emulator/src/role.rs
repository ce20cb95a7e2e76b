//! Roles: who may assume one, with which external id and for how long.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::answer::ServiceError;

/// The longest session of a role that says nothing else.
const DEFAULT_MAX_SESSION_SECONDS: u64 = 3600;
/// What stands between the account and the name in a role's ARN.
const ROLE: &str = ":role/";
/// The same for an OIDC provider.
const PROVIDER: &str = ":oidc-provider/";

/// A role to put into the emulator: `acs:ram::ACCOUNT:role/NAME`. Its sessions act in the role's account.
///
/// ```
/// use simsim_emulator::Role;
///
/// let role = Role::new("acs:ram::1234567890123456:role/reader")
///     .trusts("acs:ram::1234567890123456:root")
///     .external_id("tenant-7");
/// ```
#[derive(Clone, Debug)]
pub struct Role {
    pub(crate) arn: String,
    pub(crate) max_session_seconds: u64,
    /// `None`: everybody.
    pub(crate) trust: Option<Vec<String>>,
    pub(crate) external_id: Option<String>,
}

impl Role {
    /// A role for sessions of up to an hour, which everybody may assume.
    pub fn new(arn: impl Into<String>) -> Self {
        let max_session_seconds = DEFAULT_MAX_SESSION_SECONDS;
        Self { arn: arn.into(), max_session_seconds, trust: None, external_id: None }
    }

    /// The longest session (the service allows 3600 to 43200 seconds).
    #[must_use]
    pub fn max_session_seconds(mut self, seconds: u64) -> Self {
        self.max_session_seconds = seconds;
        self
    }

    /// Adds one who may assume the role; with the first one, everybody else may not any more. It is
    /// `acs:ram::ACCOUNT:root` for every key and session of an account, `acs:ram::ACCOUNT:role/NAME` for the sessions
    /// of a role, or `acs:ram::ACCOUNT:oidc-provider/NAME` for the bearers of a provider's tokens.
    #[must_use]
    pub fn trusts(mut self, principal: impl Into<String>) -> Self {
        self.trust.get_or_insert_default().push(principal.into());
        self
    }

    /// The `ExternalId` without which AssumeRole is refused.
    #[must_use]
    pub fn external_id(mut self, id: impl Into<String>) -> Self {
        self.external_id = Some(id.into());
        self
    }

    /// Whether any of these names of one caller may assume the role.
    pub(crate) fn is_open_to(&self, principals: &[String]) -> bool {
        self.trust.as_ref().is_none_or(|trusted| principals.iter().any(|name| trusted.contains(name)))
    }

    /// Refuses a caller of AssumeRole whom the role does not trust.
    pub(crate) fn admit(&self, principals: &[String], external_id: Option<&str>) -> Result<(), ServiceError> {
        let expected = self.external_id.as_deref();
        if self.is_open_to(principals) && expected.is_none_or(|expected| external_id == Some(expected)) {
            return Ok(());
        }
        let message = "You are not authorized to do this action. You should be authorized by RAM.";
        Err(ServiceError::new(403, "NoPermission", message))
    }
}

fn named<'a>(arn: &'a str, kind: &str) -> Option<(&'a str, &'a str)> {
    let (account, name) = arn.strip_prefix("acs:ram::")?.split_once(kind)?;
    let digits = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
    (digits && !name.is_empty()).then_some((account, name))
}

/// Account and name of `acs:ram::ACCOUNT:role/NAME`.
pub(crate) fn role_parts(arn: &str) -> Option<(&str, &str)> {
    named(arn, ROLE)
}

/// Account and name of `acs:ram::ACCOUNT:oidc-provider/NAME`.
pub(crate) fn provider_parts(arn: &str) -> Option<(&str, &str)> {
    named(arn, PROVIDER)
}

/// Whether it can stand in the trust of a role.
pub(crate) fn is_principal(text: &str) -> bool {
    let account = text.strip_suffix(":root").and_then(|text| text.strip_prefix("acs:ram::"));
    account.is_some_and(|account| !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit()))
        || role_parts(text).is_some()
        || provider_parts(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_gives_its_account_and_name() {
        assert_eq!(role_parts("acs:ram::12:role/reader"), Some(("12", "reader")));
        for arn in ["", "acs:ram::12:user/x", "acs:ram:::role/x", "acs:ram::12:role/", "acs:ram::a:role/x"] {
            assert_eq!(role_parts(arn), None, "{arn}");
        }
    }

    #[test]
    fn a_principal_is_an_account_a_role_or_a_provider() {
        for text in ["acs:ram::12:root", "acs:ram::12:role/r", "acs:ram::12:oidc-provider/p"] {
            assert!(is_principal(text), "{text}");
        }
        for text in ["", "12", "acs:ram:::root", "acs:ram::12:user/u", "acs:ram::12:oidc-provider/", "root"] {
            assert!(!is_principal(text), "{text}");
        }
    }
}
