//! The door: our own accept loop, with a deadline for everything a stranger can make
//! us wait for. (`axum::serve` installs no timer, so hyper's header deadline never fires.)
//!
//! A caller that takes nothing of its answer gives its place to the next, and loses no other answer;
//! one that reads slowly keeps its place and its stream: shown by `untaken`.

mod front;
mod head;
mod lived;
mod outlet;
mod stage;
mod tls;
#[cfg(test)]
mod untaken;
mod whence;
mod windows;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CONNECTION;
use axum::response::Response;
use base::tasks::Tasks;
use hyper::body::Incoming;
use hyper::{Request, server::conn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) use self::front::{Doors, Front, Peer, front};
use self::head::{HEAD_MAX, HEADERS_MAX};
pub(crate) use self::lived::until;
use self::outlet::Outlet;
pub(crate) use self::stage::{Stage, told};
pub(crate) use self::tls::Tls;
use self::windows::Windows;

/// A TLS handshake must be over by then.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that are read of a request before it is looked at; the front refuses a head
/// that is too large to the byte.
const READ_MAX: usize = 64 << 10;
/// Requests at once on one HTTP/2 connection.
const STREAMS_MAX: u32 = 128;

/// One listening socket with what stands behind it.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Tls>,
    pub(crate) connections_max: usize,
    /// A whole request head must have arrived by then; also how long an idle connection lives.
    pub(crate) head_timeout: Duration,
    /// From then on an answer is the last one on its connection: whoever is in front of us
    /// opens the next one elsewhere, before this door closes.
    pub(crate) draining: CancellationToken,
    /// Drops what is still open, whatever it waits for.
    pub(crate) cut: CancellationToken,
}

impl Door {
    /// Takes connections until `closing` resolves, then asks those that are open to
    /// end after their current answers. `connections` ends when the last has.
    pub(crate) async fn serve(
        self,
        stage: Stage,
        connections: Tasks,
        closing: impl Future<Output = ()>,
    ) {
        let places = Arc::new(Semaphore::new(self.connections_max));
        let mut closing = std::pin::pin!(closing);
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = &mut closing => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut closing => break,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others end meanwhile.
                    tracing::warn!(error = &error as &dyn std::error::Error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let stage = stage.clone();
            let (tls, head_timeout) = (self.tls.clone(), self.head_timeout);
            let (ending, cut) = (connections.clone(), self.cut.clone());
            let draining = self.draining.clone();
            connections.spawn(async move {
                let _nodelay = stream.set_nodelay(true);
                let visit = Visit { peer, stage, ending, draining, head_timeout };
                let _served_or_cut = cut.run_until_cancelled(one(stream, tls, visit)).await;
                drop(place);
            });
        }
        connections.stop();
    }
}

/// One connection, and what it meets here.
struct Visit {
    peer: SocketAddr,
    stage: Stage,
    ending: Tasks,
    draining: CancellationToken,
    head_timeout: Duration,
}

async fn one(stream: TcpStream, tls: Option<Tls>, visit: Visit) {
    let stream = Outlet::of(stream);
    let Some(tls) = tls else {
        return http1(TokioIo::new(stream), visit).await;
    };
    let shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.acceptor().accept(stream)).await;
    let Ok(Ok(stream)) = shaken else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        // It is larger, and there are fewer of them.
        Box::pin(http2(TokioIo::new(stream), visit)).await;
    } else {
        http1(TokioIo::new(stream), visit).await;
    }
}

/// What is called for each request: what the door leads to, told who is on the other side.
macro_rules! service {
    ($stage:expr, $peer:expr) => {
        tower::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer($peer));
            $stage.clone().answer(request.map(axum::body::Body::new))
        })
    };
}

async fn http1<S>(stream: TokioIo<S>, visit: Visit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Visit { peer, stage, ending, draining, head_timeout } = visit;
    let service = service!(stage, peer).map_response(move |mut response: Response| {
        if draining.is_cancelled() {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    });
    let mut builder = conn::http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(HEADERS_MAX)
        // Never with `pipeline_flush`: then it buffers whatever a caller does not read.
        .max_buf_size(READ_MAX);
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = ending.stopping() => connection.as_mut().graceful_shutdown(),
    }
    // Errors here are the other side's: it left, or it sent nonsense.
    let _ended = connection.await;
}

/// Here the frame that says goodbye comes when the door closes, or when the other side takes nothing
/// of what waits for it, and loses no request.
async fn http2<S>(stream: TokioIo<S>, visit: Visit)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Visit { peer, stage, ending, head_timeout, .. } = visit;
    let windows = Windows::default();
    let counted = windows.clone();
    let service = service!(stage, peer).map_future(move |answer| counted.count(answer));
    let mut builder = conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(head_timeout))
        .keep_alive_timeout(HANDSHAKE_TIMEOUT)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_MAX);
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let mut leaving = false;
    loop {
        tokio::select! {
            _ended = connection.as_mut() => return,
            () = ending.stopping(), if !leaving => {}
            () = windows.shut() => if windows.all_wait() { return },
        }
        connection.as_mut().graceful_shutdown();
        leaving = true;
    }
}
