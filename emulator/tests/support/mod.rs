//! What the tests share: a runtime that stands still, an executor of a few lines, and a signer of its own.
// SPDX-License-Identifier: Apache-2.0 OR MIT
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::{Digest, Sha256};
use simsim::http::{Fetch, FetchError, Method, Request, Response};
use simsim::runtime::Runtime;
use simsim::{Instant64, Timestamp};
use simsim_emulator::Emulator;
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

pub const KEY: (&str, &str) = ("LTAI-test-key", "not-a-real-secret");
/// 2026-01-02T03:04:05Z
pub const START: i64 = 1_767_323_045_000;

/// A nonce that no other request of this test has.
pub fn nonce() -> String {
    thread_local!(static NONCE: Cell<u32> = const { Cell::new(0) });
    NONCE.set(NONCE.get() + 1);
    NONCE.get().to_string()
}

/// A clock that moves only when told; a sleep moves it and is over at once.
#[derive(Clone, Default)]
pub struct Manual(Arc<Mutex<Clock>>);

#[derive(Default)]
struct Clock {
    passed_ms: u64,
    slept: Vec<Duration>,
    random: u8,
}

impl Manual {
    pub fn advance(&self, duration: Duration) {
        self.0.lock().unwrap().passed_ms += u64::try_from(duration.as_millis()).unwrap();
    }

    pub fn slept(&self) -> Vec<Duration> {
        self.0.lock().unwrap().slept.clone()
    }
}

impl Runtime for Manual {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(START + i64::try_from(self.0.lock().unwrap().passed_ms).unwrap())
    }
    fn mono(&self) -> Instant64 {
        Instant64::from_millis(self.0.lock().unwrap().passed_ms)
    }
    async fn sleep(&self, duration: Duration) {
        self.advance(duration);
        self.0.lock().unwrap().slept.push(duration);
    }
    fn fill_random(&self, buf: &mut [u8]) -> simsim::Result<()> {
        let mut clock = self.0.lock().unwrap();
        for byte in buf {
            clock.random = clock.random.wrapping_add(1);
            *byte = clock.random;
        }
        Ok(())
    }
}

/// An emulator with one key, and its clock.
pub fn emulator() -> (Emulator, Manual) {
    let runtime = Manual::default();
    let emulator = Emulator::new(runtime.clone());
    emulator.add_access_key(KEY.0, KEY.1);
    (emulator, runtime)
}

/// Polls once: nothing here waits for anything outside. `None` is a future that hangs.
pub fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

pub fn send(emulator: &Emulator, request: Request) -> Result<Response, FetchError> {
    poll_once(emulator.fetch(request)).expect("the emulator answers at once")
}

/// An answer as JSON, with its status.
pub fn json(response: &Response) -> (u16, Value) {
    (response.status(), serde_json::from_slice(response.body()).unwrap_or(Value::Null))
}

