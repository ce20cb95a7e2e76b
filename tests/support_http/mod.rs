//! A raw loopback server that plays a script per connection, and helpers for the tests of the HTTP adapter.
// SPDX-License-Identifier: Apache-2.0 OR MIT

pub(crate) mod proxy;
#[cfg(any(feature = "ring", feature = "aws-lc"))]
pub(crate) mod tls;

use simsim::http::{Method, Request};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

/// What a connection does, one after another; at the end of its script it is closed.
#[derive(Clone)]
pub(crate) enum Step {
    /// Reads one request, head and body, and notes its text.
    Read,
    /// Writes these bytes.
    Write(&'static str),
    /// Waits until the other connections of the barrier are as far.
    Meet(Arc<Barrier>),
    /// Waits until the other side has closed the connection.
    Closed,
    /// Does nothing until the server is dropped.
    Hang,
    /// Ends the connection with a reset instead of an orderly close.
    Reset,
}

/// An address that no resolver is asked for: its first label is a letter too long to be put into a query.
pub(crate) const NOWHERE: &str =
    "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid/";

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server on loopback. Its n-th connection plays the n-th script; it hangs when there is none left.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(scripts: impl IntoIterator<Item = Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut scripts: VecDeque<Vec<Step>> = scripts.into_iter().collect();
        let notes = requests.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let script = scripts.pop_front().unwrap_or_else(|| vec![Step::Hang]);
                connections.spawn(connection(stream, script, notes.clone()));
            }
        });
        Self { address, requests, task }
    }

    /// What was asked so far, each request's head and body as text.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn connection(stream: TcpStream, script: Vec<Step>, notes: Arc<Mutex<Vec<String>>>) {
    if let Some(stream) = play(stream, script, notes).await {
        stream.set_zero_linger().unwrap();
    }
}

/// Plays a script; hands the stream back where it is to be reset.
pub(crate) async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: Vec<Step>,
    notes: Arc<Mutex<Vec<String>>>,
) -> Option<S> {
    for step in script {
        match step {
            Step::Read => {
                let request = read(&mut stream).await?;
                notes.lock().unwrap().push(request);
            }
            Step::Write(bytes) => {
                stream.write_all(bytes.as_bytes()).await.ok()?;
                stream.flush().await.ok()?;
            }
            Step::Meet(barrier) => {
                barrier.wait().await;
            }
            Step::Closed => while stream.read(&mut [0; 64]).await.is_ok_and(|n| n > 0) {},
            Step::Hang => std::future::pending().await,
            Step::Reset => return Some(stream),
        }
    }
    stream.shutdown().await.ok();
    None
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.parse().unwrap());
        if body.len() >= length {
            return Some(text);
        }
    }
}

/// A POST with a little of everything.
pub(crate) fn request(url: impl Into<String>) -> Request {
    Request {
        method: Method::Post,
        url: url.into(),
        headers: vec![
            ("user-agent".into(), "simsim-test".into()),
            ("x-acs-action".into(), "GetSecretValue".into()),
        ],
        body: b"a body".to_vec(),
        timeout: Duration::from_secs(30),
        max_body: 1024,
    }
}
