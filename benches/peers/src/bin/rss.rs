//! A million misses of distinct names with the default bounds: memory after warm-up and at the end. Linux only.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim_peers::ours as side;
use simsim_peers::{drive, name};
use std::process::ExitCode;

const MISSES: u64 = 1_000_000;
/// By then the cache has been full a hundred times over.
const WARM_UP: u64 = 100_000;
const ALLOWED_KIB: u64 = 2048;

/// The resident set of this process, in KiB, whatever the size of its pages.
fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn main() -> ExitCode {
    let client = side::client();
    let (warm, end) = drive::runtime().block_on(async {
        for n in 0..WARM_UP {
            side::read(&client, &name(n)).await;
        }
        let warm = rss();
        for n in WARM_UP..MISSES {
            side::read(&client, &name(n)).await;
        }
        (warm, rss())
    });
    println!("RSS after {WARM_UP} misses: {warm} KiB; after {MISSES}: {end} KiB");
    if end <= warm + ALLOWED_KIB {
        return ExitCode::SUCCESS;
    }
    println!("grown by more than {ALLOWED_KIB} KiB");
    ExitCode::FAILURE
}
