//! The request quota of the read group, per account and region, in windows of one second.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::Instant64;
use std::collections::BTreeMap;
use std::time::Duration;

/// The documented quota of the GetSecretValue group on the shared gateway, per second.
const DOCUMENTED: u32 = 450;

pub(crate) struct Quota {
    per_second: Option<u32>,
    windows: BTreeMap<(String, String), (Instant64, u32)>,
}

impl Default for Quota {
    fn default() -> Self {
        Self { per_second: Some(DOCUMENTED), windows: BTreeMap::new() }
    }
}

impl Quota {
    pub(crate) fn set(&mut self, per_second: Option<u32>) {
        self.per_second = per_second;
        self.windows.clear();
    }

    /// Counts one request; false when the account's quota in that region is used up.
    pub(crate) fn take(&mut self, account: &str, region: &str, now: Instant64) -> bool {
        let Some(limit) = self.per_second else { return true };
        let window = self.windows.entry((account.to_owned(), region.to_owned())).or_insert((now, 0));
        if now.since(window.0) >= Duration::from_secs(1) {
            *window = (now, 0);
        }
        if window.1 >= limit {
            return false;
        }
        window.1 = window.1.saturating_add(1);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_per_account_and_region_and_opens_again_after_a_second() {
        let mut quota = Quota::default();
        quota.set(Some(2));
        let at = Instant64::from_millis;
        assert!(quota.take("a", "r", at(0)) && quota.take("a", "r", at(900)));
        assert!(!quota.take("a", "r", at(999)));
        assert!(quota.take("a", "other", at(999)) && quota.take("b", "r", at(999)));
        assert!(quota.take("a", "r", at(1000)));
        quota.set(None);
        assert!((0..10_000).all(|_| quota.take("a", "r", at(0))));
    }
}
