//! The bytes that cross between the wasm and its driver: effects out, replies and operations in.
//!
//! Little-endian; a text or byte string is a u32 length and its bytes; a list is a u32 count and its members; a time
//! is an f64 of milliseconds (NaN: none). An effect is its u32 id, a tag byte, and its fields. The driver that is
//! shipped with the wasm is the only other side, and checks [`ABI`].
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::http::{FetchError, FetchErrorKind, Request, Response};
use crate::observe::Event;
use crate::secret::{Secret, SecretValue};
use crate::sensitive::Sensitive;
use crate::time::{Timestamp, millis};
use std::fmt;

/// The version of this layout.
pub const ABI: u32 = 5;

/// Tags of effects, and the fields that follow.
pub(super) mod tag {
    /// Send this request: the most bytes of the answer, method, address, headers, body.
    pub(crate) const FETCH: u8 = 1;
    /// Wait for what an operation leads (0: for nothing): its id; so many milliseconds, or until it is over.
    pub(crate) const WAIT: u8 = 2;
    /// Ask the user's credentials provider: whether the service refused what it gave before.
    pub(crate) const PROVIDE: u8 = 3;
    /// Run the new operation of this id behind the answer. No reply.
    pub(crate) const SPAWN: u8 = 4;
    /// Tell the observer. No reply.
    pub(crate) const EMIT: u8 = 5;
    /// Nobody waits for the effect of this id any more: end it if that is possible. No reply.
    pub(crate) const ABORT: u8 = 6;
    /// The operation is over, with this result. No reply.
    pub(crate) const DONE: u8 = 7;
    /// Ask the machine for a variable, a file or a process, as `host.rs` writes it.
    pub(crate) const HOST: u8 = 8;
}

/// Tags of replies.
pub(super) mod reply {
    /// A fetch was answered: status, headers, body.
    pub(crate) const ANSWERED: u8 = 1;
    /// It was not: why, and the platform's code.
    pub(crate) const FAILED: u8 = 2;
    /// A wait is over.
    pub(crate) const WAITED: u8 = 3;
    /// What the provider gave: credentials, or a token.
    pub(crate) const PROVIDED: u8 = 4;
    /// The provider failed: the code of its error, and what it told where that is fit to be told on.
    pub(crate) const NOT_PROVIDED: u8 = 5;
    /// What the machine said, as `host.rs` reads it.
    pub(crate) const SAID: u8 = 6;
}

