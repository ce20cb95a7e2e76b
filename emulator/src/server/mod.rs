//! The emulator on a port: HTTP and HTTPS on loopback, with faults that are real on the wire.
// SPDX-License-Identifier: Apache-2.0 OR MIT

mod body;
mod exchange;
mod runtime;
mod tls;
mod wire;

pub use runtime::SystemRuntime;

use crate::emulator::Emulator;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use wire::{Abort, Wire};

/// A running server. Dropping it ends the server and every connection.
#[derive(Debug)]
pub struct ServerHandle(JoinHandle<()>);

impl ServerHandle {
    /// Ends the server and waits until its port is free.
    pub async fn shutdown(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }

    /// Runs until the server ends, which by itself it does not.
    pub async fn wait(mut self) {
        let _ = (&mut self.0).await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Serves over HTTP at a loopback address (port 0: any free one) and tells where. Call it inside a tokio runtime.
///
/// # Errors
/// `InvalidInput` for an address that is not loopback; otherwise whatever the system says of the port.
pub async fn serve(emulator: Emulator, addr: SocketAddr) -> io::Result<(SocketAddr, ServerHandle)> {
    start(addr, move |stream, peer| {
        let emulator = emulator.clone();
        async move {
            let abort = Abort::default();
            converse(Wire::new(stream, abort.clone()), emulator, peer, abort).await;
        }
    })
    .await
}

/// Serves over HTTPS with a certificate authority made for this server alone, whose certificate (PEM) is returned.
/// The server's own certificate is for `localhost`, `127.0.0.1`, `::1` and for `names`.
///
/// # Errors
/// As [`serve`]; `Other` when no certificate can be made for the names.
pub async fn serve_tls(
    emulator: Emulator,
    addr: SocketAddr,
    names: &[String],
) -> io::Result<(SocketAddr, ServerHandle, String)> {
    let (config, ca_pem) = tls::make(names).map_err(io::Error::other)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (addr, handle) = start(addr, move |stream, peer| {
        let (emulator, acceptor) = (emulator.clone(), acceptor.clone());
        async move {
            let abort = Abort::default();
            // A client that does not trust the authority ends the handshake; that is its own affair.
            if let Ok(stream) = acceptor.accept(Wire::new(stream, abort.clone())).await {
                converse(stream, emulator, peer, abort).await;
            }
        }
    })
    .await?;
    Ok((addr, handle, ca_pem))
}

async fn start<F, C>(addr: SocketAddr, connection: F) -> io::Result<(SocketAddr, ServerHandle)>
where
    F: Fn(TcpStream, SocketAddr) -> C + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    if !addr.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the emulator serves loopback addresses only",
        ));
    }
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let task = tokio::spawn(async move {
        // Dropped with this task, and its connections with it.
        let mut connections = JoinSet::new();
        loop {
            // An error is one connection's that is already gone, or a shortage that the next turn meets again.
            match listener.accept().await {
                Ok((stream, peer)) => drop(connections.spawn(connection(stream, peer))),
                Err(_) => tokio::task::yield_now().await,
            }
            while connections.try_join_next().is_some() {}
        }
    });
    Ok((addr, ServerHandle(task)))
}

/// One connection, request after request, until either side ends it.
async fn converse<S>(stream: S, emulator: Emulator, peer: SocketAddr, abort: Abort)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let (emulator, abort) = (emulator.clone(), abort.clone());
        async move { exchange::exchange(&emulator, peer, &abort, request).await }
    });
    // What goes wrong on a connection is seen by its client; the server has nobody to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
