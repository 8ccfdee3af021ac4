//! Every two seconds: each sink that lacks something gets its turn.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::{Db, Row, Within};
use futures_util::future::join_all;

use crate::sink::Known;
use crate::telemetry::Health;
use crate::{Delivered, Error, SinkId, State, Streams, sql};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);
/// How long it rests when some sink lacks more than one turn gives.
const REST: Duration = Duration::from_millis(100);
/// Sinks that a page of the database names.
const PAGE: usize = 500;

/// A sink that lacks something, where it is.
#[derive(Debug)]
struct Due {
    region: Region,
    known: Known,
}

/// What a look over all regions found.
struct Look {
    sinks: Vec<Due>,
    /// Whether every region could be looked at.
    whole: Result<(), Error>,
}

/// How the sinks of each kind are.
type All = BTreeMap<&'static str, Health>;

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
        while self.waited().await {
            // A slow sink keeps no other waiting: each has a task of its own.
            let due = self.due().await.sinks;
            for due in due.into_iter().filter(|due| !self.is_running(&due.known.id)) {
                let streams = self.clone();
                self.0.tasks.spawn(async move {
                    if streams.in_turn(due).await.more {
                        streams.0.more.notify_one();
                    }
                });
            }
        }
    }

    /// Waits for the next look. False: the server stops.
    async fn waited(&self) -> bool {
        tokio::select! {
            () = self.0.tasks.stopping() => return false,
            () = tokio::time::sleep(EVERY) => return true,
            () = self.0.more.notified() => {}
        }
        tokio::time::timeout(REST, self.0.tasks.stopping()).await.is_err()
    }

    /// One turn of every sink that lacks something, to its end. The room does it by itself;
    /// this is for whoever waits for it. A region that could not be looked at is an error, after
    /// the turns of all others.
    pub async fn deliver(&self) -> Result<Delivered, Error> {
        let Look { sinks, whole } = self.due().await;
        let all = join_all(sinks.into_iter().map(|due| self.in_turn(due))).await;
        whole?;
        Ok(all.into_iter().fold(Delivered::default(), |all, one| Delivered {
            events: all.events + one.events,
            more: all.more | one.more,
        }))
    }

    async fn in_turn(&self, due: Due) -> Delivered {
        let (id, org) = (due.known.id.clone(), due.known.org.clone());
        let Some(_running) = Running::begin(self, &id) else { return Delivered::default() };
        let done = match self.0.places.place(Some(org.as_str())).await {
            Some(_place) => Box::pin(self.turn(due.region, due.known)).await,
            None => Ok(Delivered::default()),
        };
        done.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(org.id = %org, sink.id = %id, error, "a sink could not be served");
            Delivered::default()
        })
    }

    /// Sinks that lack something and may be tried now. Counts how all of them are.
    async fn due(&self) -> Look {
        let (mut sinks, mut whole, mut health) = (Vec::new(), Ok(()), All::new());
        for (region, db) in self.0.databases.iter() {
            if let Err(error) = self.due_in(region, db, &mut sinks, &mut health).await {
                {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(%region, error, "sinks could not be looked for");
                }
                whole = Err(error);
            }
        }
        self.0.counts.now(&health);
        Look { sinks, whole }
    }

    async fn due_in(
        &self,
        region: Region,
        db: &Db,
        due: &mut Vec<Due>,
        health: &mut All,
    ) -> Result<(), Error> {
        let (mut org, mut sink, mut sizes) = (String::new(), String::new(), HashMap::new());
        loop {
            let rows = db.all(&Within::node(), sql::ALL, args![&org, &sink]).await?;
            for row in &rows {
                (org, sink) = (row.text("org_id")?, row.text("sink_id")?);
                match self.due_of(region, row, &mut sizes, health).await {
                    Ok(known) => due.extend(known.map(|known| Due { region, known })),
                    Err(Error::Db(error)) if error.is_unreachable() => return Err(error.into()),
                    // One that cannot be read does not keep the others.
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(org.id = %org, sink.id = %sink, error, "a sink could not be read");
                    }
                }
            }
            if rows.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The sink of a row, if it is due.
    async fn due_of(
        &self,
        region: Region,
        row: &Row,
        sizes: &mut HashMap<OrgId, i64>,
        health: &mut All,
    ) -> Result<Option<Known>, Error> {
        let known = Known::of(row)?;
        if !self.0.record.is_home(&known.org, region) {
            return Ok(None);
        }
        let size = self.size(region, &known.org, sizes).await?;
        self.count(region, &known, size, health.entry(known.target.kind()).or_default()).await?;
        let due = known.is_due(self.now()) && self.lacks(region, &known, size).await?;
        Ok(due.then_some(known))
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
