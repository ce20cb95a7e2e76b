//! The signature `ACS3-HMAC-SHA256`: canonical request → string to sign → signature → `Authorization`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::encoding::{lower_hex, query_string};
use crate::credentials::Credentials;
use crate::hash::{hmac_sha256, sha256};
use crate::http::Method;
use crate::sensitive::Sensitive;
use crate::time::Timestamp;
use std::borrow::Cow;
use std::fmt;

/// The name of the scheme, as it stands in the string to sign and in `Authorization`.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// What is to be signed.
#[derive(Clone, Copy)]
pub struct Acs3Request<'a> {
    /// The method.
    pub method: Method,
    /// The authority of the address as it is sent: host, and the port where it is not the default one.
    pub host: &'a str,
    /// The path, already percent-encoded as it is sent; `/` for KMS and STS. Empty means `/`.
    pub path: &'a str,
    /// `x-acs-action`, such as `GetSecretValue`.
    pub action: &'a str,
    /// `x-acs-version`, such as `2016-01-20`.
    pub version: &'a str,
    /// Parameters of the query, plain (not encoded), in any order. Leave out those that have no value.
    pub query: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// Further headers. `content-type` and `x-acs-*` are signed; others are sent as they are. A name that the
    /// signer itself sets, and a name that occurs again, is left out.
    pub headers: &'a [(Cow<'a, str>, Cow<'a, str>)],
    /// The body, exactly as it is sent.
    pub body: &'a [u8],
}

/// Shows the method, host and action only: the rest can carry secrets.
impl fmt::Debug for Acs3Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acs3Request")
            .field("method", &self.method)
            .field("host", &self.host)
            .field("action", &self.action)
            .finish_non_exhaustive()
    }
}

/// A signed request: what to send, and the texts that were signed. `Debug` shows none of it.
pub struct Signed {
    /// The headers to send, `Authorization` included. `host` is signed but not in here: the transport sends it.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// The canonical query, to be appended to the address after `?` as it is (nothing when empty).
    pub query: String,
    /// The canonical request, which contains the security token; empty when the request is anonymous.
    pub canonical_request: Sensitive<String>,
    /// The string to sign (a hash, no secret); empty when the request is anonymous.
    pub string_to_sign: String,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed").finish_non_exhaustive()
    }
}

/// The lower-case hexadecimal SHA-256 of a body: `x-acs-content-sha256`, and the last line of the canonical request.
pub fn payload_hash(body: &[u8]) -> String {
    lower_hex(&sha256(&[body]))
}

/// The headers that are signed, by lower-case name in order: `host`, `content-type` where the request has one, and
/// every `x-acs-*`. Without credentials (an anonymous request) those that name the session are missing.
pub fn headers(
    request: &Acs3Request<'_>,
    credentials: Option<&Credentials>,
    timestamp: Timestamp,
    nonce: &str,
) -> Vec<(Cow<'static, str>, String)> {
    in_order(request, credentials, timestamp, nonce, &payload_hash(request.body))
}

/// [`headers`] with this hash of the body.
fn in_order(
    request: &Acs3Request<'_>,
    credentials: Option<&Credentials>,
    timestamp: Timestamp,
    nonce: &str,
    payload_hash: &str,
) -> Vec<(Cow<'static, str>, String)> {
    let session = credentials.and_then(|key| Some((key.access_key_id(), key.security_token()?)));
    let mut out = Vec::new();
    let mut put = |name, value: &str| out.push((Cow::Borrowed(name), value.trim_ascii().to_owned()));
    put("host", request.host);
    if let Some((id, _)) = session {
        put("x-acs-accesskey-id", id);
    }
    put("x-acs-action", request.action);
    put("x-acs-content-sha256", payload_hash);
    put("x-acs-date", &timestamp.to_iso());
    if let Some((_, token)) = session {
        put("x-acs-security-token", token);
    }
    put("x-acs-signature-nonce", nonce);
    put("x-acs-version", request.version);
    for (name, value) in request.headers {
        let name = name.to_ascii_lowercase();
        let at = out.iter().take_while(|(n, _)| **n < *name).count();
        if is_signed(&name) && out.get(at).is_none_or(|(n, _)| *n != name) {
            out.insert(at, (Cow::Owned(name), value.trim_ascii().to_owned()));
        }
    }
    out
}

