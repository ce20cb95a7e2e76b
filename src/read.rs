//! Ways to read beyond the one line: options of one read, and use with one more try.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::cache::{Intent, Key};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::secret::{Record, Secret, SecretName, VersionSelector};
use crate::time::{check_time, millis};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// One read: of what, how old it may be, and within which time.
pub(crate) struct Wish {
    pub(crate) key: Key,
    pub(crate) intent: Intent,
    /// In milliseconds, instead of the client's.
    pub(crate) timeout: Option<u64>,
}

/// What is asked for: the current version where neither its stage nor its id is given.
pub(crate) fn key(name: &str, version_stage: Option<&str>, version_id: Option<&str>) -> Result<Key> {
    let selector = match (version_id, version_stage) {
        (None, None) => VersionSelector::Current,
        (None, Some(stage)) => VersionSelector::stage(stage)?,
        (Some(id), None) => VersionSelector::id(id)?,
        (Some(_), Some(_)) => {
            return Err(Error::config("version_id and version_stage: give one of them, not both"));
        }
    };
    Ok(Key { name: SecretName::parse(name)?, selector })
}

/// A read with options; nothing is checked or sent before [`send`](Self::send).
///
/// ```
/// use std::time::Duration;
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
/// kms.rotate("db/login", "second");
/// let former = client.get("db/login").version_stage("ACSPrevious").send().await?;
/// assert_eq!(former.version_stages(), ["ACSPrevious"]);
///
/// let current = client.get("db/login").max_age(Duration::ZERO).timeout(Duration::from_secs(2)).send().await?;
/// assert_eq!(current.text()?, "second");
/// # Ok(()) }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is read before send()"]
pub struct GetSecret<'a> {
    client: &'a Client,
    name: &'a str,
    version_stage: Option<&'a str>,
    version_id: Option<&'a str>,
    /// These two in milliseconds.
    max_age: Option<u64>,
    timeout: Option<u64>,
}

impl<'a> GetSecret<'a> {
    pub(crate) fn new(client: &'a Client, name: &'a str) -> Self {
        Self { client, name, version_stage: None, version_id: None, max_age: None, timeout: None }
    }

    /// Reads the version that carries this stage, such as `ACSPrevious`.
    pub fn version_stage(mut self, stage: &'a str) -> Self {
        self.version_stage = Some(stage);
        self
    }

    /// Reads this version.
    pub fn version_id(mut self, id: &'a str) -> Self {
        self.version_id = Some(id);
        self
    }

    /// Takes a cached value only up to this age without asking KMS; zero always asks. When KMS cannot be asked, an
    /// older value is still answered, marked stale.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(millis(max_age));
        self
    }

    /// The whole read's time, instead of the client's.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(millis(timeout));
        self
    }

    /// Reads.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a bad option, before anything is sent; else as
    /// [`Client::get_secret`].
    pub async fn send(self) -> Result<Secret> {
        if let Some(timeout) = self.timeout {
            check_time("timeout", timeout)?;
        }
        let key = key(self.name, self.version_stage, self.version_id)?;
        let intent = Intent::Read { max_age: self.max_age };
        self.client.read(Wish { key, intent, timeout: self.timeout }).await
    }
}

impl Client {
    /// Begins a read with options: `client.get("db/password").version_stage("ACSPrevious").send().await?`.
    pub fn get<'a>(&'a self, name: &'a str) -> GetSecret<'a> {
        GetSecret::new(self, name)
    }

    /// Uses a secret; when `is_auth_error` says that the value was refused (a rotation), fetches it anew once and
    /// uses it again. Many callers that are refused at once share at most two fetches.
    ///
    /// # Errors
    /// Whatever `use_secret` returns; when the new value cannot be had, the error of the first use.
    ///
    /// ```
    /// # async fn f(client: simsim::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # async fn login(password: &str) -> Result<(), Box<dyn std::error::Error>> { Ok(()) }
    /// client
    ///     .with_secret(
    ///         "db/password",
    ///         |secret| async move { login(secret.text()?).await },
    ///         |error| error.to_string().contains("access denied"),
    ///     )
    ///     .await?;
    /// # Ok(()) }
    /// ```
    pub async fn with_secret<T, E, R>(
        &self,
        name: &str,
        mut use_secret: impl FnMut(Secret) -> R,
        is_auth_error: impl Fn(&E) -> bool,
    ) -> std::result::Result<T, E>
    where
        R: Future<Output = std::result::Result<T, E>>,
        E: From<Error>,
    {
        let secret = self.get_secret(name).await?;
        let refused = match use_secret(secret.clone()).await {
            Err(error) if is_auth_error(&error) => error,
            result => return result,
        };
        match self.newer_than(name, &secret).await {
            Ok(newer) => use_secret(newer).await,
            Err(_) => Err(refused),
        }
    }

    /// A value that was fetched after `used`: another caller may have brought it already.
    async fn newer_than(&self, name: &str, used: &Secret) -> Result<Secret> {
        let key = Key { name: SecretName::parse(name)?, selector: VersionSelector::Current };
        if self.inner.cache.at_hand(&key).is_some_and(|record| !Arc::ptr_eq(&record, used.record())) {
            return self.get_secret(name).await;
        }
        self.refresh(name).await
    }

    /// What a [`refresh`](Self::refresh) enters the cache for; with the request id of a value that was refused, whatever
    /// another caller has brought since will do.
    pub(crate) fn newer(&self, key: &Key, refused: Option<&str>) -> Intent {
        let cache = &self.inner.cache;
        let other = |record: Arc<Record>| record.request_id.as_deref() != refused;
        if refused.is_some() && cache.at_hand(key).is_some_and(other) {
            Intent::Read { max_age: None }
        } else {
            Intent::Refresh { after: cache.sequence() }
        }
    }

    /// For how many milliseconds a secret that was just read may be answered again without asking this client.
    pub(crate) fn fresh_for(&self, name: &str, secret: &Secret) -> u64 {
        self.inner.cache.fresh_for(name, secret.record(), self.inner.clock().now())
    }
}
