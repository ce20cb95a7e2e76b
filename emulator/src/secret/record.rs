//! One stored secret: its versions and the stages that wander between them.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Kind, SecretSeed, interval};
use crate::answer::ServiceError;
use simsim::{Sensitive, Timestamp};

/// The stage of the value in force.
pub(crate) const CURRENT: &str = "ACSCurrent";
/// The stage of the value before it.
pub(crate) const PREVIOUS: &str = "ACSPrevious";
/// How many versions a secret keeps.
const MAX_VERSIONS: usize = 10;

/// Whether a secret can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Enabled,
    Disabled,
    PendingDeletion,
}

pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) data: Sensitive<String>,
    pub(crate) created: Timestamp,
    pub(crate) stages: Vec<String>,
}

pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) account: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) secret_type: String,
    pub(crate) extended_config: Option<String>,
    pub(crate) rotation_interval: Option<String>,
    pub(crate) next_rotation: Option<Timestamp>,
    pub(crate) last_rotation: Option<Timestamp>,
    pub(crate) created: Timestamp,
    pub(crate) state: State,
    versions: Vec<Version>,
}

/// The service tells intervals in seconds, whichever unit they were given in.
fn in_seconds(text: String) -> String {
    interval(&text).map_or(text, |interval| format!("{}s", interval.as_secs()))
}

impl Record {
    pub(crate) fn new(seed: SecretSeed, version_id: String, now: Timestamp) -> Self {
        let first = Version {
            id: seed.version_id.unwrap_or(version_id),
            kind: seed.kind,
            data: seed.data,
            created: now,
            stages: vec![CURRENT.to_owned()],
        };
        Self {
            name: seed.name,
            account: seed.account,
            region: seed.region,
            secret_type: seed.secret_type,
            extended_config: seed.extended_config,
            rotation_interval: seed.rotation_interval.map(in_seconds),
            next_rotation: seed.next_rotation,
            last_rotation: None,
            created: now,
            state: State::Enabled,
            versions: vec![first],
        }
    }

    pub(crate) fn is_generic(&self) -> bool {
        self.secret_type == "Generic"
    }

    /// Refuses a secret that cannot be used. The codes follow the service's `Rejected.` family; that a secret's own
    /// state is told by them, and with 409, is our best reading and not confirmed.
    pub(crate) fn check_state(&self) -> Result<(), ServiceError> {
        let (code, state) = match self.state {
            State::Enabled => return Ok(()),
            State::Disabled => ("Rejected.Disabled", "disabled"),
            State::PendingDeletion => ("Rejected.PendingDeletion", "pending deletion"),
        };
        Err(ServiceError::new(409, code, format!("The request was rejected because the secret is {state}.")))
    }

    pub(crate) fn versions(&self) -> &[Version] {
        &self.versions
    }

    pub(crate) fn with_id(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(crate) fn with_stage(&self, stage: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.stages.iter().any(|s| s == stage))
    }

    /// Moves a stage to the version of that id; the current stage leaves `ACSPrevious` where it was.
    pub(crate) fn move_stage(&mut self, stage: &str, to: &str) {
        let from = self.with_stage(stage).map(|version| version.id.clone());
        if from.as_deref() == Some(to) {
            return;
        }
        self.take_stage(stage);
        if let Some(version) = self.versions.iter_mut().find(|version| version.id == to) {
            version.stages.push(stage.to_owned());
        }
        if let (CURRENT, Some(old)) = (stage, from) {
            self.move_stage(PREVIOUS, &old);
        }
    }

    /// Takes a stage away from whichever version has it.
    pub(crate) fn take_stage(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.retain(|s| s != stage);
        }
    }

    /// Adds a version with those stages. Beyond ten the oldest version without a stage goes.
    pub(crate) fn add(&mut self, version: Version) -> Result<(), ServiceError> {
        let stages = version.stages.clone();
        let id = version.id.clone();
        let takes = |stage: &str| stages.iter().any(|s| s == stage);
        // Stages wander when the new version comes; a version that is left with none may go.
        let keeps_a_stage = |old: &Version| {
            let becomes_previous =
                takes(CURRENT) && !takes(PREVIOUS) && old.stages.iter().any(|s| s == CURRENT);
            let leaves = |stage: &str| takes(stage) || (stage == PREVIOUS && takes(CURRENT));
            becomes_previous || old.stages.iter().any(|s| !leaves(s))
        };
        if self.versions.len() >= MAX_VERSIONS {
            let Some(oldest) = self.versions.iter().position(|old| !keeps_a_stage(old)) else {
                return Err(ServiceError::new(
                    409,
                    "Rejected.LimitExceeded",
                    "The secret has ten versions and each of them carries a stage.",
                ));
            };
            self.versions.remove(oldest);
        }
        self.versions.push(Version { stages: Vec::new(), ..version });
        for stage in &stages {
            self.move_stage(stage, &id);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record::new(SecretSeed::text("s", "v").version_id("v1"), String::new(), Timestamp::default())
    }

    fn version(id: &str, stages: &[&str]) -> Version {
        Version {
            id: id.to_owned(),
            kind: Kind::Text,
            data: Sensitive::new(String::new()),
            created: Timestamp::default(),
            stages: stages.iter().map(|&s| s.to_owned()).collect(),
        }
    }

    fn holder<'a>(record: &'a Record, stage: &str) -> Option<&'a str> {
        record.with_stage(stage).map(|v| v.id.as_str())
    }

    #[test]
    fn a_new_current_version_makes_the_old_one_previous() {
        let mut record = record();
        record.add(version("v2", &[CURRENT])).unwrap();
        assert_eq!((holder(&record, CURRENT), holder(&record, PREVIOUS)), (Some("v2"), Some("v1")));
        record.add(version("v3", &[CURRENT])).unwrap();
        assert_eq!((holder(&record, CURRENT), holder(&record, PREVIOUS)), (Some("v3"), Some("v2")));
        assert!(record.with_id("v1").unwrap().stages.is_empty());
    }

    #[test]
    fn the_eleventh_version_replaces_the_oldest_without_a_stage() {
        let mut record = record();
        for n in 2..=11 {
            record.add(version(&format!("v{n}"), &[CURRENT])).unwrap();
        }
        assert_eq!(record.versions().len(), MAX_VERSIONS);
        assert!(record.with_id("v1").is_none() && record.with_id("v2").is_some());
    }

    #[test]
    fn a_secret_whose_versions_all_carry_stages_takes_no_more() {
        let mut record = record();
        for n in 2..=10 {
            record.add(version(&format!("v{n}"), &[&format!("stage{n}")])).unwrap();
        }
        let refused = record.add(version("v11", &["stage11"])).unwrap_err();
        assert_eq!(refused.code, "Rejected.LimitExceeded");
        assert_eq!(record.versions().len(), MAX_VERSIONS);
        record.add(version("v11", &["stage3"])).unwrap();
        assert!(record.with_id("v3").is_none());
    }
}
