//! The JSON reader never panics, and accepts exactly what serde_json accepts (within its bounds).
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(accepted) = simsim::fuzzing::json(data) else { return };
    match serde_json::from_slice::<serde_json::Value>(data) {
        Ok(_) => assert!(accepted),
        // A number that no f64 can hold is text to us; nesting is bounded before serde_json's own bound is met.
        Err(theirs) => assert!(!accepted || theirs.to_string().starts_with("number out of range")),
    }
});
