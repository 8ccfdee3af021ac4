//! Who serves a region: one node at a time, or any number that share it. Where limits are
//! counted in the memory of a node, one serves; where nodes share a store, all of them hold
//! the row together, so that one that counts alone never serves beside them.
//!
//! A node that lives lets its row beat. Who wants the region watches the row: it trusts
//! no clock but its own, and nobody's word.

use std::time::Duration;

use access::Region;
use base::args;
use base::db::{Db, DbError, Statement, Value, Within};
use base::tasks::Tasks;
use base::time::SharedClock;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{Directory, Error, sql};

base::ids! {
    /// One life of one process.
    InstanceId = "run";
}

/// How fast a life is shown, and how long silence lasts that means death.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// How often a holder lets its row beat.
    pub beat: Duration,
    /// A row that did not change while it was watched for this long is a dead one's.
    pub dead_after: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { beat: Duration::from_secs(2), dead_after: Duration::from_secs(10) }
    }
}

/// A node that wants regions.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its name.
    pub node: String,
    /// This life of it.
    pub instance: InstanceId,
    /// Lives of this node that are proven to be over: theirs is taken at once.
    pub dead: Vec<InstanceId>,
    /// How it shows its life.
    pub pulse: Pulse,
    /// It serves beside others that share, and beside no other.
    pub sharing: bool,
}

/// What the row says of nodes that share a region, in place of one life. It is never given
/// back: a node that leaves does not know whether it is the last.
pub const SHARED: &str = "shared";

/// The regions of a node, held while it serves. One that is dropped is not given back, and is a
/// dead one's from then on.
#[derive(Debug)]
pub struct Lease {
    rows: Rows,
    beating: Tasks,
    lost: Tasks,
}

/// What a node holds.
#[derive(Debug, Clone)]
struct Rows {
    db: Db,
    clock: SharedClock,
    regions: Vec<Region>,
    /// Whose row it is: this life's, or that of all who share.
    holds_as: String,
}

/// What the row of a region says.
#[derive(Debug, PartialEq, Eq)]
struct Holder {
    node: String,
    instance: String,
    beats: i64,
}

impl Candidate {
    fn holds_as(&self) -> &str {
        if self.sharing { SHARED } else { self.instance.as_str() }
    }

    /// Whether the row is this node's own already, with others.
    fn shares(&self, holder: &Holder) -> bool {
        self.sharing && holder.instance == SHARED
    }

    /// Who stands in the way.
    fn refused(&self, region: Region, node: String) -> Error {
        let shared = node == SHARED;
        if self.sharing || shared {
            Error::Shared { region, node: Some(node).filter(|_| !shared) }
        } else {
            Error::Served { region, node }
        }
    }

    fn knows_dead(&self, holder: &Holder) -> bool {
        let ours = |life: &InstanceId| life.as_str() == holder.instance;
        holder.node == self.node && self.dead.iter().any(ours)
    }
}

impl Directory {
    /// Takes every one of `regions`, or none. Waits where a node seems to be dead.
    pub async fn take(&self, regions: &[Region], who: &Candidate) -> Result<Lease, Error> {
        let mut rows = Rows {
            db: self.db.clone(),
            clock: self.clock.clone(),
            regions: Vec::new(),
            holds_as: who.holds_as().to_owned(),
        };
        let mut held = Vec::new();
        for region in regions {
            held.push((*region, rows.holder(*region).await?));
        }
        rows.watch(&held, who).await?;
        for (region, last) in held {
            match rows.take(region, last, who).await {
                Ok(()) => rows.regions.push(region),
                Err(refused) => {
                    rows.release().await?;
                    return Err(refused);
                }
            }
        }
        let lease = Lease { rows, beating: Tasks::new(), lost: Tasks::new() };
        lease.beating.spawn(lease.beat(who.pulse.beat));
        Ok(lease)
    }
}

impl Lease {
    /// Resolves when another node took one of the regions: it watched, and saw no life.
    pub async fn lost(&self) {
        self.lost.stopping().await;
    }

    /// Gives the regions back, for the next one to take at once.
    pub async fn release(self) -> Result<(), Error> {
        self.beating.stop();
        self.beating.ended().await;
        self.rows.release().await
    }

