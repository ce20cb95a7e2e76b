//! The request log: who asked for what and how it ended, never a value, key or token.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// How many calls the log keeps; counts go on beyond that.
const CAPACITY: usize = 16_384;
/// How many different actions are counted; there are few real ones, but a request can claim any.
const MAX_ACTIONS: usize = 256;
/// The longest text that is kept of what a request claims.
const MAX_CLAIM: usize = 128;

/// What a request claims, if it looks like an action or a key's id at all.
pub(crate) fn claimed(text: &str) -> String {
    let plausible =
        text.len() <= MAX_CLAIM && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if plausible { text.to_owned() } else { "?".to_owned() }
}

/// One request that reached the emulator. Values, secrets of keys and tokens are never part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoggedCall {
    /// The action that was asked for, such as `GetSecretValue`; empty when the request named none, `?` when what it
    /// named looks like none. What is no API has names too: `MetadataToken`, `MetadataRole`, `MetadataCredentials`,
    /// `CredentialsUri`.
    pub action: String,
    /// The plain name of the secret (of a batch: the names joined by a comma).
    pub secret: Option<String>,
    /// The access key id that the request claimed; empty when it claimed none.
    pub access_key_id: String,
    /// The HTTP status; 0 when a fault left the request without an answer.
    pub status: u16,
    /// The error code, if the answer was an error.
    pub code: Option<String>,
    /// When it arrived, on the runtime's wall clock (without the emulator's own offset).
    pub at: Timestamp,
    /// The host it was sent to.
    pub host: String,
}

#[derive(Default)]
pub(crate) struct Journal {
    calls: VecDeque<LoggedCall>,
    counts: BTreeMap<String, u64>,
    reads: u64,
}

impl Journal {
    pub(crate) fn add(&mut self, call: LoggedCall) {
        if self.counts.len() < MAX_ACTIONS || self.counts.contains_key(&call.action) {
            let count = self.counts.entry(call.action.clone()).or_default();
            *count = count.saturating_add(1);
        }
        if self.calls.len() >= CAPACITY {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    pub(crate) fn add_read(&mut self) {
        self.reads = self.reads.saturating_add(1);
    }

    pub(crate) fn count(&self, action: &str) -> u64 {
        self.counts.get(action).copied().unwrap_or(0)
    }

    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads
    }

    pub(crate) fn calls(&self) -> Vec<LoggedCall> {
        self.calls.iter().cloned().collect()
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}