/// Writes fields one after another.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// A number; above 2^53 it is rounded.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and milliseconds of real life are exact in an f64"
    )]
    pub(crate) fn f64(&mut self, value: u64) {
        self.0.extend_from_slice(&(value as f64).to_le_bytes());
    }

    pub(crate) fn millis(&mut self, ms: u64) {
        self.u32(u32::try_from(ms).unwrap_or(u32::MAX));
    }

    pub(crate) fn time(&mut self, at: Option<Timestamp>) {
        // Exact up to 2^53 ms, far beyond any date.
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of any real date are exact in an f64")]
        let ms = at.map_or(f64::NAN, |t| t.as_millis() as f64);
        self.0.extend_from_slice(&ms.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// An effect whose fields follow.
    pub(crate) fn effect(tag: u8) -> Self {
        Self(vec![tag])
    }

    /// What was written elsewhere.
    pub(crate) fn append(&mut self, written: &[u8]) {
        self.0.extend_from_slice(written);
    }

    pub(crate) fn request(&mut self, request: &Request) {
        self.u32(u32::try_from(request.max_body).unwrap_or(u32::MAX));
        self.text(request.method.as_str());
        self.text(&request.url);
        self.u32(u32::try_from(request.headers.len()).unwrap_or(0));
        for (name, value) in &request.headers {
            self.text(name);
            self.text(value);
        }
        self.bytes(&request.body);
    }

    pub(crate) fn event(&mut self, event: &Event) {
        self.text(event.kind.name());
        self.text(&event.secret);
        self.millis(millis(event.duration));
        self.text(event.error.map_or("", ErrorKind::name));
    }

    /// Id, secret, token (may be empty), expiry, principal (may be empty).
    pub(crate) fn credentials(&mut self, credentials: &Credentials) {
        self.text(credentials.access_key_id());
        self.text(credentials.access_key_secret());
        self.text(credentials.security_token().unwrap_or_default());
        self.time(credentials.expiration());
        self.text(credentials.principal().unwrap_or_default());
    }

    /// A failed result: 1 and the error.
    pub(crate) fn failure(&mut self, error: &Error) {
        self.u8(1);
        self.error(error);
    }

    /// A result: 0 and the secret.
    pub(crate) fn secret(&mut self, secret: &Secret) {
        self.u8(0);
        self.text(secret.name());
        self.text(secret.version_id());
        self.u32(u32::try_from(secret.version_stages().len()).unwrap_or(0));
        for stage in secret.version_stages() {
            self.text(stage);
        }
        self.u8(u8::from(matches!(secret.value(), SecretValue::Binary(_))));
        self.bytes(secret.bytes());
        self.millis(secret.age_millis());
        self.u8(u8::from(secret.stale()));
        self.text(secret.secret_type().as_str());
        self.time(secret.create_time());
        self.text(secret.extended_config().unwrap_or_default());
        self.text(secret.automatic_rotation().unwrap_or_default());
        self.millis(millis(secret.rotation_interval().unwrap_or_default()));
        self.time(secret.last_rotation_date());
        self.time(secret.next_rotation_date());
        self.text(secret.request_id().unwrap_or_default());
    }

    /// An error: kind, text, service code, request id, status, retry-after, attempts, whether trying again may help.
    pub fn error(&mut self, error: &Error) {
        self.text(error.kind().name());
        self.text(&error.text());
        self.text(error.service_code().unwrap_or_default());
        self.text(error.request_id().unwrap_or_default());
        self.u32(error.status().map_or(0, u32::from));
        self.u32(u32::try_from(error.wait()).unwrap_or(u32::MAX));
        self.u32(error.attempts());
        self.u8(u8::from(error.is_retryable()));
    }
}

/// The bytes do not have this layout: the two sides are not of one build. It becomes an [`Error`] where it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What was read, if it was there.
pub type Read<T> = std::result::Result<T, Malformed>;

/// Reads fields one after another; a malformed input is an error, never a panic.
pub struct Reader<'a>(&'a [u8]);

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Writer")
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl<'a> Reader<'a> {
    /// Reads from the beginning.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// All that was not read yet.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Read<u8> {
        self.take(1)?.first().copied().ok_or(Malformed)
    }

    pub(crate) fn u32(&mut self) -> Read<u32> {
        let bytes = self.take(4)?.try_into().map_err(|_| Malformed)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// A number; NaN means none.
    pub(crate) fn f64(&mut self) -> Read<Option<f64>> {
        let bytes = self.take(8)?.try_into().map_err(|_| Malformed)?;
        let value = f64::from_le_bytes(bytes);
        Ok((!value.is_nan()).then_some(value))
    }

    pub(crate) fn bytes(&mut self) -> Read<&'a [u8]> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Read<&'a str> {
        crate::text::utf8(self.bytes()?).map_err(|_| Malformed)
    }

    /// A text, or none where it is empty.
    pub(crate) fn some_text(&mut self) -> Read<Option<&'a str>> {
        self.text().map(|t| (!t.is_empty()).then_some(t))
    }

    /// A number of milliseconds; negative ones become zero, too large ones very large.
    pub(crate) fn millis(&mut self) -> Read<Option<u64>> {
        Ok(self.f64()?.map(saturate))
    }

    /// The reply to a fetch.
    pub(crate) fn answer(&mut self) -> Read<Result<Response, FetchError>> {
        match self.u8()? {
            reply::ANSWERED => {
                let status = u16::try_from(self.u32()?).map_err(|_| Malformed)?;
                let count = self.u32()?;
                let mut headers = Vec::new();
                for _ in 0..count {
                    headers.push((self.text()?.to_owned(), self.text()?.to_owned()));
                }
                Ok(Ok(Response::new(status, headers, self.bytes()?.to_vec())))
            }
            reply::FAILED => {
                let kind = fetch_error(self.u8()?)?;
                Ok(Err(FetchError::new(kind).with_code(self.text()?)))
            }
            _ => Err(Malformed),
        }
    }

    /// The reply to a wait.
    pub(crate) fn waited(&mut self) -> Read<()> {
        match self.u8()? {
            reply::WAITED => Ok(()),
            _ => Err(Malformed),
        }
    }

    /// The reply of the user's credentials provider; `read` reads what it gave.
    pub(crate) fn provided<T>(&mut self, read: fn(&mut Self) -> Read<T>) -> Read<Result<T, Error>> {
        match self.u8()? {
            reply::PROVIDED => read(self).map(Ok),
            reply::NOT_PROVIDED => self.failure().map(Err),
            _ => Err(Malformed),
        }
    }

    /// Why a provider gave nothing.
    fn failure(&mut self) -> Read<Error> {
        let code = crate::error::printable(self.text()?);
        // What follows from these two is not what follows from a provider that is broken.
        let own = |kind: &ErrorKind| code.strip_prefix("ERR_SIMSIM_") == Some(kind.name());
        let kinds = [ErrorKind::CredentialsRejected, ErrorKind::BudgetExceeded];
        let kind = kinds.into_iter().find(own).unwrap_or(ErrorKind::CredentialsUnavailable);
        let what = match self.some_text()? {
            Some(told) => told.to_owned(),
            None => ["the provider failed: ", &code].concat(),
        };
        Ok(Error::new(kind, what))
    }

    /// A token that a provider gave: all that is left.
    pub(crate) fn token(&mut self) -> Read<Sensitive<String>> {
        let token = crate::text::utf8(self.rest()).map_err(|_| Malformed)?;
        Ok(Sensitive::new(token.to_owned()))
    }

    /// The machine's reply, as `host.rs` reads it.
    pub(crate) fn said(&mut self) -> Read<&'a [u8]> {
        match self.u8()? {
            reply::SAID => Ok(self.rest()),
            _ => Err(Malformed),
        }
    }

    /// Id, secret, token (may be empty), expiry, principal (may be empty). The driver has checked them.
    pub(crate) fn credentials(&mut self) -> Read<Credentials> {
        let (id, secret, token) = (self.text()?, self.text()?, self.some_text()?);
        let expiration = self.f64()?.map(|ms| i64::try_from(saturate(ms)).unwrap_or(i64::MAX));
        Ok(Credentials::trusted(
            id.to_owned(),
            secret.to_owned(),
            token.map(str::to_owned),
            expiration.map(Timestamp::from_millis),
            self.some_text()?.map(str::to_owned),
        ))
    }
}

/// Whole milliseconds of a JavaScript number; a cast from f64 saturates and never panics.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturating is what is wanted")]
pub(crate) fn saturate(ms: f64) -> u64 {
    ms as u64
}

fn fetch_error(code: u8) -> Read<FetchErrorKind> {
    Ok(match code {
        0 => FetchErrorKind::Connect,
        1 => FetchErrorKind::StaleConnection,
        2 => FetchErrorKind::Timeout,
        3 => FetchErrorKind::Interrupted,
        4 => FetchErrorKind::BodyTooLarge,
        5 => FetchErrorKind::Redirected,
        6 => FetchErrorKind::Unsupported,
        7 => FetchErrorKind::OverBudget,
        _ => return Err(Malformed),
    })
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Self::new(ErrorKind::Internal, "the driver and the wasm do not fit together")
    }
}
