//! Sources of credentials from the bytes that describe them: one function for each, so that a build has what it calls.
//!
//! A text that may be left out is empty then. The driver has checked the fields: what they mean is not looked at again.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::cached::CachedCredentials;
use crate::credentials::chain;
use crate::credentials::checked::Checked;
use crate::credentials::profile::{Choice, cli_walk};
use crate::credentials::sts::RoleSession;
use crate::credentials::{
    AssumeRole, AssumeRoleWithOidc, CredentialsUri, DynProvideCredentials, EcsRamRole, ProvideCredentials,
    TokenFile,
};
use crate::mailbox::Mailbox;
use crate::mailbox::wire::{Read, Reader};
use crate::region::{Endpoint, Network};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a provider's session asks.
pub struct Source(pub(super) Arc<dyn DynProvideCredentials>);

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
    Source(Arc::new(provider))
}

/// What all providers that call STS have: session name, duration, policy, region, and one byte of which the lowest two
/// bits are the network (0: none is given) and the third is set for plain http, then the authority of an endpoint.
fn role_session(role_arn: &str, fields: &mut Reader<'_>) -> Read<Box<RoleSession>> {
    let (name, duration) = (fields.some_text()?, fields.millis()?);
    let (policy, region) = (fields.some_text()?, fields.some_text()?);
    let (place, authority) = (fields.u8()?, fields.some_text()?);
    // Nothing is made before all is read: there is nothing to drop on the way.
    let mut session = Box::new(RoleSession::new(role_arn.to_owned()));
    if let Some(name) = name {
        session.session_name = name.to_owned();
    }
    if let Some(ms) = duration {
        session.duration = Duration::from_millis(ms);
    }
    session.policy = policy.map(str::to_owned);
    session.region = region.map(str::to_owned);
    session.network = match place & 3 {
        0 => None,
        1 => Some(Network::Public),
        _ => Some(Network::Vpc),
    };
    session.endpoint = authority.map(|authority| Ok(Endpoint::trusted(place & 4 == 0, authority)));
    Ok(session)
}

/// A role, assumed with what the driver is asked for: its ARN, the session, the external id.
///
/// # Errors
/// For fields that are cut off.
pub fn assume_role(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let session = role_session(fields.text()?, fields)?;
    let external_id = fields.some_text()?.map(str::to_owned);
    let asked = CachedCredentials::shared(Arc::new(mailbox.seams()));
    Ok(source(Checked(AssumeRole::of(asked, session, external_id))))
}

/// A role, assumed with the token that the driver is asked for: its ARN, the identity provider's, the session.
///
/// # Errors
/// For fields that are cut off.
pub fn oidc(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (role, identity_provider) = (fields.text()?, fields.text()?);
    let session = role_session(role, fields)?;
    Ok(source(Checked(AssumeRoleWithOidc::of(identity_provider.to_owned(), mailbox.seams(), session))))
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
    let (role, identity_provider, path) = (fields.text()?, fields.text()?, fields.text()?);
    let session = role_session(role, fields)?;
    let token = TokenFile::new(mailbox.host(), path);
    Ok(source(Checked(AssumeRoleWithOidc::of(identity_provider.to_owned(), token, session))))
}

/// The role of this instance: its name, whether metadata without a token is off, an address for tests.
///
/// # Errors
/// For fields that are cut off.
pub fn ecs_ram_role(_: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (role_name, without_imds_v1, origin) = (fields.some_text()?, fields.u8()? != 0, fields.some_text()?);
    Ok(source(EcsRamRole::of(role_name.map(str::to_owned), without_imds_v1, origin)))
}

/// A profile of the command line's: its name, the file.
///
/// # Errors
/// For fields that are cut off.
pub fn profile(mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
    let (profile, path) = (fields.some_text()?, fields.some_text()?);
    let choice = Choice { path: path.map(str::to_owned), profile: profile.map(str::to_owned) };
    Ok(source(cli_walk(Arc::new(mailbox.host()), choice)))
}

/// Whatever this machine has.
///
/// # Errors
/// None: it has no fields.
pub fn default_chain(mailbox: &Mailbox, _: &mut Reader<'_>) -> Read<Source> {
    Ok(source(chain::walk(Arc::new(mailbox.host()))))
}
