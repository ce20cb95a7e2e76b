//! Providers whose parameters are looked at first, and those whose maker did so.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{Context, Credentials, ProvideCredentials};
use crate::error::Result;
use crate::sync::MaybeSend;
use std::future::Future;

/// What a provider does once its parameters are known to be right.
pub(crate) trait Obtain: ProvideCredentials {
    fn obtain(&self, cx: &Context<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend;
}

/// A provider whose maker has checked its parameters: they are not looked at again, and nothing is linked that would.
pub(crate) struct Checked<P>(pub(crate) P);

impl<P: Obtain> ProvideCredentials for Checked<P> {
    fn provide(&self, cx: &Context<'_>) -> impl Future<Output = Result<Option<Credentials>>> + MaybeSend {
        self.0.obtain(cx)
    }

    fn name(&self) -> &'static str {
        self.0.name()
    }
}
