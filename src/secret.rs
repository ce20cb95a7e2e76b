//! What is asked for (name, version) and what comes back: a secret with its value, metadata and age.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};
use crate::sensitive::Sensitive;
use crate::text::cut;
use crate::time::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The longest secret name, in characters (KMS's own limit).
const MAX_NAME: usize = 192;
/// The longest account in an ARN, in digits (they have 16 today).
const MAX_ACCOUNT: usize = 32;
/// The longest version id or stage, in characters (KMS's own limit for ids).
const MAX_VERSION: usize = 64;
/// The version stage that KMS answers with when none is named.
pub const ACS_CURRENT: &str = "ACSCurrent";
/// The version stage of the value before the last rotation.
pub const ACS_PREVIOUS: &str = "ACSPrevious";

/// A checked secret name: plain (`db/password`) or an ARN (`acs:kms:REGION:ACCOUNT:secret/NAME`).
///
/// ```
/// use simsim::SecretName;
/// # fn main() -> simsim::Result<()> {
/// let name = SecretName::parse("acs:kms:cn-hangzhou:1234567890123456:secret/db/password")?;
/// assert_eq!((name.plain(), name.region()), ("db/password", Some("cn-hangzhou")));
/// assert!(SecretName::parse("acs:oss:cn-hangzhou:1:bucket").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretName {
    full: Arc<str>,
    plain_from: usize,
    region: Option<Box<str>>,
}

impl SecretName {
    /// Checks a name as the caller wrote it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an empty or over-long name, one with control characters,
    /// or something that begins like an ARN and is none.
    pub fn parse(name: &str) -> Result<Self> {
        let fault = |what: &str| Err(Error::config(["secret name: ", what].concat()));
        if name.is_empty() {
            return fault("is empty; give a name or an ARN");
        }
        if length(name).is_none() {
            return fault("contains a control character; remove it");
        }
        let (plain, region) = match name.strip_prefix("acs:") {
            None => (name, None),
            Some(rest) => match arn_parts(rest) {
                Some((region, plain)) => (plain, Some(Box::from(region))),
                None => return fault("an ARN has the form acs:kms:REGION:ACCOUNT:secret/NAME"),
            },
        };
        if length(plain) > Some(MAX_NAME) {
            return fault("is longer than 192 characters");
        }
        Ok(Self { full: Arc::from(name), plain_from: name.len().saturating_sub(plain.len()), region })
    }

    /// The name as it was asked for.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The name without the ARN around it: what the service's answer must carry.
    pub fn plain(&self) -> &str {
        self.full.get(self.plain_from..).unwrap_or_default()
    }

    /// The region that an ARN names.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
}

/// The number of characters; `None` where one of them is a control character.
fn length(text: &str) -> Option<usize> {
    text.chars().try_fold(0usize, |n, c| (!c.is_control()).then(|| n.saturating_add(1)))
}

/// The region and the plain name of `kms:REGION:ACCOUNT:secret/NAME`. Names contain slashes.
fn arn_parts(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.strip_prefix("kms:")?;
    let (region, rest) = cut(rest, ":")?;
    let (account, resource) = cut(rest, ":")?;
    let plain = resource.strip_prefix("secret/")?;
    let account_ok =
        (1..=MAX_ACCOUNT).contains(&account.len()) && account.bytes().all(|b| b.is_ascii_digit());
    (is_region(region) && account_ok && !plain.is_empty()).then_some((region, plain))
}

/// Whether `text` can be a region: `[a-z0-9-]`, at most 64 characters.
pub(crate) fn is_region(text: &str) -> bool {
    let chars_ok = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    !text.is_empty() && text.len() <= 64 && chars_ok
}

/// Which version of a secret: the current one, or one by stage or by id.
///
/// ```
/// use simsim::{ACS_CURRENT, ACS_PREVIOUS, VersionSelector};
/// # fn main() -> simsim::Result<()> {
/// assert_eq!(VersionSelector::stage(ACS_CURRENT)?, VersionSelector::Current);
/// assert_eq!(VersionSelector::stage(ACS_PREVIOUS)?, VersionSelector::Stage(ACS_PREVIOUS.to_owned()));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VersionSelector {
    /// The version that carries the stage `ACSCurrent`.
    #[default]
    Current,
    /// The version that carries this stage.
    Stage(String),
    /// This version (managed secret types ignore it).
    Id(String),
}

