//! simsim's side: a client whose KMS answers in memory, and one signature.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use simsim::Client;
use simsim::credentials::Credentials;
use simsim::http::Method;
use simsim::http::{Fetch, FetchError, Request, Response};
use simsim::runtime::TokioRuntime;
use simsim::signing::acs3::{Acs3Request, sign as acs3_sign};
use simsim::{Sensitive, Timestamp};
use std::borrow::Cow;

/// Answers every GetSecretValue at once, in memory, with a secret of the name that was asked for.
pub struct InMemory;

impl Fetch for InMemory {
    async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        assert!(request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")));
        let name = asked(&request).replace("%2F", "/");
        let value = crate::VALUE;
        let body = format!(
            r#"{{"RequestId":"6a54fcf5-a3e3-4e1b-9f1d-0123456789ab","SecretName":"{name}","VersionId":"01234567-89ab-cdef-0123-456789abcdef","VersionStages":{{"VersionStage":["ACSCurrent"]}},"CreateTime":"2023-11-14T22:13:20Z","SecretDataType":"text","SecretType":"Generic","SecretData":"{value}"}}"#
        );
        Ok(Response::new(200, Vec::new(), body.into_bytes()))
    }
}

/// The secret's name as the query or the form body has it.
fn asked(request: &Request) -> &str {
    let field = |text| -> Option<&str> {
        let (_, rest) = str::split_once(text, "SecretName=")?;
        rest.split('&').next()
    };
    field(request.url.as_str())
        .or_else(|| std::str::from_utf8(&request.body).ok().and_then(field))
        .expect("a name")
}

/// simsim with its default bounds.
pub fn client() -> Client {
    Client::builder()
        .region("cn-hangzhou")
        .fetch(InMemory)
        .runtime(TokioRuntime::new())
        .credentials(credentials())
        .build()
        .expect("the client")
}

/// One read, cached or not.
pub async fn read(client: &Client, name: &str) -> usize {
    client.get_secret(name).await.expect("a secret").text().expect("text").len()
}

fn credentials() -> Credentials {
    Credentials::access_key("LTAIexample", "example-secret").expect("fits")
}

/// One ACS3 signature of a GetSecretValue request.
pub fn sign() -> usize {
    let query = [
        (Cow::Borrowed("SecretName"), Cow::Borrowed("db/password")),
        (Cow::Borrowed("VersionStage"), Cow::Borrowed("ACSCurrent")),
        (Cow::Borrowed("FetchExtendedConfig"), Cow::Borrowed("true")),
    ];
    let request = Acs3Request {
        method: Method::Post,
        host: "kms.cn-hangzhou.aliyuncs.com",
        path: "/",
        action: "GetSecretValue",
        version: "2016-01-20",
        query: &query,
        headers: &[],
        body: &[],
    };
    let at = Timestamp::from_millis(1_767_323_045_000);
    let signed = acs3_sign(&request, Some(&credentials()), at, "0123456789abcdef0123456789abcdef");
    Sensitive::expose(&signed.canonical_request).len()
}
