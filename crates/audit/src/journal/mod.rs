//! The journal: where a node records the calls of orgs that chose so while the database is
//! away, and from where they come into the record.
//!
//! ```text
//! group ─► the database does not take it ─► orgs that chose the journal: one frame, one fsync
//!                                       └─► all others: refused
//! database back ─► frames in their order ─► one transaction: events, ledger, mark ─► removed
//!                  what is newer of these orgs goes behind them, so their order stays
//! ```
//! The mark says how far a journal is in the record of an org, and moves with the events: so
//! nothing is written twice, whenever a node is cut off.

mod desk;
mod entry;
mod file;
mod format;
mod line;
mod replay;
mod telemetry;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use access::{Caller, Databases, Permission, Region, Scope, Unrecorded};
use base::db::DbError;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::time::At;
use serde::{Deserialize, Serialize};

pub(crate) use self::desk::Desk;
use self::desk::Rules;
use self::format::NotRead;
pub(crate) use self::line::Books;
pub(crate) use self::replay::Mark;
use self::telemetry::AllCounts;
use crate::Record;

/// `[record.journal]`: what a node records while the database of the record is away, for orgs
/// that chose so.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalConfig {
    /// Bytes of the journal of one region at most; a full one refuses. 0: there is none.
    pub bytes_max: u64,
    /// Seconds that one may be written to from when it began; an older one refuses.
    pub age_max_secs: u32,
}

impl Default for JournalConfig {
    fn default() -> Self {
        // A call has two events of about a kilobyte each.
        Self { bytes_max: 256 << 20, age_max_secs: 4 * 3600 }
    }
}

/// What journals are kept with.
#[derive(Debug)]
pub struct JournalNeeds<'a> {
    /// The folder of the node's journals. Nobody else writes there.
    pub folder: PathBuf,
    /// The root key of each region: the chain is made with a key of it.
    pub roots: &'a BTreeMap<Region, RootKey>,
    /// What the operator decides.
    pub config: &'a JournalConfig,
}

/// Why a journal is not kept, or not replayed.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// What an earlier life left is broken, or cannot be read.
    #[error("the journal {}: {cause}. It is kept as it is: see docs/operate, Journal", path.display())]
    Left {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Its replay stopped; the log says why.
    #[error("the journal of `{0}` could not be replayed and is kept: see docs/operate, Journal")]
    Stuck(Region),
}

/// How the journal of a region stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalState {
    /// Nothing is in it.
    Empty,
    /// So many events wait for the database.
    Waits(u64),
    /// Its replay stopped: somebody must look.
    Stuck,
}

impl JournalState {
    /// Whether somebody must look.
    pub const fn is_stuck(self) -> bool {
        matches!(self, Self::Stuck)
    }
}

impl std::fmt::Display for JournalState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::Waits(events) => write!(f, "{events} events wait for the database"),
            Self::Stuck => f.write_str("stuck"),
        }
    }
}

/// What is said of a call that is not in the record yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingReceipt {
    /// The call, as in the header `portico-receipt`.
    pub id: String,
    /// `pending`: it is in the journal of a node, and can be proven once it is in the record.
    pub state: &'static str,
    /// When its last event was journalled.
    #[schema(value_type = String)]
    pub journalled_at: At,
}

/// The journals of a node.
#[derive(Debug, Clone)]
pub(crate) struct Desks(Arc<BTreeMap<Region, Arc<Desk>>>, AllCounts);

impl Desks {
    pub(crate) fn of(databases: &Databases, metrics: &Metrics) -> Self {
        let counts = AllCounts::register(metrics);
        let regions = databases.iter().map(|(region, _)| region);
        let desks = regions.map(|one| (one, Arc::new(Desk::new(counts.of(one)))));
        Self(Arc::new(desks.collect()), counts)
    }

    fn of_region(&self, region: Region) -> Arc<Desk> {
        let desk = self.0.get(&region).map(Arc::clone);
        desk.unwrap_or_else(|| Arc::new(Desk::new(self.1.of(region))))
    }

