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

/// One turn of an operation: bytes in, its next effects out. Traps where there is no session to be had, or a message
/// is cut off: the memory is broken, and the driver replaces the instance.
#[wasm_bindgen]
#[must_use]
pub fn turn(message: &[u8]) -> Vec<u8> {
    SESSION.with(|s| match s.try_borrow_mut().ok().and_then(|mut s| s.as_mut()?.turn(message).ok()) {
        Some(out) => out,
        None => std::process::abort(),
    })
}
