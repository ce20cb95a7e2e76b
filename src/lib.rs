//! Secret client of Alibaba Cloud KMS: an application names a secret and gets its value.
// SPDX-License-Identifier: Apache-2.0 OR MIT
//!
//! [`Client`] reads secrets by name or ARN and keeps them: a cached read costs no call, a thousand cold ones cost one,
//! and an outage, a throttle, a rotation or a wrong clock is its business, not its caller's.
//!
//! ```no_run
//! # #[cfg(all(feature = "reqwest", feature = "tokio"))]
//! # async fn f() -> simsim::Result<()> {
//! let client = simsim::Client::from_env()?;
//! let password = client.get_secret("db/password").await?;
//! println!("{password} was fetched {:?} ago", password.age()); // Secret(db/password) was fetched 3s ago
//! let value: &str = password.text()?;
//! # let _ = value;
//! # Ok(()) }
//! ```
//!
//! # Where to look
//! - [`Client`]: reading; [`ClientBuilder`], [`CacheOptions`] and [`RetryOptions`]: every option and its default.
//! - [`Secret`]: the value, its metadata, its age, and whether it is stale. [`Sensitive`]: why it does not print.
//! - [`Error`] and [`ErrorKind`]: a closed set of kinds, each with what follows from it.
//! - [`Credentials`] and [`credentials`]: keys, sessions, and providers of your own.
//! - [`http::Fetch`], [`runtime::Runtime`], [`runtime::Background`]: the seams towards the platform, with adapters for
//!   reqwest and tokio.
//! - [`signing`]: the signature step by step, for when one is refused.
//!
//! # Without features
//! The core has no I/O of its own. With `default-features = false` it links no HTTP library, no TLS and no runtime, and
//! builds for wasm32; [`ClientBuilder::fetch`] and [`ClientBuilder::runtime`] must then be given.
//!
//! # One client is one principal
//! What a client has cached belongs to its credentials. A program that reads for several tenants makes one client each
//! with [`Client::for_principal`], which shares connections and never an entry.

mod asking;
mod batch;
mod builder;
mod cache;
mod client;
pub mod credentials;
mod error;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod gateway;
mod hash;
pub mod http;
#[cfg(all(feature = "js", target_arch = "wasm32"))]
pub mod js;
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

/// The README's examples compile.
#[cfg(all(doctest, feature = "json", feature = "reqwest", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// So do those of the page on credentials.
#[cfg(all(doctest, feature = "reqwest", feature = "tokio"))]
#[doc = include_str!("../CREDENTIALS.md")]
struct CredentialsPage;
