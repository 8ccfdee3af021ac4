//! Serving, from the opened house to the drained one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::{Databases, OrgId};
use anyhow::Context as _;
use audit::JournalNeeds;
use base::db::DbError;
use base::time::SystemClock;
use limits::NoteNeeds;
use regions::{Candidate, InstanceId, Lease, Pulse};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use crate::answering::Answering;
use crate::config::Config;
use crate::entrance::Entrance;
use crate::lock::DataLock;
use crate::moves::Gates;
use crate::ops::Ops;
use crate::outage::Stock;
use crate::standbys::Standbys;
use crate::wire::House;
use crate::{allocator, outage, reload, storage, telemetry};

/// What is said to an operator who did not name the log of the record.
pub(crate) const UNNAMED: &str = "record.log is not set: every proof that is made from now on bears \
    the name `portico.invalid`. Choose a name of yours before anybody keeps one";

/// How often a database is asked whether it is there while a journal is written into it, and how
/// long for an answer.
const PING_EVERY: Duration = Duration::from_millis(500);
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// How long connections to a database that is away may take to end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A house with its doors open.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) house: House,
    entrance: Entrance,
    ops: Ops,
    stop: Stop,
    lease: Lease,
    _lock: DataLock,
}

/// Serves until SIGTERM or Ctrl-C.
pub(crate) async fn run(config: Config, file: Option<PathBuf>) -> anyhow::Result<()> {
    telemetry::start(&config.log);
    if config.record.is_unnamed() {
        tracing::warn!("{UNNAMED}");
    }
    if !allocator::is_kept_small() {
        tracing::warn!("the program may not begin again: it keeps memory that is free");
    }
    let Some(serving) = Box::pin(Serving::start(&config, file)).await? else {
        tracing::info!("stopped while the databases were away");
        return Ok(());
    };
    tracing::info!(address = %config.listen.address, ops = %config.listen.ops, "serving");
    Box::pin(serving.until_stopped()).await
}

impl Serving {
    /// Serves until SIGTERM or Ctrl-C, or until others have taken this node for dead: it was
    /// silent for so long that they took its region, or closed its calls.
    pub(crate) async fn until_stopped(mut self) -> anyhow::Result<()> {
        let life = self.house.nodes.life();
        let lost = tokio::select! {
            () = self.stop.asked() => false,
            () = self.lease.lost() => true,
            () = life.lost() => true,
        };
        Box::pin(self.drain()).await;
        anyhow::ensure!(!lost, "other nodes took this one for dead; start it again");
        Ok(())
    }

    /// Opens the house and its doors; none: it was asked to stop while the databases were away.
    pub(crate) async fn start(
        config: &Config,
        file: Option<PathBuf>,
    ) -> anyhow::Result<Option<Self>> {
        let mut entrance = Entrance::bind(&config.listen).await?;
        let mut stop = Stop::listen()?;
        let mut lock = DataLock::take(config)?;
        let (entered, stopped) = (&mut entrance, &mut stop);
        let mut are_away = false;
        let arrived = loop {
            let opened = outage::house(config, entered, stopped, &mut lock, are_away);
            let opened = Box::pin(opened).await?;
            let Some((arrived, outage)) = opened else { return Ok(None) };
            if let Some(outage) = outage {
                outage.end(entered).await?;
            }
            match Box::pin(arrived.join(config, &mut lock)).await {
                Ok(arrived) => break arrived,
                Err(error) if storage::is_away(config, &error) => {
                    tracing::warn!(error = format!("{error:#}"), "the databases are away again");
                    are_away = true;
                }
                Err(error) => return Err(error),
            }
        };
        let Arrived { house, lease, standbys } = arrived;
        keep_notes(config, &house).context("what an earlier life noted of spending")?;
        house.log.run(&house.tasks);
        house.epochs.run(&house.tasks);
        house.streams.run();
        house.privacy.run();
        house.tasks.spawn(standbys.watch(house.tasks.clone()));
        if let Some(stock) = Stock::of(config, &house)? {
            house.tasks.spawn(stock.keep(house.tasks.clone()));
        }
        let ops = Ops::new(
            house.metrics.clone(),
            house.databases.clone(),
            Answering::watch(&house.databases, &house.directory, &house.tasks),
            house.record.clone(),
        );
        let (gateway, tls) = (house.gateway.clone(), entrance.tls.clone());
        house.tasks.spawn(reload::watch(file, gateway, tls, house.tasks.clone()));
        entrance.main.set(house.routes()?);
        entrance.ops.set(ops.clone().routes());
        entrance.open();
        Ok(Some(Self { house, entrance, ops, stop, lease, _lock: lock }))
    }

