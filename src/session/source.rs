//! Sources of credentials from the bytes that describe them: one function for each, so that a build has what it calls.
//!
//! A text that may be left out is empty then. The driver has checked what is to be said early; what is wrong all the
//! same is said when credentials are asked for.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::cached::CachedCredentials;
use crate::credentials::{
    AssumeRole, AssumeRoleWithOidc, CredentialsUri, DefaultChain, EcsRamRole, Profile, ProvideCredentials,
    TokenFile,
};
use crate::mailbox::Mailbox;
use crate::mailbox::wire::{Read, Reader};
use crate::region::Network;
use std::fmt;

/// What a provider's session keeps: a source, and what it gave.
pub struct Source(pub(super) CachedCredentials);

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

/// The sources that a build knows.
pub trait Sources: 'static {
    /// The source of this kind with these fields.
    ///
    /// # Errors
    /// For fields that are cut off, and a kind that the build does not know.
    fn source(kind: u8, mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source>;
}

fn source(provider: impl ProvideCredentials) -> Source {
    Source(CachedCredentials::new(provider))
}

/// Sets what all providers that call STS have: session name, duration, policy, region, network, endpoint.
macro_rules! role_session {
    ($provider:ident, $fields:ident) => {
        if let Some(name) = $fields.some_text()? {
            $provider = $provider.role_session_name(name);
        }
        if let Some(duration) = $fields.duration()? {
            $provider = $provider.duration(duration);
        }
        if let Some(policy) = $fields.some_text()? {
            $provider = $provider.policy(policy);
        }
        if let Some(region) = $fields.some_text()? {
            $provider = $provider.region(region);
        }
        match $fields.u8()? {
            0 => {}
            1 => $provider = $provider.network(Network::Public),
            _ => $provider = $provider.network(Network::Vpc),
        }
        if let Some(endpoint) = $fields.some_text()? {
            $provider = $provider.endpoint(endpoint);
        }
    };
}

/// A role, assumed with what the driver is asked for: its ARN, the session, the external id.
///
/// # Errors
/// For fields that are cut off.
pub fn assume_role(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let mut provider = AssumeRole::new(mailbox.credentials(), fields.text()?);
    role_session!(provider, fields);
    if let Some(id) = fields.some_text()? {
        provider = provider.external_id(id);
    }
    Ok(source(provider))
}

/// A role, assumed with the token that the driver is asked for: its ARN, the identity provider's, the session.
///
/// # Errors
/// For fields that are cut off.
pub fn oidc(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (role, identity_provider) = (fields.text()?, fields.text()?);
    let mut provider = AssumeRoleWithOidc::new(identity_provider, role, mailbox.credentials());
    role_session!(provider, fields);
    Ok(source(provider))
}

/// An address that gives sessions.
///
/// # Errors
/// For fields that are cut off.
pub fn credentials_uri(_: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    Ok(source(CredentialsUri::new(fields.text()?)))
}

/// A role, assumed with the token in a file of the machine: its ARN, the identity provider's, the file's path,
/// the session.
///
/// # Errors
/// For fields that are cut off.
pub fn oidc_file(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (role, identity_provider, path) = (fields.text()?, fields.text()?, fields.text()?);
    let mut provider = AssumeRoleWithOidc::new(identity_provider, role, TokenFile::new(mailbox.host(), path));
    role_session!(provider, fields);
    Ok(source(provider))
}

/// The role of this instance: its name, whether metadata without a token is off, an address for tests.
///
/// # Errors
/// For fields that are cut off.
pub fn ecs_ram_role(_: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let mut provider = EcsRamRole::new();
    if let Some(name) = fields.some_text()? {
        provider = provider.role_name(name);
    }
    if fields.u8()? != 0 {
        provider = provider.without_imds_v1();
    }
    if let Some(endpoint) = fields.some_text()? {
        provider = provider.endpoint(endpoint);
    }
    Ok(source(provider))
}

/// A profile of the command line's: its name, the file.
///
/// # Errors
/// For fields that are cut off.
pub fn profile(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let mut provider = Profile::new(mailbox.host());
    if let Some(name) = fields.some_text()? {
        provider = provider.profile(name);
    }
    if let Some(file) = fields.some_text()? {
        provider = provider.file(file);
    }
    Ok(source(provider))
}

/// Whatever this machine has.
///
/// # Errors
/// None: it has no fields.
pub fn default_chain(mailbox: &Mailbox, _: &mut Reader<'_>) -> Read<Source> {
    Ok(source(DefaultChain::new(mailbox.host())))
}
