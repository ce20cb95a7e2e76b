//! The rustls configuration: which cryptography, which roots, and what its errors are called.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::sync::Arc;

/// TLS 1.2 and 1.3, HTTP/1.1, the platform's or the bundled roots and those of the caller.
pub(super) fn config(extra_pem: &[Vec<u8>]) -> Result<ClientConfig> {
    let mut roots = default_roots();
    for pem in extra_pem {
        add_pem(&mut roots, pem)?;
    }
    if roots.is_empty() {
        return Err(Error::config(NO_ROOTS));
    }
    trusting(roots)
}

/// A configuration that trusts nobody, for a transport that never speaks TLS: reqwest wants one all the same,
/// and would otherwise look for a process-wide provider and panic without it.
pub(super) fn unused() -> Result<ClientConfig> {
    trusting(RootCertStore::empty())
}

fn trusting(roots: RootCertStore) -> Result<ClientConfig> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::config("the TLS provider supports neither TLS 1.2 nor 1.3"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// aws-lc where it is enabled: ring is a default feature, so whoever turned aws-lc on as well meant it.
#[cfg(feature = "aws-lc")]
fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

#[cfg(not(feature = "aws-lc"))]
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The platform's roots; the bundled ones where there are none. Never both: a root that an administrator
/// removed from the system's store stays removed when some crate enables `bundled-roots`.
fn default_roots() -> RootCertStore {
    #[allow(unused_mut, reason = "which of the blocks below exist depends on the features")]
    let mut roots = RootCertStore::empty();
    #[cfg(feature = "native-roots")]
    {
        // Stores hold the odd certificate that cannot be parsed; the others count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    #[cfg(feature = "bundled-roots")]
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(feature = "native-roots")]
const NO_ROOTS: &str = "no root certificates: the system's certificate store is empty or unreadable; install it \
     (ca-certificates), or enable simsim's feature `bundled-roots`, or give .add_root_certificate_pem(..)";
#[cfg(not(feature = "native-roots"))]
const NO_ROOTS: &str = "no root certificates: enable simsim's feature `native-roots` or `bundled-roots`, or give \
     .add_root_certificate_pem(..)";

fn add_pem(roots: &mut RootCertStore, pem: &[u8]) -> Result<()> {
    let broken = || Error::config("add_root_certificate_pem: not a PEM certificate");
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| broken())?).map_err(|_| broken())?;
        found = true;
    }
    if found { Ok(()) } else { Err(broken()) }
}

/// What went wrong in TLS, without the names that rustls puts into its messages.
pub(super) fn code(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer => "TLS_UNKNOWN_ISSUER",
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "TLS_CERTIFICATE_EXPIRED",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "TLS_CERTIFICATE_NOT_YET_VALID"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "TLS_CERTIFICATE_FOR_ANOTHER_NAME"
            }
            CertificateError::Revoked => "TLS_CERTIFICATE_REVOKED",
            _ => "TLS_CERTIFICATE",
        },
        rustls::Error::AlertReceived(_) => "TLS_ALERT",
        _ => "TLS",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_without_a_certificate_is_a_config_error_that_does_not_quote_it() {
        for pem in [&b""[..], b"needle", b"-----BEGIN CERTIFICATE-----\nneedle\n-----END CERTIFICATE-----\n"]
        {
            let error = config(&[pem.to_vec()]).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config);
            assert!(error.explanation().contains("add_root_certificate_pem"));
            assert!(!format!("{error} {error:?}").contains("needle"));
        }
    }
}
