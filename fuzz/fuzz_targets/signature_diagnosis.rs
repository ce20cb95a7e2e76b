//! No message of the service makes the diagnosis panic or repeat anything.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| simsim::fuzzing::signature_diagnosis(data));
