//! The emulator as a transport: what would happen on a wire, without one.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::answer::Reply;
use crate::emulator::Emulator;
use crate::request::Incoming;
use simsim::http::{Fetch, FetchError, FetchErrorKind, Method, Request, Response};

/// What a real transport would refuse: headers that are its own business, and a GET with a body.
fn incoming(request: Request) -> Option<Incoming> {
    let own = |name: &str| name.eq_ignore_ascii_case("host") || name.eq_ignore_ascii_case("content-length");
    if request.headers.iter().any(|(name, _)| own(name)) {
        return None;
    }
    if request.method == Method::Get && !request.body.is_empty() {
        return None;
    }
    let headers = request.headers.into_iter().map(|(name, value)| (name.into_owned(), value)).collect();
    Incoming::from_url(request.method.as_str(), &request.url, headers, request.body)
}

impl Fetch for Emulator {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let max_body = request.max_body;
        let Some(incoming) = incoming(request) else {
            return Err(FetchError::new(FetchErrorKind::Unsupported));
        };
        let answer = match self.handle(&incoming) {
            Reply::Answer(answer) => answer,
            Reply::Hang => std::future::pending().await,
            Reply::Reset => return Err(FetchError::new(FetchErrorKind::Interrupted).with_code("ECONNRESET")),
            Reply::Unreachable => {
                return Err(FetchError::new(FetchErrorKind::Connect).with_code("ECONNREFUSED"));
            }
        };
        self.sleep(answer.before_headers).await;
        if answer.body.len() > max_body {
            return Err(FetchError::new(FetchErrorKind::BodyTooLarge));
        }
        self.sleep(answer.before_body).await;
        if answer.cut {
            return Err(FetchError::new(FetchErrorKind::Interrupted));
        }
        Ok(Response::new(answer.status, answer.headers, answer.body))
    }
}
