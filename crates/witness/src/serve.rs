//! The door of a witness: plain HTTP/1.1, with a bound on everything that a stranger can make
//! us wait for.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use base::tasks::Tasks;
use base::time::SharedClock;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::config::Config;
use crate::error::Error;
use crate::room::Witness;

/// Connections at once; further ones wait.
const CONNECTIONS_MAX: usize = 256;
/// A whole request head must have arrived by then; also how long an idle connection lives.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Headers of a request at most.
const HEADERS_MAX: usize = 64;
/// Bytes that are read of a request before it is looked at.
const READ_BYTES_MAX: usize = 64 << 10;
/// A connection is asked to end after so long, however busy it is.
const CONNECTION_LIFE: Duration = Duration::from_mins(5);
/// What then is left to the answer under way: a body may take ninety seconds.
const CONNECTION_GRACE: Duration = Duration::from_secs(100);
/// How long answers under way may take when the witness stops.
const DRAIN: Duration = Duration::from_secs(10);
/// How long nothing is accepted after an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A witness that listens.
#[derive(Debug)]
pub struct Serving {
    witness: Witness,
    listener: TcpListener,
    address: SocketAddr,
}

/// Serves as the configuration says, until `stop` resolves.
pub async fn run(
    config: Config,
    clock: SharedClock,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let serving = Serving::start(&config, clock).await?;
    let logs = config.logs.len();
    tracing::info!(address = %serving.address, name = config.name, logs, "witnessing");
    serving.until(stop).await;
    tracing::info!("stopped");
    Ok(())
}

impl Serving {
    /// Reads the memory, and listens.
    pub async fn start(config: &Config, clock: SharedClock) -> Result<Self, Error> {
        let witness = Witness::open(config, clock)?;
        let failed = |why| Error::Listen(config.listen, why);
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { witness, listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The witness behind the door.
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// Takes connections until `stop` resolves, and lets the answers under way end.
    pub async fn until(self, stop: impl Future<Output = ()>) {
        let (routes, connections, cut) = (self.witness.routes(), Tasks::new(), Tasks::new());
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut stop = pin!(stop);
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = &mut stop => break,
            };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let visit = visit(stream, routes.clone(), connections.clone());
                    let cut = cut.clone();
                    connections.spawn(async move {
                        tokio::select! {
                            () = visit => {}
                            () = cut.stopping() => {}
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: others end meanwhile.
                    tracing::warn!(error = &error as &dyn std::error::Error, "accept failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        connections.stop();
        if timeout(DRAIN, connections.ended()).await.is_err() {
            tracing::warn!("some answers did not end in time and are cut off");
            cut.stop();
            connections.ended().await;
        }
    }
}

/// One connection, to its end.
async fn visit(stream: TcpStream, routes: Router, connections: Tasks) {
    let _nodelay = stream.set_nodelay(true);
    let routes = routes.map_request(|request: hyper::Request<Incoming>| request.map(Body::new));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut connection = pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = connections.stopping() => {}
        () = sleep(CONNECTION_LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    // What fails here is the other side's: it left, or it sent nonsense.
    let _ended = timeout(CONNECTION_GRACE, connection).await;
}
