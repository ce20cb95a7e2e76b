//! ACS3-HMAC-SHA256: what must be signed, and whether the signature is the server's own.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::{incomplete, mismatch};
use crate::answer::ServiceError;
use crate::encoding::{Pairs, canonical_pairs, hex, unhex};
use crate::request::Incoming;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";
const REQUIRED: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

struct Authorization<'a> {
    credential: &'a str,
    signed: Vec<&'a str>,
    signed_text: &'a str,
    signature: &'a str,
}

/// `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`: one space after the algorithm, none after commas.
fn authorization(value: &str) -> Option<Authorization<'_>> {
    let parts = value.strip_prefix(ALGORITHM)?.strip_prefix(' ')?;
    let (credential, rest) = parts.strip_prefix("Credential=")?.split_once(',')?;
    let (signed_text, signature) = rest.strip_prefix("SignedHeaders=")?.split_once(",Signature=")?;
    let fields = [credential, signed_text, signature];
    let clean = fields.iter().all(|field| !field.is_empty() && field.bytes().all(|b| b.is_ascii_graphic()));
    clean.then(|| Authorization {
        credential,
        signed: signed_text.split(';').collect(),
        signed_text,
        signature,
    })
}

/// The key that the request names; nothing is checked yet.
pub(super) fn claimed_key(incoming: &Incoming) -> Option<&str> {
    authorization(incoming.header("authorization")?).map(|parts| parts.credential)
}

fn read(incoming: &Incoming) -> Result<Authorization<'_>, ServiceError> {
    let Some(value) = incoming.header("authorization") else {
        return Err(incomplete("The request is not signed: there is no Authorization header."));
    };
    authorization(value)
        .ok_or_else(|| incomplete("The Authorization header is not of the form of ACS3-HMAC-SHA256."))
}

/// Everything that must be there and must be signed.
pub(super) fn check_complete(incoming: &Incoming) -> Result<(), ServiceError> {
    let parts = read(incoming)?;
    let ordered = parts.signed.iter().zip(parts.signed.iter().skip(1)).all(|(a, b)| a < b);
    if !ordered || parts.signed.iter().any(|name| name.bytes().any(|b| b.is_ascii_uppercase())) {
        return Err(incomplete("SignedHeaders must be lower case, sorted and without repetition."));
    }
    for name in &parts.signed {
        if *name != "host" && incoming.header(name).is_none() {
            return Err(incomplete(format!("SignedHeaders names {name}, which was not sent.")));
        }
    }
    for name in REQUIRED {
        if !parts.signed.contains(&name) {
            return Err(incomplete(format!("The header {name} must be sent and signed.")));
        }
    }
    for (name, _) in &incoming.headers {
        let name = name.to_ascii_lowercase();
        // A transport that adds a content type of its own to a body breaks requests on other gateways of the service.
        let must = name.starts_with("x-acs-") || (name == "content-type" && !incoming.body.is_empty());
        if must && !parts.signed.contains(&name.as_str()) {
            return Err(incomplete(format!("The header {name} was sent but not signed.")));
        }
    }
    if incoming.header("x-acs-accesskey-id").is_some_and(|id| id != parts.credential) {
        return Err(incomplete("x-acs-accesskey-id is not the key of the Authorization header."));
    }
    Ok(())
}

/// The value of a signed header: trimmed; of a header sent more than once all values, sorted, joined by a comma.
fn signed_value(incoming: &Incoming, name: &str) -> String {
    if name == "host" {
        return incoming.host.clone();
    }
    let same = incoming.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let mut values: Vec<&str> = same.map(|(_, value)| value.trim()).collect();
    values.sort_unstable();
    values.join(",")
}

/// The canonical request as the server sees it: the query encoded anew, the body hashed anew.
fn canonical_request(
    incoming: &Incoming,
    query: &Pairs,
    signed: &Authorization<'_>,
    body_hash: &str,
) -> String {
    let query = canonical_pairs(query.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let headers: String =
        signed.signed.iter().map(|name| format!("{name}:{}\n", signed_value(incoming, name))).collect();
    format!("{}\n{}\n{query}\n{headers}\n{}\n{body_hash}", incoming.method, incoming.path, signed.signed_text)
}

/// Whether the signature, and the hash that was sent of the body, are the server's own.
pub(super) fn check_signature(incoming: &Incoming, query: &Pairs, secret: &str) -> Result<(), ServiceError> {
    let parts = read(incoming)?;
    let body_hash = hex(&Sha256::digest(&incoming.body));
    let canonical = canonical_request(incoming, query, &parts, &body_hash);
    let string_to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let same_body = incoming.header("x-acs-content-sha256") == Some(body_hash.as_str());
    let holds = unhex(parts.signature).is_some_and(|signature| {
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(string_to_sign.as_bytes());
            // Compares in constant time.
            mac.verify_slice(&signature).is_ok()
        })
    });
    if holds && same_body { Ok(()) } else { Err(mismatch(&string_to_sign, Some(&canonical))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_header_in_another_form_is_not_read() {
        assert!(authorization("ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b;c,Signature=d").is_some());
        for text in [
            "",
            "ACS3-HMAC-SHA256",
            "ACS3-HMAC-SHA256  Credential=a,SignedHeaders=b,Signature=d",
            "ACS3-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=d",
            "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature=",
            "ACS3-HMAC-SHA256 SignedHeaders=b,Credential=a,Signature=d",
            "ACS3-RSA-SHA256 Credential=a,SignedHeaders=b,Signature=d",
            "acs3-hmac-sha256 Credential=a,SignedHeaders=b,Signature=d",
        ] {
            assert!(authorization(text).is_none(), "{text}");
        }
    }
}
