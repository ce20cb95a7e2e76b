//! What the gateways speak: pure encoding of calls and decoding of answers.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod base64;
pub(crate) mod batch;
pub(crate) mod error_body;
pub(crate) mod shared;
