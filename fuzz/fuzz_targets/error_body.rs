//! No error body makes its reader panic, or grows in it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| simsim::fuzzing::error_body(data));
