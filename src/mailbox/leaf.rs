//! The seams of a mailbox: futures that post an effect when they are made, and end when its reply has come.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::EffectId;
use super::desk::Desk;
use super::wire::{Read, Reader, Writer, tag};
use crate::credentials::{Context as Ask, Credentials, ProvideCredentials, ProvideToken};
use crate::error::Result;
use crate::http::{Fetch, FetchError, Request, Response};
use crate::observe::{Event, Observer};
use crate::runtime::{Background, Runtime};
use crate::sensitive::Sensitive;
use crate::sync::{BoxFuture, MaybeSend};
use crate::time::{Instant64, Now, Timestamp, millis};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// One effect, the wait for its reply, and what that means.
pub(super) struct Asked<'a, T> {
    desk: &'a Desk,
    id: EffectId,
    read: fn(&mut Reader<'_>) -> Read<T>,
}

impl<'a, T> Asked<'a, T> {
    pub(super) fn new(desk: &'a Desk, effect: Writer, read: fn(&mut Reader<'_>) -> Read<T>) -> Self {
        Self { desk, id: desk.ask(effect), read }
    }
}

impl<T> Future for Asked<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(reply) = self.desk.poll_reply(self.id, cx.waker()) else { return Poll::Pending };
        self.id = 0;
        match (self.read)(&mut Reader::new(&reply)) {
            Ok(reply) => Poll::Ready(reply),
            Err(malformed) => {
                self.desk.break_off(malformed);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Asked<'_, T> {
    fn drop(&mut self) {
        self.desk.withdraw(self.id);
    }
}

/// The seams of a mailbox: the transport, the clocks and timers, work behind the answer, the caller's credentials,
/// the observer. See [`Mailbox::seams`](super::Mailbox::seams).
#[derive(Clone)]
pub struct Seams(pub(super) Arc<Desk>);

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seams")
    }
}

impl Fetch for Seams {
    fn fetch(
        &self,
        request: Request,
    ) -> impl Future<Output = std::result::Result<Response, FetchError>> + MaybeSend {
        let mut effect = Writer::effect(tag::FETCH);
        effect.request(&request);
        Asked::new(&self.0, effect, |reply| reply.answer())
    }
}

impl Runtime for Seams {
    fn wall(&self) -> Timestamp {
        self.0.now().wall
    }

    fn mono(&self) -> Instant64 {
        self.0.now().mono
    }

    fn now(&self) -> Now {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + MaybeSend {
        self.wait(millis(duration), 0)
    }

    fn wait(&self, ms: u64, leader: u32) -> impl Future<Output = ()> + MaybeSend {
        self.0.expect_within(ms);
        let mut effect = Writer::effect(tag::WAIT);
        effect.u32(leader);
        effect.millis(ms);
        Asked::new(&self.0, effect, |reply| reply.waited())
    }

    fn task(&self) -> u32 {
        self.0.running()
    }

    fn fill_random(&self, buf: &mut [u8]) -> Result<()> {
        self.0.fill(buf)
    }

    fn wakes_others(&self) -> bool {
        false
    }
}

impl Background for Seams {
    fn run(&self, task: BoxFuture<'static, ()>) -> std::result::Result<(), BoxFuture<'static, ()>> {
        self.0.spawn(task)
    }
}

impl Seams {
    fn provided<T>(&self, rejected: bool, read: fn(&mut Reader<'_>) -> Read<T>) -> Asked<'_, T> {
        let mut effect = Writer::effect(tag::PROVIDE);
        effect.u8(u8::from(rejected));
        Asked::new(&self.0, effect, read)
    }
}

impl ProvideCredentials for Seams {
    fn provide(&self, ask: &Ask<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend {
        self.provided(ask.rejected(), |reply| Ok(reply.provided(|given| given.credentials())?.map(Some)))
    }

    fn name(&self) -> &'static str {
        "callback"
    }
}

impl ProvideToken for Seams {
    fn token(&self) -> impl Future<Output = Result<Sensitive<String>>> + MaybeSend {
        self.provided(false, |reply| reply.provided(|given| given.token()))
    }
}

impl Observer for Seams {
    fn observe(&self, event: &Event) {
        let mut effect = Writer::effect(tag::EMIT);
        effect.event(event);
        self.0.tell(effect);
    }
}
