//! What a secret is: its seed, its name, and the rules that both have to keep.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod name;
mod record;
mod vault;

pub(crate) use name::{SecretRef, is_name, plain_name};
pub(crate) use record::{CURRENT, PREVIOUS, Record, State, Version};
pub(crate) use vault::Vault;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use simsim::{Sensitive, Timestamp};
use std::fmt;
use std::time::Duration;

/// The longest value, in bytes.
pub(crate) const MAX_VALUE: usize = 30_720;

/// Text or binary; a binary value travels as base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

impl Kind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "binary" => Some(Self::Binary),
            _ => None,
        }
    }
}

/// Whether the service would store that value: short enough, and base64 where it is binary.
pub(crate) fn is_value(kind: Kind, data: &str) -> bool {
    data.len() <= MAX_VALUE && (kind == Kind::Text || STANDARD.decode(data).is_ok())
}

/// An interval of rotation: a number of seconds, minutes, hours or days, such as `604800s` or `7d`.
pub(crate) fn interval(text: &str) -> Option<Duration> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3600,
        b'd' => 86_400,
        _ => return None,
    };
    let digits = text.get(..text.len().checked_sub(1)?)?;
    let number: u64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    number.checked_mul(unit).map(Duration::from_secs)
}

/// A secret to put into the emulator. `Debug` shows its name and type, never its value.
///
/// ```
/// use simsim_emulator::SecretSeed;
/// let seed = SecretSeed::text("app/db", r#"{"AccountName":"u","AccountPassword":"p"}"#)
///     .secret_type("Rds")
///     .rotation_interval("604800s");
/// assert!(!format!("{seed:?}").contains("AccountPassword"));
/// ```
#[derive(Clone)]
pub struct SecretSeed {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) data: Sensitive<String>,
    pub(crate) secret_type: String,
    pub(crate) extended_config: Option<String>,
    pub(crate) next_rotation: Option<Timestamp>,
    pub(crate) rotation_interval: Option<String>,
    pub(crate) version_id: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
}

impl SecretSeed {
    fn new(name: String, kind: Kind, data: String) -> Self {
        Self {
            name,
            kind,
            data: Sensitive::new(data),
            secret_type: "Generic".to_owned(),
            extended_config: None,
            next_rotation: None,
            rotation_interval: None,
            version_id: None,
            account: None,
            region: None,
        }
    }

    /// A generic secret with a text value.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self::new(name.into(), Kind::Text, value.into())
    }

    /// A generic secret with a binary value.
    pub fn binary(name: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        Self::new(name.into(), Kind::Binary, STANDARD.encode(bytes))
    }

    /// The type: `Generic`, `Rds`, `Redis`, `PolarDB`, `RAMCredentials` or `ECS`.
    #[must_use]
    pub fn secret_type(mut self, secret_type: impl Into<String>) -> Self {
        self.secret_type = secret_type.into();
        self
    }

    /// The extended configuration of a managed secret, as the JSON text that the service answers.
    #[must_use]
    pub fn extended_config(mut self, json: impl Into<String>) -> Self {
        self.extended_config = Some(json.into());
        self
    }

    /// When the managed secret will rotate next. Nothing rotates by itself: the time is only told to clients.
    #[must_use]
    pub fn next_rotation(mut self, at: Timestamp) -> Self {
        self.next_rotation = Some(at);
        self
    }

    /// The interval of automatic rotation, such as `604800s` or `7d`. Clients are told it in seconds.
    #[must_use]
    pub fn rotation_interval(mut self, interval: impl Into<String>) -> Self {
        self.rotation_interval = Some(interval.into());
        self
    }

    /// The id of the first version; a random one otherwise.
    #[must_use]
    pub fn version_id(mut self, id: impl Into<String>) -> Self {
        self.version_id = Some(id.into());
        self
    }

    /// The account that owns the secret. Without one it is found from every account.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// The only region that has the secret. Without one every region has it.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }
}

impl fmt::Debug for SecretSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretSeed")
            .field("name", &self.name)
            .field("secret_type", &self.secret_type)
            .finish_non_exhaustive()
    }
}
