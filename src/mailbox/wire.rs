//! The bytes that cross between the wasm and its driver: effects out, replies and operations in.
//!
//! Little-endian; a text or byte string is a u32 length and its bytes; a list is a u32 count and its members; a time
//! is an f64 of milliseconds (NaN: none). An effect is a tag byte, its u32 id, and its fields. The driver that is
//! shipped with the wasm is the only other side, and checks [`ABI`].
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Effect, EffectId, Reply};
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::http::{FetchError, FetchErrorKind, Response};
use crate::secret::Secret;
use crate::sensitive::Sensitive;
use crate::time::{Timestamp, millis};
use std::fmt;
use std::time::Duration;

/// The version of this layout.
pub const ABI: u32 = 4;

/// Tags of effects.
mod tag {
    pub(crate) const FETCH: u8 = 1;
    pub(crate) const SLEEP: u8 = 2;
    pub(crate) const PROVIDE: u8 = 3;
    pub(crate) const SPAWN: u8 = 4;
    pub(crate) const EMIT: u8 = 5;
    pub(crate) const ABORT: u8 = 6;
    pub(crate) const DONE: u8 = 7;
    pub(crate) const WAIT: u8 = 8;
    pub(crate) const HOST: u8 = 9;
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

    fn millis(&mut self, duration: Duration) {
        self.u32(u32::try_from(millis(duration)).unwrap_or(u32::MAX));
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

    pub(crate) fn effects(&mut self, effects: &[(EffectId, Effect)]) {
        for (id, effect) in effects {
            self.effect(*id, effect);
        }
    }

    fn effect(&mut self, id: EffectId, effect: &Effect) {
        let (tag, id) = match effect {
            Effect::Fetch(_) => (tag::FETCH, id),
            Effect::Sleep(_) => (tag::SLEEP, id),
            Effect::Wait(..) => (tag::WAIT, id),
            Effect::Provide { .. } => (tag::PROVIDE, id),
            Effect::Spawn(op) => (tag::SPAWN, *op),
            Effect::Emit(_) => (tag::EMIT, id),
            Effect::Abort(aborted) => (tag::ABORT, *aborted),
            Effect::Done(_) => (tag::DONE, id),
            Effect::Host(_) => (tag::HOST, id),
        };
        self.u8(tag);
        self.u32(id);
        match effect {
            Effect::Fetch(request) => {
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
            Effect::Sleep(duration) => self.millis(*duration),
            Effect::Wait(leader, duration) => {
                self.u32(*leader);
                self.millis(*duration);
            }
            Effect::Emit(event) => {
                self.text(event.kind.name());
                self.text(&event.secret);
                self.millis(event.duration);
                self.text(event.error.map_or("", ErrorKind::name));
            }
            Effect::Done(bytes) | Effect::Host(bytes) => self.bytes(bytes),
            Effect::Provide { rejected } => self.u8(u8::from(*rejected)),
            Effect::Spawn(_) | Effect::Abort(_) => {}
        }
    }

    /// Id, secret, token (may be empty), expiry.
    pub(crate) fn credentials(&mut self, credentials: &Credentials) {
        self.text(credentials.access_key_id());
        self.text(credentials.access_key_secret());
        self.text(credentials.security_token().unwrap_or_default());
        self.time(credentials.expiration());
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
        self.u8(u8::from(secret.text().is_err()));
        self.bytes(secret.bytes());
        self.millis(secret.age());
        self.u8(u8::from(secret.stale()));
        self.text(secret.secret_type().as_str());
        self.time(secret.create_time());
        self.text(secret.extended_config().unwrap_or_default());
        self.text(secret.automatic_rotation().unwrap_or_default());
        self.millis(secret.rotation_interval().unwrap_or_default());
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

    /// A number of milliseconds; NaN means none.
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

    /// A duration in milliseconds; negative ones become zero, too long ones very long.
    pub(crate) fn duration(&mut self) -> Read<Option<Duration>> {
        Ok(self.f64()?.map(|ms| Duration::from_millis(saturate(ms))))
    }

    /// A reply: its tag, then its fields.
    pub(crate) fn reply(&mut self) -> Read<Reply> {
        match self.u8()? {
            1 => {
                let status = u16::try_from(self.u32()?).map_err(|_| Malformed)?;
                let count = self.u32()?;
                let mut headers = Vec::new();
                for _ in 0..count {
                    headers.push((self.text()?.to_owned(), self.text()?.to_owned()));
                }
                Ok(Reply::Answer(Ok(Response::new(status, headers, self.bytes()?.to_vec()))))
            }
            2 => {
                let kind = fetch_error(self.u8()?)?;
                Ok(Reply::Answer(Err(FetchError::new(kind).with_code(self.text()?))))
            }
            3 => Ok(Reply::Slept),
            4 => Ok(Reply::Credentials(Ok(Some(self.credentials()?)))),
            5 => {
                let code = crate::error::printable(self.text()?);
                // What follows from these two is not what follows from a provider that is broken.
                let own = |kind: &ErrorKind| code.strip_prefix("ERR_SIMSIM_") == Some(kind.name());
                let kinds = [ErrorKind::CredentialsRejected, ErrorKind::BudgetExceeded];
                let kind = kinds.into_iter().find(own).unwrap_or(ErrorKind::CredentialsUnavailable);
                let what = match self.some_text()? {
                    Some(told) => told.to_owned(),
                    None => ["the provider failed: ", &code].concat(),
                };
                Ok(Reply::Credentials(Err(Error::new(kind, what))))
            }
            6 => Ok(Reply::Host(Sensitive::new(self.rest().to_vec()))),
            _ => Err(Malformed),
        }
    }

    /// Id, secret, token (may be empty), expiry. The driver has checked them.
    pub(crate) fn credentials(&mut self) -> Read<Credentials> {
        let (id, secret, token) = (self.text()?, self.text()?, self.some_text()?);
        let expiration = self.f64()?.map(|ms| i64::try_from(saturate(ms)).unwrap_or(i64::MAX));
        Ok(Credentials::trusted(
            id.to_owned(),
            secret.to_owned(),
            token.map(str::to_owned),
            expiration.map(Timestamp::from_millis),
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
