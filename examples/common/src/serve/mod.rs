//! Connections, for hosts on hyper: `axum::serve` has no limits for the time of a head, and no TLS.

mod connections;
mod io;
mod listener;
pub(crate) mod tls;

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{Host, Peer, stop_signal};
pub(crate) use connections::{Connection, Connections};
use io::TimedIo;
pub use listener::RawListener;

/// The pause after a connection could not be accepted, for example because the process has too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

impl Host {
    /// Serves an application, which is this host or has it as its fallback, until SIGTERM or SIGINT. Then it accepts no more
    /// connections, and finishes the requests that run, within `SCIM_STOP_TIMEOUT`.
    ///
    /// # Errors
    ///
    /// If the socket cannot be used.
    pub async fn serve<S>(&self, listener: RawListener, app: S) -> Result<(), Box<dyn Error>>
    where
        TowerToHyperService<S>: HttpService,
    {
        let settings = &self.0.settings;
        let tls = self.tls();
        let connections = Connections::new(&settings.limits, listener.max_connections(settings));
        let stop = stop_signal()?;
        let shared = self.0.clone();
        let stopped = async move {
            stop.await;
            shared.requests.stop();
        };
        let listener = TcpListener::from_std(listener.into_std()?)?;
        let shutdown = accept(listener, tls, connections, TowerToHyperService::new(app), stopped).await;
        // Connections that wait for a request are closed at once.
        let _ = tokio::time::timeout(settings.stop_timeout, shutdown.shutdown()).await;
        Ok(())
    }

    /// Logs how many requests were finished after the signal to stop, and how many were cut off.
    pub(crate) fn report_stop(&self) {
        if let Some((finished, cut)) = self.0.requests.since_stop() {
            tracing::info!(finished, cut, "stopped");
        }
    }

    /// Notes that the host is told to stop, for hosts that serve by themselves.
    pub fn stopping(&self) {
        self.0.requests.stop();
    }
}

/// What answers the requests of a connection: any service of hyper whose body can be sent.
pub trait HttpService:
    hyper::service::Service<
        Request<Incoming>,
        Response = Response<Self::Body>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    /// The body of a response.
    type Body: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static;
}

impl<S, B> HttpService for S
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    type Body = B;
}

/// Accepts connections until `stopped`, and serves each in a task of its own.
pub(crate) async fn accept(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    connections: Connections,
    service: impl HttpService,
    stopped: impl Future<Output = ()>,
) -> GracefulShutdown {
    let graceful = GracefulShutdown::new();
    let tls = tls.map(TlsAcceptor::from);
    let mut stopped = std::pin::pin!(stopped);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => return graceful,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connections.open();
                let watcher = graceful.watcher();
                tokio::spawn(serve_one(stream, peer, tls.clone(), connection, service.clone(), watcher));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                connections.close_one();
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    connection: Connection,
    service: impl HttpService,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _ = stream.set_nodelay(true);
    let served = async {
        match tls {
            None => {
                serve_stream(TimedIo::new(stream, &connection), peer, &connection, service, watcher).await
            }
            Some(tls) => {
                // The handshake is a part of the time for the first head.
                let Ok(Ok(stream)) =
                    tokio::time::timeout(connection.head_timeout(), tls.accept(stream)).await
                else {
                    return;
                };
                serve_stream(TimedIo::new(stream, &connection), peer, &connection, service, watcher).await;
            }
        }
    };
    tokio::select! {
        () = served => {}
        () = connection.must_close() => {}
    }
}

async fn serve_stream<I>(
    io: TimedIo<I>,
    peer: SocketAddr,
    connection: &Connection,
    service: impl HttpService,
    watcher: hyper_util::server::graceful::Watcher,
) where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
{
    let state = connection.state();
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        let running = state.begin_request(request.version());
        let answered = service.call(request);
        async move {
            let response = answered.await;
            drop(running);
            response
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let served = watcher.watch(builder.serve_connection(TokioIo::new(io), service));
    // Whatever goes wrong is the client's.
    let _ = served.await;
}
