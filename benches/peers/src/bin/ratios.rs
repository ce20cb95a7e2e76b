//! The ratios that matter, with their bars; `--check` fails where one is missed.
//!
//! Both sides of a ratio are measured in turn, a few milliseconds each, in many rounds, and the median of the rounds'
//! ratios counts: a machine whose speed drifts from second to second is the same machine for both sides of a round.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim_peers::drive::{filled, on_threads, ready, runtime};
use simsim_peers::{aws, name, ours};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

const ROUNDS: u64 = 300;
const HITS: u64 = 20_000;
const MISSES: u64 = 100;

/// Two threads hit the same secret, or one each.
const SAME: [u64; 2] = [0, 0];
const DIFFERENT: [u64; 2] = [0, 1];

/// Nanoseconds per hit on as many threads as there are names; each thread does all its hits, and the slowest counts.
fn hits<const THREADS: usize>(names: [u64; THREADS], hit: impl Fn(&str) -> usize + Sync) -> f64 {
    let names = names.map(name);
    let took = on_threads(THREADS, HITS, |thread, iterations| {
        for _ in 0..iterations {
            black_box(hit(black_box(&names[thread])));
        }
    });
    took.as_secs_f64() * 1e9 / HITS as f64
}

/// Nanoseconds per miss, of names that no round before had.
fn misses(round: u64, miss: impl AsyncFn(&str) -> usize) -> f64 {
    let first = round * MISSES;
    let names: Vec<String> = (first..first + MISSES).map(name).collect();
    let took = runtime().block_on(async {
        let start = Instant::now();
        for name in &names {
            black_box(miss(name).await);
        }
        start.elapsed()
    });
    took.as_secs_f64() * 1e9 / MISSES as f64
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
    let our_hit = |name: &str| ready(ours::read(&ours, name));
    let round = |round| Round {
        hit: hits([0], our_hit),
        different: hits(DIFFERENT, our_hit),
        same: hits(SAME, our_hit),
        miss: misses(round, async |name| ours::read(&our_misses, name).await),
        aws_hit: hits([0], |name| ready(aws::read(&aws, name))),
        aws_miss: misses(round, async |name| aws::read(&aws_misses, name).await),
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
