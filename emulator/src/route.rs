//! Which service a request is for and what it asks there, before anything of it is believed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::answer::ServiceError;
use crate::credentials_uri::{self, Endpoint};
use crate::fault::Target;
use crate::kms;
use crate::metadata;
use crate::request::Incoming;
use crate::service::Service;
use crate::verify::Claim;

/// What is asked for.
pub(crate) enum Ask {
    /// An action of KMS or STS.
    Api(Box<Claim>),
    Metadata(metadata::Ask),
    CredentialsUri,
}

/// Where a request goes.
pub(crate) struct Route {
    pub(crate) service: Option<Service>,
    /// The name of what is asked for, in the log and for faults.
    pub(crate) action: String,
    pub(crate) access_key_id: String,
    /// The plain names of the secrets that it is about.
    pub(crate) secrets: Vec<String>,
    pub(crate) ask: Result<Ask, ServiceError>,
}

impl Route {
    pub(crate) fn of(incoming: &Incoming, endpoint: &Endpoint) -> Self {
        let unsigned = |service, action: &str, ask| Self {
            service: Some(service),
            action: action.to_owned(),
            access_key_id: String::new(),
            secrets: Vec::new(),
            ask: Ok(ask),
        };
        if let Some(ask) = metadata::Ask::of(incoming) {
            return unsigned(Service::Metadata, ask.action(), Ask::Metadata(ask));
        }
        if endpoint.is_asked(incoming) {
            return unsigned(Service::CredentialsUri, credentials_uri::ACTION, Ask::CredentialsUri);
        }
        match Claim::read(incoming) {
            Ok(claim) => Self {
                service: incoming.service().or_else(|| Service::of_version(&claim.version)),
                action: claim.action.clone(),
                access_key_id: claim.access_key_id.clone(),
                secrets: kms::secret_names(&claim.params),
                ask: Ok(Ask::Api(Box::new(claim))),
            },
            Err(error) => Self {
                service: incoming.service(),
                action: String::new(),
                access_key_id: String::new(),
                secrets: Vec::new(),
                ask: Err(error),
            },
        }
    }

    /// What faults tell it apart by.
    pub(crate) fn target<'a>(&'a self, host: &'a str) -> Target<'a> {
        Target { service: self.service, action: &self.action, secrets: &self.secrets, host }
    }
}
