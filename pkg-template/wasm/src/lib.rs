//! The exports of the npm package; for now only what proves that instances are independent of each other.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static KEPT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a text and says how many this instance has.
#[wasm_bindgen]
pub fn keep(text: String) -> usize {
    KEPT.with_borrow_mut(|kept| {
        kept.push(text);
        kept.len()
    })
}

/// All kept texts.
#[wasm_bindgen]
#[must_use]
pub fn kept() -> String {
    KEPT.with_borrow(|kept| kept.join(","))
}

/// A trap, as a panic is one in wasm.
#[wasm_bindgen]
pub fn trap() {
    std::process::abort();
}
