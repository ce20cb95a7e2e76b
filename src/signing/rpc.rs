//! The older signature `HMAC-SHA1` of RPC-style calls: parameters → canonical query → string to sign → signature.
//!
//! The service calls it obsolete; the client signs with [`acs3`](super::acs3).
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::encoding::{push_percent_encoded, query_string};
use crate::credentials::Credentials;
use crate::http::Method;
use crate::sensitive::Sensitive;
use crate::time::Timestamp;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::borrow::Cow;
use std::fmt;

/// What is to be signed.
#[derive(Clone, Copy)]
pub struct RpcRequest<'a> {
    /// The method; it is part of the signature.
    pub method: Method,
    /// `Action`, such as `GetSecretValue`.
    pub action: &'a str,
    /// `Version`, such as `2016-01-20`.
    pub version: &'a str,
    /// `Format`, such as `JSON`.
    pub format: &'a str,
    /// Parameters of the call, plain (not encoded), in any order. Leave out those that have no value.
    pub parameters: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// Parameters that are sent in a form body of their own: signed with the others, not in [`Signed::query`].
    pub form: &'a [(Cow<'a, str>, Cow<'a, str>)],
}

/// Shows the method and action only: the rest can carry secrets.
impl fmt::Debug for RpcRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RpcRequest")
            .field("method", &self.method)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// A signed request: what to send, and the text that was signed. `Debug` shows none of it.
pub struct Signed {
    /// All parameters but those of the form, `Signature` included, encoded: a query, or a form body.
    pub query: Sensitive<String>,
    /// The string to sign, which contains the security token.
    pub string_to_sign: Sensitive<String>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

/// The public parameters and those of the call, without `Signature` and without those of the form.
pub fn parameters<'a>(
    request: &RpcRequest<'a>,
    credentials: &'a Credentials,
    timestamp: Timestamp,
    nonce: &'a str,
) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
    let mut out: Vec<(Cow<'a, str>, Cow<'a, str>)> = vec![
        (Cow::Borrowed("Action"), Cow::Borrowed(request.action)),
        (Cow::Borrowed("Version"), Cow::Borrowed(request.version)),
        (Cow::Borrowed("Format"), Cow::Borrowed(request.format)),
        (Cow::Borrowed("AccessKeyId"), Cow::Borrowed(credentials.access_key_id())),
        (Cow::Borrowed("SignatureMethod"), Cow::Borrowed("HMAC-SHA1")),
        (Cow::Borrowed("SignatureVersion"), Cow::Borrowed("1.0")),
        (Cow::Borrowed("SignatureNonce"), Cow::Borrowed(nonce)),
        (Cow::Borrowed("Timestamp"), Cow::Owned(timestamp.to_iso())),
    ];
    if let Some(token) = credentials.security_token() {
        out.push((Cow::Borrowed("SecurityToken"), Cow::Borrowed(token)));
    }
    for (name, value) in request.parameters {
        if name != "Signature" {
            out.push((name.clone(), value.clone()));
        }
    }
    out
}

/// The canonical query over the parameters of query and form together, but for `Signature`. It contains the security
/// token.
pub fn canonical_query(
    parameters: &[(Cow<'_, str>, Cow<'_, str>)],
    form: &[(Cow<'_, str>, Cow<'_, str>)],
) -> String {
    let mut all: Vec<(Cow<'_, str>, Cow<'_, str>)> = Vec::new();
    for (name, value) in parameters.iter().chain(form) {
        if name != "Signature" {
            all.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        }
    }
    query_string(&all)
}

/// The string to sign: the method, the encoded path `/` and the canonical query, encoded once more.
pub fn string_to_sign(method: Method, canonical_query: &str) -> String {
    let mut out = String::with_capacity(canonical_query.len().saturating_mul(3).saturating_add(16));
    out.push_str(method.as_str());
    out.push_str("&%2F&");
    push_percent_encoded(&mut out, canonical_query);
    out
}

/// The signature: HMAC-SHA1 keyed with the AccessKey secret and `&`, in standard Base64.
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> String {
    let mut key = String::with_capacity(access_key_secret.len().saturating_add(1));
    key.push_str(access_key_secret);
    key.push('&');
    let key = Sensitive::new(key);
    // HMAC takes keys of any length; were it to refuse one, the empty signature would be refused by the service.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(string_to_sign.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

/// Signs a request: all steps in order. Every attempt needs a new nonce.
pub fn sign(
    request: &RpcRequest<'_>,
    credentials: &Credentials,
    timestamp: Timestamp,
    nonce: &str,
) -> Signed {
    let mut sent = parameters(request, credentials, timestamp, nonce);
    let canonical = Sensitive::new(canonical_query(&sent, request.form));
    let to_sign = Sensitive::new(string_to_sign(request.method, canonical.expose()));
    let signature = signature(to_sign.expose(), credentials.access_key_secret());
    sent.push((Cow::Borrowed("Signature"), Cow::Owned(signature)));
    Signed { query: Sensitive::new(query_string(&sent)), string_to_sign: to_sign }
}
