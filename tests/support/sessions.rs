//! Every kind of session that a client can have, issued by the emulator for an hour.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{KEY_SECRET, World, minutes};
use simsim::credentials::{AssumeRole, AssumeRoleWithOidc, CredentialsUri, TokenCallback};
use simsim::runtime::Runtime;
use simsim::{ClientBuilder, Credentials, Sensitive};
use simsim_emulator::{CredentialsUri as Endpoint, Emulator, OidcProvider};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The long-term key that assumes roles.
pub const USER: (&str, &str) = ("LTAI5tTestAccessKeyId0001", "needle-of-the-user");
pub const ROLE: &str = "acs:ram::1234567890123456:role/app-role";
pub const PROVIDER: &str = "acs:ram::1234567890123456:oidc-provider/ci";
pub const AUDIENCE: &str = "sts.aliyuncs.com";
pub const URI: &str = "https://tokens.example/credentials?app=1";
/// The same on this machine.
pub const SIDECAR: &str = "http://127.0.0.1:6666/credentials";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AssumeRole,
    Oidc,
    Uri,
    Static,
    Callback,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::AssumeRole, Self::Oidc, Self::Uri, Self::Static, Self::Callback];
    /// Those that ask over the wire.
    pub const ASKING: [Self; 3] = [Self::AssumeRole, Self::Oidc, Self::Uri];

    /// What the emulator's log calls the request for a session.
    pub fn action(self) -> &'static str {
        match self {
            Self::AssumeRole => "AssumeRole",
            Self::Oidc => "AssumeRoleWithOIDC",
            Self::Uri => "CredentialsUri",
            Self::Static | Self::Callback => "",
        }
    }
}

/// The key of a RAM user.
pub fn user() -> Credentials {
    Credentials::access_key(USER.0, USER.1).expect("fits")
}

/// The role, assumed with the user's key.
pub fn role() -> AssumeRole {
    AssumeRole::new(user(), ROLE)
}

/// The role, assumed with a token that the emulator signs at this moment.
pub fn workload(kms: &Emulator) -> AssumeRoleWithOidc {
    let kms = kms.clone();
    let token = TokenCallback::new(move || {
        let token = kms.oidc_token(PROVIDER, "repo:app", AUDIENCE, minutes(10)).expect("a provider");
        async { Ok(Sensitive::new(token)) }
    });
    AssumeRoleWithOidc::new(PROVIDER, ROLE, token)
}

impl World {
    /// Puts up what issues sessions.
    pub fn issue_sessions(&self) {
        self.kms.add_access_key(USER.0, USER.1);
        self.kms.add_role(ROLE);
        self.kms.put_oidc_provider(OidcProvider::new(PROVIDER));
        self.kms.put_credentials_uri(Endpoint::at("/credentials"));
    }

    /// A builder with sessions of that kind.
    pub fn with_sessions(&self, kind: Kind) -> ClientBuilder {
        self.issue_sessions();
        let (server, kms) = (self.clock.server(), self.kms.clone());
        match kind {
            Kind::AssumeRole => self.bare().credentials(role()),
            Kind::Oidc => self.bare().credentials(workload(&kms)),
            Kind::Uri => self.bare().credentials(CredentialsUri::new(URI)),
            Kind::Static => {
                let session = World::session().with_expiration(server.wall().after(minutes(60)));
                self.bare().credentials(session)
            }
            Kind::Callback => {
                let asked = Arc::new(AtomicUsize::new(0));
                self.with_callback(move || {
                    let (id, end) = (asked.fetch_add(1, Ordering::Relaxed), server.wall().after(minutes(60)));
                    let (id, token) = (format!("STS.callback{id}"), format!("needle-token-{id}"));
                    kms.add_session(&id, KEY_SECRET, &token, Some(end));
                    let session = Credentials::session(id, KEY_SECRET, token);
                    async move { session.map(|session| session.with_expiration(end)) }
                })
            }
        }
    }
}
