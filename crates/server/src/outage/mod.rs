//! A node whose databases are away when it starts. Its doors are open; calls of orgs that chose
//! the journal go on from what the node kept on its disk, whoever else comes is told why nothing
//! is done, and the node goes on by itself when the databases are back.
//!
//! ```text
//! databases there ─► stock: rows of those orgs ─► data/snapshot, sealed
//! databases away  ─► snapshot ─► databases in memory that stand in ─► house, /v1 alone ─► journal
//! databases back  ─► a start like any other; what was journalled is replayed in it
//! ```
//! Nothing that stands in writes to a database, so nothing of it can meet what others wrote.

mod shelter;
mod snapshot;
mod stock;
mod tables;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get;
use base::metrics::{Family, Gauge, Metrics};
use serde_json::json;

use self::shelter::Shelter;
pub(crate) use self::stock::Stock;
use crate::config::Config;
use crate::door::told;
use crate::entrance::Entrance;
use crate::lock::DataLock;
use crate::ops;
use crate::serve::{Arrived, Stop};
use crate::storage;

/// How soon databases that are away are looked for again.
const AGAIN: Duration = Duration::from_millis(250);

const AWAY: &str = "the database is away, so nothing can be recorded; nothing was done";

/// What a node is until its databases are back.
#[derive(Debug)]
pub(crate) struct Outage(Option<Shelter>);

impl Outage {
    /// Opens the doors.
    async fn begin(config: &Config, entrance: &mut Entrance) -> anyhow::Result<Self> {
        let shelter = if is_wanted(config) { sheltered(config).await } else { None };
        if let Some(shelter) = &shelter {
            entrance.main.set(shelter.routes()?);
            entrance.ops.set(shelter.probed());
        } else {
            entrance.main.set(refusing());
            entrance.ops.set(probed());
        }
        entrance.open();
        Ok(Self(shelter))
    }

    /// From now on callers wait for what comes next, and what is under way ends.
    pub(crate) async fn end(self, entrance: &Entrance) -> anyhow::Result<()> {
        // Whoever holds what stood there holds its record.
        entrance.main.clear();
        entrance.ops.set(probed());
        match self.0 {
            Some(shelter) => Box::pin(shelter.close(entrance.patience())).await,
            None => Ok(()),
        }
    }
}

/// Opens the house and takes its regions, however long the databases are away, or only read;
/// none: it was asked to stop meanwhile. Callers of a node that knows that they `are_away` need
/// not wait until that is found out.
pub(crate) async fn house(
    config: &Config,
    entrance: &mut Entrance,
    stop: &mut Stop,
    lock: &mut DataLock,
    are_away: bool,
) -> anyhow::Result<Option<(Arrived, Option<Outage>)>> {
    let mut outage = None;
    if are_away {
        outage = Some(Box::pin(Outage::begin(config, entrance)).await?);
    }
    loop {
        let opened = tokio::select! {
            opened = Arrived::open(config, lock) => opened,
            () = stop.asked() => break,
        };
        match opened {
            Ok(arrived) => return Ok(Some((arrived, outage))),
            Err(error) if storage::is_away(config, &error) => {
                tracing::warn!(error = format!("{error:#}"), "the node waits for its databases");
            }
            Err(error) => return Err(error),
        }
        if outage.is_none() {
            outage = Some(Box::pin(Outage::begin(config, entrance)).await?);
        }
        tokio::time::sleep(AGAIN).await;
    }
    if let Some(outage) = outage {
        entrance.drain();
        entrance.wait().await;
        entrance.close();
        entrance.ended().await;
        outage.end(entrance).await?;
    }
    Ok(None)
}

/// A shelter that cannot be opened leaves a node that waits.
async fn sheltered(config: &Config) -> Option<Shelter> {
    match Box::pin(Shelter::open(config)).await {
        Ok(shelter) => shelter,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the snapshot is not used");
            None
        }
    }
}

/// Whether a node keeps snapshots, and starts from them.
fn is_wanted(config: &Config) -> bool {
    let journals = config.record.journal.bytes_max > 0;
    config.cell.snapshot_age_max_secs > 0 && journals && storage::is_remote(config)
}

/// How old a snapshot may be: where nodes share a region, others may have revoked a key since.
fn age_max_secs(config: &Config) -> u64 {
    let cell = &config.cell;
    let news = if cell.shared { cell.news_max_age_secs } else { u64::MAX };
    cell.snapshot_age_max_secs.min(news)
}

/// Shows that the node has no databases, and what it does meanwhile.
fn state(metrics: &Metrics, state: &'static str) {
    let states: Family<[(&'static str, &'static str); 1], Gauge> = metrics.register(
        "start_without_database",
        "1 while the node has started and its databases are away: it waits, or goes on from a \
         snapshot",
        Family::default(),
    );
    states.get_or_create(&[("state", state)]).set(1);
}

/// Whoever comes is told that nothing can be done.
fn refusing() -> Router {
    Router::new().fallback(async |request: Request| told(request.uri().path(), AWAY))
}

/// What probes find meanwhile.
fn probed() -> Router {
    let metrics = Metrics::new();
    state(&metrics, "waits");
    let ready = async || {
        let body = json!({ "ready": false, "why": "the node waits for its databases" });
        (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body))
    };
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(async move || ops::rendered(&metrics)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Database, DatabaseName};

    #[test]
    fn where_nodes_share_a_region_a_snapshot_is_no_older_than_what_a_node_may_remember() {
        let cell = |shared, news_max_age_secs, snapshot_age_max_secs| {
            let cell = nodes::Config { shared, news_max_age_secs, snapshot_age_max_secs };
            age_max_secs(&Config { cell, ..Config::default() })
        };
        assert_eq!(cell(false, 60, 14_400), 14_400);
        assert_eq!(cell(true, 60, 14_400), 60);
        assert_eq!(cell(true, 600, 300), 300);
    }

    #[test]
    fn a_snapshot_is_of_no_use_without_a_journal_a_network_or_an_age() {
        let mut config = Config::default();
        assert!(!is_wanted(&config), "a file is there or not");
        let url = "postgres://portico@db/eu".to_owned();
        config.database.insert(DatabaseName::Eu, Database::at(url));
        assert!(is_wanted(&config));
        config.record.journal.bytes_max = 0;
        assert!(!is_wanted(&config));
        config.record.journal.bytes_max = 1;
        config.cell.snapshot_age_max_secs = 0;
        assert!(!is_wanted(&config));
    }
}
