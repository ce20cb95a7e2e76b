//! The emulator as a transport: what would happen on a wire, without one.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::answer::Reply;
use crate::emulator::Emulator;
use crate::request::Incoming;
use simsim::http::{Fetch, FetchError, FetchErrorKind, Method, Request, Response};

impl Emulator {
    /// What would happen to a request, without waiting for any of it: for a host whose own timers do the waiting, such
    /// as JavaScript's. `None` when the address is not an absolute one of http or https.
    ///
    /// `host` and `content-length` are what a transport makes of the address and the body; given ones are ignored.
    pub fn reply(
        &self,
        method: &str,
        url: &str,
        mut headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Option<Reply> {
        headers.retain(|(name, _)| !is_transports_own(name));
        Some(self.handle(&Incoming::from_url(method, url, headers, body)?))
    }
}

fn is_transports_own(header: &str) -> bool {
    header.eq_ignore_ascii_case("host") || header.eq_ignore_ascii_case("content-length")
}

/// What a real transport would refuse: headers that are its own business, and a GET with a body.
fn incoming(request: Request) -> Option<Incoming> {
    if request.headers.iter().any(|(name, _)| is_transports_own(name)) {
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
