//! An example: a custom runtime of Function Compute whose `POST /invoke` lets in who knows the secret `app/door`.
// SPDX-License-Identifier: Apache-2.0 OR MIT

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use simsim::Client;
use simsim::credentials::FunctionCompute;
use std::convert::Infallible;
use std::error::Error;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::TcpListener;

/// The largest event that is read.
const MAX_EVENT: usize = 64 * 1024;
/// A read ends well before the function's own timeout.
const READ_LIMIT: Duration = Duration::from_secs(2);

/// What all invocations of an instance share.
#[derive(Clone)]
struct Door {
    function: FunctionCompute,
    client: Client,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let variable = |name: &str| std::env::var(name).ok();
    let function = FunctionCompute::from_env()?;
    let builder = Client::builder().environment(variable).credentials(function.clone());
    // An instance is frozen between its invocations: nothing goes on behind an answer.
    let door = Door { client: builder.no_background().timeout(READ_LIMIT).build()?, function };
    let port = variable("FC_CUSTOM_LISTEN_PORT").map_or(Ok(9000), |port| port.parse())?;
    // Function Compute asks for all addresses; only the platform reaches them.
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    writeln!(std::io::stdout(), "listening on {}", listener.local_addr()?.port())?;
    loop {
        let (stream, _) = listener.accept().await?;
        let door = door.clone();
        let service = service_fn(move |request| {
            let door = door.clone();
            async move { Ok::<_, Infallible>(answer(&door, request).await) }
        });
        // How a connection ends is the platform's affair.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(door: &Door, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, text) = match (request.method(), request.uri().path()) {
        (&Method::POST, "/invoke") => match invoke(door, request).await {
            Ok(true) => (StatusCode::OK, "open".to_owned()),
            Ok(false) => (StatusCode::FORBIDDEN, "closed".to_owned()),
            // An error's text names what is wrong and what helps. It holds no value, key or token.
            Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        },
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
}

/// One invocation: the event is the password.
async fn invoke(door: &Door, request: Request<Incoming>) -> simsim::Result<bool> {
    // The newest invocation brings the newest session.
    door.function.observe(|name| request.headers().get(name)?.to_str().ok())?;
    // What is longer is no password.
    let said = Limited::new(request.into_body(), MAX_EVENT).collect().await;
    let said = said.map(|body| body.to_bytes()).unwrap_or_default();
    let secret = door.client.get_secret("app/door").await?;
    Ok(same(&said, secret.bytes()))
}

/// Compares without telling by its time how much was right.
fn same(said: &[u8], right: &[u8]) -> bool {
    let different = said.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b));
    said.len() == right.len() && different == 0
}
