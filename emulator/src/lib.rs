//! A local Alibaba Cloud KMS and STS that judges its callers strictly, for tests.
// SPDX-License-Identifier: Apache-2.0 OR MIT
//!
//! [`Emulator`] is a [`simsim::http::Fetch`]: a client takes it in the place of a transport and talks to it in
//! process, without a network. Its clock, its timers and its randomness come from the [`simsim::runtime::Runtime`]
//! that it is made with, so a test with a manual runtime never waits. This core has no dependency on tokio, hyper or
//! the system's clock and compiles for wasm32.
//!
//! With the feature `server` (on by default; a dependant that does not need it says `default-features = false`) the
//! same emulator listens on a loopback port, over HTTP or HTTPS: see the module `server`, and the README for the
//! program `simsim-emulator` and its control calls.
//!
//! What it judges: ACS3-HMAC-SHA256 and RPC HMAC-SHA1 signatures, by code that shares nothing with simsim's own
//! signer; OIDC tokens; the time window, nonces, keys, tokens; names, versions, stages and sizes; the request quota. What it does:
//! GetSecretValue, BatchGetSecretValue, ListSecretVersionIds, CreateSecret, PutSecretValue,
//! UpdateSecretVersionStage; AssumeRole, AssumeRoleWithOIDC, GetCallerIdentity; the metadata of an ECS instance with a
//! role, and an endpoint for a CredentialsURI. Policies of RAM and of secrets are not modelled:
//! [`Emulator::deny`] refuses a name to everybody.
//!
//! ```
//! # #[cfg(feature = "server")] {
//! use simsim_emulator::server::SystemRuntime;
//! use simsim_emulator::{Emulator, Fault, SecretSeed};
//!
//! let kms = Emulator::new(SystemRuntime::new());
//! kms.add_access_key("LTAI-example-key", "not-a-real-secret");
//! kms.put_secret(SecretSeed::text("app/greeting", "open sesame"));
//! // Two requests are throttled, then all is well again.
//! kms.inject(Fault::throttle().times(2).for_secret("app/greeting"));
//! // … give `kms.clone()` to a client as its transport, then look at what arrived:
//! assert_eq!(kms.calls("GetSecretValue"), 0);
//! # }
//! ```

mod accounts;
mod answer;
mod clock;
mod credentials_uri;
mod emulator;
mod encoding;
mod entropy;
mod fault;
mod fetch;
mod input;
mod journal;
mod kms;
mod metadata;
mod nonces;
mod oidc;
mod principals;
mod quota;
mod request;
mod role;
mod route;
mod secret;
#[cfg(all(feature = "server", not(target_arch = "wasm32")))]
pub mod server;
mod service;
mod session;
mod state;
mod sts;
mod verify;

pub use answer::{Answer, Reply};
pub use credentials_uri::CredentialsUri;
pub use emulator::Emulator;
pub use fault::Fault;
pub use input::InputError;
pub use journal::LoggedCall;
pub use metadata::InstanceRole;
pub use oidc::OidcProvider;
pub use role::Role;
pub use secret::SecretSeed;
pub use service::Service;
