//! Keys, sessions, roles and the places that hand sessions out, as items of a seed or a control call describe them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::fields::{Fields, InputError};
use super::jwks::published;
use super::seed::Entry;
use crate::accounts::DEFAULT_ACCOUNT;
use crate::credentials_uri::{CredentialsUri, is_free};
use crate::metadata::InstanceRole;
use crate::oidc::OidcProvider;
use crate::role::{Role, is_principal, provider_parts, role_parts};
use serde_json::Value;
use simsim::Sensitive;

/// The shortest and longest session that an instance or an endpoint can be told to hand out.
const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 1..=129_600;

pub(super) fn access_key(value: &Value, place: &str) -> Result<Entry, InputError> {
    let mut fields = Fields::of(value, place)?;
    let id = fields.required("id")?.to_owned();
    let secret = Sensitive::new(fields.required("secret")?.to_owned());
    let account = fields.filled("account")?.unwrap_or(DEFAULT_ACCOUNT).to_owned();
    let active = fields.flag("active")?.unwrap_or(true);
    fields.finish()?;
    Ok(Entry::AccessKey { id, secret, account, active })
}

pub(super) fn session(value: &Value, place: &str) -> Result<Entry, InputError> {
    let mut fields = Fields::of(value, place)?;
    let id = fields.required("id")?.to_owned();
    let secret = Sensitive::new(fields.required("secret")?.to_owned());
    let token = Sensitive::new(fields.required("token")?.to_owned());
    let expiration = fields.time("expiration")?;
    fields.finish()?;
    Ok(Entry::Session { id, secret, token, expiration })
}

pub(super) fn role(value: &Value, place: &str) -> Result<Entry, InputError> {
    let mut fields = Fields::of(value, place)?;
    let mut role = Role::new(fields.required("arn")?);
    if role_parts(&role.arn).is_none() {
        return Err(fields.wrong("arn", "must be of the form acs:ram::ACCOUNT:role/NAME"));
    }
    role.max_session_seconds = fields.unsigned("maxSessionSeconds")?.unwrap_or(role.max_session_seconds);
    if !(3600..=43_200).contains(&role.max_session_seconds) {
        return Err(fields.wrong("maxSessionSeconds", "must be 3600 to 43200"));
    }
    role.trust = fields.texts("trust")?;
    if role.trust.iter().flatten().any(|principal| !is_principal(principal)) {
        return Err(fields.wrong(
            "trust",
            "must list acs:ram::ACCOUNT:root, acs:ram::ACCOUNT:role/NAME or acs:ram::ACCOUNT:oidc-provider/NAME",
        ));
    }
    role.external_id = fields.filled("externalId")?.map(str::to_owned);
    fields.finish()?;
    Ok(Entry::Role(role))
}

/// The ARN alone, or an object.
pub(super) fn oidc_provider(value: &Value, place: &str) -> Result<Entry, InputError> {
    let not_an_arn = "must be of the form acs:ram::ACCOUNT:oidc-provider/NAME";
    if let Some(arn) = value.as_str() {
        let known = provider_parts(arn).map(|_| Entry::OidcProvider(OidcProvider::new(arn)));
        return known.ok_or_else(|| InputError::new(format!("{place}: {not_an_arn}")));
    }
    let mut fields = Fields::of(value, place)?;
    let mut provider = OidcProvider::new(fields.required("arn")?);
    if provider_parts(&provider.arn).is_none() {
        return Err(fields.wrong("arn", not_an_arn));
    }
    if let Some(issuer) = fields.text("issuer")? {
        if !issuer.starts_with("https://") {
            return Err(fields.wrong("issuer", "must begin with https://"));
        }
        provider.issuer = issuer.to_owned();
    }
    if let Some(set) = fields.value("jwks") {
        provider.keys = published(set, &format!("{place}.jwks"))?;
    }
    provider.client_ids = fields.texts("clientIds")?.unwrap_or(provider.client_ids);
    fields.finish()?;
    Ok(Entry::OidcProvider(provider))
}

fn session_seconds(fields: &mut Fields<'_>) -> Result<Option<u64>, InputError> {
    let seconds = fields.unsigned("sessionSeconds")?;
    match seconds {
        Some(seconds) if !SESSION_SECONDS.contains(&seconds) => {
            Err(fields.wrong("sessionSeconds", "must be 1 to 129600"))
        }
        seconds => Ok(seconds),
    }
}

/// The name alone, or an object.
pub(super) fn instance_role(value: &Value, place: &str) -> Result<Entry, InputError> {
    if let Some(name) = value.as_str().filter(|name| !name.is_empty()) {
        return Ok(Entry::InstanceRole(InstanceRole::new(name)));
    }
    let mut fields = Fields::of(value, place)?;
    let mut role = InstanceRole::new(fields.required("name")?);
    role.account = fields.filled("account")?.unwrap_or(DEFAULT_ACCOUNT).to_owned();
    role.session_seconds = session_seconds(&mut fields)?.unwrap_or(role.session_seconds);
    role.v2_only = fields.flag("v2Only")?.unwrap_or(false);
    fields.finish()?;
    Ok(Entry::InstanceRole(role))
}

/// The path alone, or an object.
pub(super) fn credentials_uri(value: &Value, place: &str) -> Result<Entry, InputError> {
    let not_free = "must be a path of its own, such as /credentials";
    if let Some(path) = value.as_str() {
        let free = is_free(path).then(|| Entry::CredentialsUri(CredentialsUri::at(path)));
        return free.ok_or_else(|| InputError::new(format!("{place}: {not_free}")));
    }
    let mut fields = Fields::of(value, place)?;
    let mut endpoint = CredentialsUri::at(fields.required("path")?);
    if !is_free(&endpoint.path) {
        return Err(fields.wrong("path", not_free));
    }
    endpoint.session_seconds = session_seconds(&mut fields)?.unwrap_or(endpoint.session_seconds);
    if let Some(code) = fields.text("code")? {
        endpoint.code = code.to_owned();
    }
    fields.finish()?;
    Ok(Entry::CredentialsUri(endpoint))
}