    /// Beats while it is held.
    fn beat(&self, every: Duration) -> impl Future<Output = ()> + use<> {
        let Self { rows, beating, lost } = self;
        let (rows, beating, lost) = (rows.clone(), beating.clone(), lost.clone());
        async move {
            tokio::select! {
                () = beating.stopping() => {}
                () = beat(&rows, every, &lost) => {}
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.beating.stop();
    }
}

impl Rows {
    /// Takes a region from nobody, or from whoever had it `last` and has not moved since.
    async fn take(
        &self,
        region: Region,
        mut last: Option<Holder>,
        who: &Candidate,
    ) -> Result<(), Error> {
        let now = self.clock.now();
        let own = self.holds_as.as_str();
        loop {
            if last.as_ref().is_none_or(|holder| !who.shares(holder)) {
                let (instance, beats) =
                    last.map_or_else(Default::default, |h| (h.instance, h.beats));
                let node = if who.sharing { SHARED } else { &who.node };
                let args = args![region.as_str(), node, own, now, instance, beats];
                if self.write(sql::TAKE, args).await? == 1 {
                    return Ok(());
                }
            }
            // Others that share have it, or took it just now.
            if who.sharing && self.write(sql::BEAT, args![region.as_str(), own, now]).await? == 1 {
                return Ok(());
            }
            last = match self.holder(region).await? {
                // Its last beat was on the way when it died.
                Some(holder) if who.knows_dead(&holder) => Some(holder),
                holder => {
                    return Err(who.refused(region, holder.map_or_else(String::new, |h| h.node)));
                }
            };
        }
    }

    /// Waits until silence has lasted long enough in every region that somebody holds.
    async fn watch(&self, held: &[(Region, Option<Holder>)], who: &Candidate) -> Result<(), Error> {
        let begun = Instant::now();
        let mut seen: Vec<_> = held
            .iter()
            .filter_map(|(region, holder)| Some((*region, holder.as_ref()?)))
            .filter(|(_, holder)| !who.knows_dead(holder) && !who.shares(holder))
            .collect();
        for (region, Holder { node, .. }) in &seen {
            tracing::warn!(region = %region, node, "another node has this region: does it live?");
        }
        while !seen.is_empty() && begun.elapsed() < who.pulse.dead_after {
            tokio::time::sleep(who.pulse.dead_after / 40).await;
            let mut silent = Vec::new();
            for (region, holder) in seen {
                match self.holder(region).await? {
                    Some(now) if now == *holder => silent.push((region, holder)),
                    Some(now) if who.shares(&now) => {}
                    Some(now) => return Err(who.refused(region, now.node)),
                    // Given back meanwhile.
                    None => {}
                }
            }
            seen = silent;
        }
        Ok(())
    }

    async fn holder(&self, region: Region) -> Result<Option<Holder>, DbError> {
        let row = self.db.maybe(&Within::node(), sql::HOLDER, args![region.as_str()]).await?;
        let read = |row: base::db::Row| {
            Ok(Holder {
                node: row.text("node")?,
                instance: row.text("instance")?,
                beats: row.int("beats")?,
            })
        };
        row.map(read).transpose()
    }

    async fn release(&self) -> Result<(), Error> {
        for region in self.regions.iter().filter(|_| self.holds_as != SHARED) {
            let args = args![region.as_str(), self.holds_as.as_str()];
            self.write(sql::RELEASE, args).await?;
        }
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "the directory has no record: it holds no data")]
    async fn write(&self, statement: Statement, args: Vec<Value>) -> Result<u64, DbError> {
        let mut tx = self.db.begin(&Within::node()).await?;
        let changed = tx.run(statement, args).await?;
        tx.commit().await?;
        Ok(changed)
    }
}

/// Beats in each region until another node has it, without end. A directory that is down stops
/// nobody from serving.
async fn beat(rows: &Rows, every: Duration, lost: &Tasks) {
    let mut tick = tokio::time::interval_at(Instant::now() + every, every);
    // What was missed while the directory was down is not made up for.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut held = rows.regions.clone();
    loop {
        tick.tick().await;
        for region in std::mem::take(&mut held) {
            let args = args![region.as_str(), rows.holds_as.as_str(), rows.clock.now()];
            match rows.write(sql::BEAT, args).await {
                Ok(1) => held.push(region),
                Ok(_) => {
                    tracing::error!(region = %region, "another node serves this region now");
                    lost.stop();
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error, region = %region,
                        "the directory was not told that this node lives"
                    );
                    held.push(region);
                }
            }
        }
    }
}
