//! Splitting a command and reading what a program writes never panics, and quotes nothing.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| simsim::fuzzing::external(data));
