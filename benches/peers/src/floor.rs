//! The floor under any cached read: the clock, one lookup in a map, one clone of an `Arc`, and nothing else.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::runtime::{Runtime, TokioRuntime};
use simsim::{Instant64, Now};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// A map of 100 names with the time until which each value is good.
pub struct Floor {
    runtime: TokioRuntime,
    map: HashMap<String, (Instant64, Arc<str>), foldhash::fast::RandomState>,
}

impl Floor {
    /// All values good for a day.
    #[expect(clippy::new_without_default, reason = "it does something")]
    pub fn new() -> Self {
        let runtime = TokioRuntime::new();
        let until = runtime.mono().after(std::time::Duration::from_secs(86_400));
        let map = (0..100).map(|n| (crate::name(n), (until, Arc::from(crate::VALUE)))).collect();
        Self { runtime, map }
    }

    /// One read.
    pub fn read(&self, name: &str) -> Arc<str> {
        let now = self.runtime.now();
        let (until, value) = self.map.get(name).expect("a value");
        assert!(now.mono < *until);
        value.clone()
    }

    /// Both clocks, as simsim reads them.
    pub fn clock(&self) -> Now {
        self.runtime.now()
    }

    /// Both clocks, as std reads them.
    pub fn std_clock() -> (Instant, SystemTime) {
        (Instant::now(), SystemTime::now())
    }
}
