//! A node without its databases, that goes on from what it kept on its disk: calls by keys of
//! orgs that chose the journal, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use access::{Life, OrgId};
use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::get;
use base::time::Clock as _;
use base::time::{At, SystemClock};
use serde_json::json;
use tokio::sync::mpsc;

use super::snapshot::{Moved, NotUsed, Place};
use super::tables::Shapes;
use super::{AWAY, state};
use crate::config::Config;
use crate::door::{told, until};
use crate::storage::{self, Stores};
use crate::wire::House;
use crate::{ops, serve};

/// How long what was cut off may take to be recorded.
const CUT_MAX: Duration = Duration::from_secs(10);

/// The house over what was kept.
#[derive(Debug)]
pub(super) struct Shelter {
    house: House,
    guard: Guard,
    ended: mpsc::Receiver<()>,
}

/// Who is let in.
#[derive(Debug, Clone)]
struct Guard {
    orgs: Arc<BTreeSet<OrgId>>,
    /// Ends when what is remembered may not be trusted any longer, or what runs must end.
    life: Life,
    /// Held by whatever is under way.
    place: mpsc::Sender<()>,
}

/// What was found on the disk.
struct Found {
    stores: Stores,
    taken_at: At,
    moved: Vec<Moved>,
}

impl Shelter {
    /// Opens it; none: nothing that may be used was kept, and the log says why.
    pub(super) async fn open(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(found) = found(config).await? else { return Ok(None) };
        let Found { stores, taken_at, moved } = found;
        let house = House::over(config, Arc::new(SystemClock), stores).await?;
        for one in moved {
            house.databases.homes().settle(&one.org, one.born, one.home);
        }
        let orgs = match at_hand(config, &house).await {
            Ok(orgs) => orgs,
            Err(error) => {
                house.close().await;
                return Err(error);
            }
        };
        let (place, ended) = mpsc::channel(1);
        let guard = Guard { orgs: Arc::new(orgs), life: Life::default(), place };
        if let Some(left) = left(config, taken_at) {
            let (life, tasks) = (guard.life.clone(), house.tasks.clone());
            house.tasks.spawn(async move {
                tokio::select! {
                    () = tokio::time::sleep(left) => life.end(),
                    () = tasks.stopping() => {}
                }
            });
        }
        tracing::warn!(
            %taken_at,
            orgs = guard.orgs.len(),
            "the databases are away: calls of these orgs go on by the journal"
        );
        Ok(Some(Self { house, guard, ended }))
    }

    /// What callers find.
    pub(super) fn routes(&self) -> anyhow::Result<Router> {
        let routes = self.house.routes()?;
        Ok(routes.layer(from_fn_with_state(self.guard.clone(), guarded)))
    }

    /// What probes find.
    pub(super) fn probed(&self) -> Router {
        state(&self.house.metrics, "snapshot");
        let (life, record) = (self.guard.life.clone(), self.house.record.clone());
        let ready = async move || {
            let ready = !life.is_over();
            let why = if ready {
                "the databases are away: calls go on by the journal from a snapshot"
            } else {
                "the databases are away, and the snapshot is too old by now"
            };
            let mut parts = serde_json::Map::new();
            for (region, journal, _) in record.journals() {
                parts.insert(format!("journal.{region}"), journal.to_string().into());
                parts.insert(format!("database.{region}"), "not answering".into());
            }
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, axum::Json(json!({ "ready": ready, "why": why, "parts": parts })))
        };
        let metrics = self.house.metrics.clone();
        Router::new()
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(ready))
            .route("/metrics", get(async move || ops::rendered(&metrics)))
    }

    /// Waits for what is under way, not for ever, and until all of it is in the journal.
    pub(super) async fn close(self, patience: Duration) -> anyhow::Result<()> {
        let Self { house, guard: Guard { life, place, .. }, mut ended } = self;
        drop(place);
        if tokio::time::timeout(patience, ended.recv()).await.is_err() {
            tracing::warn!("some answers did not end in time and are cut off");
            life.end();
            let _cut = tokio::time::timeout(CUT_MAX, ended.recv()).await;
        }
        // Two that write one journal would break it.
        let closed = tokio::time::timeout(CUT_MAX, house.close()).await;
        closed.context("what was done without the databases did not end in time")
    }
}

/// The orgs whose calls go on.
async fn at_hand(config: &Config, house: &House) -> anyhow::Result<BTreeSet<OrgId>> {
    serve::keep_journals(config, house)?;
    serve::keep_notes(config, house)?;
    serve::outages(house).await.context("what calls need in an outage")
}

/// Lets in who is known, for as long as that is known.
async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let shown = identity::org_shown(request.headers());
    let known = shown.is_some_and(|org| guard.orgs.contains(&org));
    if !known || !path.starts_with("/v1/") || guard.life.is_over() {
        return told(&path, AWAY);
    }
    let Guard { life, place, .. } = guard;
    match life.during(next.run(request)).await {
        Ok(answer) => until(&life, place, answer),
        Err(_) => told(&path, AWAY),
    }
}

/// How long what was kept may be trusted where others may change it meanwhile.
fn left(config: &Config, taken_at: At) -> Option<Duration> {
    let age = SystemClock.now().as_second() - taken_at.as_second();
    let max = i64::try_from(config.cell.news_max_age_secs).unwrap_or(i64::MAX);
    let left = u64::try_from(max.saturating_sub(age)).unwrap_or_default();
    config.cell.shared.then(|| Duration::from_secs(left))
}

/// Databases in memory of what is on the disk.
async fn found(config: &Config) -> anyhow::Result<Option<Found>> {
    let now = SystemClock.now();
    let max_secs = super::age_max_secs(config);
    let mut good = Vec::new();
    for (region, root) in storage::root_keys(config)? {
        let place = Place::of(&config.data, &config.node, region, &root)?;
        match place.read(now, max_secs) {
            Ok((about, tables)) => good.push((region, about, tables)),
            Err(NotUsed::None) => tracing::info!(%region, "no snapshot is there to start from"),
            Err(why) => {
                let (snapshot, error) = (place.path().display(), &why as &dyn std::error::Error);
                tracing::error!(%region, %snapshot, error, "the snapshot is not used: {why}");
            }
        }
    }
    let Some(taken_at) = good.iter().map(|(_, about, _)| about.taken_at).min() else {
        return Ok(None);
    };
    let nodes = good.iter().map(|(_, about, _)| about.nodes).max().unwrap_or(1);
    let stores = Stores::empty(config, nodes.max(config.limits.nodes)).await?;
    let mut moved = Vec::new();
    for (region, about, tables) in good {
        let db = stores.databases.region(region)?;
        Shapes::of(db).await?.put(db, tables).await?;
        moved.extend(about.moved);
    }
    for (_, db) in stores.databases.iter() {
        db.stand_in();
    }
    stores.directory.stand_in();
    Ok(Some(Found { stores, taken_at, moved }))
}
