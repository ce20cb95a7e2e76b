//! The metadata of an ECS instance: tokens, the role that is attached, and its session.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::accounts::{Accounts, DEFAULT_ACCOUNT};
use crate::answer::Page;
use crate::clock;
use crate::entropy::Entropy;
use crate::request::Incoming;
use crate::service::Service;
use crate::session::{Grant, Rolling};
use simsim::{Sensitive, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

const ROOT: &str = "/latest/";
const TOKEN: &str = "/latest/api/token";
const ROLES: &str = "/latest/meta-data/ram/security-credentials/";
const TTL_HEADER: &str = "x-aliyun-ecs-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aliyun-ecs-metadata-token";
const MAX_TTL_SECONDS: u64 = 21_600;
/// How many tokens are remembered; beyond that the oldest is forgotten.
const MAX_TOKENS: usize = 1024;
const TOKEN_BYTES: usize = 40;
/// What the service names the sessions of an instance after.
const SESSION_NAME: &str = "vm-ram-i-emulator";
const DEFAULT_SESSION_SECONDS: u64 = 21_600;

/// The role of an instance, to attach to the emulator's.
///
/// ```
/// use simsim_emulator::InstanceRole;
///
/// let role = InstanceRole::new("ecs-reader").session_seconds(3600).v2_only();
/// ```
#[derive(Clone, Debug)]
pub struct InstanceRole {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) session_seconds: u64,
    pub(crate) v2_only: bool,
}

impl InstanceRole {
    /// A role of the default account, whose sessions last six hours, told with a metadata token or without.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            account: DEFAULT_ACCOUNT.to_owned(),
            session_seconds: DEFAULT_SESSION_SECONDS,
            v2_only: false,
        }
    }

    /// The account in which the sessions act.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// How long a session lasts. The metadata tell the same one until half of that is over.
    #[must_use]
    pub fn session_seconds(mut self, seconds: u64) -> Self {
        self.session_seconds = seconds;
        self
    }

    /// Nothing without a token: the hardened mode of an instance.
    #[must_use]
    pub fn v2_only(mut self) -> Self {
        self.v2_only = true;
        self
    }
}

/// What a request asks of the metadata.
pub(crate) enum Ask {
    Token,
    Role,
    /// The session of the role of that name.
    Credentials(String),
    Unknown,
}

impl Ask {
    /// `None` for a request that is for another service. On a port the path tells, whatever the host is called.
    pub(crate) fn of(incoming: &Incoming) -> Option<Self> {
        if incoming.service() != Some(Service::Metadata) && !incoming.path.starts_with(ROOT) {
            return None;
        }
        Some(match (incoming.method.as_str(), incoming.path.as_str()) {
            ("PUT", TOKEN) => Self::Token,
            ("GET", ROLES) => Self::Role,
            ("GET", path) => {
                path.strip_prefix(ROLES).map_or(Self::Unknown, |role| Self::Credentials(role.to_owned()))
            }
            _ => Self::Unknown,
        })
    }

    /// The action's name in the log.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            Self::Token => "MetadataToken",
            Self::Role => "MetadataRole",
            Self::Credentials(_) => "MetadataCredentials",
            Self::Unknown => "?",
        }
    }
}

/// An instance that has no role at first.
#[derive(Default)]
pub(crate) struct Metadata {
    role: Option<(InstanceRole, Rolling)>,
    tokens: VecDeque<(Sensitive<String>, Timestamp)>,
}

impl Metadata {
    pub(crate) fn attach(&mut self, role: Option<InstanceRole>) {
        self.role = role.map(|role| (role, Rolling::default()));
    }

    pub(crate) fn answer(
        &mut self,
        ask: &Ask,
        incoming: &Incoming,
        accounts: &mut Accounts,
        now: Timestamp,
        entropy: &mut Entropy,
    ) -> Page {
        if matches!(ask, Ask::Token) {
            return self.token(incoming.header(TTL_HEADER), now, entropy);
        }
        if !self.admits(incoming.header(TOKEN_HEADER), now) {
            return Page::text(403, "forbidden");
        }
        match (ask, &mut self.role) {
            (Ask::Role, Some((role, _))) => Page::text(200, &role.name),
            (Ask::Credentials(name), Some((role, session))) if *name == role.name => {
                let to = Grant {
                    account: &role.account,
                    role: &role.name,
                    session_name: SESSION_NAME,
                    seconds: role.session_seconds,
                };
                let issued = session.current(accounts, &to, now, entropy);
                let mut fields = issued.fields();
                fields.insert("LastUpdated".to_owned(), clock::iso(issued.since).into());
                fields.insert("Code".to_owned(), "Success".into());
                Page::json(200, fields)
            }
            _ => Page::text(404, "<html>404</html>"),
        }
    }

    fn token(&mut self, ttl: Option<&str>, now: Timestamp, entropy: &mut Entropy) -> Page {
        let ttl: Option<u64> = ttl.and_then(|text| text.parse().ok());
        let Some(ttl) = ttl.filter(|ttl| (1..=MAX_TTL_SECONDS).contains(ttl)) else {
            return Page::text(400, "the token's time to live must be 1 to 21600 seconds");
        };
        let token = entropy.base64(TOKEN_BYTES);
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.pop_front();
        }
        self.tokens.push_back((Sensitive::new(token.clone()), now.after(Duration::from_secs(ttl))));
        Page::text(200, &token)
    }

    /// A token that was sent must hold; none need be sent unless the instance is hardened.
    fn admits(&self, token: Option<&str>, now: Timestamp) -> bool {
        match token {
            Some(token) => self.tokens.iter().any(|(held, end)| held.expose() == token && now < *end),
            None => !self.role.as_ref().is_some_and(|(role, _)| role.v2_only),
        }
    }
}
