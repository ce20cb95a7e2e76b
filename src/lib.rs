//! Secret client of Alibaba Cloud KMS: an application names a secret and gets its value.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub mod credentials;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
mod json;
pub mod runtime;
mod sensitive;
pub mod signing;
pub mod sync;
mod time;

pub use error::{Error, ErrorKind, Result};
pub use sensitive::Sensitive;
pub use time::{Instant64, Now, Timestamp};
