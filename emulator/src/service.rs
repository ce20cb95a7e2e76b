//! The services that the emulator stands for, and what of a request names one.
// SPDX-License-Identifier: Apache-2.0 OR MIT

/// A service of the emulator. A [`Fault`](crate::Fault) can be for one of them: an STS that is out, a KMS that is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// The key management service, with its secrets.
    Kms,
    /// The security token service: AssumeRole and its like.
    Sts,
    /// The metadata of an ECS instance: `http://100.100.100.200/latest/…`.
    Metadata,
    /// The endpoint that a CredentialsURI names.
    CredentialsUri,
}

impl Service {
    /// The name that seeds, control calls and JavaScript have for it.
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("kms", Self::Kms),
        ("sts", Self::Sts),
        ("metadata", Self::Metadata),
        ("credentialsUri", Self::CredentialsUri),
    ];

    /// The service whose API has that version.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        match version {
            "2016-01-20" => Some(Self::Kms),
            "2015-04-01" => Some(Self::Sts),
            _ => None,
        }
    }

    /// The service that a host's name (without a port) is for; `None` for loopback and foreign names, which serve all.
    pub(crate) fn of_host(name: &str) -> Option<Self> {
        if name == "100.100.100.200" {
            return Some(Self::Metadata);
        }
        match name.strip_suffix(".aliyuncs.com")?.split('.').next()? {
            "kms" | "kms-vpc" => Some(Self::Kms),
            "sts" | "sts-vpc" => Some(Self::Sts),
            _ => None,
        }
    }
}
