//! Request signing: every step is a pure public function, so that a refused signature can be inspected step by step.
//!
//! [`acs3`] is what the client uses. [`rpc`] is the older scheme of the same gateway, for comparison and for
//! gateways that know nothing else. [`diagnosis`] names the line on which the service disagrees.
//!
//! Nothing here reads a clock or draws a nonce: both are arguments.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub mod acs3;
pub mod diagnosis;
pub mod encoding;
pub mod rpc;
