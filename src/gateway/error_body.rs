//! Decodes an error answer of the shared gateway: JSON, XML, HTML or nothing at all.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::error::{Error, ErrorKind, kind_of_code, kind_of_status, printable};
use crate::http::Response;
use crate::json;
use crate::sensitive::Sensitive;
use crate::signing::acs3::Signed;
use crate::signing::diagnosis::differing_line;
use crate::text::{self, cut, has};
use std::time::Duration;

/// The longest wait that the service may ask for (the official SDKs cap it there as well).
const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// An error answer: the error, and the service's code as it was sent.
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) code: Option<String>,
}

/// The parts of an error body, whatever its form.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<Sensitive<String>>,
    pub(crate) request_id: Option<String>,
}

/// Turns a non-2xx answer into its error. `signed` is what was sent, for the diagnosis of a refused signature.
pub(crate) fn decode(response: &Response, signed: &Signed) -> Refusal {
    let parts = parts(response.body());
    let status = response.status();
    let code = parts.code.filter(|c| !c.is_empty());
    let kind = match &code {
        Some(code) => kind_of_code(code, status),
        None if (300..400).contains(&status) => ErrorKind::Protocol,
        None => kind_of_status(status),
    };
    let explanation = match (&code, &parts.message) {
        (Some(code), Some(message)) if code == "SignatureDoesNotMatch" => {
            differing_line(signed.canonical_request.expose(), message.expose())
                .map(|d| ["the service signed something else: ", d.name(), " differs"].concat())
        }
        (None, _) if (300..400).contains(&status) => {
            Some(String::from("the answer is a redirect, which is never followed; check the endpoint"))
        }
        (None, _) => Some(["HTTP status ", &text::digits(status.into()), " without an error code"].concat()),
        _ => None,
    };
    let mut error = Error::new(kind, explanation.unwrap_or_default())
        .with_status(status)
        .with_retry_after(retry_after(response));
    if let Some(code) = &code {
        error = error.with_service_code(printable(code));
    }
    if let Some(message) = parts.message {
        error = error.with_service_message(message.into_exposed());
    }
    let id = parts.request_id.as_deref().or_else(|| response.header("x-acs-request-id"));
    if let Some(id) = id.map(printable).filter(|id| !id.is_empty()) {
        error = error.with_request_id(id);
    }
    Refusal { error, code }
}

/// `x-acs-retry-after` is in milliseconds, `Retry-After` in seconds (its date form is not used by the gateway).
fn retry_after(response: &Response) -> Option<Duration> {
    let number = |name| response.header(name).and_then(|v| text::decimal(v.trim_ascii())).filter(|n| *n > 0);
    let wait = match number("x-acs-retry-after") {
        Some(ms) => Duration::from_millis(ms),
        None => Duration::from_secs(number("retry-after")?),
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// Code, message and request id of an error body. Anything that is neither JSON nor the gateway's XML has none.
pub(crate) fn parts(body: &[u8]) -> Parts {
    if let Ok(mut value) = json::parse(body) {
        let mut take = |upper: &str, lower: &str| value.take_str(upper).or_else(|| value.take_str(lower));
        let message = take("Message", "message");
        let code = take("Code", "code").map(Sensitive::into_exposed);
        let request_id = take("RequestId", "requestId").map(Sensitive::into_exposed);
        return Parts { code, message, request_id };
    }
    let Ok(text) = std::str::from_utf8(body) else { return Parts::default() };
    if !text.trim_ascii_start().starts_with('<') || has(text, "<html") || has(text, "<HTML") {
        return Parts::default();
    }
    let element = |name: &str| {
        let (_, rest) = cut(text, &["<", name, ">"].concat())?;
        let (content, _) = cut(rest, &["</", name, ">"].concat())?;
        Some(content.to_owned())
    };
    Parts {
        code: element("Code"),
        message: element("Message").map(Sensitive::new),
        request_id: element("RequestId"),
    }
}
