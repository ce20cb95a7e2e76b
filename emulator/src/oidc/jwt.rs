//! JSON web tokens: written with ES256, and read strictly with ES256 and RS256.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::key::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Map, Value, json};
use simsim::Timestamp;

const ES256: &str = "ES256";
const RS256: &str = "RS256";

/// What a token says.
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) issued: Timestamp,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) expires: Timestamp,
}

/// A token that was read; its signature is not checked yet.
pub(super) struct Token<'a> {
    pub(super) claims: Claims,
    /// Which of its issuer's keys it says to be signed with.
    pub(super) key_id: Option<String>,
    signed: &'a str,
    signature: Signed,
}

/// A signature, by the algorithm that the token names.
enum Signed {
    Es256(Signature),
    Rs256(Vec<u8>),
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

/// A token that says those claims.
pub(super) fn sign(claims: &Claims, key: &SigningKey) -> String {
    let header = json!({ "alg": ES256, "typ": "JWT", "kid": "simsim-emulator" });
    let mut body = json!({
        "iss": claims.issuer,
        "sub": claims.subject,
        "aud": claims.audiences,
        "iat": seconds(claims.issued),
        "exp": seconds(claims.expires),
    });
    if let (Some(start), Some(body)) = (claims.not_before, body.as_object_mut()) {
        body.insert("nbf".to_owned(), seconds(start).into());
    }
    let signed = format!("{}.{}", encode(&header), encode(&body));
    let signature: Signature = key.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

impl<'a> Token<'a> {
    /// `None` for what is no token of this kind. White space around one makes it none: it is part of what was sent.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, body) = signed.split_once('.')?;
        let header = decode(header)?;
        // A critical extension is one that whoever does not know it must refuse.
        if header.contains_key("crit") {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = match header.get("alg")?.as_str()? {
            ES256 => Signed::Es256(Signature::from_slice(&signature).ok()?),
            RS256 if !signature.is_empty() => Signed::Rs256(signature),
            _ => return None,
        };
        let key_id = header.get("kid").and_then(Value::as_str).map(str::to_owned);
        Some(Self { claims: claims(&decode(body)?)?, key_id, signed, signature })
    }

    /// By the key's own algorithm: what the token says of it decides nothing.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        match (&self.signature, key) {
            (Signed::Es256(signature), PublicKey::Es256(key)) => {
                key.verify(self.signed.as_bytes(), signature).is_ok()
            }
            (Signed::Rs256(signature), PublicKey::Rs256(key)) => {
                key.verify(self.signed.as_bytes(), signature)
            }
            _ => false,
        }
    }
}

fn claims(body: &Map<String, Value>) -> Option<Claims> {
    let text = |name: &str| body.get(name)?.as_str().map(str::to_owned);
    let time = |value: &Value| Some(Timestamp::from_millis(value.as_i64()?.checked_mul(1000)?));
    let audiences = match body.get("aud")? {
        Value::String(one) => vec![one.clone()],
        Value::Array(many) => {
            many.iter().map(|one| one.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    let not_before = match body.get("nbf") {
        Some(value) => Some(time(value)?),
        None => None,
    };
    Some(Claims {
        issuer: text("iss")?,
        subject: text("sub")?,
        audiences,
        issued: time(body.get("iat")?)?,
        not_before,
        expires: time(body.get("exp")?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::ecdsa::VerifyingKey;

    fn key() -> SigningKey {
        SigningKey::from_slice(&[7; 32]).unwrap()
    }

    fn token(header: &Value, body: &Value) -> String {
        let signed = format!("{}.{}", encode(header), encode(body));
        let signature: Signature = key().sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn body() -> Value {
        json!({ "iss": "i", "sub": "s", "aud": "a", "iat": 1, "exp": 2 })
    }

    #[test]
    fn the_example_of_the_standard_is_signed_by_its_key() {
        // RFC 7515, appendix A.3. Its claims lack a subject, so only the signature is asked for.
        let point = [
            [4].as_slice(),
            &URL_SAFE_NO_PAD.decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU").unwrap(),
            &URL_SAFE_NO_PAD.decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0").unwrap(),
        ]
        .concat();
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let token = |signed| Token {
            claims: claims(body().as_object().unwrap()).unwrap(),
            key_id: None,
            signed,
            signature: Signed::Es256(
                Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap(),
            ),
        };
        let key = PublicKey::Es256(VerifyingKey::from_sec1_bytes(&point).unwrap());
        let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                      cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        assert!(token(signed).is_signed_by(&key));
        assert!(!token(signed.trim_end_matches('Q')).is_signed_by(&key));
    }

    #[test]
    fn a_token_reads_back_and_holds_with_its_own_key_only() {
        let claims = claims(body().as_object().unwrap()).unwrap();
        let text = sign(&claims, &key());
        let read = Token::parse(&text).unwrap();
        let public = |key: SigningKey| PublicKey::Es256(*key.verifying_key());
        assert!(read.is_signed_by(&public(key())));
        assert!(!read.is_signed_by(&public(SigningKey::from_slice(&[8; 32]).unwrap())));
        assert_eq!((read.claims.subject.as_str(), read.claims.expires.as_millis()), ("s", 2000));
    }

    #[test]
    fn what_is_not_wholly_a_token_is_none() {
        let header = json!({ "alg": ES256 });
        let good = token(&header, &body());
        assert!(Token::parse(&good).is_some());
        let (signed, _) = good.rsplit_once('.').unwrap();
        for text in ["", "a.b.c", signed, &format!("{signed}."), &format!("{good}\n"), &format!("{good}=")] {
            assert!(Token::parse(text).is_none(), "{text:?}");
        }
        for header in [json!({}), json!({"alg": "none"}), json!({"alg": "RS384"}), json!({"alg": "HS256"})] {
            assert!(Token::parse(&token(&header, &body())).is_none(), "{header}");
        }
        assert!(Token::parse(&token(&json!({"alg": ES256, "crit": ["b64"]}), &body())).is_none());
        for name in ["iss", "sub", "aud", "iat", "exp"] {
            let mut without = body();
            without.as_object_mut().unwrap().remove(name);
            assert!(Token::parse(&token(&header, &without)).is_none(), "{name}");
            let mut wrong = body();
            wrong[name] = json!({});
            assert!(Token::parse(&token(&header, &wrong)).is_none(), "{name}");
        }
        let mut far = body();
        far["exp"] = json!(i64::MAX);
        assert!(Token::parse(&token(&header, &far)).is_none());
    }
}
