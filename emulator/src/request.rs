//! One request as it arrived, taken apart but not yet believed.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::encoding::{Pairs, form_pairs};
use crate::service::Service;

/// A request as it came over the wire, whichever wire that was.
pub(crate) struct Incoming {
    /// `GET`, `POST`, …
    pub(crate) method: String,
    /// The value of the `Host` header.
    pub(crate) host: String,
    /// The path as it was sent.
    pub(crate) path: String,
    /// The query as it was sent, without the `?`.
    pub(crate) query: String,
    /// All headers but `host`, in their order.
    pub(crate) headers: Pairs,
    pub(crate) body: Vec<u8>,
}

impl Incoming {
    /// From an absolute address; `None` when it is not one.
    pub(crate) fn from_url(method: &str, url: &str, headers: Pairs, body: Vec<u8>) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return None,
        };
        let rest = rest.split('#').next()?;
        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = match before_query.split_once('/') {
            Some((authority, path)) => (authority, format!("/{path}")),
            None => (before_query, "/".to_owned()),
        };
        // A transport sends the host in lower case and leaves out the scheme's own port.
        let host = authority.rsplit('@').next()?.to_ascii_lowercase();
        let host = host.strip_suffix(default_port).unwrap_or(&host).to_owned();
        (!host.is_empty()).then(|| Self {
            method: method.to_owned(),
            host,
            path,
            query: query.to_owned(),
            headers,
            body,
        })
    }

    /// The first header of that name, trimmed.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    fn has_form(&self) -> bool {
        self.header("content-type")
            .and_then(|value| value.split(';').next())
            .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
    }

    /// The decoded query.
    pub(crate) fn query_pairs(&self) -> Option<Pairs> {
        form_pairs(&self.query)
    }

    /// The decoded form body; empty where the body is something else.
    pub(crate) fn form_body(&self) -> Option<Pairs> {
        if self.has_form() { form_pairs(std::str::from_utf8(&self.body).ok()?) } else { Some(Pairs::new()) }
    }

    /// The host's name without its port.
    fn host_name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    /// The service that the host name is for; `None` for loopback and foreign names, which serve all.
    pub(crate) fn service(&self) -> Option<Service> {
        Service::of_host(self.host_name())
    }

    /// The region in the host name: `kms.{region}.aliyuncs.com` and its like.
    pub(crate) fn region(&self) -> Option<&str> {
        let (label, region) = self.host_name().strip_suffix(".aliyuncs.com")?.split_once('.')?;
        let known = matches!(label, "kms" | "kms-vpc" | "sts" | "sts-vpc");
        (known && !region.is_empty() && !region.contains('.')).then_some(region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(url: &str) -> Incoming {
        Incoming::from_url("POST", url, Vec::new(), Vec::new()).unwrap()
    }

    #[test]
    fn an_address_gives_the_host_that_a_transport_would_send() {
        let request = incoming("https://user@KMS.cn-hangzhou.aliyuncs.com:443/?a=b#c");
        assert_eq!((request.host.as_str(), request.path.as_str()), ("kms.cn-hangzhou.aliyuncs.com", "/"));
        assert_eq!(request.query, "a=b");
        let request = incoming("http://127.0.0.1:8080?a=b");
        assert_eq!((request.host.as_str(), request.path.as_str()), ("127.0.0.1:8080", "/"));
        for url in ["", "kms.aliyuncs.com/", "ftp://x/", "https:///x"] {
            assert!(Incoming::from_url("GET", url, Vec::new(), Vec::new()).is_none(), "{url}");
        }
    }

    #[test]
    fn region_and_service_are_read_from_the_host() {
        for (url, service, region) in [
            ("https://kms.cn-shanghai.aliyuncs.com/", Some(Service::Kms), Some("cn-shanghai")),
            ("https://kms-vpc.us-west-1.aliyuncs.com/", Some(Service::Kms), Some("us-west-1")),
            ("https://sts.aliyuncs.com/", Some(Service::Sts), None),
            ("https://sts-vpc.cn-beijing.aliyuncs.com/", Some(Service::Sts), Some("cn-beijing")),
            ("http://100.100.100.200/latest/", Some(Service::Metadata), None),
            ("http://localhost:1/", None, None),
            ("http://[::1]:1/", None, None),
        ] {
            let request = incoming(url);
            assert_eq!((request.service(), request.region()), (service, region), "{url}");
        }
    }
}
