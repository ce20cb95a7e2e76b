//! The ratios that matter, with their bars; `--check` fails where one is missed.
//!
//! Both sides of a ratio are measured in turn, a few milliseconds each, in many rounds, and the median of the rounds'
//! ratios counts: a machine whose speed drifts from second to second is the same machine for both sides of a round.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use criterion::measurement::WallTime;
use simsim_peers::drive::{filled, hits, misses, ready};
use simsim_peers::{aws, name, ours};
use std::process::ExitCode;
use std::time::Duration;

const ROUNDS: u64 = 300;
const HITS: u64 = 20_000;
const MISSES: u64 = 100;

/// Nanoseconds of each, of so many that took so long.
fn each(took: Duration, count: u64) -> f64 {
    took.as_secs_f64() * 1e9 / count as f64
}

/// What one round measured, in nanoseconds.
struct Round {
    hit: f64,
    different: f64,
    same: f64,
    miss: f64,
    aws_hit: f64,
    aws_miss: f64,
}

/// Of all rounds: the lower quartile, the median and the upper quartile.
fn quartiles(rounds: &[Round], of: Of) -> [f64; 3] {
    let mut row: Vec<f64> = rounds.iter().map(of).collect();
    row.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| row[row.len() * quarter / 4])
}

/// What a round gives for one line.
type Of = fn(&Round) -> f64;

/// Each ratio: what it is, how a round gives it, whether more is better, its bar and its goal.
const RATIOS: [(&str, Of, bool, f64, f64); 4] = [
    ("cached hit, times as fast", |r| r.aws_hit / r.hit, true, 2.0, 2.5),
    ("miss, times as fast", |r| r.aws_miss / r.miss, true, 2.0, 5.0),
    // Each of the two threads does as many hits as the one alone did.
    ("throughput, 2 threads over 1", |r| 2.0 * r.hit / r.different, true, 1.7, 2.0),
    ("one secret, time per hit, 2 over 1", |r| r.same / r.hit, false, 4.0, 2.0),
];

/// What they are made of, in nanoseconds.
const TIMES: [(&str, Of); 6] = [
    ("simsim: hit", |r| r.hit),
    ("simsim: hit, 2 threads, 2 secrets", |r| r.different),
    ("simsim: hit, 2 threads, 1 secret", |r| r.same),
    ("simsim: miss", |r| r.miss),
    ("aws: hit", |r| r.aws_hit),
    ("aws: miss", |r| r.aws_miss),
];

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    eprintln!("\n{ROUNDS} rounds, both sides in turn, about ten seconds; wants two idle cores");
    let (ours, aws) = (filled(ours::client(), ours::read), filled(aws::client(), aws::read));
    // Misses push older values out.
    let (our_misses, aws_misses) = (ours::client(), aws::client());
    let (one, different, same) = ([name(0)], [name(0), name(1)], [name(0), name(0)]);
    let our_hits = |names: &[String]| each(hits(names, HITS, |name| ready(ours::read(&ours, name))), HITS);
    let round = |round| {
        // Names that no round before had.
        let new = || round * MISSES..(round + 1) * MISSES;
        Round {
            hit: our_hits(&one),
            different: our_hits(&different),
            same: our_hits(&same),
            miss: each(misses(WallTime, new(), async |name| ours::read(&our_misses, name).await), MISSES),
            aws_hit: each(hits(&one, HITS, |name| ready(aws::read(&aws, name))), HITS),
            aws_miss: each(misses(WallTime, new(), async |name| aws::read(&aws_misses, name).await), MISSES),
        }
    };
    let rounds: Vec<Round> = (0..ROUNDS).map(round).collect();

    println!("{:<36}{:>8}{:>16}{:>8}{:>8}", "ratio", "median", "half of rounds", "bar", "goal");
    let mut failed = false;
    for (what, of, at_least, bar, goal) in RATIOS {
        let [low, is, high] = quartiles(&rounds, of);
        let met = if at_least { is >= bar } else { is <= bar };
        failed |= !met;
        let (sign, note) = (if at_least { "≥" } else { "≤" }, if met { "" } else { "   NOT MET" });
        let (between, bar, goal) =
            (format!("{low:.2} to {high:.2}"), format!("{sign}{bar}"), format!("{sign}{goal}"));
        println!("{what:<36}{is:>8.2}{between:>16}{bar:>8}{goal:>8}{note}");
    }
    println!("\n{:<36}{:>8}{:>16}", "nanoseconds", "median", "half of rounds");
    for (what, of) in TIMES {
        let [low, is, high] = quartiles(&rounds, of);
        println!("{what:<36}{is:>8.0}{:>16}", format!("{low:.0} to {high:.0}"));
    }
    if check && failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
