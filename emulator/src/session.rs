//! Sessions that the emulator hands out: always a new one, or the same until half of its life is over.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::accounts::Accounts;
use crate::clock;
use crate::entropy::Entropy;
use serde_json::{Map, Value, json};
use simsim::{Sensitive, Timestamp};
use std::time::Duration;

/// The bytes of a made-up token; real ones are longer than a thousand characters.
const TOKEN_BYTES: usize = 768;

/// Whose session it is to be, and for how long.
pub(crate) struct Grant<'a> {
    pub(crate) account: &'a str,
    pub(crate) role: &'a str,
    pub(crate) session_name: &'a str,
    pub(crate) seconds: u64,
}

/// A session's key, and when it began and ends.
pub(crate) struct Issued {
    id: String,
    secret: Sensitive<String>,
    token: Sensitive<String>,
    pub(crate) since: Timestamp,
    until: Timestamp,
}

impl Issued {
    /// Makes a session that holds from `now` on.
    pub(crate) fn new(
        accounts: &mut Accounts,
        to: &Grant<'_>,
        now: Timestamp,
        entropy: &mut Entropy,
    ) -> Self {
        let id = format!("STS.N{}", entropy.letters(22));
        let secret = entropy.letters(44);
        let token = format!("CAIS{}", entropy.base64(TOKEN_BYTES));
        let until = now.after(Duration::from_secs(to.seconds));
        let held = Some((to.role.to_owned(), to.session_name.to_owned()));
        accounts.add_session(&id, &secret, &token, Some(until), to.account, held);
        Self { id, secret: Sensitive::new(secret), token: Sensitive::new(token), since: now, until }
    }

    /// The four fields in which every source tells a session; the end in whole seconds.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        crate::kms::object(json!({
            "AccessKeyId": self.id,
            "AccessKeySecret": self.secret.expose(),
            "SecurityToken": self.token.expose(),
            "Expiration": clock::iso(self.until),
        }))
    }
}

/// One source's session: the same for all who ask, and the next one ahead of its end.
#[derive(Default)]
pub(crate) struct Rolling(Option<Issued>);

impl Rolling {
    /// The session in force; a new one once half of its life is over, or when a test ended it.
    pub(crate) fn current(
        &mut self,
        accounts: &mut Accounts,
        to: &Grant<'_>,
        now: Timestamp,
        entropy: &mut Entropy,
    ) -> &Issued {
        let half = Duration::from_secs(to.seconds.div_euclid(2));
        let held =
            self.0.take().filter(|held| now.since(held.since) < half && accounts.is_live(&held.id, now));
        self.0.insert(held.unwrap_or_else(|| Issued::new(accounts, to, now, entropy)))
    }
}
