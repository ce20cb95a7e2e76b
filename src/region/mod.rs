//! Where a call goes: region names, the shared gateway's hosts, and checked endpoints.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, Result};
use crate::secret::is_region;
use crate::sync::ISOLATE;
use crate::text::{cut, decimal, has};
use std::net::Ipv6Addr;

/// Which of the shared gateway's hosts is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Network {
    /// `kms.{region}.aliyuncs.com`, reachable from the Internet.
    #[default]
    Public,
    /// `kms-vpc.{region}.aliyuncs.com`, reachable from a VPC of that region.
    Vpc,
}

/// Where an endpoint was written: that decides how much it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Code { allow_http: bool },
    Environment,
}

pub(crate) fn check_region(field: &str, text: &str) -> Result<()> {
    if is_region(text) {
        return Ok(());
    }
    Err(Error::config(
        [
            field,
            ": a region has only the characters a-z, 0-9 and '-', such as cn-hangzhou; correct or remove it",
        ]
        .concat(),
    ))
}

/// A checked address of a gateway: scheme and authority, nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    https: bool,
    authority: Box<str>,
}

impl Endpoint {
    /// The KMS host of a region.
    pub(crate) fn kms(network: Network, region: &str) -> Self {
        let product = match network {
            Network::Public => "kms.",
            Network::Vpc => "kms-vpc.",
        };
        Self { https: true, authority: [product, region, ".aliyuncs.com"].concat().into_boxed_str() }
    }

    /// An authority that was checked already, in lower case and without the scheme's own port.
    pub(crate) fn trusted(https: bool, authority: &str) -> Self {
        Self { https, authority: authority.into() }
    }

    /// An endpoint as someone wrote it; `field` names where, for the error.
    pub(crate) fn parse(field: &str, text: &str, origin: Origin) -> Result<Self> {
        let fault = |what: &str| Err(Error::config([field, ": ", what].concat()));
        let (https, rest) = match cut(text, "://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some(_) => return fault("the scheme must be https"),
            None => (true, text),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.bytes().any(|b| b == b'@') {
            return fault("must not contain a user name or password");
        }
        if authority.bytes().any(|b| matches!(b, b'/' | b'\\' | b'?' | b'#')) {
            return fault("must be a host only, without a path, query or fragment");
        }
        let Some((host, port)) = split_port(authority) else {
            return fault("is not host or host:port");
        };
        // With a zero in front it would be signed as it is written, and sent without.
        let port_ok = |p: &str| !p.starts_with('0') && decimal(p).is_some_and(|n| n <= 65_535);
        if !port.is_none_or(port_ok) {
            return fault("the port must be a number from 1 to 65535");
        }
        let host_lower = host.to_ascii_lowercase();
        if !is_host(&host_lower) {
            return fault("the host is neither a name nor an address in its shortest form");
        }
        let loopback = is_loopback(&host_lower);
        let allow_http = loopback || matches!(origin, Origin::Code { allow_http: true });
        if !https && !allow_http {
            return fault("plain http is for loopback only; use https (or allow_http for tests)");
        }
        if origin == Origin::Environment && !loopback && !host_lower.ends_with(".aliyuncs.com") {
            return fault(
                "an endpoint from the environment must end in .aliyuncs.com or be loopback; set any other in code",
            );
        }
        let default = if https { ":443" } else { ":80" };
        let authority = authority.strip_suffix(default).unwrap_or(authority).to_ascii_lowercase();
        Ok(Self { https, authority: authority.into_boxed_str() })
    }

    /// The authority, with the port where it is not the scheme's own: what the signature covers as `host`.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The address of the one path that RPC-style APIs have.
    pub(crate) fn url(&self, query: &str) -> String {
        let scheme = if self.https { "https://" } else { "http://" };
        let mark = if query.is_empty() { "" } else { "?" };
        [scheme, &self.authority, "/", mark, query].concat()
    }
}

/// Host and port of an authority; IPv6 hosts keep their brackets. `None` when it is malformed.
fn split_port(authority: &str) -> Option<(&str, Option<&str>)> {
    if authority.starts_with('[') {
        let end = authority.bytes().position(|b| b == b']')?.checked_add(1)?;
        let (host, rest) = authority.split_at_checked(end)?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None => rest.is_empty().then_some((host, None)),
        };
    }
    match cut(authority, ":") {
        Some((_, port)) if has(port, ":") => None,
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let plain = has(v6, ":") && v6.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        // What would be sent in another form than it is signed in; std's forms are too large for wasm.
        return plain && (ISOLATE || v6.parse::<Ipv6Addr>().is_ok_and(|ip| ip.to_string() == v6));
    }
    let label_ok = |l: &[u8]| {
        l.first().is_some_and(|b| *b != b'-')
            && l.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let mut labels = host.as_bytes().split(|b| *b == b'.');
    // Whoever sends to a host that ends in a number takes it for an address, and writes `127.1` as `127.0.0.1`.
    let is_number = |l: &[u8]| match l.strip_prefix(b"0x") {
        Some(hex) => hex.iter().all(u8::is_ascii_hexdigit),
        None => l.iter().all(u8::is_ascii_digit),
    };
    let name = labels.clone().next_back().is_some_and(|last| !is_number(last));
    host.len() <= 253 && labels.all(label_ok) && (name || is_v4(host).is_some())
}

/// Whether an absolute address is on this machine.
pub(crate) fn is_near(url: &str) -> bool {
    let authority =
        cut(url, "://").map(|(_, rest)| rest.as_bytes().split(|b| matches!(b, b'/' | b'?' | b'#')).next());
    let authority = authority.flatten().and_then(|bytes| crate::text::utf8(bytes).ok());
    authority.and_then(split_port).is_some_and(|(host, _)| is_loopback(host))
}

/// Whether a host is this machine: `localhost`, `127.0.0.0/8`, `[::1]`.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || (host.starts_with("127.") && is_v4(host).is_some())
}

