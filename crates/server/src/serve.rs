//! Serving, from the opened house to the drained one.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base::tasks::Tasks;
use base::time::SystemClock;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Listen};
use crate::door::{Door, Tls};
use crate::ops::Ops;
use crate::wire::House;
use crate::{reload, telemetry};

/// Probes and scrapers at once.
const OPS_CONNECTIONS_MAX: usize = 64;

/// A house with its doors open.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) house: House,
    listen: Listen,
    ops: Ops,
    connections: Tasks,
    ops_connections: Tasks,
    doors: Tasks,
    closing: CancellationToken,
    ops_closing: CancellationToken,
    cut: CancellationToken,
    // Held while this node lives: the sweep of a second one would close our calls.
    _lock: File,
}

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn run(config: Config, file: Option<PathBuf>) -> anyhow::Result<()> {
    telemetry::start(&config.log);
    let serving = Serving::start(&config, file).await?;
    tracing::info!(address = %config.listen.address, ops = %config.listen.ops, "serving");
    asked_to_stop().await?;
    serving.stop().await;
    Ok(())
}

impl Serving {
    /// Opens the house and its doors.
    pub(crate) async fn start(config: &Config, file: Option<PathBuf>) -> anyhow::Result<Self> {
        let listen = config.listen.clone();
        let tls = match (&listen.tls_cert_file, &listen.tls_key_file) {
            (Some(cert), Some(key)) => Some(Tls::open(cert, key)?),
            _ => None,
        };
        let main = bind(listen.address).await?;
        let probes = bind(listen.ops).await?;
        let lock = lock(config)?;
        let house = House::open(config, Arc::new(SystemClock)).await?;
        let swept = house.record.sweep().await.context("closing calls that a crash cut off")?;
        if swept > 0 {
            tracing::warn!(calls = swept, "calls that a crash cut off were closed as unknown");
        }
        let ops = Ops::new(house.metrics.clone(), house.databases.clone(), house.directory.clone());
        let serving = Self {
            ops: ops.clone(),
            connections: Tasks::new(),
            ops_connections: Tasks::new(),
            doors: Tasks::new(),
            closing: CancellationToken::new(),
            ops_closing: CancellationToken::new(),
            cut: CancellationToken::new(),
            listen: listen.clone(),
            house,
            _lock: lock,
        };
        let house = &serving.house;
        let watch = reload::watch(file, house.gateway.clone(), tls.clone(), house.tasks.clone());
        house.tasks.spawn(watch);
        let connections_max = listen.connections_max;
        let head_timeout = Duration::from_millis(listen.head_timeout_ms);
        let cut = serving.cut.clone();
        let door = Door { listener: main, tls, connections_max, head_timeout, cut };
        let closing = serving.closing.clone().cancelled_owned();
        serving.doors.spawn(door.serve(house.routes()?, serving.connections.clone(), closing));
        let connections_max = OPS_CONNECTIONS_MAX;
        let cut = serving.cut.clone();
        let door = Door { listener: probes, tls: None, connections_max, head_timeout, cut };
        let closing = serving.ops_closing.clone().cancelled_owned();
        serving.doors.spawn(door.serve(ops.routes(), serving.ops_connections.clone(), closing));
        Ok(serving)
    }

    /// Readiness off, wait, door closed, answers ended, records written, databases closed.
    pub(crate) async fn stop(self) {
        tracing::info!("draining");
        self.ops.drain();
        tokio::time::sleep(Duration::from_millis(self.listen.drain_wait_ms)).await;
        self.closing.cancel();
        let patience = Duration::from_millis(self.listen.drain_timeout_ms);
        if tokio::time::timeout(patience, self.connections.ended()).await.is_err() {
            // Their calls are recorded as aborted, with what was produced.
            tracing::warn!("some answers did not end in time and are cut off");
            self.cut.cancel();
            self.connections.ended().await;
        }
        self.ops_closing.cancel();
        let Self { house, doors, ops, .. } = self;
        drop(ops);
        doors.ended().await;
        if tokio::time::timeout(patience, house.close()).await.is_err() {
            tracing::error!("background work did not end in time");
        }
        tracing::info!("stopped");
    }
}

/// One process at a time serves under a node's name from a data folder.
fn lock(config: &Config) -> anyhow::Result<File> {
    std::fs::create_dir_all(&config.data)?;
    let path = config.data.join(format!("{}.lock", config.node));
    let file = File::create(&path).with_context(|| format!("{}", path.display()))?;
    file.try_lock().map_err(|_| {
        anyhow::anyhow!(
            "another process serves as `{}` from {}",
            config.node,
            config.data.display()
        )
    })?;
    Ok(file)
}

async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))
}

/// Resolves on SIGTERM or Ctrl-C.
pub(crate) async fn asked_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    Ok(())
}
