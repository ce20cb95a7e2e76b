//! What goes back: service errors, JSON and XML bodies, and the common headers.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use crate::clock;
use serde_json::{Map, Value, json};
use simsim::Timestamp;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

const JSON: &str = "application/json;charset=utf-8";

/// A refusal in the service's own words.
#[derive(Debug)]
pub(crate) struct ServiceError {
    pub(crate) status: u16,
    pub(crate) code: Cow<'static, str>,
    message: String,
}

impl ServiceError {
    pub(crate) fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidParameter", message)
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "Forbidden.ResourceNotFound", "Resource not found.")
    }

    pub(crate) fn throttled() -> Self {
        Self::new(429, "Rejected.Throttling", "QPS Limit Exceeded")
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    fn json(&self, request_id: &str, host: &str) -> Value {
        json!({
            "HttpStatus": self.status,
            "Code": self.code,
            "Message": self.message,
            "RequestId": request_id,
            "HostId": host,
            "Recommend": format!("https://api.aliyun.com/troubleshoot?q={}", self.code),
        })
    }
}

/// In which form the caller wants its answer. Only the RPC style can ask for XML (and gets it when it asks for nothing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

/// One HTTP answer, and how it is to be sent.
///
/// `Debug` shows the status only: the body can hold a secret.
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All headers, but for `content-length`, which is the business of whoever sends.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
    /// Wait before anything is sent.
    pub before_headers: Duration,
    /// Wait between the headers and the rest of the body.
    pub before_body: Duration,
    /// End the connection in the middle of the body.
    pub cut: bool,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What happens on the wire.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// An answer is sent.
    Answer(Answer),
    /// Nothing, ever.
    Hang,
    /// The connection is reset after the request was read.
    Reset,
    /// There is no connection at all.
    Unreachable,
}

/// A status and a body that are no answer of an API: what the metadata and a CredentialsURI tell.
pub(crate) struct Page {
    status: u16,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Page {
    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self { status, content_type: "text/plain", body: text.as_bytes().to_vec() }
    }

    pub(crate) fn json(status: u16, fields: Map<String, Value>) -> Self {
        let body = Value::Object(fields).to_string().into_bytes();
        Self { status, content_type: JSON, body }
    }
}

/// What every answer carries, whoever made its body.
pub(crate) struct Envelope<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) host: &'a str,
    pub(crate) date: Timestamp,
    pub(crate) format: Format,
    /// The XML root of an answer without an error: the action's name and `Response`.
    pub(crate) action: &'a str,
    /// The XML root of an error: `KMS` or `Error`.
    pub(crate) error_root: &'a str,
}

impl Envelope<'_> {
    /// An answer with that body.
    pub(crate) fn raw(&self, status: u16, content_type: &str, body: Vec<u8>) -> Answer {
        let mut headers = vec![
            ("date".to_owned(), clock::http_date(self.date)),
            ("x-acs-request-id".to_owned(), self.request_id.to_owned()),
        ];
        if !content_type.is_empty() {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        let (before_headers, before_body) = (Duration::ZERO, Duration::ZERO);
        Answer { status, headers, body, before_headers, before_body, cut: false }
    }

    pub(crate) fn page(&self, page: Page) -> Answer {
        self.raw(page.status, page.content_type, page.body)
    }

    fn shaped(&self, status: u16, root: &str, body: &Value) -> Answer {
        match self.format {
            Format::Json => self.raw(status, JSON, body.to_string().into_bytes()),
            Format::Xml => self.raw(status, "text/xml;charset=utf-8", xml(root, body).into_bytes()),
        }
    }

    /// A success: the result and the id of the request.
    pub(crate) fn success(&self, mut result: Map<String, Value>) -> Answer {
        result.insert("RequestId".to_owned(), self.request_id.into());
        self.shaped(200, &format!("{}Response", self.action), &Value::Object(result))
    }

    /// A refusal.
    pub(crate) fn error(&self, error: &ServiceError) -> Answer {
        self.shaped(error.status, self.error_root, &error.json(self.request_id, self.host))
    }
}

fn xml(root: &str, value: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    element(&mut out, root, value);
    out
}

fn element(out: &mut String, name: &str, value: &Value) {
    match value {
        // XML has no null: an absent field is absent.
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| element(out, name, item)),
        Value::Object(fields) => {
            out.push_str(&format!("<{name}>"));
            fields.iter().for_each(|(field, value)| element(out, field, value));
            out.push_str(&format!("</{name}>"));
        }
        Value::String(text) => out.push_str(&format!("<{name}>{}</{name}>", escape(text))),
        Value::Bool(_) | Value::Number(_) => out.push_str(&format!("<{name}>{value}</{name}>")),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_repeats_lists_escapes_text_and_leaves_out_nulls() {
        let value = json!({"A": {"B": ["x<y", 2]}, "C": null, "D": true});
        let text = xml("R", &value);
        assert!(text.ends_with("<R><A><B>x&lt;y</B><B>2</B></A><D>true</D></R>"), "{text}");
    }
}
