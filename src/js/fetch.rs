//! `JsFetch`: the runtime's `fetch` as the transport, without redirects, bounded while it streams, aborted on drop.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{global, name_of, property};
use crate::http::{Fetch, FetchError, FetchErrorKind, Request, Response};
use js_sys::{Function, Promise, Reflect, Uint8Array};
use std::fmt;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers, ReadableStreamDefaultReader, RequestCache, RequestInit, RequestRedirect,
    ResponseType,
};

/// The `fetch` of the JavaScript runtime: `globalThis.fetch`, looked up for each request, or a function of your own.
///
/// Redirects are refused ([`FetchErrorKind::Redirected`], or the 3xx answer where the runtime shows it), no HTTP cache is
/// asked or filled where the runtime lets one choose, and a body is read only up to [`Request::max_body`]. Dropping the
/// future aborts the request. How long it may take is up to who waits for it, as the client does.
#[derive(Clone, Default)]
pub struct JsFetch {
    own: Option<Function>,
}

impl JsFetch {
    /// The runtime's own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A function that takes and answers what `fetch` does: a service binding's, or the emulator's in a test.
    #[must_use]
    pub fn using(fetch: Function) -> Self {
        Self { own: Some(fetch) }
    }
}

impl fmt::Debug for JsFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsFetch").field("own", &self.own.is_some()).finish()
    }
}

impl Fetch for JsFetch {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let fetch = self.own.clone().or_else(|| global("fetch"));
        let fetch = fetch.ok_or_else(|| unsupported(&JsValue::from_str("NO_FETCH")))?;
        let abort = AbortOnDrop(AbortController::new().ok());
        let init = init(&request, &abort).map_err(|e| unsupported(&e))?;
        let asked = fetch.call2(&JsValue::UNDEFINED, &JsValue::from_str(&request.url), &init);
        let promise: Promise = asked.map_err(|e| failed(FetchErrorKind::Connect, &e))?.unchecked_into();
        let answer = JsFuture::from(promise).await.map_err(|e| failed(FetchErrorKind::Connect, &e))?;
        let answer: web_sys::Response = answer.unchecked_into();
        if answer.redirected() || answer.type_() == ResponseType::Opaqueredirect {
            return Err(FetchError::new(FetchErrorKind::Redirected));
        }
        let headers = headers(&answer).map_err(|e| failed(FetchErrorKind::Interrupted, &e))?;
        let body = body(&answer, request.max_body).await?;
        abort.not_any_more();
        Ok(Response::new(answer.status(), headers, body))
    }
}

/// Aborts what is under way when the caller is gone, or when the rest of a body is not wanted.
struct AbortOnDrop(Option<AbortController>);

impl AbortOnDrop {
    fn not_any_more(mut self) {
        self.0 = None;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = &self.0 {
            controller.abort();
        }
    }
}

fn failed(kind: FetchErrorKind, thrown: &JsValue) -> FetchError {
    FetchError::new(kind).with_code(&name_of(thrown))
}

fn unsupported(why: &JsValue) -> FetchError {
    let code = why.as_string().unwrap_or_else(|| name_of(why));
    FetchError::new(FetchErrorKind::Unsupported).with_code(&code)
}

fn init(request: &Request, abort: &AbortOnDrop) -> Result<RequestInit, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in &request.headers {
        headers.append(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method(request.method.as_str());
    init.set_headers_headers(&headers);
    init.set_redirect(RequestRedirect::Manual);
    if !request.body.is_empty() {
        init.set_body_opt_u8_array(Some(&Uint8Array::from(request.body.as_slice())));
    }
    if let Some(controller) = &abort.0 {
        init.set_signal(Some(&controller.signal()));
    }
    if takes_no_store() {
        init.set_cache(RequestCache::NoStore);
    }
    Ok(init)
}

/// Whether this runtime knows `cache`: workerd with a compatibility date before 2024-11-11 throws when it is set. (Next.js
/// on the other hand keeps even answers to POST, unless told not to.)
fn takes_no_store() -> bool {
    thread_local! {
        static KNOWN: bool = {
            let init = RequestInit::new();
            init.set_cache(RequestCache::NoStore);
            web_sys::Request::new_with_str_and_init("https://localhost/", &init).is_ok()
        };
    }
    KNOWN.with(|known| *known)
}

fn headers(answer: &web_sys::Response) -> Result<Vec<(String, String)>, JsValue> {
    let mut headers = Vec::new();
    let pairs = js_sys::try_iter(&answer.headers())?;
    for pair in pairs.into_iter().flatten() {
        let pair: js_sys::Array = pair?.unchecked_into();
        headers
            .push((pair.get(0).as_string().unwrap_or_default(), pair.get(1).as_string().unwrap_or_default()));
    }
    Ok(headers)
}

/// Reads at most `max` bytes. Put together in one piece of the right length, so that no outgrown buffer holds a value.
async fn body(answer: &web_sys::Response, max: usize) -> Result<Vec<u8>, FetchError> {
    let interrupted = |e: JsValue| failed(FetchErrorKind::Interrupted, &e);
    let too_large = || FetchError::new(FetchErrorKind::BodyTooLarge);
    let announced = answer.headers().get("content-length").ok().flatten();
    if announced.and_then(|length| length.parse().ok()).is_some_and(|length: usize| length > max) {
        return Err(too_large());
    }
    let Some(stream) = answer.body() else { return Ok(Vec::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut chunks: Vec<Uint8Array> = Vec::new();
    let mut length = 0_usize;
    loop {
        let part = JsFuture::from(reader.read()).await.map_err(interrupted)?;
        if Reflect::get(&part, &JsValue::from_str("done")).map_err(interrupted)?.is_truthy() {
            break;
        }
        let chunk: Option<Uint8Array> = property(&part, "value").and_then(|value| value.dyn_into().ok());
        let chunk = chunk.ok_or_else(|| FetchError::new(FetchErrorKind::Interrupted))?;
        length = length.saturating_add(usize::try_from(chunk.length()).unwrap_or(usize::MAX));
        if length > max {
            return Err(too_large());
        }
        chunks.push(chunk);
    }
    let mut body = vec![0; length];
    let mut rest = body.as_mut_slice();
    for chunk in chunks {
        let count = usize::try_from(chunk.length()).unwrap_or(usize::MAX);
        let Some((place, tail)) = rest.split_at_mut_checked(count) else { break };
        chunk.copy_to(place);
        rest = tail;
    }
    Ok(body)
}
