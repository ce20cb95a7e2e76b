//! No bytes of a driver make the reader of replies panic.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| simsim::fuzzing::reply(data));