/// A request that nothing signs.
pub fn unsigned(method: Method, url: &str, headers: &[(&'static str, &str)]) -> Request {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).to_owned())).collect();
    let (timeout, max_body) = (Duration::from_secs(1), 1 << 20);
    Request { method, url: url.to_owned(), headers, body: Vec::new(), timeout, max_body }
}

/// The key of a session, from the fields that every source tells it in.
pub fn session_key(fields: &Value) -> (String, String, Option<String>) {
    let text = |name: &str| fields[name].as_str().unwrap().to_owned();
    (text("AccessKeyId"), text("AccessKeySecret"), Some(text("SecurityToken")))
}

/// A signed call that is about to be sent; tests break single parts of it.
#[derive(Clone)]
pub struct Draft {
    pub method: Method,
    pub host: String,
    pub action: String,
    pub version: &'static str,
    pub key: (String, String, Option<String>),
    pub date: String,
    pub nonce: String,
    pub query: Vec<(String, String)>,
    pub form: Vec<(String, String)>,
}

pub fn kms(action: &str, nonce: &str, query: &[(&str, &str)]) -> Draft {
    Draft {
        method: Method::Post,
        host: "kms.cn-hangzhou.aliyuncs.com".to_owned(),
        action: action.to_owned(),
        version: "2016-01-20",
        key: (KEY.0.to_owned(), KEY.1.to_owned(), None),
        date: "2026-01-02T03:04:05Z".to_owned(),
        nonce: nonce.to_owned(),
        query: owned(query),
        form: Vec::new(),
    }
}

pub fn sts(action: &str, nonce: &str, form: &[(&str, &str)]) -> Draft {
    let host = "sts.cn-hangzhou.aliyuncs.com".to_owned();
    Draft { host, version: "2015-04-01", form: owned(form), ..kms(action, nonce, &[]) }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn pairs(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect::<Vec<_>>().join("&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Draft {
    fn request(&self, query: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Request {
        let mut url = format!("https://{}/", self.host);
        if !query.is_empty() {
            url = format!("{url}?{query}");
        }
        let headers = headers.into_iter().map(|(n, v)| (n.into(), v)).collect();
        Request {
            method: self.method,
            url,
            headers,
            body,
            timeout: Duration::from_secs(5),
            max_body: 1 << 20,
        }
    }

    /// Signed with ACS3-HMAC-SHA256.
    pub fn acs3(&self) -> Request {
        let mut query = self.query.clone();
        query.sort();
        let query = pairs(&query);
        let body = pairs(&self.form).into_bytes();
        let hash = hex(&Sha256::digest(&body));
        let mut headers = vec![
            ("host".to_owned(), self.host.clone()),
            ("x-acs-action".to_owned(), self.action.clone()),
            ("x-acs-version".to_owned(), self.version.to_owned()),
            ("x-acs-date".to_owned(), self.date.clone()),
            ("x-acs-signature-nonce".to_owned(), self.nonce.clone()),
            ("x-acs-content-sha256".to_owned(), hash.clone()),
        ];
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        if let Some(token) = &self.key.2 {
            headers.push(("x-acs-accesskey-id".to_owned(), self.key.0.clone()));
            headers.push(("x-acs-security-token".to_owned(), token.clone()));
        }
        headers.sort();
        let names: Vec<&str> = headers.iter().map(|(n, _)| n.as_str()).collect();
        let names = names.join(";");
        let lines: String = headers.iter().map(|(n, v)| format!("{n}:{v}\n")).collect();
        let canonical = format!("{}\n/\n{query}\n{lines}\n{names}\n{hash}", self.method.as_str());
        let to_sign = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(canonical.as_bytes())));
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.1.as_bytes()).unwrap();
        mac.update(to_sign.as_bytes());
        let signature = hex(&mac.finalize().into_bytes());
        headers.retain(|(name, _)| name != "host");
        let id = &self.key.0;
        headers.push((
            "authorization".to_owned(),
            format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={names},Signature={signature}"),
        ));
        self.request(&query, headers, body)
    }

    /// Signed with RPC HMAC-SHA1; `extra` are further parameters such as `Format`.
    pub fn rpc(&self, extra: &[(&str, &str)]) -> Request {
        let mut query = self.query.clone();
        query.extend(owned(extra));
        query.extend(owned(&[
            ("Action", &self.action),
            ("Version", self.version),
            ("AccessKeyId", &self.key.0),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &self.nonce),
            ("Timestamp", &self.date),
        ]));
        if let Some(token) = &self.key.2 {
            query.push(("SecurityToken".to_owned(), token.clone()));
        }
        let mut all = [query.clone(), self.form.clone()].concat();
        all.sort();
        let to_sign = format!("{}&%2F&{}", self.method.as_str(), encode(&pairs(&all)));
        let mut mac = Hmac::<sha1::Sha1>::new_from_slice(format!("{}&", self.key.1).as_bytes()).unwrap();
        mac.update(to_sign.as_bytes());
        let signature = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        query.push(("Signature".to_owned(), signature));
        let body = pairs(&self.form).into_bytes();
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        }
        self.request(&pairs(&query), headers, body)
    }

    /// Sent signed with ACS3; the status and the JSON of the answer.
    pub fn call(&self, emulator: &Emulator) -> (u16, Value) {
        json(&send(emulator, self.acs3()).unwrap())
    }
}
