//! Signed calls to Alibaba Cloud's OpenAPI gateways (KMS, STS).
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod call;

pub(crate) use call::{Answer, ApiCall, Behind, Form, GRACE, Limit, OpenApi, Place, USER_AGENT, Upstream};
