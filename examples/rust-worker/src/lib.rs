//! An example: a Cloudflare worker in Rust that lets a caller in who knows the secret `app/door`; no framework.
// SPDX-License-Identifier: Apache-2.0 OR MIT
//!
//! `worker.js` beside this folder is its JavaScript half.
#![cfg(target_arch = "wasm32")]

use js_sys::Function;
use simsim::js::{JsBackground, from_env_object};
use simsim::{Client, ErrorKind, Result};
use std::cell::OnceCell;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Request, Response, ResponseInit};

thread_local! {
    // One client for all requests: they share its cache, and one call to KMS when many come at once.
    static CLIENT: OnceCell<Client> = const { OnceCell::new() };
}

/// The client, made at the first request: only then is there an `env`.
fn client(env: &JsValue, wait_until: Function) -> Result<Client> {
    if let Some(client) = CLIENT.with(|kept| kept.get().cloned()) {
        return Ok(client);
    }
    let client = from_env_object(env)?.background(JsBackground::new(wait_until)).build()?;
    CLIENT.with(|kept| Ok(kept.get_or_init(|| client).clone()))
}

/// Answers a request; never throws.
#[wasm_bindgen]
pub async fn fetch(
    request: Request,
    env: JsValue,
    wait_until: Function,
) -> std::result::Result<Response, JsValue> {
    match is_let_in(&request, &env, wait_until).await {
        Ok(true) => answer(200, "open"),
        Ok(false) => answer(403, "closed"),
        // An error's text names what is wrong and what helps. It holds no value, key or token.
        Err(error) if error.kind() == ErrorKind::Config => answer(500, &error.to_string()),
        Err(error) => answer(503, &error.to_string()),
    }
}

async fn is_let_in(request: &Request, env: &JsValue, wait_until: Function) -> Result<bool> {
    let said = request.headers().get("x-password").ok().flatten().unwrap_or_default();
    let secret = client(env, wait_until)?.get_secret("app/door").await?;
    Ok(same(said.as_bytes(), secret.text()?.as_bytes()))
}

/// Compares without telling by its time how much was right.
fn same(said: &[u8], right: &[u8]) -> bool {
    let different = said.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b));
    said.len() == right.len() && different == 0
}

fn answer(status: u16, text: &str) -> std::result::Result<Response, JsValue> {
    let init = ResponseInit::new();
    init.set_status(status);
    Response::new_with_opt_str_and_init(Some(text), &init)
}
