//! An issuer's key set (RFC 7517), as it is published: the keys in it that can sign tokens.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::fields::{InputError, parse};
use crate::oidc::{OidcProvider, PublicKey, Published, RsaKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::VerifyingKey;
use serde_json::{Map, Value};

impl OidcProvider {
    /// The keys that its issuer publishes, as JSON (what `…/.well-known/jwks` answers, or
    /// `kubectl get --raw /openid/v1/jwks`): tokens that were signed with one of them are taken, by RS256 with RSA keys of
    /// 2048 bits or more, or by ES256 with keys of the curve P-256. Other keys in the set are left out.
    ///
    /// ```
    /// use simsim_emulator::OidcProvider;
    ///
    /// let provider = OidcProvider::new("acs:ram::1234567890123456:oidc-provider/github")
    ///     .issuer("https://token.actions.githubusercontent.com");
    /// assert!(provider.jwks(r#"{"keys": []}"#).is_err());
    /// ```
    ///
    /// # Errors
    /// When it is no key set, or none of its keys can be used. Names the place, never a value.
    pub fn jwks(mut self, json: &str) -> Result<Self, InputError> {
        self.keys = published(&parse(json.as_bytes())?, "jwks")?;
        Ok(self)
    }
}

/// The keys of a set. Fields that say more than this needs to know are as published, so none is refused.
pub(super) fn published(set: &Value, place: &str) -> Result<Vec<Published>, InputError> {
    let Some(items) = set.get("keys").and_then(Value::as_array) else {
        return Err(InputError::new(format!("{place}: must be an object with a list `keys`")));
    };
    let mut keys = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let place = format!("{place}.keys[{at}]");
        let Value::Object(fields) = item else {
            return Err(InputError::new(format!("{place}: must be an object")));
        };
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|purpose| purpose != "sig") {
            continue;
        }
        let key = match (text("kty"), text("alg"), text("crv")) {
            (Some("RSA"), None | Some("RS256"), _) => rsa(fields).map(PublicKey::Rs256),
            (Some("EC"), None | Some("ES256"), Some("P-256")) => ec(fields).map(PublicKey::Es256),
            _ => continue,
        };
        let Some(key) = key else {
            return Err(InputError::new(format!(
                "{place}: is neither an RSA key of 2048 to 8192 bits nor a point of P-256"
            )));
        };
        keys.push(Published { id: text("kid").map(str::to_owned), key });
    }
    if keys.is_empty() {
        return Err(InputError::new(format!("{place}: has no key for RS256 or ES256")));
    }
    Ok(keys)
}

fn bytes(fields: &Map<String, Value>, name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(fields.get(name)?.as_str()?).ok()
}

fn rsa(fields: &Map<String, Value>) -> Option<RsaKey> {
    RsaKey::new(&bytes(fields, "n")?, &bytes(fields, "e")?)
}

fn ec(fields: &Map<String, Value>) -> Option<VerifyingKey> {
    let point = [vec![4], bytes(fields, "x")?, bytes(fields, "y")?].concat();
    VerifyingKey::from_sec1_bytes(&point).ok()
}
