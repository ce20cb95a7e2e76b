//! What a reqwest error means: the kind of `FetchError`, and a short code that never holds an address.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::http::{FetchError, FetchErrorKind};
use std::error::Error;
use std::io;

/// Before the head of an answer was there. `reused`: the request went out on a kept connection.
pub(super) fn of_head(error: &::reqwest::Error, reused: bool) -> FetchError {
    let kind = if error.is_connect() {
        FetchErrorKind::Connect
    } else if error.is_timeout() {
        FetchErrorKind::Timeout
    } else if error.is_builder() {
        FetchErrorKind::Unsupported
    } else if error.is_redirect() {
        FetchErrorKind::Redirected
    } else if reused && causes(error).any(is_hang_up) {
        FetchErrorKind::StaleConnection
    } else {
        FetchErrorKind::Interrupted
    };
    coded(kind, error)
}

/// In the middle of the body.
pub(super) fn of_body(error: &::reqwest::Error) -> FetchError {
    let timeout = error.is_timeout();
    coded(if timeout { FetchErrorKind::Timeout } else { FetchErrorKind::Interrupted }, error)
}

fn coded(kind: FetchErrorKind, error: &::reqwest::Error) -> FetchError {
    let code = if error.is_dns() { Some("ENOTFOUND") } else { causes(error).filter_map(code).last() };
    // A connect that took too long has no cause of its own; the other kinds speak for themselves.
    let code = code.or((kind == FetchErrorKind::Connect && error.is_timeout()).then_some("ETIMEDOUT"));
    let failure = FetchError::new(kind);
    match code {
        Some(code) => failure.with_code(code),
        None => failure,
    }
}

/// The error and what it stems from. An `io::Error` hides the error that it wraps from `source()`.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| {
        let error: &'a (dyn Error + 'static) = *error;
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

/// The other side closed or reset the connection, or hyper found it closed.
fn is_hang_up(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message() || error.is_canceled() || error.is_closed();
    }
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::NotConnected
                | io::ErrorKind::UnexpectedEof
        )
    })
}

/// The code of one cause: as POSIX names it, so that it reads alike on every platform.
fn code(error: &(dyn Error + 'static)) -> Option<&'static str> {
    #[cfg(any(feature = "ring", feature = "aws-lc"))]
    if let Some(code) = error.downcast_ref().map(super::tls::code) {
        return Some(code);
    }
    if error.downcast_ref().is_some_and(hyper::Error::is_parse) {
        return Some("EPROTO");
    }
    match error.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::ConnectionRefused => Some("ECONNREFUSED"),
        io::ErrorKind::ConnectionReset => Some("ECONNRESET"),
        io::ErrorKind::ConnectionAborted => Some("ECONNABORTED"),
        io::ErrorKind::HostUnreachable => Some("EHOSTUNREACH"),
        io::ErrorKind::NetworkUnreachable => Some("ENETUNREACH"),
        io::ErrorKind::NetworkDown => Some("ENETDOWN"),
        io::ErrorKind::AddrNotAvailable => Some("EADDRNOTAVAIL"),
        io::ErrorKind::PermissionDenied => Some("EACCES"),
        io::ErrorKind::BrokenPipe => Some("EPIPE"),
        io::ErrorKind::NotConnected => Some("ENOTCONN"),
        io::ErrorKind::TimedOut => Some("ETIMEDOUT"),
        _ => None,
    }
}
