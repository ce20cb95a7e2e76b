//! The exports of the emulator's wasm: one emulator per instance, synchronous functions, text and bytes; no logic.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use serde_json::{Value, json};
use simsim::runtime::Runtime;
use simsim::{Error, ErrorKind, Instant64, Now, Timestamp};
use simsim_emulator::{Answer, Emulator, Reply};
use std::cell::Cell;
use std::time::Duration;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static NOW: Cell<Now> = Cell::default();
    static EMULATOR: Emulator = Emulator::new(Given);
}

/// The time that came in with the call. The host waits, so no sleep is ever asked for; and without randomness the
/// emulator counts its ids, which makes a test's second run like its first.
#[derive(Debug)]
struct Given;

impl Runtime for Given {
    fn wall(&self) -> Timestamp {
        NOW.get().wall
    }

    fn mono(&self) -> Instant64 {
        NOW.get().mono
    }

    async fn sleep(&self, _: Duration) {}

    fn fill_random(&self, _: &mut [u8]) -> simsim::Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "no randomness comes in with a call"))
    }
}

/// Runs `f` on this instance's emulator at that time, in milliseconds.
fn at<T>(wall: f64, mono: f64, f: impl FnOnce(&Emulator) -> T) -> T {
    NOW.set(Now { wall: Timestamp::from_millis(wall as i64), mono: Instant64::from_millis(mono as u64) });
    EMULATOR.with(f)
}

/// Puts a seed into the emulator. Returns an empty text, or what is wrong with it.
#[wasm_bindgen]
#[must_use]
pub fn seed(json: &str, wall: f64, mono: f64) -> String {
    at(wall, mono, |emulator| emulator.load_seed(json).err().map(|e| e.to_string()).unwrap_or_default())
}

/// Carries out a control call. Returns its answer as JSON: an object with `error` when it was not taken.
#[wasm_bindgen]
#[must_use]
pub fn control(method: &str, call: &str, body: &str, wall: f64, mono: f64) -> String {
    at(wall, mono, |emulator| emulator.control(method, call, body.as_bytes()).1)
}

/// What becomes of a request. `headers` is a JSON list of pairs. Returns the length of a JSON text (four bytes, little
/// endian), that text, then the body: `{"status", "headers", "beforeHeadersMs", "beforeBodyMs", "cut"}`, or
/// `{"failure"}` without a body.
#[wasm_bindgen]
#[must_use]
pub fn exchange(method: &str, url: &str, headers: &str, body: Vec<u8>, wall: f64, mono: f64) -> Vec<u8> {
    let headers = serde_json::from_str(headers).unwrap_or_default();
    match at(wall, mono, |emulator| emulator.reply(method, url, headers, body)) {
        Some(Reply::Answer(answer)) => framed(&head(&answer), &answer.body),
        Some(Reply::Hang) => framed(&json!({ "failure": "hang" }), &[]),
        Some(Reply::Reset) => framed(&json!({ "failure": "ECONNRESET" }), &[]),
        // An address that names no host leads nowhere either.
        _ => framed(&json!({ "failure": "ECONNREFUSED" }), &[]),
    }
}

fn head(answer: &Answer) -> Value {
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    json!({
        "status": answer.status,
        "headers": answer.headers,
        "beforeHeadersMs": ms(answer.before_headers),
        "beforeBodyMs": ms(answer.before_body),
        "cut": answer.cut,
    })
}

fn framed(head: &Value, body: &[u8]) -> Vec<u8> {
    let head = head.to_string();
    let length = u32::try_from(head.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes(), head.as_bytes(), body].concat()
}
