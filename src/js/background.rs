//! `JsBackground`: work behind an answer, kept alive by a worker's `waitUntil`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::runtime::Background;
use crate::sync::BoxFuture;
use js_sys::Function;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::future_to_promise;

/// Runs refreshes behind the answer and tells a worker's `waitUntil` of them, so that they are not cut off.
///
/// The client lives longer than a request, so the function must be one that finds the request it is called in by
/// itself: `import { waitUntil } from "cloudflare:workers"`. (`ctx.waitUntil` belongs to one request; a client that is
/// made for each request could take it.) When the function throws, the refresh is done by the read that asked for it.
#[derive(Clone)]
pub struct JsBackground {
    wait_until: Function,
}

impl JsBackground {
    /// `wait_until` is called without a `this`, with a promise that never rejects.
    #[must_use]
    pub fn new(wait_until: Function) -> Self {
        Self { wait_until }
    }
}

impl fmt::Debug for JsBackground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsBackground").finish_non_exhaustive()
    }
}

impl Background for JsBackground {
    fn run(&self, task: BoxFuture<'static, ()>) -> Result<(), BoxFuture<'static, ()>> {
        // The promise's work begins in a later turn: until then the task can be taken back.
        let place = Rc::new(RefCell::new(Some(task)));
        let taken = Rc::clone(&place);
        let promise = future_to_promise(async move {
            let task = taken.borrow_mut().take();
            if let Some(task) = task {
                task.await;
            }
            Ok(JsValue::UNDEFINED)
        });
        match self.wait_until.call1(&JsValue::UNDEFINED, &promise) {
            Ok(_) => Ok(()),
            Err(_) => place.borrow_mut().take().map_or(Ok(()), Err),
        }
    }
}
