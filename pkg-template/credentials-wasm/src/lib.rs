//! The exports of the providers' wasm: one provider per instance, synchronous functions, bytes in and out; no logic.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::mailbox::Mailbox;
use simsim::mailbox::wire::{ABI, Malformed, Read, Reader};
use simsim::session::source::{self, Source, Sources};
use simsim::session::{Provider, Served};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use wasm_bindgen::prelude::wasm_bindgen;

/// Wipes what is freed: the glue's buffers hold keys and values. Beneath it an allocator of a third of std's size.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<talc::wasm::WasmDynamicTalc> =
    zeroizing_alloc::ZeroAlloc(talc::wasm::new_wasm_dynamic_allocator());

/// The sources of this build; `KIND` in pkg-template/driver/sources.js and machine.js has the same numbers.
struct Known;

impl Sources for Known {
    fn source(kind: u8, mailbox: &Mailbox, fields: &mut Reader<'_>) -> Read<Source> {
        match kind {
            #[cfg(feature = "assume-role")]
            1 => source::assume_role(mailbox, fields),
            #[cfg(feature = "oidc")]
            2 => source::oidc(mailbox, fields),
            #[cfg(feature = "credentials-uri")]
            3 => source::credentials_uri(mailbox, fields),
            #[cfg(feature = "oidc-file")]
            4 => source::oidc_file(mailbox, fields),
            #[cfg(feature = "ecs-ram-role")]
            5 => source::ecs_ram_role(mailbox, fields),
            #[cfg(feature = "profile")]
            6 => source::profile(mailbox, fields),
            #[cfg(feature = "default-chain")]
            7 => source::default_chain(mailbox, fields),
            _ => Err(Malformed),
        }
    }
}

type Session = Served<Provider<Known>>;

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

/// Opens this instance's provider. Traps at a description that is cut off.
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
