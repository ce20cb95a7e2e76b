//! Which addresses may be asked, and which of them are too near for a proxy.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::unsupported;
use crate::http::FetchError;
use ::reqwest::Url;
use std::net::{IpAddr, Ipv4Addr};

/// The metadata service of an Alibaba Cloud instance.
const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);

/// Parses an absolute `http` or `https` address that would be sent exactly as it is written.
///
/// Userinfo and fragments are refused, and so is a path or query that the parser would rewrite: it was signed.
pub(super) fn parse(text: &str) -> Result<Url, FetchError> {
    let refused = || unsupported("URL");
    let (_, rest) = text.split_once("://").ok_or_else(refused)?;
    let (authority, target) = match rest.find(['/', '?', '#', '\\']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let url = Url::parse(text).map_err(|_| refused())?;
    if authority.contains('@') || !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused());
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let path = if path.is_empty() { "/" } else { path };
    if url.path() != path || url.query() != query || url.fragment().is_some() {
        return Err(refused());
    }
    Ok(url)
}

/// Loopback and link-local addresses, instance metadata among them: a proxy must never see these requests.
pub(super) fn is_near(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse() {
        Ok(IpAddr::V4(ip)) => is_near_v4(ip),
        Ok(IpAddr::V6(ip)) => {
            ip.is_loopback() || ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some_and(is_near_v4)
        }
        Err(_) => {
            let name = host.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

fn is_near_v4(ip: Ipv4Addr) -> bool {
    ip.is_loopback() || ip.is_link_local() || ip == METADATA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_and_link_local_are_near_however_they_are_written() {
        for near in [
            "http://127.0.0.1:1/",
            "http://127.9.9.9/",
            "http://0x7f.1/",
            "http://[::1]:80/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:169.254.1.1]/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://169.254.169.254/",
            "http://100.100.100.200/latest",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://kms.localhost:3000/",
        ] {
            assert!(is_near(&Url::parse(near).unwrap()), "{near}");
        }
        for far in [
            "https://kms.cn-hangzhou.aliyuncs.com/",
            "http://100.100.100.201/",
            "http://10.0.0.1/",
            "http://[fec0::1]/",
            "http://[2001:db8::1]/",
            "http://notlocalhost/",
            "http://localhost.example.com/",
        ] {
            assert!(!is_near(&Url::parse(far).unwrap()), "{far}");
        }
    }

    #[test]
    fn only_addresses_that_are_sent_as_written_are_accepted() {
        for good in [
            "https://kms.cn-hangzhou.aliyuncs.com",
            "https://kms.cn-hangzhou.aliyuncs.com/",
            "https://KMS.aliyuncs.com:443/?Action=A&SecretName=db%2Fpassword%20x",
            "http://127.0.0.1:8080?x=1",
            "http://[::1]:8080/a/b",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "kms.aliyuncs.com",
            "ftp://kms.aliyuncs.com/",
            "file:///etc/passwd",
            "https://user@kms.aliyuncs.com/",
            "https://user:pass@kms.aliyuncs.com/",
            "https://@kms.aliyuncs.com/",
            "https://kms.aliyuncs.com\\@evil.example/",
            "https://kms.aliyuncs.com/a/../b",
            "https://kms.aliyuncs.com/a b",
            "https://kms.aliyuncs.com/?q=\u{fc}",
            "https://kms.aliyuncs.com/?q=a\nb",
            "https://kms.aliyuncs.com/#f",
            "https://",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