fn is_signed(lower_case_name: &str) -> bool {
    lower_case_name == "content-type" || lower_case_name == "host" || lower_case_name.starts_with("x-acs-")
}

/// The names of `headers`, joined by `;`.
pub fn signed_headers(headers: &[(Cow<'_, str>, String)]) -> String {
    let mut out = String::new();
    for (name, _) in headers {
        if !out.is_empty() {
            out.push(';');
        }
        out.push_str(name);
    }
    out
}

/// The canonical request over exactly these headers (lower-case, unique, sorted, values trimmed, as [`headers`] gives
/// them), this canonical query (from [`query_string`]) and this [`payload_hash`]. It contains the security token.
pub fn canonical_request(
    method: Method,
    path: &str,
    canonical_query: &str,
    headers: &[(Cow<'_, str>, String)],
    payload_hash: &str,
) -> String {
    let path = if path.is_empty() { "/" } else { path };
    let names = signed_headers(headers);
    // Sized beforehand: a growing buffer would leave copies of the token behind.
    let length = headers.iter().fold(names.len(), |n, (name, value)| {
        n.saturating_add(name.len()).saturating_add(value.len()).saturating_add(2)
    });
    let length = length.saturating_add(path.len()).saturating_add(canonical_query.len());
    let mut out = String::with_capacity(length.saturating_add(payload_hash.len()).saturating_add(16));
    let mut put = |text: &str, end| {
        out.push_str(text);
        out.push(end);
    };
    for line in [method.as_str(), path, canonical_query] {
        put(line, '\n');
    }
    for (name, value) in headers {
        put(name, ':');
        put(value, '\n');
    }
    put("", '\n');
    put(&names, '\n');
    out.push_str(payload_hash);
    out
}

/// The string to sign: the scheme's name and the SHA-256 of the canonical request.
pub fn string_to_sign(canonical_request: &str) -> String {
    [ALGORITHM, "\n", &lower_hex(&sha256(&[canonical_request.as_bytes()]))].concat()
}

/// The signature: HMAC-SHA256 keyed with the AccessKey secret, as lower-case hexadecimal digits.
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> String {
    lower_hex(&hmac_sha256(access_key_secret.as_bytes(), string_to_sign.as_bytes()))
}

/// The value of the `Authorization` header.
pub fn authorization(access_key_id: &str, headers: &[(Cow<'_, str>, String)], signature: &str) -> String {
    let names = signed_headers(headers);
    [ALGORITHM, " Credential=", access_key_id, ",SignedHeaders=", &names, ",Signature=", signature].concat()
}

/// Signs a request: all steps in order. Without credentials it is prepared for an anonymous call.
///
/// Every attempt must be signed anew, with a new nonce: the service refuses a nonce that it has seen.
pub fn sign(
    request: &Acs3Request<'_>,
    credentials: Option<&Credentials>,
    timestamp: Timestamp,
    nonce: &str,
) -> Signed {
    let query = query_string(request.query);
    let hash = payload_hash(request.body);
    let mut headers = in_order(request, credentials, timestamp, nonce, &hash);
    let (mut canonical, mut to_sign) = (String::new(), String::new());
    let mut authorized = None;
    if let Some(credentials) = credentials {
        canonical = canonical_request(request.method, request.path, &query, &headers, &hash);
        to_sign = string_to_sign(&canonical);
        let signature = signature(&to_sign, credentials.access_key_secret());
        authorized = Some(authorization(credentials.access_key_id(), &headers, &signature));
    }
    // Behind the type of the content alone.
    if let Some(at) = headers.iter().position(|(name, _)| name == "host") {
        headers.remove(at);
    }
    for (name, value) in request.headers {
        let name = name.to_ascii_lowercase();
        if !is_signed(&name) && name != "authorization" && headers.iter().all(|(n, _)| *n != name) {
            headers.push((Cow::Owned(name), value.trim_ascii().to_owned()));
        }
    }
    if let Some(value) = authorized {
        headers.push((Cow::Borrowed("authorization"), value));
    }
    Signed { headers, query, canonical_request: Sensitive::new(canonical), string_to_sign: to_sign }
}
