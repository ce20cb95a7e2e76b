//! The seam towards the machine that the program runs on: its environment, its files, its processes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod known;
#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
mod native;

pub(crate) use known::Known;
#[cfg(all(feature = "tokio", not(target_arch = "wasm32")))]
pub use native::NativeHost;

use crate::error::{Error, ErrorKind};
use crate::sensitive::Sensitive;
use crate::sync::{BoxFuture, MaybeSend, MaybeSync};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// What a provider may ask of the machine. Natively that is [`NativeHost`]; whoever has another platform, or wants
/// to decide what a provider sees of this one, implements it.
///
/// Everything that comes from here may be secret and is wiped after use.
///
/// ```
/// use simsim::credentials::{Environment, Host, HostError};
/// use simsim::Sensitive;
///
/// /// Only variables, from a table.
/// struct Table(std::collections::HashMap<String, String>);
///
/// impl Host for Table {
///     async fn var(&self, name: &str) -> Option<Sensitive<String>> {
///         self.0.get(name).cloned().map(Sensitive::new)
///     }
///     async fn read(&self, _: &str, _: usize) -> Result<Option<Sensitive<Vec<u8>>>, HostError> {
///         Ok(None)
///     }
///     async fn run(&self, _: &[String], _: usize) -> Result<Sensitive<Vec<u8>>, HostError> {
///         Err(HostError::Unsupported)
///     }
/// }
///
/// let credentials = Environment::new(Table([("ALIBABA_CLOUD_ACCESS_KEY_ID".into(), "LTAI-example".into())].into()));
/// # let _ = simsim::Client::builder().credentials(credentials);
/// ```
pub trait Host: MaybeSend + MaybeSync + 'static {
    /// The variable of that name, if it is set and is Unicode.
    fn var(&self, name: &str) -> impl Future<Output = Option<Sensitive<String>>> + MaybeSend;

    /// The whole content of a file; `None` where there is none.
    ///
    /// # Errors
    /// [`HostError`]; a file of more than `max` bytes is [`HostError::TooLarge`].
    fn read(
        &self,
        path: &str,
        max: usize,
    ) -> impl Future<Output = Result<Option<Sensitive<Vec<u8>>>, HostError>> + MaybeSend;

    /// Runs a program (`argv[0]`, looked up in `PATH`) with its arguments, without a shell and without input, and
    /// returns what it writes to its standard output. Dropping the future ends the program.
    ///
    /// # Errors
    /// [`HostError`]; more than `max` bytes are [`HostError::TooLarge`].
    fn run(
        &self,
        argv: &[String],
        max: usize,
    ) -> impl Future<Output = Result<Sensitive<Vec<u8>>, HostError>> + MaybeSend;

    /// All three in one, for hosts that have one way to be asked anything.
    #[doc(hidden)]
    fn ask(&self, question: Question<'_>) -> impl Future<Output = Said> + MaybeSend {
        async move {
            match question {
                Question::Variable(name) => {
                    let value = self.var(name).await;
                    Ok(value.map(|value| Sensitive::new(value.into_exposed().into_bytes())))
                }
                Question::File(path, max) => self.read(path, max).await,
                Question::Program(argv, max) => self.run(argv, max).await.map(Some),
            }
        }
    }
}

/// What is asked of a machine; for files and programs with the most bytes that are wanted.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    Variable(&'a str),
    File(&'a str, usize),
    Program(&'a [String], usize),
}

/// What it says; nothing where there is no such thing.
#[doc(hidden)]
pub type Said = Result<Option<Sensitive<Vec<u8>>>, HostError>;

/// Why a file or a process gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostError {
    /// This platform has no such thing, or the program was started without the permission (Deno). A file counts as
    /// not there: whoever withholds it has configured something else.
    Unsupported,
    /// The operating system does not allow it.
    Denied,
    /// There is no such program.
    NotFound,
    /// More bytes than were asked for.
    TooLarge,
    /// The program ended with this code; `None` where a signal ended it.
    Exited(Option<i32>),
    /// Anything else: a device that fails, a directory where a file should be.
    Failed,
}

impl HostError {
    /// What went wrong, in words that follow a name.
    pub(crate) fn text(self) -> String {
        let what = match self {
            Self::Unsupported => "is not to be had on this platform, or not permitted",
            Self::Denied => "permission denied",
            Self::NotFound => "there is no such program",
            Self::TooLarge => "is too large",
            Self::Exited(Some(code)) => {
                let sign = if code < 0 { "-" } else { "" };
                let digits = crate::text::digits(usize::try_from(code.unsigned_abs()).unwrap_or(usize::MAX));
                return ["the program ended with code ", sign, &digits].concat();
            }
            Self::Exited(None) => "the program was ended by a signal",
            Self::Failed => "could not be read",
        };
        what.to_owned()
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl std::error::Error for HostError {}

/// The type-erased twin of [`Host`].
pub(crate) trait DynHost: MaybeSend + MaybeSync + 'static {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Said>;
}

impl<H: Host> DynHost for H {
    fn ask<'a>(&'a self, question: Question<'a>) -> BoxFuture<'a, Said> {
        Box::pin(Host::ask(self, question))
    }
}

/// A host that several providers share.
pub(crate) type SharedHost = Arc<dyn DynHost>;

/// A file's content, with the failure as an error that names the file.
pub(crate) fn content<'a>(path: &str, said: &'a Said) -> Result<Option<&'a [u8]>, Error> {
    match said {
        Ok(content) => Ok(content.as_ref().map(|content| content.expose().as_slice())),
        Err(HostError::Unsupported) => Ok(None),
        Err(error) => {
            let what = [&shown(path), ": ", &error.text()].concat();
            Err(Error::new(ErrorKind::CredentialsUnavailable, what))
        }
    }
}

/// A path or a name that a user chose, made fit to be printed.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(256).collect()
}
