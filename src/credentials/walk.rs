//! A walk through the sources of a machine: the first that is configured answers.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::ecs_ram_role::NO_ROLE;
use super::host::{Known, SharedHost};
use super::plan::{Found, Kept};
use super::profile::Choice;
use super::{Context, Credentials, ProvideCredentials};
use crate::error::{Error, ErrorKind, Result};
use crate::sync::Guarded;

/// What a source makes of the machine and of what a user chose.
pub(super) type Look = fn(&Known, &Choice) -> Result<Found>;

pub(crate) struct Walk {
    host: SharedHost,
    pub(super) choice: Choice,
    /// In the order of the walk.
    sources: &'static [(&'static str, Look)],
    kept: Kept,
    answered: Guarded<&'static str>,
}

impl Walk {
    /// A walk that has this name until a source has answered.
    pub(super) fn new(
        host: SharedHost,
        name: &'static str,
        sources: &'static [(&'static str, Look)],
        choice: Choice,
    ) -> Self {
        Self { host, choice, sources, kept: Kept::default(), answered: Guarded::new(name) }
    }

    fn look(&self, look: Look, known: &Known) -> Result<Found> {
        let mut found = look(known, &self.choice)?;
        if let Found::Plan(plan, _) = &mut found {
            plan.at_sts(known);
        }
        Ok(found)
    }
}

impl ProvideCredentials for Walk {
    async fn provide(&self, cx: &Context<'_>) -> Result<Option<Credentials>> {
        let mut known = Known::default();
        let mut reasons = String::from("no source is configured here");
        for (source, look) in self.sources {
            let found = known.look(&*self.host, |known| self.look(*look, known)).await?;
            let why = match found {
                Found::Plan(plan, place) => {
                    let provider = self.kept.provider(plan, &place, &self.host)?;
                    match provider.provide(cx).await? {
                        Some(credentials) => {
                            self.answered.with(|answered| *answered = source);
                            return Ok(Some(credentials));
                        }
                        None => NO_ROLE.to_owned(),
                    }
                }
                Found::Nothing(why) => why,
            };
            // One that was chosen says for itself why it is not there.
            if let [_] = self.sources {
                return Err(Error::new(ErrorKind::CredentialsUnavailable, why));
            }
            reasons = [&reasons, "; ", source, ": ", &why].concat();
        }
        Err(Error::new(ErrorKind::CredentialsUnavailable, reasons))
    }

    /// The source that answered last.
    fn name(&self) -> &'static str {
        self.answered.with(|answered| *answered)
    }
}
