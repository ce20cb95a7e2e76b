//! The driver's half of the layout, for hosts that drive a mailbox natively: effects and replies as values.
//!
//! The wasm's own driver is JavaScript (`pkg-template/driver`), and links nothing of this.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::wire::{Malformed, Read, Reader, Writer, reply, tag};
use super::{EffectId, Mailbox, MailboxHost, OpId, Seams, Turn};
use crate::credentials::Credentials;
use crate::error::{ErrorKind, Result};
use crate::http::{FetchError, FetchErrorKind, Method, Request, Response};
use crate::observe::{Event, EventKind};
use crate::sensitive::Sensitive;
use crate::sync::BoxFuture;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What an operation asks its driver to do. `Debug` never shows a result: it holds the value.
#[non_exhaustive]
pub enum Effect {
    /// Send this request; answer with [`Reply::Answer`].
    Fetch(Request),
    /// Wait; answer with [`Reply::Slept`].
    Sleep(Duration),
    /// Wait for what this operation leads: so long, or until it is over; answer with [`Reply::Slept`].
    Wait(OpId, Duration),
    /// Ask the user's credentials provider; answer with [`Reply::Credentials`].
    Provide {
        /// The service refused what the provider gave before.
        rejected: bool,
    },
    /// Ask the machine for a variable, a file or a process, as [`MailboxHost`] wrote it; answer with [`Reply::Host`].
    Host(Vec<u8>),
    /// Run this new operation behind the answer: call [`Driven::run`]. No reply.
    Spawn(OpId),
    /// Tell the observer. No reply.
    Emit(Event),
    /// Nobody waits for this effect any more: end it if that is possible. No reply.
    Abort(EffectId),
    /// The operation is over, with this result. No reply.
    Done(Vec<u8>),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(request) => f.debug_tuple("Fetch").field(request).finish(),
            Self::Sleep(time) => f.debug_tuple("Sleep").field(time).finish(),
            Self::Wait(op, time) => f.debug_tuple("Wait").field(op).field(time).finish(),
            Self::Provide { rejected } => f.debug_struct("Provide").field("rejected", rejected).finish(),
            Self::Host(_) => f.write_str("Host"),
            Self::Spawn(op) => f.debug_tuple("Spawn").field(op).finish(),
            Self::Emit(event) => f.debug_tuple("Emit").field(event).finish(),
            Self::Abort(effect) => f.debug_tuple("Abort").field(effect).finish(),
            Self::Done(_) => f.write_str("Done"),
        }
    }
}

impl Effect {
    fn read(id: EffectId, written: &[u8]) -> Read<Self> {
        let mut fields = Reader::new(written);
        Ok(match fields.u8()? {
            tag::FETCH => Self::Fetch(request(&mut fields)?),
            tag::WAIT => match (fields.u32()?, time(&mut fields)?) {
                (0, time) => Self::Sleep(time),
                (leader, time) => Self::Wait(leader, time),
            },
            tag::PROVIDE => Self::Provide { rejected: fields.u8()? != 0 },
            tag::HOST => Self::Host(fields.bytes()?.to_vec()),
            tag::SPAWN => Self::Spawn(id),
            tag::EMIT => Self::Emit(event(&mut fields)?),
            tag::ABORT => Self::Abort(id),
            tag::DONE => Self::Done(fields.rest().to_vec()),
            _ => return Err(Malformed),
        })
    }
}

fn time(fields: &mut Reader<'_>) -> Read<Duration> {
    Ok(Duration::from_millis(fields.u32()?.into()))
}

fn request(fields: &mut Reader<'_>) -> Read<Request> {
    let max_body = usize::try_from(fields.u32()?).map_err(|_| Malformed)?;
    let name = fields.text()?;
    let method = [Method::Get, Method::Post, Method::Put].into_iter().find(|method| method.as_str() == name);
    let (method, url) = (method.ok_or(Malformed)?, fields.text()?.to_owned());
    let mut headers = Vec::new();
    for _ in 0..fields.u32()? {
        headers.push((Cow::Owned(fields.text()?.to_owned()), fields.text()?.to_owned()));
    }
    Ok(Request { method, url, headers, body: fields.bytes()?.to_vec(), timeout: Duration::MAX, max_body })
}

fn event(fields: &mut Reader<'_>) -> Read<Event> {
    let name = fields.text()?;
    let kind = EVENTS.into_iter().find(|kind| kind.name() == name).ok_or(Malformed)?;
    let (secret, duration, name) = (fields.text()?.to_owned(), time(fields)?, fields.some_text()?);
    let of = |name| ErrorKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(Malformed);
    Ok(Event { kind, secret, duration, error: name.map(of).transpose()? })
}

