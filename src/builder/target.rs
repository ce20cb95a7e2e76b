//! Where a client's calls go.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};
use crate::region::{Endpoint, Network};
use crate::secret::SecretName;

/// Where calls go, and what all reads of a client share.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) region: Option<String>,
    /// Whether the region was given in code: then an ARN must not contradict it.
    pub(crate) region_is_explicit: bool,
    pub(crate) network: Network,
    pub(crate) endpoint: Option<Endpoint>,
    /// In milliseconds.
    pub(crate) timeout: u64,
    pub(crate) extended_config: bool,
    /// How many requests one call may cost, those for its credentials included.
    pub(crate) max_requests: u32,
}

impl Target {
    /// The gateway for a secret: an explicit endpoint, else by region: the option, the ARN's, the environment's.
    pub(crate) fn endpoint_for(&self, name: &SecretName) -> Result<Endpoint> {
        if let (Some(arn), Some(option), true) = (name.region(), &self.region, self.region_is_explicit)
            && arn != option
        {
            return Err(Error::config(
                [
                    "region: the client is for ",
                    option,
                    ", the ARN names ",
                    arn,
                    "; use a client of that region",
                ]
                .concat(),
            ));
        }
        if let Some(endpoint) = &self.endpoint {
            return Ok(endpoint.clone());
        }
        match name.region().or(self.region.as_deref()) {
            Some(region) => Ok(Endpoint::kms(self.network, region)),
            None => Err(Error::config(
                "region: none is known; set region(), an endpoint, ALIBABA_CLOUD_REGION_ID, or read by ARN",
            )),
        }
    }
}
