//! The endpoint that a CredentialsURI names: a sidecar, or an operator's own, that tells a session.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::accounts::{Accounts, DEFAULT_ACCOUNT};
use crate::answer::Page;
use crate::entropy::Entropy;
use crate::request::Incoming;
use crate::session::{Grant, Rolling};
use serde_json::json;
use simsim::Timestamp;

/// The action's name in the log.
pub(crate) const ACTION: &str = "CredentialsUri";
const DEFAULT_SESSION_SECONDS: u64 = 3600;
const SUCCESS: &str = "Success";

/// An endpoint for a CredentialsURI, to put into the emulator. Its sessions act in the default account.
///
/// ```
/// use simsim_emulator::CredentialsUri;
///
/// let endpoint = CredentialsUri::at("/credentials").session_seconds(900);
/// ```
#[derive(Clone, Debug)]
pub struct CredentialsUri {
    pub(crate) path: String,
    pub(crate) session_seconds: u64,
    pub(crate) code: String,
}

impl CredentialsUri {
    /// It answers a GET of that path, whatever the host and the query, with a session of an hour.
    pub fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), session_seconds: DEFAULT_SESSION_SECONDS, code: SUCCESS.to_owned() }
    }

    /// How long a session lasts. The endpoint tells the same one until half of that is over.
    #[must_use]
    pub fn session_seconds(mut self, seconds: u64) -> Self {
        self.session_seconds = seconds;
        self
    }

    /// Answers with that `Code` in the place of `Success`, with status 200 and without a session.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = code.into();
        self
    }
}

/// Whether a path can be the endpoint's: the others have their own meaning.
pub(crate) fn is_free(path: &str) -> bool {
    path.len() > 1
        && path.starts_with('/')
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#')
        && !["/latest/", "/_emulator/"].iter().any(|taken| path.starts_with(taken))
}

/// The endpoint, if there is one.
#[derive(Default)]
pub(crate) struct Endpoint(Option<(CredentialsUri, Rolling)>);

impl Endpoint {
    pub(crate) fn put(&mut self, endpoint: Option<CredentialsUri>) {
        self.0 = endpoint.map(|endpoint| (endpoint, Rolling::default()));
    }

    pub(crate) fn is_asked(&self, incoming: &Incoming) -> bool {
        self.0.as_ref().is_some_and(|(endpoint, _)| endpoint.path == incoming.path)
    }

    pub(crate) fn answer(
        &mut self,
        method: &str,
        accounts: &mut Accounts,
        now: Timestamp,
        entropy: &mut Entropy,
    ) -> Page {
        let Some((endpoint, session)) = self.0.as_mut().filter(|_| method == "GET") else {
            return Page::text(404, "not found");
        };
        if endpoint.code != SUCCESS {
            let failure = json!({ "Code": endpoint.code, "Message": "There is no session to be had." });
            return Page::json(200, crate::kms::object(failure));
        }
        let to = Grant {
            account: DEFAULT_ACCOUNT,
            role: "credentials-uri",
            session_name: "emulator",
            seconds: endpoint.session_seconds,
        };
        let mut fields = session.current(accounts, &to, now, entropy).fields();
        fields.insert("Code".to_owned(), SUCCESS.into());
        Page::json(200, fields)
    }
}
