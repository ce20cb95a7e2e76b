//! `Emulator`'s side for who may call: keys, sessions, roles, and the places that hand sessions out.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::accounts::DEFAULT_ACCOUNT;
use crate::credentials_uri::CredentialsUri;
use crate::emulator::Emulator;
use crate::metadata::InstanceRole;
use crate::oidc::OidcProvider;
use crate::role::Role;
use simsim::Timestamp;
use std::time::Duration;

impl Emulator {
    /// Adds a long-term key of the default account, `1234567890123456`.
    pub fn add_access_key(&self, id: &str, secret: &str) {
        self.add_access_key_of(id, secret, DEFAULT_ACCOUNT);
    }

    /// Adds a long-term key of another account.
    pub fn add_access_key_of(&self, id: &str, secret: &str, account: &str) {
        self.with(|state| state.accounts.add_key(id, secret, account));
    }

    /// Disables a key: calls get `InvalidAccessKeyId.Inactive`.
    pub fn deactivate_access_key(&self, id: &str) {
        self.with(|state| state.accounts.set_active(id, false));
    }

    /// Removes a key, or a session's: calls get `InvalidAccessKeyId.NotFound`.
    pub fn remove_access_key(&self, id: &str) {
        self.with(|state| state.accounts.remove_key(id));
    }

    pub(crate) fn has_key(&self, id: &str) -> bool {
        self.with(|state| state.accounts.has_key(id))
    }

    pub(crate) fn has_session(&self, id: &str) -> bool {
        self.with(|state| state.accounts.has_session(id))
    }

    /// Adds a session key of the default account.
    pub fn add_session(&self, id: &str, secret: &str, token: &str, expiration: Option<Timestamp>) {
        self.with(|state| state.accounts.add_session(id, secret, token, expiration, DEFAULT_ACCOUNT, None));
    }

    /// Ends a session now: calls get `InvalidSecurityToken.Expired`.
    pub fn expire_session(&self, id: &str) {
        self.with(|state| state.accounts.end_session(id));
    }

    /// Adds a role that everybody may assume, for sessions of up to an hour: `acs:ram::ACCOUNT:role/NAME`.
    /// Its sessions act in the role's account. Text that is no role's ARN is ignored.
    pub fn add_role(&self, arn: &str) {
        self.put_role(Role::new(arn));
    }

    /// Adds a role with a longest session of its own (the service allows 3600 to 43200 seconds).
    pub fn add_role_lasting(&self, arn: &str, max_session_seconds: u64) {
        self.put_role(Role::new(arn).max_session_seconds(max_session_seconds));
    }

    /// Adds a role, or replaces it. One whose ARN is none is ignored.
    pub fn put_role(&self, role: Role) {
        self.with(|state| state.accounts.add_role(role));
    }

    /// Registers an OIDC provider, or replaces it. One whose ARN is none is ignored.
    pub fn put_oidc_provider(&self, provider: OidcProvider) {
        self.with(|state| state.federation.put(provider));
    }

    /// A token of that provider's for a subject and an audience, which holds from now on for `lifetime` (whole seconds;
    /// zero: it is over already). `None` when no such provider is registered.
    ///
    /// ```
    /// # #[cfg(feature = "server")] {
    /// # use simsim_emulator::{Emulator, OidcProvider, server::SystemRuntime};
    /// # use std::time::Duration;
    /// # let emulator = Emulator::new(SystemRuntime::new());
    /// let ci = "acs:ram::1234567890123456:oidc-provider/ci";
    /// emulator.put_oidc_provider(OidcProvider::new(ci));
    /// let token = emulator.oidc_token(ci, "repo:app", "sts.aliyuncs.com", Duration::from_secs(600));
    /// assert_eq!(token.map(|jwt| jwt.split('.').count()), Some(3));
    /// # }
    /// ```
    pub fn oidc_token(
        &self,
        provider: &str,
        subject: &str,
        audience: &str,
        lifetime: Duration,
    ) -> Option<String> {
        self.sign_oidc_token(provider, subject, Some(audience), lifetime)
    }

    /// Without an audience it is for the provider's first client.
    pub(crate) fn sign_oidc_token(
        &self,
        provider: &str,
        subject: &str,
        audience: Option<&str>,
        lifetime: Duration,
    ) -> Option<String> {
        let (now, mut entropy) = self.moment();
        self.with(|state| state.federation.token(provider, subject, audience, now, lifetime, &mut entropy))
    }

    /// Attaches a role to the instance whose metadata this is, in the place of any other.
    pub fn attach_instance_role(&self, role: InstanceRole) {
        self.with(|state| state.metadata.attach(Some(role)));
    }

    /// Takes the instance's role away: its metadata answer 404.
    pub fn detach_instance_role(&self) {
        self.with(|state| state.metadata.attach(None));
    }

    /// Puts up an endpoint for a CredentialsURI, in the place of any other.
    pub fn put_credentials_uri(&self, endpoint: CredentialsUri) {
        self.with(|state| state.endpoint.put(Some(endpoint)));
    }
}
