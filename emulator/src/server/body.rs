//! A body in two halves, with what may happen between them: a wait, or the end of the connection.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use hyper::body::{Body, Bytes, Frame, SizeHint};
use simsim::sync::BoxFuture;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The parts that are still to be sent, in the order of the fields.
pub(super) struct Halves {
    first: Option<Bytes>,
    wait: Option<BoxFuture<'static, ()>>,
    /// Break off instead of sending the second half.
    cut: bool,
    second: Option<Bytes>,
    flushed: bool,
}

impl Halves {
    /// The whole body at once.
    pub(super) fn whole(body: Vec<u8>) -> Self {
        let second = Some(Bytes::from(body)).filter(|bytes| !bytes.is_empty());
        Self { first: None, wait: None, cut: false, second, flushed: false }
    }

    /// One half, the wait if there is one, then the other half or, when `cut`, the end of the connection.
    pub(super) fn split(body: Vec<u8>, wait: Option<BoxFuture<'static, ()>>, cut: bool) -> Self {
        let mut second = Bytes::from(body);
        let first = second.split_to(second.len().div_euclid(2));
        let some = |bytes: Bytes| Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { first: some(first), wait, cut, second: some(second), flushed: false }
    }
}

impl Body for Halves {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(bytes) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(wait) = &mut self.wait {
            if wait.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.wait = None;
        }
        if self.cut {
            if !self.flushed {
                // One empty turn, so that what was sent so far leaves before the connection breaks.
                self.flushed = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
        }
        Poll::Ready(self.second.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.second.is_none() && self.wait.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let left = length(&self.first).saturating_add(length(&self.second));
        SizeHint::with_exact(u64::try_from(left).unwrap_or(u64::MAX))
    }
}
