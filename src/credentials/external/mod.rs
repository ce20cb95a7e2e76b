//! Credentials from a program of the user: its command line, and what it writes.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod command;
mod output;

pub(crate) use command::split;
pub(crate) use output::read;

use super::host::{Host, HostError, Question, SharedHost};
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::sync::Arc;

/// How many milliseconds the program may take. The read's own time may end earlier.
const TIMEOUT: u64 = 60_000;
/// The most that is read of what it writes, in bytes.
const MAX_OUTPUT: usize = 256 * 1024;

/// Runs a program that writes credentials to its standard output, as the mode `External` of the Alibaba Cloud CLI does.
///
/// The command is split into words as a shell would do it (quotes, backslashes), but no shell runs: there are no
/// variables, no patterns, no pipes. The program gets no input, may take 60 seconds (and not longer than the read's own
/// [timeout](crate::ClientBuilder::timeout), 10 seconds unless it was raised), and writes JSON:
/// `{"mode": "AK" | "StsToken", "access_key_id", "access_key_secret", "sts_token", "expiration"}`.
///
/// Credentials with an `expiration` (`2026-01-02T03:04:05Z`) are kept until shortly before it. Without one the program
/// runs again for every call to the service. Nothing is ever written back to a file.
///
/// # Errors
/// [`Config`](ErrorKind::Config) for a command that cannot be split;
/// [`CredentialsUnavailable`](ErrorKind::CredentialsUnavailable) for a program that fails, takes too long, writes too
/// much or writes something else. What it wrote is never quoted.
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use simsim::credentials::{External, NativeHost};
/// let credentials = External::new(NativeHost::new(), "acs-sso login --profile 'my team'");
/// let builder = simsim::Client::builder().region("cn-hangzhou").credentials(credentials);
/// # let _ = builder;
/// # }
/// ```
pub struct External {
    host: SharedHost,
    argv: Result<Vec<String>>,
}

impl External {
    /// The program of this command line, run on `host`.
    pub fn new(host: impl Host, command: &str) -> Self {
        let argv = split(command).map_err(|what| Error::config(["process_command: ", what].concat()));
        Self::shared(Arc::new(host), argv)
    }

    pub(super) fn shared(host: SharedHost, argv: Result<Vec<String>>) -> Self {
        Self { host, argv }
    }
}

impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments may hold secrets.
        f.write_str("External")
    }
}

impl ProvideCredentials for External {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        let fault =
            |what: &str| Error::new(ErrorKind::CredentialsUnavailable, ["process_command: ", what].concat());
        let argv = self.argv.as_ref().map_err(Clone::clone)?;
        let upstream = cx.upstream();
        let (clock, limit) = (&upstream.api.clock, upstream.limit);
        let now = clock.now().mono;
        let time = limit.deadline.past(now).min(TIMEOUT);
        limit.lease.renew(now.plus(time));
        match clock.within(time, self.host.ask(Question::Program(argv, MAX_OUTPUT))).await {
            Some(Ok(Some(output))) => read(output.expose()).map(Some),
            Some(said) => Err(fault(&said.err().unwrap_or(HostError::NotFound).text())),
            None => Err(fault("the program did not end in time")),
        }
    }

    fn name(&self) -> &'static str {
        "external"
    }

    fn validate(&self) -> Result<()> {
        self.argv.as_ref().map(drop).map_err(Clone::clone)
    }
}
