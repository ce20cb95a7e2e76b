//! RPC HMAC-SHA1: the parameters that must be there, and whether the signature is the server's own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{incomplete, mismatch};
use crate::answer::ServiceError;
use crate::encoding::{Pairs, canonical_pairs, percent_encode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

const REQUIRED: [&str; 5] =
    ["AccessKeyId", "Signature", "SignatureMethod", "SignatureNonce", "SignatureVersion"];

fn value<'a>(params: &'a Pairs, name: &str) -> Option<&'a str> {
    params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Everything that must be there, once.
pub(super) fn check_complete(params: &Pairs) -> Result<(), ServiceError> {
    for name in REQUIRED {
        if value(params, name).is_none_or(str::is_empty) {
            return Err(incomplete(format!("The parameter {name} is missing.")));
        }
    }
    let mut names: Vec<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if let Some((name, _)) = names.iter().zip(names.iter().skip(1)).find(|(a, b)| a == b) {
        return Err(incomplete(format!("The parameter {name} was sent more than once.")));
    }
    let method = value(params, "SignatureMethod") == Some("HMAC-SHA1");
    let version = value(params, "SignatureVersion") == Some("1.0");
    // Older clients send an empty SignatureType with an HMAC; any other value means another kind of key.
    let kind = value(params, "SignatureType").is_none_or(str::is_empty);
    if method && version && kind {
        return Ok(());
    }
    Err(ServiceError::invalid_parameter("Only HMAC-SHA1, signature version 1.0, is supported."))
}

/// Whether the signature is the server's own. Where a parameter was carried, query or form, makes no difference.
pub(super) fn check_signature(method: &str, params: &Pairs, secret: &str) -> Result<(), ServiceError> {
    let signed = params.iter().filter(|(name, _)| name != "Signature");
    let canonical = canonical_pairs(signed.map(|(n, v)| (n.as_str(), v.as_str())));
    let string_to_sign = format!("{method}&{}&{}", percent_encode("/"), percent_encode(&canonical));
    let sent = STANDARD.decode(value(params, "Signature").unwrap_or_default());
    let holds = sent.is_ok_and(|signature| {
        let key = [secret.as_bytes(), b"&"].concat();
        Hmac::<Sha1>::new_from_slice(&key).is_ok_and(|mut mac| {
            mac.update(string_to_sign.as_bytes());
            // Compares in constant time.
            mac.verify_slice(&signature).is_ok()
        })
    });
    if holds { Ok(()) } else { Err(mismatch(&string_to_sign, None)) }
}