const EVENTS: [EventKind; 7] = [
    EventKind::Hit,
    EventKind::Stale,
    EventKind::Miss,
    EventKind::Coalesced,
    EventKind::Refresh,
    EventKind::Retry,
    EventKind::Throttle,
];

/// What a driver brings back.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// For [`Effect::Fetch`].
    Answer(std::result::Result<Response, FetchError>),
    /// For [`Effect::Sleep`] and [`Effect::Wait`].
    Slept,
    /// For [`Effect::Provide`]. Of an error its kind and its explanation cross.
    Credentials(Result<Credentials>),
    /// For [`Effect::Host`], as [`MailboxHost`] reads it.
    Host(Sensitive<Vec<u8>>),
}

impl Reply {
    fn written(&self) -> Vec<u8> {
        let mut out = Writer::new();
        match self {
            Self::Answer(Ok(response)) => {
                out.u8(reply::ANSWERED);
                out.u32(response.status().into());
                out.u32(u32::try_from(response.headers().len()).unwrap_or(u32::MAX));
                for (name, value) in response.headers() {
                    out.text(name);
                    out.text(value);
                }
                out.bytes(response.body());
            }
            Self::Answer(Err(error)) => {
                out.u8(reply::FAILED);
                out.u8(code_of(error.kind()));
                out.text(error.code().unwrap_or_default());
            }
            Self::Slept => out.u8(reply::WAITED),
            Self::Credentials(Ok(given)) => {
                out.u8(reply::PROVIDED);
                out.credentials(given);
            }
            Self::Credentials(Err(error)) => {
                out.u8(reply::NOT_PROVIDED);
                out.text(&["ERR_SIMSIM_", error.kind().name()].concat());
                out.text(error.explanation());
            }
            Self::Host(said) => {
                out.u8(reply::SAID);
                out.append(said.expose());
            }
        }
        out.into_bytes()
    }
}

fn code_of(kind: FetchErrorKind) -> u8 {
    match kind {
        FetchErrorKind::Connect => 0,
        FetchErrorKind::StaleConnection => 1,
        FetchErrorKind::Timeout => 2,
        FetchErrorKind::Interrupted => 3,
        FetchErrorKind::BodyTooLarge => 4,
        FetchErrorKind::Redirected => 5,
        FetchErrorKind::Unsupported => 6,
        FetchErrorKind::OverBudget => 7,
    }
}

/// A mailbox whose turns bring effects as values.
#[derive(Debug, Default)]
pub struct Driven(Mailbox);

impl Driven {
    /// A mailbox without operations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`Mailbox::seams`].
    #[must_use]
    pub fn seams(&self) -> Seams {
        self.0.seams()
    }

    /// See [`Mailbox::host`].
    #[must_use]
    pub fn host(&self) -> MailboxHost {
        self.0.host()
    }

    /// See [`Mailbox::operations`].
    #[must_use]
    pub fn operations(&self) -> usize {
        self.0.operations()
    }

    /// See [`Mailbox::start`].
    pub fn start(
        &mut self,
        turn: Turn<'_>,
        background: bool,
        future: BoxFuture<'static, Vec<u8>>,
    ) -> (OpId, Vec<(EffectId, Effect)>) {
        let op = self.0.start(turn, background, future);
        (op, self.read())
    }

    /// See [`Mailbox::run`].
    pub fn run(&mut self, op: OpId, turn: Turn<'_>) -> Vec<(EffectId, Effect)> {
        self.0.run(op, turn);
        self.read()
    }

    /// See [`Mailbox::step`].
    pub fn step(
        &mut self,
        op: OpId,
        effect: EffectId,
        reply: Reply,
        turn: Turn<'_>,
    ) -> Vec<(EffectId, Effect)> {
        self.0.step(op, effect, &reply.written(), turn);
        self.read()
    }

    /// See [`Mailbox::cancel`].
    pub fn cancel(&mut self, op: OpId) -> Vec<(EffectId, Effect)> {
        self.0.cancel(op);
        self.read()
    }

    /// The effects of a turn; what cannot be read is the end of them. The time of a request crosses as the timer behind
    /// it.
    fn read(&mut self) -> Vec<(EffectId, Effect)> {
        let posted = self.0.collect().into_iter();
        let effects = posted.map_while(|(id, effect)| Some((id, Effect::read(id, &effect).ok()?)));
        let mut effects: Vec<_> = effects.collect();
        let mut behind = None;
        for (_, effect) in effects.iter_mut().rev() {
            if let (Effect::Fetch(request), Some(time)) = (&mut *effect, behind) {
                request.timeout = time;
            }
            behind = if let Effect::Sleep(time) = effect { Some(*time) } else { None };
        }
        effects
    }
}
