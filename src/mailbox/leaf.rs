//! The seams as mailboxes: futures that post an effect when first polled and end when its reply has come.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::desk::Desk;
use super::wire::Malformed;
use super::{Effect, EffectId, Reply};
use crate::credentials::{Context as Ask, Credentials, ProvideCredentials, ProvideToken};
use crate::error::Result;
use crate::http::{Fetch, FetchError, FetchErrorKind, Request, Response};
use crate::observe::{Event, Observer};
use crate::runtime::{Background, Runtime};
use crate::sensitive::Sensitive;
use crate::sync::{BoxFuture, MaybeSend};
use crate::text::utf8;
use crate::time::{Instant64, Now, Timestamp};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// One effect and the wait for its reply.
pub(super) struct Exchange {
    desk: Arc<Desk>,
    effect: Option<Effect>,
    id: Option<EffectId>,
}

impl Exchange {
    pub(super) fn new(desk: &Arc<Desk>, effect: Effect) -> Self {
        Self { desk: desk.clone(), effect: Some(effect), id: None }
    }
}

impl Future for Exchange {
    type Output = Box<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Box<Reply>> {
        let this = self.get_mut();
        if let Some(effect) = this.effect.take() {
            this.id = Some(this.desk.ask(effect, cx.waker()));
            return Poll::Pending;
        }
        match this.id.and_then(|id| this.desk.poll_reply(id, cx.waker())) {
            Some(reply) => {
                this.id = None;
                Poll::Ready(reply)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.desk.withdraw(id);
        }
    }
}

/// An exchange, with what its reply means.
pub(super) struct Asked<T> {
    pub(super) exchange: Exchange,
    pub(super) read: fn(Box<Reply>) -> T,
}

impl<T> Future for Asked<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.exchange).poll(cx).map(self.read)
    }
}

macro_rules! mailbox_seam {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(pub(super) Arc<Desk>);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

mailbox_seam!(
    /// See [`Mailbox::fetch`](super::Mailbox::fetch).
    MailboxFetch
);
mailbox_seam!(
    /// See [`Mailbox::runtime`](super::Mailbox::runtime).
    MailboxRuntime
);
mailbox_seam!(
    /// See [`Mailbox::background`](super::Mailbox::background).
    MailboxBackground
);
mailbox_seam!(
    /// See [`Mailbox::credentials`](super::Mailbox::credentials).
    MailboxCredentials
);
mailbox_seam!(
    /// See [`Mailbox::observer`](super::Mailbox::observer).
    MailboxObserver
);

impl Fetch for MailboxFetch {
    fn fetch(
        &self,
        request: Request,
    ) -> impl Future<Output = std::result::Result<Response, FetchError>> + MaybeSend {
        let read = |reply: Box<Reply>| match *reply {
            Reply::Answer(answer) => answer,
            _ => Err(FetchError::new(FetchErrorKind::Unsupported).with_code("WRONG_REPLY")),
        };
        Asked { exchange: Exchange::new(&self.0, Effect::Fetch(request)), read }
    }
}

impl Runtime for MailboxRuntime {
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
        Asked { exchange: Exchange::new(&self.0, Effect::Sleep(duration)), read: drop }
    }

    fn wait(&self, duration: Duration, leader: u32) -> impl Future<Output = ()> + MaybeSend {
        Asked { exchange: Exchange::new(&self.0, Effect::Wait(leader, duration)), read: drop }
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

impl Background for MailboxBackground {
    fn run(&self, task: BoxFuture<'static, ()>) -> std::result::Result<(), BoxFuture<'static, ()>> {
        self.0.spawn(task)
    }
}

impl ProvideCredentials for MailboxCredentials {
    fn provide(&self, ask: &Ask<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend {
        let read = |reply: Box<Reply>| match *reply {
            Reply::Credentials(given) => given,
            _ => Err(Malformed.into()),
        };
        Asked { exchange: Exchange::new(&self.0, Effect::Provide { rejected: ask.rejected() }), read }
    }

    fn name(&self) -> &'static str {
        "callback"
    }
}

impl ProvideToken for MailboxCredentials {
    fn token(&self) -> impl Future<Output = Result<Sensitive<String>>> + MaybeSend {
        let read = |reply: Box<Reply>| match *reply {
            Reply::Host(text) => match utf8(text.expose()) {
                Ok(token) => Ok(Sensitive::new(token.to_owned())),
                Err(_) => Err(Malformed.into()),
            },
            Reply::Credentials(Err(error)) => Err(error),
            _ => Err(Malformed.into()),
        };
        Asked { exchange: Exchange::new(&self.0, Effect::Provide { rejected: false }), read }
    }
}

impl Observer for MailboxObserver {
    fn observe(&self, event: &Event) {
        self.0.tell(Effect::Emit(event.clone()));
    }
}
