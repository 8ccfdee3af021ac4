//! Every two seconds: each sink that lacks something gets its turn.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::Within;
use futures_util::future::join_all;

use crate::sink::Known;
use crate::telemetry::Health;
use crate::{Delivered, Error, SinkId, State, Streams, sql};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);
/// How long it rests while some sink lacks more than one turn gives.
const REST: Duration = Duration::from_millis(100);
/// Sinks that a page of the database names.
const PAGE: usize = 500;

/// A sink that lacks something, where it is.
#[derive(Debug)]
struct Due {
    region: Region,
    known: Known,
}

/// A sink whose turn it is, however the turn ends.
struct Running<'a> {
    streams: &'a Streams,
    id: &'a SinkId,
}

impl<'a> Running<'a> {
    fn begin(streams: &'a Streams, id: &'a SinkId) -> Option<Self> {
        streams.running().insert(id.clone()).then_some(Self { streams, id })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.streams.running().remove(self.id);
    }
}

impl Streams {
    /// Delivers until shutdown begins. To be called once, on the one node that serves the
    /// regions.
    pub fn run(&self) {
        self.0.tasks.spawn(self.clone().watch());
    }

    async fn watch(self) {
        let mut wait = EVERY;
        while tokio::time::timeout(wait, self.0.tasks.stopping()).await.is_err() {
            wait = EVERY;
            match self.due().await {
                // A slow sink keeps no other waiting: each has a task of its own.
                Ok(due) => {
                    for due in due.into_iter().filter(|due| !self.is_running(&due.known.id)) {
                        wait = REST;
                        let streams = self.clone();
                        self.0.tasks.spawn(async move {
                            streams.in_turn(due).await;
                        });
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "sinks could not be looked for");
                }
            }
        }
    }

    /// One turn of every sink that lacks something, to its end. The room does it by itself;
    /// this is for whoever waits for it.
    pub async fn deliver(&self) -> Result<Delivered, Error> {
        let turns = self.due().await?.into_iter().map(|due| self.in_turn(due));
        let all = join_all(turns).await;
        Ok(all.into_iter().fold(Delivered::default(), |all, one| Delivered {
            events: all.events + one.events,
            more: all.more | one.more,
        }))
    }

    async fn in_turn(&self, due: Due) -> Delivered {
        let (id, org) = (due.known.id.clone(), due.known.org.clone());
        let Some(_running) = Running::begin(self, &id) else { return Delivered::default() };
        let done = match self.0.places.acquire().await {
            Ok(_place) => Box::pin(self.turn(due.region, due.known)).await,
            Err(_) => Ok(Delivered::default()),
        };
        done.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(org.id = %org, sink.id = %id, error, "a sink could not be served");
            Delivered::default()
        })
    }

    /// Sinks that lack something and may be tried now. Counts how all of them are.
    async fn due(&self) -> Result<Vec<Due>, Error> {
        let (mut due, mut health) = (Vec::new(), BTreeMap::<_, Health>::new());
        for (region, db) in self.0.databases.iter() {
            let (mut org, mut sink) = (String::new(), String::new());
            let mut sizes = HashMap::new();
            loop {
                let rows = db.all(&Within::node(), sql::ALL, args![&org, &sink]).await?;
                for row in &rows {
                    (org, sink) = (row.text("org_id")?, row.text("sink_id")?);
                    let known = Known::of(row)?;
                    let size = self.size(region, &known.org, &mut sizes).await?;
                    let health = health.entry(known.target.kind()).or_default();
                    self.count(region, &known, size, health).await?;
                    if known.is_due(self.now()) && self.lacks(region, &known, size).await? {
                        due.push(Due { region, known });
                    }
                }
                if rows.len() < PAGE {
                    break;
                }
            }
        }
        self.0.counts.now(&health);
        Ok(due)
    }

    async fn size(
        &self,
        region: Region,
        org: &OrgId,
        sizes: &mut HashMap<OrgId, i64>,
    ) -> Result<i64, Error> {
        if let Some(size) = sizes.get(org) {
            return Ok(*size);
        }
        let scope = Caller::node(org.clone(), region, &self.0.node).itself();
        let size = self.0.record.size(&scope).await?;
        sizes.insert(org.clone(), size);
        Ok(size)
    }

    async fn count(
        &self,
        region: Region,
        known: &Known,
        size: i64,
        health: &mut Health,
    ) -> Result<(), Error> {
        health.sinks += 1;
        health.blocked += i64::from(known.state() == State::Blocked);
        // An admin who pauses a sink knows that it falls behind.
        if known.position.next < size && known.state() != State::Paused {
            let scope = Caller::node(known.org.clone(), region, &self.0.node).itself();
            health.lag_events += size - known.position.next;
            health.lag_secs = health.lag_secs.max(self.lag_secs(&scope, known, size).await?);
        }
        Ok(())
    }

    /// Whether there are events that it does not have, or a checkpoint.
    async fn lacks(&self, region: Region, known: &Known, size: i64) -> Result<bool, Error> {
        let position = &known.position;
        if position.next < size || position.checkpoint >= size {
            return Ok(position.next < size);
        }
        let scope = Caller::node(known.org.clone(), region, &self.0.node).itself();
        let checkpoints = self.0.record.checkpoints_beyond(&scope, position.checkpoint).await?;
        Ok(checkpoints.iter().any(|checkpoint| checkpoint.size <= position.next))
    }

    fn is_running(&self, id: &SinkId) -> bool {
        self.running().contains(id)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, std::collections::HashSet<SinkId>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
