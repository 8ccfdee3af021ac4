//! The two doors of a node. They open once, whatever stands behind them then.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use base::tasks::Tasks;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Listen;
use crate::door::{Door, Stage, Tls};

/// Probes and scrapers at once.
const OPS_CONNECTIONS_MAX: usize = 64;

/// Both doors.
#[derive(Debug)]
pub(crate) struct Entrance {
    /// What callers and people find.
    pub(crate) main: Stage,
    /// What probes and Prometheus find.
    pub(crate) ops: Stage,
    pub(crate) tls: Option<Tls>,
    listen: Listen,
    /// None once they are open.
    sockets: Option<[TcpListener; 2]>,
    connections: Tasks,
    ops_connections: Tasks,
    doors: Tasks,
    draining: CancellationToken,
    closing: CancellationToken,
    ops_closing: CancellationToken,
    cut: CancellationToken,
}

impl Entrance {
    /// Takes the addresses. Whoever calls waits until the doors are open.
    pub(crate) async fn bind(listen: &Listen) -> anyhow::Result<Self> {
        let tls = match (&listen.tls_cert_file, &listen.tls_key_file) {
            (Some(cert), Some(key)) => Some(Tls::open(cert, key)?),
            _ => None,
        };
        let sockets = [bind(listen.address).await?, bind(listen.ops).await?];
        Ok(Self {
            main: Stage::empty(),
            ops: Stage::empty(),
            tls,
            listen: listen.clone(),
            sockets: Some(sockets),
            connections: Tasks::new(),
            ops_connections: Tasks::new(),
            doors: Tasks::new(),
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            ops_closing: CancellationToken::new(),
            cut: CancellationToken::new(),
        })
    }

    /// Lets callers in; the second time nothing happens.
    pub(crate) fn open(&mut self) {
        let Some([main, probes]) = self.sockets.take() else { return };
        let head_timeout = Duration::from_millis(self.listen.head_timeout_ms);
        let door = |listener, tls, connections_max| {
            let (draining, cut) = (self.draining.clone(), self.cut.clone());
            Door { listener, tls, connections_max, head_timeout, draining, cut }
        };
        let closing = self.closing.clone().cancelled_owned();
        let main = door(main, self.tls.clone(), self.listen.connections_max);
        self.doors.spawn(main.serve(self.main.clone(), self.connections.clone(), closing));
        let closing = self.ops_closing.clone().cancelled_owned();
        let probes = door(probes, None, OPS_CONNECTIONS_MAX);
        self.doors.spawn(probes.serve(self.ops.clone(), self.ops_connections.clone(), closing));
    }

    /// How long what is under way may take to end.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_millis(self.listen.drain_timeout_ms)
    }

    /// From now on an answer is the last one on its connection.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
    }

    /// How long readiness is off before the door closes.
    pub(crate) async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(self.listen.drain_wait_ms)).await;
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Waits for what is under way, not for ever.
    pub(crate) async fn ended(&self) {
        if tokio::time::timeout(self.patience(), self.connections.ended()).await.is_err() {
            // Their calls are recorded as aborted, with what was produced.
            tracing::warn!("some answers did not end in time and are cut off");
            self.cut.cancel();
            self.connections.ended().await;
        }
    }

    /// Ends the port of probes too, and forgets what stood behind both.
    pub(crate) async fn leave(self) {
        self.main.clear();
        self.ops_closing.cancel();
        self.ops.clear();
        self.doors.ended().await;
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}
