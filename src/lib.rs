//! Secret client of Alibaba Cloud KMS: an application names a secret and gets its value.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod builder;
mod cache;
mod client;
pub mod credentials;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
pub mod http;
mod json;
mod lease;
#[doc(hidden)]
pub mod mailbox;
mod observe;
mod openapi;
mod read;
mod region;
pub mod runtime;
mod secret;
mod sensitive;
#[doc(hidden)]
pub mod session;
pub mod signing;
mod sorted;
mod status;
pub mod sync;
mod text;
mod time;

pub use builder::{CacheOptions, ClientBuilder, RetryOptions};
pub use client::Client;
pub use credentials::Credentials;
pub use error::{Error, ErrorKind, Result};
pub use observe::{Event, EventKind, Observer};
pub use read::GetSecret;
pub use region::Network;
pub use secret::{ACS_CURRENT, ACS_PREVIOUS, Secret, SecretName, SecretType, SecretValue, VersionSelector};
pub use sensitive::Sensitive;
pub use status::ClientStatus;
pub use time::{Instant64, Now, Timestamp};
