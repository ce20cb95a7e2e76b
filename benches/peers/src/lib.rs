//! What the benchmarks measure, each side behind the same few functions: the peer, simsim, and the floor under both.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub mod aws;
pub mod drive;
pub mod floor;
pub mod ours;

/// The value that both sides serve: as long as a database password with its user tends to be.
pub const VALUE: &str = r#"{\"user\":\"app\",\"password\":\"correct-horse-battery-staple\"}"#;

/// The n-th of a row of names that no cache has seen.
pub fn name(n: u64) -> String {
    format!("db/password-{n:09}")
}
