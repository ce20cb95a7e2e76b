//! Reads what criterion measured and prints the ratios that matter with their bars; `--check` fails below a bar.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Criterion's estimate of one benchmark, in nanoseconds per iteration: the median, which a noisy machine moves least.
fn median(root: &Path, group: &str, id: &str) -> Option<f64> {
    let text = std::fs::read_to_string(root.join(group).join(id).join("new/estimates.json")).ok()?;
    let json: serde_json::Value = serde_json::from_str(&text).ok()?;
    json.get("median")?.get("point_estimate")?.as_f64()
}

/// One ratio. `at_least`: whether more is better.
struct Line {
    what: &'static str,
    ratio: Option<f64>,
    at_least: bool,
    bar: f64,
    goal: f64,
}

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let root = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from)
        .join("criterion");
    let of = |group: &str, id: &str| median(&root, group, id);
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);

    println!("{:<34}{:>14}{:>14}", "median, ns", "simsim", "aws");
    for id in
        ["hit", "miss", "hit_1_thread", "hit_2_threads_different", "hit_2_threads_same", "acs3_signature"]
    {
        println!("{id:<34}{:>14}{:>14}", figure(of("simsim", id)), figure(of("aws", id)));
    }
    for id in ["clock_map_clone", "clock", "std_clock"] {
        println!("floor: {id:<27}{:>14}", figure(of("floor", id)));
    }

    let lines = [
        Line {
            what: "cached hit, times as fast",
            ratio: ratio(of("aws", "hit"), of("simsim", "hit")),
            at_least: true,
            bar: 2.0,
            goal: 2.5,
        },
        Line {
            what: "miss, times as fast",
            ratio: ratio(of("aws", "miss"), of("simsim", "miss")),
            at_least: true,
            bar: 2.0,
            goal: 5.0,
        },
        Line {
            // Each of the two threads does as many hits as the one alone did.
            what: "throughput, 2 threads over 1",
            ratio: ratio(of("simsim", "hit_1_thread"), of("simsim", "hit_2_threads_different"))
                .map(|r| 2.0 * r),
            at_least: true,
            bar: 1.7,
            goal: 2.0,
        },
        Line {
            what: "one secret, time per hit, 2 over 1",
            ratio: ratio(of("simsim", "hit_2_threads_same"), of("simsim", "hit_1_thread")),
            at_least: false,
            bar: 4.0,
            goal: 2.0,
        },
    ];
    let mut failed = false;
    println!("\n{:<36}{:>8}{:>8}{:>8}", "ratio", "is", "bar", "goal");
    for Line { what, ratio, at_least, bar, goal } in lines {
        let sign = if at_least { "≥" } else { "≤" };
        let met = ratio.is_some_and(|r| if at_least { r >= bar } else { r <= bar });
        failed |= !met;
        let is = ratio.map_or_else(|| "-".to_owned(), |r| format!("{r:.2}"));
        let note = if met { "" } else { "   NOT MET" };
        println!("{what:<36}{is:>8}{:>8}{:>8}{note}", format!("{sign}{bar}"), format!("{sign}{goal}"));
    }
    if check && failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn figure(nanoseconds: Option<f64>) -> String {
    nanoseconds.map_or_else(|| "-".to_owned(), |ns| format!("{ns:.1}"))
}
