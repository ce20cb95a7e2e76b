//! No answer to GetSecretValue panics, passes for another secret, or is quoted.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| simsim::fuzzing::answer(data));
