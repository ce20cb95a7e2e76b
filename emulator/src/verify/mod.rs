//! Decides whether a request may be believed: which scheme signs it, and every check that both schemes share.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod acs3;
mod rpc;

use crate::accounts::{Accounts, Caller};
use crate::answer::{Format, ServiceError};
use crate::clock;
use crate::encoding::Pairs;
use crate::nonces::Nonces;
use crate::request::Incoming;
use crate::sts::UNSIGNED_ACTION;
use simsim::Timestamp;
use std::time::Duration;

/// How far a request's time may lie from the server's, either way.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// The longest nonce that is taken.
const MAX_NONCE: usize = 128;

/// How a request says that it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    /// ACS3-HMAC-SHA256: everything in headers.
    Acs3,
    /// RPC HMAC-SHA1: everything in parameters.
    Rpc,
}

/// What a request says about itself, before anything of it is believed.
pub(crate) struct Claim {
    /// `None`: not signed at all, as AssumeRoleWithOIDC may be.
    scheme: Option<Scheme>,
    pub(crate) action: String,
    pub(crate) version: String,
    pub(crate) access_key_id: String,
    pub(crate) format: Format,
    token: Option<String>,
    timestamp: Option<String>,
    nonce: Option<String>,
    query: Pairs,
    /// Query and form body together.
    pub(crate) params: Pairs,
}

fn incomplete(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "IncompleteSignature", message)
}

/// The refusal of a signature. Like the real service it repeats what the server signed, security token and all, so
/// that a client which prints or keeps this message is found out.
fn mismatch(string_to_sign: &str, canonical_request: Option<&str>) -> ServiceError {
    let mut message = format!(
        "Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    );
    if let Some(canonical) = canonical_request {
        message.push_str("\nserver canonical request is:");
        message.push_str(canonical);
    }
    ServiceError::new(400, "SignatureDoesNotMatch", message)
}

fn wants_json(params: &Pairs) -> bool {
    params.iter().any(|(name, value)| name == "Format" && value.eq_ignore_ascii_case("json"))
}

impl Claim {
    /// Reads the claims of a request; refuses one that cannot be decoded at all.
    pub(crate) fn read(incoming: &Incoming) -> Result<Self, ServiceError> {
        let undecodable = || ServiceError::invalid_parameter("The parameters cannot be decoded.");
        let query = incoming.query_pairs().ok_or_else(undecodable)?;
        let form = incoming.form_body().ok_or_else(undecodable)?;
        let params: Pairs = query.iter().cloned().chain(form).collect();
        let header = |name: &str| incoming.header(name).map(str::to_owned);
        let parameter = |name: &str| params.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let rpc =
            ["Signature", "SignatureMethod", "AccessKeyId"].iter().any(|name| parameter(name).is_some());
        let signed = incoming.header("authorization").is_some();
        let action = header("x-acs-action").or_else(|| parameter("Action"));
        if !signed && !rpc && action.as_deref() == Some(UNSIGNED_ACTION) {
            // A request in the style of ACS3 has its version in a header, and its answer in JSON.
            let version = header("x-acs-version");
            let json = version.is_some() || wants_json(&params);
            return Ok(Self {
                scheme: None,
                action: UNSIGNED_ACTION.to_owned(),
                version: version.or_else(|| parameter("Version")).unwrap_or_default(),
                access_key_id: String::new(),
                format: if json { Format::Json } else { Format::Xml },
                token: None,
                timestamp: None,
                nonce: None,
                query,
                params,
            });
        }
        if signed || !rpc {
            return Ok(Self {
                scheme: Some(Scheme::Acs3),
                action: header("x-acs-action").unwrap_or_default(),
                version: header("x-acs-version").unwrap_or_default(),
                access_key_id: acs3::claimed_key(incoming).unwrap_or_default().to_owned(),
                format: Format::Json,
                token: header("x-acs-security-token"),
                timestamp: header("x-acs-date"),
                nonce: header("x-acs-signature-nonce"),
                query,
                params,
            });
        }
        let json = wants_json(&params);
        Ok(Self {
            scheme: Some(Scheme::Rpc),
            action: parameter("Action").unwrap_or_default(),
            version: parameter("Version").unwrap_or_default(),
            access_key_id: parameter("AccessKeyId").unwrap_or_default(),
            format: if json { Format::Json } else { Format::Xml },
            token: parameter("SecurityToken"),
            timestamp: parameter("Timestamp"),
            nonce: parameter("SignatureNonce"),
            query,
            params,
        })
    }

    fn check_time(&self, now: Timestamp) -> Result<Timestamp, ServiceError> {
        let Some(text) = self.timestamp.as_deref().filter(|text| !text.is_empty()) else {
            return Err(ServiceError::new(
                400,
                "IllegalTimestamp",
                "The input parameter \"Timestamp\" that is mandatory for processing this request is not supplied.",
            ));
        };
        let Some(at) = clock::parse_iso(text) else {
            return Err(ServiceError::new(
                400,
                "InvalidTimeStamp.Format",
                "Specified time stamp or date value is not well formatted.",
            ));
        };
        if now.since(at) > WINDOW || at.since(now) > WINDOW {
            return Err(ServiceError::new(
                400,
                "InvalidTimeStamp.Expired",
                "Specified time stamp or date value is expired.",
            ));
        }
        Ok(at)
    }

    /// Nothing of a request that need not be signed; of any other every check, in this order: completeness, key, time, token, signature, nonce. Only a request whose signature
    /// holds uses its nonce up.
    pub(crate) fn verify(
        &self,
        incoming: &Incoming,
        accounts: &Accounts,
        nonces: &mut Nonces,
        now: Timestamp,
    ) -> Result<Caller, ServiceError> {
        let Some(scheme) = self.scheme else { return Ok(Caller::anonymous()) };
        match scheme {
            Scheme::Acs3 => acs3::check_complete(incoming)?,
            Scheme::Rpc => rpc::check_complete(&self.params)?,
        }
        let secret = accounts.signing_secret(&self.access_key_id)?;
        let at = self.check_time(now)?;
        let caller = accounts.check_token(&self.access_key_id, self.token.as_deref(), now)?;
        match scheme {
            Scheme::Acs3 => acs3::check_signature(incoming, &self.query, secret)?,
            Scheme::Rpc => rpc::check_signature(&incoming.method, &self.params, secret)?,
        }
        let nonce = self.nonce.as_deref().unwrap_or_default();
        if nonce.is_empty() || nonce.len() > MAX_NONCE {
            return Err(incomplete("The signature nonce is missing or too long."));
        }
        if !nonces.take(&self.access_key_id, nonce, now, at.after(WINDOW)) {
            return Err(ServiceError::new(
                400,
                "SignatureNonceUsed",
                "Specified signature nonce was used already.",
            ));
        }
        Ok(caller)
    }
}
