//! The life of this node: it joins those that serve, beats, and leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use access::{Databases, Region};
use base::args;
use base::db::DbError;
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use tokio::time::Instant;

use crate::member::{Member, members, write};
use crate::{Error, Nodes, sql};

/// How fast a life is shown, and how long silence lasts that means death.
#[derive(Debug, Clone, Copy)]
pub struct Pulse {
    /// How often a node lets its rows beat.
    pub beat: Duration,
    /// A row that did not change while it was watched for this long is a dead one's. Far
    /// more than [`base::db::IDLE_MAX`] and two beats: what a node that stands still had
    /// begun is undone by then.
    pub dead_after: Duration,
    /// News of a writer that does not serve and was silent for this long are dropped.
    pub gone_after: Duration,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(2),
            dead_after: Duration::from_secs(10),
            gone_after: Duration::from_mins(2),
        }
    }
}

/// What outlives the rooms of a node: its rows beat until all that it recorded is on disk.
#[derive(Debug, Clone)]
pub struct Life(pub(crate) Arc<Heart>);

#[derive(Debug)]
pub(crate) struct Heart {
    databases: Databases,
    clock: SharedClock,
    instance: String,
    every: Duration,
    /// How old the news of this node are, by region.
    behind_ms: Vec<(Region, AtomicI64)>,
    /// In microseconds; zero before it drains.
    draining_at: AtomicI64,
    beating: Tasks,
    lost: Tasks,
}

impl Life {
    pub(crate) fn new(
        databases: &Databases,
        clock: &SharedClock,
        instance: &str,
        every: Duration,
    ) -> Self {
        Self(Arc::new(Heart {
            databases: databases.clone(),
            clock: clock.clone(),
            instance: instance.to_owned(),
            every,
            behind_ms: databases.iter().map(|(region, _)| (region, AtomicI64::new(0))).collect(),
            draining_at: AtomicI64::new(0),
            beating: Tasks::new(),
            lost: Tasks::new(),
        }))
    }

    /// Resolves when others have taken this node for dead: they close its calls, and it
    /// must stop.
    pub async fn lost(&self) {
        self.0.lost.stopping().await;
    }

    /// Says that this node takes nothing new. Told with the next beat, at once if possible.
    pub async fn drain(&self) {
        self.0.draining_at.store(self.0.clock.now().as_microsecond(), Ordering::Relaxed);
        self.0.beat().await;
    }

    /// Leaves those that serve. To be called when all that this node recorded is on disk.
    pub async fn leave(self) -> Result<(), DbError> {
        self.0.beating.stop();
        self.0.beating.ended().await;
        for (_, db) in self.0.databases.iter() {
            write(db, [(sql::LEAVE, args![self.0.instance.as_str()])]).await?;
        }
        Ok(())
    }

    pub(crate) fn begin(&self) {
        self.0.beating.spawn(Arc::clone(&self.0).go_on());
    }

    pub(crate) fn is_lost(&self) {
        self.0.lost.stop();
    }

    pub(crate) fn behind(&self, region: Region, age_ms: i64) {
        let of = self.0.behind_ms.iter().find(|(one, _)| *one == region);
        if let Some((_, behind_ms)) = of {
            behind_ms.store(age_ms, Ordering::Relaxed);
        }
    }
}

impl Heart {
    async fn go_on(self: Arc<Self>) {
        let mut tick = tokio::time::interval_at(Instant::now() + self.every, self.every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.beating.stopping() => return,
                _ = tick.tick() => self.beat().await,
            }
        }
    }

    /// A database that is down stops nobody from serving.
    async fn beat(&self) {
        let draining_at = Some(self.draining_at.load(Ordering::Relaxed)).filter(|at| *at > 0);
        for (region, behind_ms) in &self.behind_ms {
            let Ok(db) = self.databases.region(*region) else { continue };
            let behind_ms = behind_ms.load(Ordering::Relaxed);
            let args = args![self.instance.as_str(), behind_ms, draining_at];
            // One region must not hold up the beats of the others.
            let beat = tokio::time::timeout(self.every, write(db, [(sql::BEAT, args)]));
            match beat.await {
                Ok(Ok(0)) => {
                    tracing::error!(%region, "other nodes took this one for dead");
                    self.lost.stop();
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::warn!(
                    %region, error = &error as &dyn std::error::Error,
                    "other nodes were not told that this one lives"
                ),
                Err(slow) => tracing::warn!(
                    %region, error = &slow as &dyn std::error::Error,
                    "other nodes were not told that this one lives"
                ),
            }
        }
    }
}

