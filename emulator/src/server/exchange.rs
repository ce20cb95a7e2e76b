//! One HTTP exchange: a request of hyper's into one of ours, our reply onto the wire.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::body::Halves;
use super::wire::Abort;
use crate::answer::{Answer, Reply};
use crate::emulator::Emulator;
use crate::input::PREFIX;
use crate::request::Incoming;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

/// The largest request body; a secret's value is at most 30 KiB and travels encoded.
const MAX_BODY: usize = 1024 * 1024;

/// Answers one request. An error ends the connection without an answer.
pub(super) async fn exchange<B>(
    emulator: &Emulator,
    peer: SocketAddr,
    abort: &Abort,
    request: Request<B>,
) -> io::Result<Response<Halves>>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (head, body) = request.into_parts();
    let body = match Limited::new(Box::pin(body) as Pin<Box<B>>, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request body is too large or was cut off");
        }
    };
    let path = head.uri.path();
    if let Some(call) = path.strip_prefix(PREFIX) {
        if let Some(refusal) = refuse_control(&head.method, &head.headers, peer) {
            return plain(StatusCode::FORBIDDEN, refusal);
        }
        let (status, answer) = emulator.control(head.method.as_str(), call, &body);
        let mut response = Response::new(Halves::whole(answer.into_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Ok(response);
    }
    let host = head.headers.get(HOST).map(text);
    let Some(host) = host.or_else(|| head.uri.authority().map(ToString::to_string)) else {
        return plain(StatusCode::BAD_REQUEST, "the request has no Host header");
    };
    let sent = head.headers.iter().filter(|(name, _)| *name != HOST);
    let incoming = Incoming {
        method: head.method.to_string(),
        host,
        path: path.to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: sent.map(|(name, value)| (name.to_string(), text(value))).collect(),
        body,
    };
    match emulator.handle(&incoming) {
        Reply::Answer(answer) => send(emulator, answer).await,
        Reply::Hang => std::future::pending().await,
        // The port is open, so it can no longer refuse the connection: a reset is the nearest thing.
        Reply::Reset | Reply::Unreachable => {
            abort.demand();
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

async fn send(emulator: &Emulator, answer: Answer) -> io::Result<Response<Halves>> {
    emulator.sleep(answer.before_headers).await;
    let wait = (!answer.before_body.is_zero()).then(|| {
        let (emulator, delay) = (emulator.clone(), answer.before_body);
        Box::pin(async move { emulator.sleep(delay).await }) as simsim::sync::BoxFuture<'static, ()>
    });
    let length = answer.body.len();
    let body = if wait.is_some() || answer.cut {
        Halves::split(answer.body, wait, answer.cut)
    } else {
        Halves::whole(answer.body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).map_err(io::Error::other)?;
    let headers = response.headers_mut();
    // The whole length even where only half will come.
    headers.insert(hyper::header::CONTENT_LENGTH, HeaderValue::from(length));
    for (name, value) in answer.headers {
        let name = HeaderName::try_from(name).map_err(io::Error::other)?;
        headers.append(name, HeaderValue::try_from(value).map_err(io::Error::other)?);
    }
    Ok(response)
}

fn plain(status: StatusCode, reason: &str) -> io::Result<Response<Halves>> {
    let body = serde_json::json!({ "error": reason }).to_string();
    let mut response = Response::new(Halves::whole(body.into_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Why a control call is refused: it must come from a program on this machine, never from a page in a browser, not
/// even one whose name was rebound to a loopback address.
fn refuse_control(method: &Method, headers: &HeaderMap, peer: SocketAddr) -> Option<&'static str> {
    if !peer.ip().is_loopback() {
        return Some("control calls come from loopback only");
    }
    if headers.contains_key(ORIGIN) {
        return Some("control calls do not come from browsers");
    }
    if !headers.get(HOST).is_some_and(|host| is_loopback_name(&text(host))) {
        return Some("control calls are sent to localhost or a loopback address");
    }
    let json = headers.get(CONTENT_TYPE).is_some_and(|media| text(media).starts_with("application/json"));
    if *method != Method::GET && !json {
        return Some("control calls carry content-type: application/json");
    }
    None
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_taken_for_this_machine() {
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:8080"] {
            assert!(is_loopback_name(host), "{host}");
        }
        for host in ["", "localhost.example", "127.0.0.1.example", "10.0.0.1", "example:80"] {
            assert!(!is_loopback_name(host), "{host}");
        }
    }
}
