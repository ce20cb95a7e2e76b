//! Remembers the nonces of the time window, so that none is used twice, within a fixed bound of memory.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::Timestamp;
use std::collections::{BTreeSet, VecDeque};

/// How many nonces are remembered at most; beyond that the oldest is forgotten.
const CAPACITY: usize = 65_536;

#[derive(Default)]
pub(crate) struct Nonces {
    seen: BTreeSet<(String, String)>,
    /// In order of arrival, each with the end of its own window.
    order: VecDeque<(Timestamp, (String, String))>,
}

impl Nonces {
    /// Takes the nonce of a signed request that is valid until `until`; false when that key used it before.
    pub(crate) fn take(&mut self, key: &str, nonce: &str, now: Timestamp, until: Timestamp) -> bool {
        while self.order.front().is_some_and(|(end, _)| *end < now) || self.order.len() >= CAPACITY {
            if let Some((_, oldest)) = self.order.pop_front() {
                self.seen.remove(&oldest);
            }
        }
        let entry = (key.to_owned(), nonce.to_owned());
        let fresh = self.seen.insert(entry.clone());
        if fresh {
            self.order.push_back((until, entry));
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_nonce_is_refused_the_second_time_and_forgotten_after_its_window() {
        let mut nonces = Nonces::default();
        assert!(nonces.take("k", "n", at(0), at(10)));
        assert!(!nonces.take("k", "n", at(10), at(20)));
        assert!(nonces.take("other", "n", at(10), at(20)));
        assert!(nonces.take("k", "n", at(11), at(21)));
    }

    #[test]
    fn the_memory_of_nonces_is_bounded() {
        let mut nonces = Nonces::default();
        for n in 0..CAPACITY + 10 {
            assert!(nonces.take("k", &n.to_string(), at(0), at(10)));
        }
        assert_eq!((nonces.seen.len(), nonces.order.len()), (CAPACITY, CAPACITY));
    }
}
