//! What a person or a test hands in as JSON: seeds and control calls, read strictly.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod control;
mod fault;
mod fields;
mod jwks;
mod principals;
mod seed;

#[cfg(feature = "server")]
pub(crate) use control::PREFIX;
pub use fields::InputError;
