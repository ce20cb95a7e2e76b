//! RS256, that is RSASSA-PKCS1-v1_5 with SHA-256: whether a signature holds. Public keys only.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use sha2::{Digest, Sha256};
use std::ops::RangeInclusive;

/// The lengths of a modulus in bytes: 2048 bits at least, as RFC 7518 demands; the upper bound is ours.
const MODULUS: RangeInclusive<usize> = 256..=1024;
/// What stands before the hash: that it is one of SHA-256 (RFC 8017, section 9.2).
const DIGEST_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
    0x04, 0x20,
];

/// An RSA public key.
#[derive(Clone, Debug)]
pub(crate) struct RsaKey {
    modulus: BoxedMontyParams,
    exponent: BoxedUint,
    /// Of the modulus, and so of every signature.
    bytes: usize,
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    number.get(start..).unwrap_or_default()
}

impl RsaKey {
    /// From modulus and exponent, highest byte first. `None` for what is no key of a usual size.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
        let usual = MODULUS.contains(&modulus.len()) && (1..=4).contains(&exponent.len()) && exponent != [1];
        if !usual || exponent.last()? & 1 == 0 {
            return None;
        }
        let odd = Odd::new(BoxedUint::from_be_slice_vartime(modulus)).into_option()?;
        Some(Self {
            modulus: BoxedMontyParams::new_vartime(odd),
            exponent: BoxedUint::from_be_slice_vartime(exponent),
            bytes: modulus.len(),
        })
    }

    /// The padded hash is made anew and compared whole: nothing that the sender padded is read.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        let number = BoxedUint::from_be_slice(signature, self.modulus.bits_precision());
        let Some(number) = number.ok().filter(|number| number < self.modulus.modulus().as_ref()) else {
            return false;
        };
        let hash = Sha256::digest(message);
        let fixed = [&[0][..], &DIGEST_INFO, &hash].concat();
        let ones = self.bytes.saturating_sub(fixed.len()).saturating_sub(2);
        let expected = [&[0, 1][..], &vec![0xff; ones], &fixed].concat();
        let opened = BoxedMontyForm::new(number, &self.modulus).pow(&self.exponent).retrieve();
        signature.len() == self.bytes && without_zeros(&opened.to_be_bytes()) == without_zeros(&expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    /// RFC 7515, appendix A.2.
    const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql\
                     L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUs\
                     LA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoud\
                     F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLm\
                          NvbS9pc19yb290Ijp0cnVlfQ";
    const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W\
                             2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS\
                             jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv\
                             Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn the_example_of_the_standard_holds_and_nothing_near_it() {
        let (n, signature) = (bytes(N), bytes(SIGNATURE));
        let key = RsaKey::new(&n, &[1, 0, 1]).unwrap();
        assert!(key.verify(SIGNED.as_bytes(), &signature));
        assert!(
            RsaKey::new(&[&[0], &n[..]].concat(), &[0, 1, 0, 1])
                .unwrap()
                .verify(SIGNED.as_bytes(), &signature)
        );
        assert!(!key.verify(b"something else", &signature));
        assert!(!RsaKey::new(&n, &[3]).unwrap().verify(SIGNED.as_bytes(), &signature));
        for at in [0, 128, 255] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!key.verify(SIGNED.as_bytes(), &changed), "byte {at}");
        }
        // One more byte, one less, none; numbers that are no less than the modulus.
        for wrong in
            [[&[0], &signature[..]].concat(), signature[1..].to_vec(), vec![], n.clone(), vec![255; 256]]
        {
            assert!(!key.verify(SIGNED.as_bytes(), &wrong), "{} bytes", wrong.len());
        }
        assert!(!key.verify(SIGNED.as_bytes(), &[0; 256]) && !key.verify(SIGNED.as_bytes(), &[1; 256]));
    }

    #[test]
    fn what_is_no_key_of_a_usual_size_is_none() {
        let n = bytes(N);
        for (modulus, exponent) in [
            (&n[1..], &[1, 0, 1][..]),
            (&[1; 1025], &[1, 0, 1]),
            (&[], &[1, 0, 1]),
            (&[2; 256], &[1, 0, 1]),
            (&n, &[]),
            (&n, &[0]),
            (&n, &[1]),
            (&n, &[2]),
            (&n, &[1, 0, 0, 0, 1]),
        ] {
            assert!(RsaKey::new(modulus, exponent).is_none(), "{} {exponent:?}", modulus.len());
        }
    }
}
