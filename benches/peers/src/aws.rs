//! The peer: `aws_secretsmanager_caching` over the AWS SDK, whose HTTP client answers in memory.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::config::Region;
use aws_sdk_secretsmanager::{Client, Config};
use aws_secretsmanager_caching::SecretsManagerCachingClient;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Answers every request at once with the same secret: serializing, signing and parsing are the SDK's real ones.
#[derive(Clone, Debug)]
struct InMemory {
    body: &'static [u8],
}

impl HttpConnector for InMemory {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        assert!(request.headers().get("authorization").is_some(), "the SDK signs");
        let status = 200.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.body))))
    }
}

impl HttpClient for InMemory {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// The peer with 1,000 entries, as simsim has by default, and entries that do not grow old.
pub fn client() -> SecretsManagerCachingClient {
    let value = crate::VALUE;
    let body = format!(
        r#"{{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:db/password-a1b2c3","Name":"db/password","VersionId":"01234567-89ab-cdef-0123-456789abcdef","VersionStages":["AWSCURRENT"],"CreatedDate":1700000000.0,"SecretString":"{value}"}}"#
    );
    let config = Config::builder()
        .behavior_version_latest()
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::from_keys("AKIDEXAMPLE", "example-secret", None))
        .http_client(InMemory { body: body.leak().as_bytes() })
        .build();
    let size = NonZeroUsize::new(1000).expect("not zero");
    SecretsManagerCachingClient::new(Client::from_conf(config), size, Duration::from_secs(86_400), true)
        .expect("the peer's client")
}

/// One read, cached or not.
pub async fn read(client: &SecretsManagerCachingClient, name: &str) -> usize {
    let secret = client.get_secret_value(name, None, None, false).await.expect("a secret");
    secret.secret_string.map_or(0, |text| text.len())
}
