//! Reading an INI file never panics, and an error names the file without quoting it.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| simsim::fuzzing::ini_profile(data));
