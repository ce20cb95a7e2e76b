//! What users are promised, as scenarios: each runs on tokio and on the mailbox, against a KMS in process.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests, on a clock that stands still"
)]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod batches;
mod caching;
mod canary;
mod chain;
mod config;
mod credentials;
mod day;
mod flights;
mod host_canary;
mod host_vectors;
mod instance;
mod observing;
mod outages;
mod profiles;
mod races;
mod reading;
mod reference;
mod resilience;
mod roles;
mod rotation;
mod session_canary;
mod sessions;
mod signing;
mod uri;
