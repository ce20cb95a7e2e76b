//! Decodes an error answer of the shared gateway: JSON, XML, HTML or nothing at all.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, ErrorKind, Facts, kind_of_code, kind_of_status, printable};
use crate::http::Response;
use crate::json;
use crate::sensitive::Sensitive;
use crate::text::{self, cut, has};

/// The longest wait that the service may ask for, in milliseconds (the official SDKs cap it there as well).
const MAX_WAIT: u64 = 120_000;

/// The parts of an error body, whatever its form.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) code: Option<Sensitive<String>>,
    pub(crate) message: Option<Sensitive<String>>,
    pub(crate) request_id: Option<Sensitive<String>>,
}

/// What is kept of a signed request until it is answered: for the feature `diagnosis` its canonical request.
pub(crate) struct Evidence(#[cfg(feature = "diagnosis")] Sensitive<String>);

impl Evidence {
    #[cfg(feature = "diagnosis")]
    pub(crate) fn new(canonical_request: Sensitive<String>) -> Self {
        Self(canonical_request)
    }

    #[cfg(not(feature = "diagnosis"))]
    pub(crate) fn new(_canonical_request: Sensitive<String>) -> Self {
        Self()
    }
}

/// Turns a non-2xx answer into its error. `evidence`: of the request that it refuses.
#[cfg_attr(not(feature = "diagnosis"), expect(unused_variables, reason = "nothing is compared then"))]
pub(crate) fn decode(response: &Response, evidence: &Evidence) -> Error {
    let parts = parts(response.body());
    let status = response.status();
    let fit = |name: Option<&str>| name.map(printable).filter(|name| !name.is_empty());
    let code = fit(shown(&parts.code));
    let id = fit(shown(&parts.request_id).or_else(|| response.header("x-acs-request-id")));
    let kind = match &code {
        Some(code) => kind_of_code(code, status),
        // Every answer of the service has an id. A proxy's own refusal revokes nothing.
        None if matches!(status, 401 | 403) && id.is_none() => ErrorKind::Protocol,
        None => kind_of_status(status),
    };
    let explanation = match (&code, &parts.message) {
        #[cfg(feature = "diagnosis")]
        (Some(code), Some(message)) if code == "SignatureDoesNotMatch" => {
            crate::signing::diagnosis::differing_line(evidence.0.expose(), message.expose())
                .map(|d| ["the service signed something else: ", d.name(), " differs"].concat())
                .unwrap_or_default()
                .into()
        }
        (Some(_), _) => "".into(),
        (None, _) if (300..400).contains(&status) => "the answer was redirected; check the endpoint".into(),
        (None, _) => ["HTTP status ", &text::digits(status.into()), " without an error code"].concat().into(),
    };
    let facts = Facts {
        status: Some(status),
        wait: wait(response),
        service_code: code,
        service_message: parts.message,
        request_id: id,
        ..Facts::new(kind, explanation)
    };
    facts.into()
}

fn shown(part: &Option<Sensitive<String>>) -> Option<&str> {
    part.as_ref().map(|part| part.expose().as_str())
}

/// `x-acs-retry-after` is in milliseconds, `Retry-After` in seconds (its date form is not used by the gateway).
fn wait(response: &Response) -> u64 {
    let number = |name| response.header(name).and_then(|v| text::decimal(v.trim_ascii())).unwrap_or_default();
    let ms = match number("x-acs-retry-after") {
        0 => number("retry-after").min(MAX_WAIT).wrapping_mul(1000),
        ms => ms,
    };
    ms.min(MAX_WAIT)
}

/// Code, message and request id of an error body. Anything that is neither JSON nor the gateway's XML has none.
pub(crate) fn parts(body: &[u8]) -> Parts {
    let json = json::parse(body).ok();
    let is_xml =
        |text: &&str| text.trim_ascii_start().starts_with("<") && !has(text, "<html") && !has(text, "<HTML");
    let xml = text::utf8(body).ok().filter(is_xml).unwrap_or_default();
    let part = |upper: &str, lower: &str| match &json {
        Some(json) => {
            let text = |name: &str| json.root().get(name)?.text();
            text(upper).or_else(|| text(lower))
        }
        None => {
            let (_, rest) = cut(xml, &["<", upper, ">"].concat())?;
            let (content, _) = cut(rest, &["</", upper, ">"].concat())?;
            Some(Sensitive::new(content.to_owned()))
        }
    };
    Parts {
        code: part("Code", "code"),
        message: part("Message", "message"),
        request_id: part("RequestId", "requestId"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::acs3::{Acs3Request, sign};
    use crate::time::Timestamp;
    use proptest::prelude::*;
    use std::time::Duration;

    fn found(body: &[u8]) -> (Option<String>, Option<String>, Option<String>) {
        let Parts { code, message, request_id } = parts(body);
        let plain = |part: Option<Sensitive<String>>| part.map(Sensitive::into_exposed);
        (plain(code), plain(message), plain(request_id))
    }

    fn evidence() -> Evidence {
        let request = Acs3Request {
            method: crate::http::Method::Post,
            host: "kms.cn-hangzhou.aliyuncs.com",
            path: "/",
            action: "GetSecretValue",
            version: "2016-01-20",
            query: &[],
            headers: &[],
            body: &[],
        };
        Evidence::new(sign(&request, None, Timestamp::from_millis(0), "nonce").canonical_request)
    }

    fn refusal(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Error {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        decode(&Response::new(status, headers, body.to_vec()), &evidence())
    }

    #[test]
    fn code_message_and_request_id_are_found_in_every_form_that_the_service_has() {
        let xml = "<?xml version='1.0'?>\n<Error>\n<RequestId>r</RequestId><Code>C</Code><Message>m</Message></Error>";
        for body in [
            r#"{"Code":"C","Message":"m","RequestId":"r"}"#,
            r#"{"code":"C","message":"m","requestId":"r"}"#,
            r#"{"Recommend":null,"HostId":"h","RequestId":"r","Message":"m","Code":"C","Extra":[{}]}"#,
            xml,
            &[" \r\n\t", xml].concat(),
        ] {
            assert_eq!(
                found(body.as_bytes()),
                (Some("C".into()), Some("m".into()), Some("r".into())),
                "{body}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_absent() {
        for body in [
            &b""[..],
            b"{}",
            b"null",
            b"[\"Code\"]",
            b"\"Code\"",
            br#"{"Code":null,"Message":7,"RequestId":["r"]}"#,
            b"Service Unavailable",
            b"<html><head><Code>C</Code></head></html>",
            b"<!DOCTYPE HTML><HTML><Code>C</Code></HTML>",
            b"<Error><Code>C</Error>",
            b"<Code><Code",
            b"\xff\xfe<Code>C</Code>",
            b"{\"Code\":\"C\"",
            &[0; 64],
        ] {
            assert_eq!(found(body), (None, None, None), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_code_decides_and_a_status_only_without_one() {
        let kind = |status, body: &str| refusal(status, &[], body.as_bytes()).kind();
        assert_eq!(kind(500, r#"{"Code":"Forbidden.ResourceNotFound"}"#), ErrorKind::NotFound);
        assert_eq!(kind(404, r#"{"Code":""}"#), ErrorKind::Protocol);
        let with_id = |status| refusal(status, &[("x-acs-request-id", "r")], b"").kind();
        assert_eq!(
            (with_id(403), with_id(401)),
            (ErrorKind::PermissionDenied, ErrorKind::CredentialsRejected)
        );
        // Without the service's id it is the word of some proxy.
        assert_eq!((kind(403, ""), kind(401, "<html>")), (ErrorKind::Protocol, ErrorKind::Protocol));
        assert_eq!(kind(503, "<html>busy</html>"), ErrorKind::Unavailable);
        assert_eq!(kind(302, ""), ErrorKind::Protocol);
        assert_eq!(kind(0, ""), ErrorKind::Protocol);
    }

    #[test]
    fn the_request_id_may_come_in_a_header_and_is_made_printable() {
        let header = [("X-Acs-Request-Id", "from-header")];
        let id = |headers: &[(&str, &str)], body: &str| {
            refusal(500, headers, body.as_bytes()).request_id().map(str::to_owned)
        };
        assert_eq!(id(&header, "").as_deref(), Some("from-header"));
        assert_eq!(id(&header, r#"{"RequestId":"from-body"}"#).as_deref(), Some("from-body"));
        assert_eq!(id(&[], r#"{"RequestId":"a\u001b[31m b"}"#).as_deref(), Some("a31mb"));
        assert_eq!(id(&[], r#"{"RequestId":"\u0007"}"#), None);
    }

    #[test]
    fn the_time_to_wait_is_read_and_capped() {
        let wait = |headers: &[(&str, &str)]| refusal(429, headers, b"").retry_after();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(wait(&[("Retry-After", "3")]), ms(3_000));
        assert_eq!(wait(&[("retry-after", "3"), ("x-acs-retry-after", " 250 ")]), ms(250));
        assert_eq!(wait(&[("Retry-After", "3"), ("x-acs-retry-after", "0")]), ms(3_000));
        assert_eq!(wait(&[("Retry-After", "86400")]), ms(120_000));
        assert_eq!(wait(&[("x-acs-retry-after", "999999999999999999")]), ms(120_000));
        for nonsense in ["", "-1", "1.5", "soon", "18446744073709551616", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_body_and_no_header_panics(
            status in any::<u16>(),
            name in prop::sample::select(&["retry-after", "x-acs-retry-after", "x-acs-request-id"][..]),
            value in any::<String>(),
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                r#"[ ]?[<{]("?(Code|Message|RequestId|html)"?[:>]"?[A-Za-z.<>/\\]{0,9}"?[,}<]?/?){0,4}"#
                    .prop_map(String::into_bytes),
            ],
        ) {
            let error = refusal(status, &[(name, &value)], &body);
            prop_assert!(error.wait() <= MAX_WAIT);
            prop_assert!(error.service_code().is_none_or(|code| !code.is_empty() && code.len() <= body.len()));
            prop_assert!(error.to_string().chars().all(|c| !c.is_control()));
        }
    }
}
