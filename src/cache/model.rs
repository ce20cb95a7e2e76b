//! The cache and its leases against a plain reference, under random actions of many callers on a manual clock.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(clippy::arithmetic_side_effects, reason = "a test may overflow: it fails then")]

mod reference;
mod world;

use super::ttl::CachePolicy;
use crate::error::ErrorKind;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use reference::OVERHEAD;
use std::cell::RefCell;
use std::collections::BTreeMap;
use world::World;

/// Three names, and three versions of each.
const KEYS: usize = 9;

#[derive(Clone, Debug)]
enum Action {
    Read {
        key: usize,
        max_age: Option<u64>,
    },
    /// A cached read on the hot path.
    Hot {
        key: usize,
    },
    /// A refresh is asked for; it enters later.
    Ask {
        key: usize,
    },
    Refresh {
        key: usize,
    },
    Renew {
        leader: usize,
        ms: u64,
    },
    Succeed {
        leader: usize,
        size: usize,
        rotation: Option<(i64, bool)>,
        random: u64,
    },
    Fail {
        leader: usize,
        kind: usize,
        retry_after: Option<u64>,
        random: u64,
    },
    DropLeader {
        leader: usize,
    },
    CancelWaiter {
        waiter: usize,
    },
    /// Every waiter looks at its flight; those whose leader is gone enter again.
    Look,
    /// The clocks go on, each by itself; the wall clock may go back. A leader that does nothing meanwhile hangs.
    Pass {
        mono: u64,
        wall: i64,
    },
    /// The clocks go to the last millisecond before something changes, or to the one after.
    ToEdge {
        edge: usize,
        past: bool,
    },
    /// A read has waited in vain; some say that KMS was slow.
    Outlast {
        key: usize,
        slow: Option<u64>,
    },
    Invalidate {
        key: usize,
    },
    InvalidateAll,
    Close,
}

fn action() -> impl Strategy<Value = Action> {
    let n = || any::<usize>();
    // Most actions meet at one name: its versions are purged together.
    let key = || prop_oneof![6 => Just(0), 2 => Just(1), 1 => Just(3), 2 => 0..KEYS];
    let ahead = prop_oneof![
        2 => Just(0u64),
        4 => 1..50u64,
        4 => 50..1_500u64,
        2 => 1_500..10_000u64,
        1 => 10_000..100_000u64,
    ];
    let step = prop_oneof![
        4 => Just(None),
        1 => Just(Some(0i64)),
        1 => (-20_000..0i64).prop_map(Some),
        1 => (0..200_000i64).prop_map(Some),
    ];
    let rotation = prop::option::weighted(0.3, (-20_000..20_000i64, any::<bool>()));
    let retry_after = prop::option::weighted(0.2, 0..120_000u64);
    let kind = prop_oneof![0..ErrorKind::ALL.len(), 3..5usize, 7..9usize];
    prop_oneof![
        14 => (key(), prop::option::weighted(0.2, prop_oneof![1 => Just(0), 6 => 0..8_000u64]))
            .prop_map(|(key, max_age)| Action::Read { key, max_age }),
        5 => key().prop_map(|key| Action::Hot { key }),
        2 => key().prop_map(|key| Action::Ask { key }),
        4 => key().prop_map(|key| Action::Refresh { key }),
        3 => (n(), 0..8_000u64).prop_map(|(leader, ms)| Action::Renew { leader, ms }),
        12 => (n(), 0..1_500usize, rotation, any::<u64>()).prop_map(|(leader, size, rotation, random)| {
            Action::Succeed { leader, size, rotation, random }
        }),
        5 => (n(), kind, retry_after, any::<u64>()).prop_map(|(leader, kind, retry_after, random)| {
            Action::Fail { leader, kind, retry_after, random }
        }),
        2 => n().prop_map(|leader| Action::DropLeader { leader }),
        2 => n().prop_map(|waiter| Action::CancelWaiter { waiter }),
        5 => Just(Action::Look),
        8 => (ahead, step).prop_map(|(mono, wall)| {
            Action::Pass { mono, wall: wall.unwrap_or(i64::try_from(mono).unwrap()) }
        }),
        6 => (0..4usize, any::<bool>()).prop_map(|(edge, past)| Action::ToEdge { edge, past }),
        3 => (key(), any::<Option<u64>>()).prop_map(|(key, slow)| Action::Outlast { key, slow }),
        2 => key().prop_map(|key| Action::Invalidate { key }),
        1 => Just(Action::InvalidateAll),
    ]
}

fn policy() -> impl Strategy<Value = CachePolicy> {
    let bounds = prop_oneof![
        4 => Just((1_000, 64 << 20)),
        3 => (1..6usize, Just(64 << 20)),
        3 => (Just(1_000usize), OVERHEAD..4 * OVERHEAD),
        1 => Just((0, usize::MAX)),
    ];
    (1..8_000u64, 0..5_000u64, 0..60_000u64, 0..10_000u64, bounds).prop_map(
        |(ttl, revalidate, stale, overlap, (max_entries, max_bytes))| CachePolicy {
            ttl,
            stale_while_revalidate: revalidate,
            stale_if_error: stale,
            rotation_overlap: overlap,
            max_entries,
            max_bytes,
        },
    )
}

#[test]
fn the_cache_and_its_leases_do_what_the_reference_does() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let seen = RefCell::new(BTreeMap::<&'static str, u64>::new());
    let actions = RefCell::new(0);
    // One run in five closes the cache near its end.
    let runs = (policy(), prop::collection::vec(action(), 1..120), prop::bool::weighted(0.2));
    let result = runner.run(&runs, |(policy, mut steps, closes)| {
        if closes {
            let rest = steps.split_off(steps.len() - steps.len() / 5);
            steps.push(Action::Close);
            steps.extend(rest);
        }
        let mut world = World::new(policy);
        for step in &steps {
            world.act(step)?;
        }
        *actions.borrow_mut() += steps.len();
        for (what, count) in world.seen {
            *seen.borrow_mut().entry(what).or_default() += count;
        }
        Ok(())
    });
    println!("{cases} runs, {} actions: {:?}", actions.borrow(), seen.borrow());
    result.unwrap_or_else(|e| panic!("{e}"));
    // A model that never meets what it judges shows nothing.
    if cases >= 500 {
        let unmet = [
            "ready",
            "ready, stale",
            "refresh behind",
            "outlasted",
            "nothing left",
            "closed",
            "remembered failure",
            "lead",
            "follow",
            "queue",
            "lead with an old value",
            "follow with an old value",
            "hot hit",
            "edge of a bound",
            "eviction",
            "clock went back",
            "purge of a name",
            "purge of a version",
            "answered by the leader",
            "entered again",
        ];
        for what in unmet {
            assert!(seen.borrow().get(what).is_some_and(|n| *n >= 5), "hardly met: {what}");
        }
    }
}
