//! Adapters for Rust that its author compiles to wasm for a JavaScript runtime: fetch, clocks, timers, randomness.
// SPDX-License-Identifier: Apache-2.0 OR MIT
//!
//! For workers and services that are written in Rust (with workers-rs, or with wasm-bindgen alone). Whoever writes
//! JavaScript takes the npm package instead. This module exists on wasm32 with the feature `js`:
//!
//! ```toml
//! [dependencies]
//! simsim = { version = "0.1", default-features = false, features = ["js"] }
//! ```
//!
//! ```no_run
//! use simsim::Client;
//! use std::cell::OnceCell;
//! use wasm_bindgen::JsValue;
//!
//! thread_local! {
//!     // One client for all requests: it shares its cache between them, and nothing else.
//!     static CLIENT: OnceCell<Client> = const { OnceCell::new() };
//! }
//!
//! async fn password(env: JsValue) -> simsim::Result<String> {
//!     let client = match CLIENT.with(|kept| kept.get().cloned()) {
//!         Some(client) => client,
//!         None => {
//!             let client = simsim::js::from_env_object(&env)?.build()?;
//!             CLIENT.with(|kept| kept.get_or_init(|| client).clone())
//!         }
//!     };
//!     Ok(client.get_secret("db/password").await?.text()?.to_owned())
//! }
//! ```
//!
//! `examples/rust-worker` is a whole worker. What to know:
//!
//! - **Refreshes behind the answer** need a [`JsBackground`]. Without one the read that finds a refresh due waits for it.
//! - **Panics**: in an exported `async fn` a panic settles no promise, and the instance is not to be used any more.
//!   simsim itself does not panic.
//! - **Module scope**: making a client does no I/O, asks for no time and no randomness; reading does.
//! - Values and keys are wiped from wasm's memory when they are dropped; what JavaScript holds (`env`, the bytes of an
//!   answer) cannot be.

mod background;
mod env;
mod fetch;
mod runtime;

pub use background::JsBackground;
pub use env::from_env_object;
pub use fetch::JsFetch;
pub use runtime::JsRuntime;

use crate::{Client, ClientBuilder};
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};

/// Begins a client with this platform's [`JsFetch`] and [`JsRuntime`], five seconds for a read, and without background.
pub fn builder() -> ClientBuilder {
    Client::builder().fetch(JsFetch::new()).runtime(JsRuntime).no_background().timeout(Duration::from_secs(5))
}

/// A property, if the object has it and it can be read.
fn property(object: &JsValue, name: &str) -> Option<JsValue> {
    let value = js_sys::Reflect::get(object, &JsValue::from_str(name)).ok()?;
    (!value.is_undefined() && !value.is_null()).then_some(value)
}

/// Something that the runtime offers by that name; there may be no window, so it is asked for on `globalThis`.
fn global<T: JsCast>(name: &str) -> Option<T> {
    property(&js_sys::global(), name).map(JsCast::unchecked_into)
}

/// The name of what JavaScript threw, such as `TypeError`: never its message, which can quote anything.
fn name_of(thrown: &JsValue) -> String {
    property(thrown, "name").and_then(|name| name.as_string()).unwrap_or_default()
}