/// Four numbers up to 255, without leading zeros (which some read as octal).
fn is_v4(host: &str) -> Option<()> {
    let mut rest = host;
    for last in [false, false, false, true] {
        let (part, after) = if last { (rest, "") } else { cut(rest, ".")? };
        let plain = part.len() == 1 || !part.starts_with('0');
        decimal(part).filter(|n| *n <= 255 && plain)?;
        rest = after;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const CODE: Origin = Origin::Code { allow_http: false };

    #[test]
    fn a_region_gives_the_documented_hosts() {
        assert_eq!(
            Endpoint::kms(Network::Public, "cn-hangzhou").url(""),
            "https://kms.cn-hangzhou.aliyuncs.com/"
        );
        assert_eq!(
            Endpoint::kms(Network::Vpc, "cn-hangzhou").authority(),
            "kms-vpc.cn-hangzhou.aliyuncs.com"
        );
    }

    #[test]
    fn an_endpoint_is_a_host_and_nothing_else() {
        for bad in [
            "https://h.example/path",
            "https://h.example?x=1",
            "https://h.example#f",
            "https://u:p@h.example",
            "http://h.example",
            "ftp://h.example",
            "https://",
            "",
            "https://h.example:0",
            "https://h.example:99999",
            "https://h.example:x",
            "https://h ost",
            "https://[::1",
            "https://a:b:c",
            "https://..",
            "https://h.example//",
        ] {
            let e = Endpoint::parse("endpoint", bad, CODE).expect_err(bad);
            assert_eq!(e.kind(), ErrorKind::Config, "{bad}");
            assert!(e.to_string().contains("endpoint: "), "{bad}: {e}");
        }
    }

    #[test]
    fn plain_http_reaches_loopback_only_unless_allowed() {
        for ok in ["http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "https://h.example/"] {
            assert!(Endpoint::parse("endpoint", ok, CODE).is_ok(), "{ok}");
        }
        assert!(Endpoint::parse("endpoint", "http://h.example", Origin::Code { allow_http: true }).is_ok());
        for bad in [
            "http://127.0.0.1.evil.example",
            "http://127.0.0",
            "http://127.0.0.256",
            "http://127.0.0.01",
            "http://127.0.0.0x1",
            "http://127.0.0.",
            "http://128.0.0.1",
        ] {
            assert!(Endpoint::parse("endpoint", bad, CODE).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_environment_may_only_name_aliyuncs_or_loopback() {
        let env = |t| Endpoint::parse("ALIBABA_CLOUD_KMS_ENDPOINT", t, Origin::Environment);
        assert!(env("kms.cn-hangzhou.aliyuncs.com").is_ok());
        assert!(env("http://127.0.0.1:9").is_ok());
        for bad in [
            "evil.example",
            "aliyuncs.com.evil.example",
            "evilaliyuncs.com",
            "http://kms.cn-hangzhou.aliyuncs.com",
        ] {
            assert!(env(bad).is_err(), "{bad}");
        }
    }

    #[cfg(feature = "reqwest")]
    proptest::proptest! {
        #[test]
        fn what_is_signed_as_the_host_is_what_is_sent(
            scheme in "https://|http://|",
            host in r"[0-9a-fx.]{1,9}|[0-9a-z_.-]{1,12}|\[[0-9a-f:]{2,12}\]|127(\.[0-9]{1,3}){1,3}",
            port in ":[0-9]{1,5}|",
        ) {
            let Ok(ours) = Endpoint::parse("e", &[scheme, host, port].concat(), Origin::Code { allow_http: true }) else {
                return Ok(());
            };
            let sent = reqwest::Url::parse(&ours.url("")).expect("an address");
            let port = sent.port().map_or(String::new(), |port| format!(":{port}"));
            proptest::prop_assert_eq!(ours.authority(), [sent.host_str().expect("a host"), &port].concat());
        }
    }

    #[test]
    fn the_default_port_is_not_part_of_the_signed_host() {
        assert_eq!(Endpoint::parse("e", "https://H.example:443", CODE).expect("ok").authority(), "h.example");
        assert_eq!(
            Endpoint::parse("e", "https://h.example:8443", CODE).expect("ok").authority(),
            "h.example:8443"
        );
    }
}
