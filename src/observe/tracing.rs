//! Events of a client through the `tracing` crate.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::EventKind;
use crate::error::ErrorKind;

/// Reports one event: routine ones at trace and debug level, trouble as a warning.
pub(super) fn emit(kind: EventKind, secret: &str, ms: u64, error: Option<ErrorKind>) {
    let (event, error) = (kind.name(), error.map(ErrorKind::name));
    match kind {
        EventKind::Hit | EventKind::Coalesced => ::tracing::trace!(event, secret, ms, error, "simsim"),
        EventKind::Throttle | EventKind::Retry | EventKind::Stale => {
            ::tracing::warn!(event, secret, ms, error, "simsim")
        }
        EventKind::Miss | EventKind::Refresh => ::tracing::debug!(event, secret, ms, error, "simsim"),
    }
}
