//! A local Alibaba Cloud KMS and STS that judges its callers strictly, for tests.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod accounts;
mod answer;
mod clock;
mod emulator;
mod encoding;
mod entropy;
mod fault;
mod fetch;
mod journal;
mod kms;
mod nonces;
mod quota;
mod request;
mod secret;
mod state;
mod sts;
mod verify;

pub use emulator::Emulator;
pub use fault::Fault;
pub use journal::LoggedCall;
pub use secret::SecretSeed;
