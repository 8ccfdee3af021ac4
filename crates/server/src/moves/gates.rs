//! The serving side: gates close and open as the directory says.

use std::collections::BTreeMap;
use std::time::Duration;

use access::{Databases, OrgId};
use audit::Record;
use base::tasks::Tasks;
use identity::Identity;
use patterns::Patterns;
use regions::{Directory, Move, Step};
use tokio::time::Instant;

/// How often the directory is asked: while an org is fenced, while one moves, and otherwise.
const FENCED_EVERY: Duration = Duration::from_millis(10);
const MOVING_EVERY: Duration = Duration::from_millis(50);
const EVERY: Duration = Duration::from_millis(500);
/// How long writes that are under way may take to end behind a closed gate.
const LEAVE_WITHIN: Duration = Duration::from_millis(1_500);
/// How long a gate stays closed before this process lifts the fence: whoever moves the org
/// has stopped, or stands still.
const LIFT_AFTER: Duration = Duration::from_secs(5);

/// Tells the rooms where orgs are that moved, or are about to.
pub(crate) async fn know(directory: &Directory, databases: &Databases) -> anyhow::Result<()> {
    let homes = databases.homes();
    for moved in directory.moved().await? {
        homes.settle(&moved.org, moved.born, moved.home);
    }
    for Move { org, from, step, .. } in directory.moves().await? {
        if step < Step::Moved {
            homes.settle(&org, homes.born(&org, from), from);
        }
        if step == Step::Fenced {
            homes.close(&org);
        }
    }
    Ok(())
}

/// The gates of this process.
#[derive(Debug)]
pub(crate) struct Gates {
    pub(crate) directory: Directory,
    pub(crate) databases: Databases,
    pub(crate) record: Record,
    pub(crate) identity: Identity,
    pub(crate) patterns: Patterns,
    /// This life of this process.
    pub(crate) instance: String,
    known: BTreeMap<OrgId, Known>,
}

/// What this process has done about a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It knows of it.
    Copying(i64),
    /// It is given up: the org is served where it was.
    Abandoning,
    /// Its gate is closed.
    Fenced { fence: i64, since: Instant, told: bool },
    /// The org is served where it is now.
    Moved,
}

impl Gates {
    pub(crate) fn new(house: &crate::wire::House) -> Self {
        Self {
            directory: house.directory.clone(),
            databases: house.databases.clone(),
            record: house.record.clone(),
            identity: house.identity.clone(),
            patterns: house.patterns.clone(),
            instance: house.nodes.instance().as_str().to_owned(),
            known: BTreeMap::new(),
        }
    }

    /// Keeps the gates until shutdown begins.
    pub(crate) async fn keep(mut self, tasks: Tasks) {
        loop {
            let fenced = |known: &Known| matches!(known, Known::Fenced { .. });
            let copying = |known: &Known| matches!(known, Known::Copying(_));
            let wait = if self.known.values().any(fenced) {
                FENCED_EVERY
            } else if self.known.values().any(copying) {
                MOVING_EVERY
            } else {
                EVERY
            };
            if tokio::time::timeout(wait, tasks.stopping()).await.is_ok() {
                return;
            }
            self.look().await;
        }
    }

    /// Looks once. While the directory is away, gates stay as they are.
    pub(crate) async fn look(&mut self) {
        let moves = match self.directory.moves().await {
            Ok(moves) => moves,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "moves could not be looked for; it is tried again");
                return;
            }
        };
        let over = |org: &&OrgId| !moves.iter().any(|one| one.org == **org);
        let over: Vec<OrgId> = self.known.keys().filter(over).cloned().collect();
        for org in over {
            // Given up, or erased: in between this process may have seen nothing of it.
            if let Err(error) = self.settle(&org).await {
                let error = &*error;
                tracing::warn!(org.id = %org, error = format!("{error:#}"), "its gate stays as it is");
                continue;
            }
            self.known.remove(&org);
        }
        for one in moves {
            if let Err(error) = self.heed(&one).await {
                tracing::warn!(org.id = %one.org, error = format!("{error:#}"), "its gate stays as it is");
            }
        }
    }

    async fn heed(&mut self, one: &Move) -> anyhow::Result<()> {
        let (org, homes) = (&one.org, self.databases.homes());
        let known = self.known.get(org).copied();
        match one.step {
            Step::Copying => {
                if known == Some(Known::Copying(one.fence)) {
                    return Ok(());
                }
                homes.settle(org, homes.born(org, one.from), one.from);
                self.record.unfence(org);
                self.directory.fenced(org, &self.instance, one.fence).await?;
                self.known.insert(org.clone(), Known::Copying(one.fence));
            }
            Step::Abandoning if known != Some(Known::Abandoning) => {
                homes.settle(org, homes.born(org, one.from), one.from);
                self.record.unfence(org);
                self.known.insert(org.clone(), Known::Abandoning);
            }
            Step::Fenced => self.fenced(one, known).await?,
            Step::Moved if known != Some(Known::Moved) => {
                self.arrived(org, one.to).await;
                self.known.insert(org.clone(), Known::Moved);
            }
            Step::Abandoning | Step::Moved | Step::Ordered | Step::Done => {}
        }
        Ok(())
    }

    async fn fenced(&mut self, one: &Move, known: Option<Known>) -> anyhow::Result<()> {
        let (org, homes) = (&one.org, self.databases.homes());
        let (since, told) = match known {
            Some(Known::Fenced { fence, since, told }) if fence == one.fence => (since, told),
            Some(_) | None => {
                homes.settle(org, homes.born(org, one.from), one.from);
                homes.close(org);
                (Instant::now(), false)
            }
        };
        let mut now = Known::Fenced { fence: one.fence, since, told };
        self.known.insert(org.clone(), now);
        if !told && tokio::time::timeout(LEAVE_WITHIN, self.record.fence(org)).await.is_ok() {
            if self.record.is_journalled(one.from) {
                tracing::warn!(org.id = %org, "it does not move while its region's journal holds calls");
            } else {
                self.directory.fenced(org, &self.instance, one.fence).await?;
                now = Known::Fenced { fence: one.fence, since, told: true };
                self.known.insert(org.clone(), now);
            }
        }
        // The switch and this exclude each other: one finds another step.
        if since.elapsed() >= LIFT_AFTER && self.directory.lift_fence(org, one.fence).await? {
            tracing::warn!(org.id = %org, "its move stood still: its writes go on where it is");
            self.record.unfence(org);
            self.known.remove(org);
        }
        Ok(())
    }

    async fn settle(&self, org: &OrgId) -> anyhow::Result<()> {
        self.directory.forget(org);
        let home = self.directory.home(org).await?;
        let homes = self.databases.homes();
        if let Some(home) = home
            && homes.home(org, home.region) != home.region
        {
            self.arrived(org, home.region).await;
        } else {
            self.record.unfence(org);
        }
        Ok(())
    }

    /// The org is at home there: what is remembered of it is read anew, and its gate opens.
    async fn arrived(&self, org: &OrgId, home: access::Region) {
        let homes = self.databases.homes();
        let before = homes.home(org, home);
        homes.settle(org, homes.born(org, before), home);
        self.directory.forget(org);
        self.patterns.moved(org);
        self.record.unfence(org);
        self.identity.moved(org, home).await;
    }
}