    /// Readiness off, wait, door closed, answers ended, records written, databases closed.
    async fn drain(self) {
        tracing::info!("draining");
        let Self { house, entrance, ops, lease, .. } = self;
        ops.drain();
        entrance.drain();
        house.nodes.life().drain().await;
        entrance.wait().await;
        entrance.close();
        house.record.stop_following();
        entrance.ended().await;
        let patience = entrance.patience();
        drop(ops);
        entrance.leave().await;
        if tokio::time::timeout(patience, house.close()).await.is_err() {
            tracing::error!("background work did not end in time");
        }
        if let Err(error) = lease.release().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the next start waits longer");
        }
        tracing::info!("stopped");
    }
}

/// A house whose regions are this node's.
#[derive(Debug)]
pub(crate) struct Arrived {
    house: House,
    lease: Lease,
    standbys: Standbys,
}

impl Arrived {
    /// Opens the house, looks whether it may serve, and takes its regions.
    pub(crate) async fn open(config: &Config, lock: &mut DataLock) -> anyhow::Result<Self> {
        let house = House::open(config, Arc::new(SystemClock)).await?;
        match Self::take(config, &house, lock).await {
            Ok((lease, standbys)) => Ok(Self { house, lease, standbys }),
            Err(error) => {
                Box::pin(abandon(house, lock)).await;
                Err(error)
            }
        }
    }

    /// Writes what an earlier life journalled, and joins who serves. If that fails, the house is
    /// closed, and its regions are given back if that can be.
    async fn join(self, config: &Config, lock: &mut DataLock) -> anyhow::Result<Self> {
        let Self { house, lease, standbys } = self;
        match join(config, &house, lock).await {
            Ok(()) => Ok(Self { house, lease, standbys }),
            Err(error) => {
                if storage::is_away(config, &error) {
                    // Nobody waits for them: what is not given back is of a life that is over.
                    for (_, db) in house.databases.iter() {
                        let _waited = timeout(CLOSE_TIMEOUT, db.close()).await;
                    }
                } else {
                    let _released = lease.release().await;
                }
                Box::pin(abandon(house, lock)).await;
                Err(error)
            }
        }
    }

    async fn take(
        config: &Config,
        house: &House,
        lock: &mut DataLock,
    ) -> anyhow::Result<(Lease, Standbys)> {
        storage::check_roles(&house.databases).await?;
        let standbys = Standbys::open(config, house);
        standbys.check().await?;
        let mut gates = Gates::new(house);
        gates.look().await;
        // From here on: what closes a gate also opens it, and taking the regions already writes.
        house.tasks.spawn(gates.keep(house.tasks.clone()));
        let lease = lease(config, house, lock).await?;
        if let Err(error) = house.log.check().await {
            // What is not given back is of a life that is over.
            let _released = lease.release().await;
            return Err(error).context("the record and what was published of it");
        }
        Ok((lease, standbys))
    }
}

/// Takes the regions of this node, alone or with those that share them. Two nodes that count
/// alone would each admit the whole limit.
async fn lease(config: &Config, house: &House, lock: &mut DataLock) -> anyhow::Result<Lease> {
    // The same life by the same name, to the directory and to the regions.
    let instance: InstanceId = house.nodes.instance().as_str().parse()?;
    lock.begin(&instance)?;
    let who = Candidate {
        node: config.node.clone(),
        instance,
        dead: lock.dead().to_vec(),
        pulse: Pulse::default(),
        sharing: config.cell.shared,
    };
    Ok(house.directory.take(&config.regions, &who).await?)
}

