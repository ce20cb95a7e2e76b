//! Sources of credentials from the bytes that describe them: one function for each, so that a build has what it calls.
//!
//! A text that may be left out is empty then. The driver has checked the fields: what they mean is not looked at again.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::cached::CachedCredentials;
use crate::credentials::checked::Checked;
use crate::credentials::sts::RoleSession;
use crate::credentials::{
    AssumeRole, AssumeRoleWithOidc, CredentialsUri, DefaultChain, EcsRamRole, Profile, ProvideCredentials,
    TokenFile,
};
use crate::mailbox::Mailbox;
use crate::mailbox::wire::{Read, Reader};
use crate::region::{Endpoint, Network};
use std::fmt;
use std::time::Duration;

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

/// What all providers that call STS have: session name, duration, policy, region, and one byte of which the lowest two
/// bits are the network (0: none is given) and the third is set for plain http, then the authority of an endpoint.
fn role_session(role_arn: String, fields: &mut Reader<'_>) -> Read<RoleSession> {
    let mut session = RoleSession::new(role_arn);
    if let Some(name) = fields.some_text()? {
        session.session_name = name.to_owned();
    }
    if let Some(ms) = fields.millis()? {
        session.duration = Duration::from_millis(ms);
    }
    session.policy = fields.some_text()?.map(str::to_owned);
    session.region = fields.some_text()?.map(str::to_owned);
    let place = fields.u8()?;
    session.network = match place & 3 {
        0 => None,
        1 => Some(Network::Public),
        _ => Some(Network::Vpc),
    };
    session.endpoint = fields.some_text()?.map(|authority| Ok(Endpoint::trusted(place & 4 == 0, authority)));
    Ok(session)
}

/// A role, assumed with what the driver is asked for: its ARN, the session, the external id.
///
/// # Errors
/// For fields that are cut off.
pub fn assume_role(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let session = role_session(fields.text()?.to_owned(), fields)?;
    let external_id = fields.some_text()?.map(str::to_owned);
    Ok(source(Checked(AssumeRole::of(mailbox.seams(), session, external_id))))
}

/// A role, assumed with the token that the driver is asked for: its ARN, the identity provider's, the session.
///
/// # Errors
/// For fields that are cut off.
pub fn oidc(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (role, identity_provider) = (fields.text()?.to_owned(), fields.text()?.to_owned());
    let session = role_session(role, fields)?;
    Ok(source(Checked(AssumeRoleWithOidc::of(identity_provider, mailbox.seams(), session))))
}

/// An address that gives sessions.
///
/// # Errors
/// For fields that are cut off.
pub fn credentials_uri(_: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    Ok(source(Checked(CredentialsUri::new(fields.text()?))))
}

/// A role, assumed with the token in a file of the machine: its ARN, the identity provider's, the file's path,
/// the session.
///
/// # Errors
/// For fields that are cut off.
pub fn oidc_file(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (role, identity_provider) = (fields.text()?.to_owned(), fields.text()?.to_owned());
    let token = TokenFile::new(mailbox.host(), fields.text()?);
    Ok(source(Checked(AssumeRoleWithOidc::of(identity_provider, token, role_session(role, fields)?))))
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