impl VersionSelector {
    /// By stage; `ACSCurrent` is [`Current`](Self::Current).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an empty or over-long stage, or one with control characters.
    pub fn stage(stage: &str) -> Result<Self> {
        check_version("version_stage", stage)?;
        Ok(if stage == ACS_CURRENT { Self::Current } else { Self::Stage(stage.to_owned()) })
    }

    /// By version id.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for an empty or over-long id, or one with control characters.
    pub fn id(id: &str) -> Result<Self> {
        check_version("version_id", id)?;
        Ok(Self::Id(id.to_owned()))
    }
}

fn check_version(field: &str, value: &str) -> Result<()> {
    if length(value).is_some_and(|n| (1..=MAX_VERSION).contains(&n)) {
        return Ok(());
    }
    Err(Error::config(
        [field, ": must have 1 to 64 characters, none of them control characters; or leave it out"].concat(),
    ))
}

/// `SecretType`, as KMS names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SecretType {
    /// `Generic`
    Generic,
    /// `Rds`
    Rds,
    /// `Redis`
    Redis,
    /// `PolarDB`
    PolarDb,
    /// `RAMCredentials`
    RamCredentials,
    /// `ECS`
    Ecs,
    /// A type that this version does not know, or none.
    Other(String),
}

impl SecretType {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "Generic" => Self::Generic,
            "Rds" => Self::Rds,
            "Redis" => Self::Redis,
            "PolarDB" => Self::PolarDb,
            "RAMCredentials" => Self::RamCredentials,
            "ECS" => Self::Ecs,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The name as KMS writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Generic => "Generic",
            Self::Rds => "Rds",
            Self::Redis => "Redis",
            Self::PolarDb => "PolarDB",
            Self::RamCredentials => "RAMCredentials",
            Self::Ecs => "ECS",
            Self::Other(name) => name,
        }
    }

    /// Whether the value is a login that rotation makes useless: such values are not served stale for long after it.
    pub(crate) fn rotates_away(&self) -> bool {
        matches!(self, Self::Rds | Self::Redis | Self::PolarDb | Self::RamCredentials)
    }
}

/// The value: text, or bytes where `SecretDataType` is `binary`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SecretValue {
    /// `text`, and any type that this version does not know.
    Text(Sensitive<String>),
    /// `binary`, base64-decoded.
    Binary(Sensitive<Vec<u8>>),
}

impl SecretValue {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.expose().as_bytes(),
            Self::Binary(bytes) => bytes.expose(),
        }
    }
}

/// One version of a secret as KMS answered it. Times are as KMS wrote them (UTC).
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) version_id: String,
    pub(crate) version_stages: Vec<String>,
    pub(crate) value: SecretValue,
    pub(crate) secret_type: SecretType,
    pub(crate) create_time: Option<Timestamp>,
    pub(crate) extended_config: Option<Sensitive<String>>,
    pub(crate) automatic_rotation: Option<String>,
    pub(crate) rotation_interval: Option<Duration>,
    pub(crate) last_rotation_date: Option<Timestamp>,
    pub(crate) next_rotation_date: Option<Timestamp>,
    pub(crate) request_id: Option<String>,
    /// How long the JSON was that all of this was read from.
    pub(crate) size: usize,
}

impl Record {
    /// About how many bytes this takes in memory. Whichever text of an answer is large, it counts.
    pub(crate) fn weight(&self) -> usize {
        self.size.saturating_add(512)
    }
}