impl Nodes {
    /// Joins those that serve the regions, or says who has this node's name. `dead` are
    /// lives of this node that are proven to be over. Closes what they left open.
    pub async fn join(&self, dead: &[String]) -> Result<(), Error> {
        let mut namesakes = Vec::new();
        for (region, db) in self.0.databases.iter() {
            for member in members(db).await? {
                // Alone: whoever else has a row here was silent for so long that the regions
                // were taken from it.
                if !self.0.config.shared || dead.contains(&member.instance) {
                    self.bury(region, &member).await?;
                } else if *member.node == *self.0.node {
                    namesakes.push((region, member));
                }
            }
        }
        self.outwait(namesakes).await?;
        let (instance, now) = (self.0.herald.instance().as_str(), self.0.clock.now());
        for (region, db) in self.0.databases.iter() {
            let join = args![instance, &*self.0.node, self.0.version, now];
            let writer = args![instance, now];
            if write(db, [(sql::JOIN, join), (sql::WRITER, writer)]).await? == 0 {
                self.0.life.clone().leave().await?;
                return Err(Error::Namesake { region, node: self.0.node.to_string() });
            }
        }
        self.0.herald.begins_to_serve();
        self.0.life.begin();
        Ok(())
    }

    /// Waits until silence has lasted long enough in every region where another process has
    /// this node's name, and buries it.
    async fn outwait(&self, mut seen: Vec<(Region, Member)>) -> Result<(), Error> {
        let (begun, dead_after) = (Instant::now(), self.0.pulse.dead_after);
        for (region, Member { node, .. }) in &seen {
            tracing::warn!(%region, node, "another process has this name: does it live?");
        }
        let is_dead = |member: &Member| member.dead_at.is_some();
        while seen.iter().any(|(_, member)| !is_dead(member)) && begun.elapsed() < dead_after {
            tokio::time::sleep(dead_after / 40).await;
            let mut silent = Vec::new();
            for (region, before) in seen {
                let members = members(self.0.databases.region(region)?).await?;
                match members.into_iter().find(|member| member.instance == before.instance) {
                    Some(now) if is_dead(&now) || now.beats == before.beats => {
                        silent.push((region, now));
                    }
                    Some(Member { node, .. }) => return Err(Error::Namesake { region, node }),
                    // It left, or others have buried it.
                    None => {}
                }
            }
            seen = silent;
        }
        for (region, member) in seen {
            self.bury(region, &member).await?;
        }
        Ok(())
    }

    /// When this node took another one for dead, or found it taken so: declares it, closes
    /// its calls, and forgets it. Any number of nodes may do it at once.
    pub(crate) async fn bury(&self, region: Region, member: &Member) -> Result<(), DbError> {
        let db = self.0.databases.region(region)?;
        let instance = || args![member.instance.as_str()];
        if member.dead_at.is_none() {
            let now: At = self.0.clock.now();
            let declare = args![member.instance.as_str(), member.beats, now];
            if write(db, [(sql::DECLARE, declare)]).await? == 0 {
                // It lives after all, or somebody else was faster.
                return Ok(());
            }
            tracing::warn!(%region, node = member.node, "a node is taken for dead");
        }
        let still = audit::Still { statement: sql::STILL_DEAD, args: instance() };
        let closed = self.0.record.sweep_dead(region, &member.node, &still).await?;
        if write(db, [(sql::BURY, instance())]).await? == 1 {
            self.0.counts.buried(region);
            let node = &member.node;
            tracing::warn!(%region, node, calls = closed, "the calls of a dead node were closed");
        }
        Ok(())
    }
}
