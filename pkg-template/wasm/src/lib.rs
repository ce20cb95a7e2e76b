//! The wasm's exports: one client per instance, synchronous functions, bytes in and out; no logic.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::mailbox::wire::ABI;
use simsim::session::Session;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use wasm_bindgen::prelude::wasm_bindgen;

/// Wipes what is freed: the glue's buffers hold keys and values. Beneath it an allocator of a third of std's size.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<talc::wasm::WasmDynamicTalc> =
    zeroizing_alloc::ZeroAlloc(talc::wasm::new_wasm_dynamic_allocator());

thread_local! {
    /// Never dropped: an instance is opened once, and its session ends with the instance's memory.
    static SESSION: RefCell<Option<ManuallyDrop<Session>>> = const { RefCell::new(None) };
}

/// Traps where there is no session to be had: the memory is broken, and the driver replaces the instance.
fn with(f: impl FnOnce(&mut Session) -> Vec<u8>) -> Vec<u8> {
    match SESSION.with(|s| s.try_borrow_mut().ok().and_then(|mut s| s.as_mut().map(|s| f(s)))) {
        Some(out) => out,
        None => std::process::abort(),
    }
}

/// The version of the byte layout that this wasm speaks.
#[wasm_bindgen]
#[must_use]
pub fn abi() -> u32 {
    ABI
}

/// Opens this instance's client. Traps at options that are cut off.
#[wasm_bindgen]
pub fn open(options: &[u8]) {
    match Session::open(options) {
        Ok(session) => SESSION.with(|s| {
            if let Ok(mut s) = s.try_borrow_mut() {
                *s = Some(ManuallyDrop::new(session));
            }
        }),
        Err(_) => std::process::abort(),
    }
}

/// Starts an operation: its id, then its first effects.
#[wasm_bindgen]
#[must_use]
pub fn start(operation: &[u8], background: bool, wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
    with(|s| s.start(operation, background, wall, mono, entropy))
}

/// Runs a spawned operation: its first effects.
#[wasm_bindgen]
#[must_use]
pub fn run(op: u32, wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
    with(|s| s.run(op, wall, mono, entropy))
}

/// Brings the reply to an effect: the operation's next effects.
#[wasm_bindgen]
#[must_use]
pub fn step(op: u32, effect: u32, reply: &[u8], wall: f64, mono: f64, entropy: &[u8]) -> Vec<u8> {
    with(|s| s.step(op, effect, reply, wall, mono, entropy))
}

/// Drops an operation: the effects that are to be aborted.
#[wasm_bindgen]
#[must_use]
pub fn cancel(op: u32) -> Vec<u8> {
    with(|s| s.cancel(op))
}