/// A secret as it was read: the value with its metadata, its age, and whether it is past its time.
///
/// Cheap to clone. `Debug` and `Display` never show the value.
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> simsim::Result<()> {
/// # let runtime = simsim::runtime::TokioRuntime::new();
/// # let kms = simsim_emulator::Emulator::new(runtime);
/// # kms.add_access_key("LTAI-example", "not-a-real-secret");
/// # kms.put_secret(simsim_emulator::SecretSeed::text("db/login", r#"{"user": "u", "password": "first"}"#));
/// # let client = simsim::Client::builder()
/// #     .region("cn-hangzhou").fetch(kms.clone()).runtime(runtime)
/// #     .credentials(simsim::Credentials::access_key("LTAI-example", "not-a-real-secret")?).build()?;
/// let secret = client.get_secret("db/login").await?;
/// assert_eq!(secret.text()?.len(), secret.bytes().len());
/// assert_eq!((secret.name(), secret.stale()), ("db/login", false));
/// assert_eq!(secret.to_string(), "Secret(db/login)");
/// # #[cfg(feature = "json")] {
/// #[derive(serde::Deserialize)]
/// struct Login { user: String, password: String }
/// let login: Login = secret.json()?;
/// # assert_eq!((login.user.as_str(), login.password.as_str()), ("u", "first"));
/// # }
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Secret {
    record: Arc<Record>,
    age: u64,
    stale: bool,
}

impl Secret {
    /// `age`: in milliseconds.
    pub(crate) fn new(record: Arc<Record>, age: u64, stale: bool) -> Self {
        Self { record, age, stale }
    }

    pub(crate) fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// The plain name, as KMS answered it.
    pub fn name(&self) -> &str {
        &self.record.name
    }

    /// The id of this version.
    pub fn version_id(&self) -> &str {
        &self.record.version_id
    }

    /// The stages that this version carries.
    pub fn version_stages(&self) -> &[String] {
        &self.record.version_stages
    }

    /// How long ago the value came from KMS.
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.age)
    }

    pub(crate) fn age_millis(&self) -> u64 {
        self.age
    }

    /// Whether the value is past its time and was answered because KMS could not be asked.
    pub fn stale(&self) -> bool {
        self.stale
    }

    /// The value.
    pub fn value(&self) -> &SecretValue {
        &self.record.value
    }

    /// The value as text.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a binary secret: use [`bytes`](Self::bytes).
    pub fn text(&self) -> Result<&str> {
        match &self.record.value {
            SecretValue::Text(text) => Ok(text.expose()),
            SecretValue::Binary(_) => {
                Err(Error::new(crate::ErrorKind::Unsupported, "the secret is binary; read it with bytes()"))
            }
        }
    }

    /// The value as bytes: the UTF-8 of a text secret, the decoded bytes of a binary one.
    pub fn bytes(&self) -> &[u8] {
        self.record.value.bytes()
    }

    /// The value parsed as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`](crate::ErrorKind::Protocol) with the kind and the position of the fault; the input is
    /// never quoted.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        use serde_json::error::Category;
        serde_json::from_slice(self.bytes()).map_err(|e| {
            let kind = match e.classify() {
                Category::Syntax => "is not valid JSON",
                Category::Eof => "is cut-off JSON",
                Category::Data => "does not have the shape that was asked for",
                Category::Io => "could not be read",
            };
            let (line, column) = (e.line(), e.column());
            Error::new(
                crate::ErrorKind::Protocol,
                format!("the secret's value {kind} (line {line}, column {column})"),
            )
        })
    }

    /// `SecretType`.
    pub fn secret_type(&self) -> &SecretType {
        &self.record.secret_type
    }

    /// When this version was made.
    pub fn create_time(&self) -> Option<Timestamp> {
        self.record.create_time
    }

    /// `ExtendedConfig`, a JSON text, for managed types.
    pub fn extended_config(&self) -> Option<&str> {
        self.record.extended_config.as_ref().map(|c| c.expose().as_str())
    }

    /// `AutomaticRotation`: `Enabled`, `Disabled` or `Invalid`.
    pub fn automatic_rotation(&self) -> Option<&str> {
        self.record.automatic_rotation.as_deref()
    }

    /// `RotationInterval`.
    pub fn rotation_interval(&self) -> Option<Duration> {
        self.record.rotation_interval
    }

    /// `LastRotationDate`.
    pub fn last_rotation_date(&self) -> Option<Timestamp> {
        self.record.last_rotation_date
    }

    /// `NextRotationDate`.
    pub fn next_rotation_date(&self) -> Option<Timestamp> {
        self.record.next_rotation_date
    }

    /// The id of the request that brought the value.
    pub fn request_id(&self) -> Option<&str> {
        self.record.request_id.as_deref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name())
            .field("version_id", &self.version_id())
            .field("age", &self.age())
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.name())
    }
}

#[cfg(test)]
mod tests;