/// What this node must do before it may serve. Who joins closes the calls of earlier lives: what
/// their journal knows comes first. The sweep of a namesake would close our calls.
async fn join(config: &Config, house: &House, lock: &mut DataLock) -> anyhow::Result<()> {
    tokio::select! {
        replayed = replay_journals(config, house) => replayed.context("what an earlier life journalled"),
        // A journal waits for its database; callers do not.
        away = lost(&house.databases) => Err(away.into()),
    }?;
    let dead: Vec<String> = lock.dead().iter().map(ToString::to_string).collect();
    house.nodes.join(&dead).await?;
    lock.settle(&house.nodes.instance().as_str().parse()?)?;
    house.nodes.run();
    outages(house).await.context("what calls need in an outage")?;
    let swept = house.record.sweep().await.context("closing calls that a crash cut off")?;
    if swept > 0 {
        tracing::warn!(calls = swept, "calls that a crash cut off were closed as unknown");
    }
    Ok(())
}

/// Why a database does not answer, as soon as one does not.
async fn lost(databases: &Databases) -> DbError {
    loop {
        for (_, db) in databases.iter() {
            let too_slow = |_| DbError::too_slow("answer");
            let answered = timeout(PING_TIMEOUT, db.ping()).await.map_err(too_slow).flatten();
            if let Err(error) = answered
                && error.is_away()
            {
                return error;
            }
        }
        tokio::time::sleep(PING_EVERY).await;
    }
}

/// A life of this node came to nothing.
async fn abandon(house: House, lock: &mut DataLock) {
    if let Ok(life) = house.nodes.instance().as_str().parse() {
        lock.bury(life);
    }
    house.close().await;
}

/// Takes up the journals of this node, and keeps them.
pub(crate) fn keep_journals(config: &Config, house: &House) -> anyhow::Result<()> {
    Ok(house.record.keep_journals(&JournalNeeds {
        folder: config.data.join("journal"),
        roots: &house.roots,
        config: &config.record.journal,
    })?)
}

/// Has it noted what orgs spend, for a start that knows of no ledger.
pub(crate) fn keep_notes(config: &Config, house: &House) -> anyhow::Result<()> {
    let Config { cell, limits, node, data, .. } = config;
    Ok(house.limits.keep_notes(NoteNeeds {
        folder: data.join("spending").join(node),
        node,
        roots: &house.roots,
        alone: !cell.shared && limits.store.is_none() && limits.nodes == 1,
    })?)
}

/// Writes into the record what this node journalled before it was cut off.
async fn replay_journals(config: &Config, house: &House) -> anyhow::Result<()> {
    keep_journals(config, house)?;
    let replayed = house.record.journals_replayed().await?;
    if replayed > 0 {
        tracing::warn!(events = replayed, "what was journalled during an outage is in the record");
    }
    Ok(())
}

/// Has at hand what the calls of orgs need that go on by the journal, and says of which.
pub(crate) async fn outages(house: &House) -> anyhow::Result<BTreeSet<OrgId>> {
    let mut orgs = BTreeSet::new();
    for scope in house.identity.ready_for_outages().await? {
        // One org that cannot be had at hand keeps no other from being served.
        if let Err(error) = at_hand(house, &scope).await {
            tracing::warn!(org.id = %scope.org(), error = format!("{error:#}"), "its calls may not outlive an outage yet");
        }
        orgs.insert(scope.org().clone());
    }
    Ok(orgs)
}

/// What the calls of an org need when the database is away.
async fn at_hand(house: &House, scope: &access::Scope) -> anyhow::Result<()> {
    house.record.ready(scope).await.context("its key")?;
    house.limits.ready(scope).await.context("its limits")
}

/// SIGTERM and Ctrl-C, caught from when this is made: before the first door opens.
#[derive(Debug)]
pub(crate) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
