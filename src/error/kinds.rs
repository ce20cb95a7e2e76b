//! All kinds of errors, for who looks one up by its name or draws one.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::ErrorKind;

impl ErrorKind {
    pub(crate) const ALL: [Self; 18] = [
        Self::Config,
        Self::CredentialsUnavailable,
        Self::CredentialsRejected,
        Self::PermissionDenied,
        Self::NotFound,
        Self::Disabled,
        Self::InDebt,
        Self::Throttled,
        Self::Unavailable,
        Self::Transport,
        Self::Timeout,
        Self::Protocol,
        Self::ClockSkew,
        Self::BudgetExceeded,
        Self::Unsupported,
        Self::Internal,
        Self::Cancelled,
        Self::Closed,
    ];
}