    /// Whether the org of this caller wants its events journalled rather than refused.
    pub(crate) fn wanted_by(&self, caller: &Caller) -> bool {
        match caller.standing.unrecorded {
            Unrecorded::Refuse => false,
            Unrecorded::Journal => {
                if let Some(desk) = self.0.get(&caller.region) {
                    desk.want();
                }
                true
            }
        }
    }

    /// Whether it is known that nothing of this caller can be recorded: the database of its home
    /// is away, or what it does goes into a journal first, and no journal takes it. Waits for
    /// nobody, nor for a disk.
    pub(crate) fn refuse(&self, caller: &Caller, home: Region) -> bool {
        let Some(desk) = self.0.get(&home) else { return false };
        match caller.standing.unrecorded {
            Unrecorded::Refuse => desk.is_away(),
            Unrecorded::Journal => (desk.is_away() || desk.is_behind()) && !desk.takes(),
        }
    }
}

impl Record {
    /// Keeps journals from now on, and begins to write what an earlier life left of them into
    /// the record. To be called once, by the only process that serves from this folder.
    pub fn keep_journals(&self, needs: &JournalNeeds<'_>) -> Result<(), NotKept> {
        let JournalNeeds { folder, roots, config } = needs;
        for (region, desk) in self.desks.0.iter() {
            let Some(root) = roots.get(region).filter(|_| config.bytes_max > 0) else { continue };
            let path = folder.join(format!("{}-{region}.journal", self.node));
            let rules = Rules {
                path: path.clone(),
                mac: root.mac("audit/journal"),
                bytes_max: config.bytes_max,
                age_max_micros: i64::from(config.age_max_secs).saturating_mul(1_000_000),
            };
            let left = |cause: NotRead| NotKept::Left { path, cause: cause.to_string() };
            desk.open(rules).map_err(left)?;
        }
        Ok(())
    }

    /// Waits until what an earlier life left is in the record. Before that nobody may say of
    /// its calls that they were cut off.
    pub async fn journals_replayed(&self) -> Result<u64, NotKept> {
        let mut replayed = 0;
        for (region, desk) in self.desks.0.iter() {
            let mut waiting = desk.waiting();
            replayed += waiting.borrow().entries;
            let ended = waiting.wait_for(|waiting| waiting.entries == 0 || waiting.stuck).await;
            if ended.is_ok_and(|waiting| waiting.stuck) {
                return Err(NotKept::Stuck(*region));
            }
        }
        Ok(replayed)
    }

    /// Has at hand what events of this org are sealed with, for when the database is away.
    pub async fn ready(&self, scope: &Scope) -> Result<(), DbError> {
        let db = self.databases.whole(scope)?;
        self.keys.warm(db, scope.region(), scope.org()).await
    }

    /// How the journals stand, and whether calls of some org go on by them when the database
    /// is away.
    pub fn journals(&self) -> Vec<(Region, JournalState, bool)> {
        let state = |desk: &Desk| {
            let waiting = *desk.waiting().borrow();
            match (waiting.stuck, waiting.entries) {
                (true, _) => JournalState::Stuck,
                (false, 0) => JournalState::Empty,
                (false, entries) => JournalState::Waits(entries),
            }
        };
        let desks = self.desks.0.iter();
        desks.map(|(region, desk)| (*region, state(desk), desk.serves())).collect()
    }

    /// A call that this node has in its journal and the record does not have yet: for whoever
    /// made it, and for whoever may read the record.
    pub fn pending_receipt(&self, caller: &Caller, id: &str) -> Option<PendingReceipt> {
        let of_call = self.desks.0.get(&caller.region)?.of_call(&caller.org, id)?;
        let own = of_call.by == caller.actor.id();
        if !own && caller.require(Permission::EventsRead).is_err() {
            return None;
        }
        Some(PendingReceipt { id: id.to_owned(), state: "pending", journalled_at: of_call.at })
    }
}
