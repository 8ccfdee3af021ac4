//! The record as a log that strangers can verify: entries, tiles and signed checkpoints, as
//! C2SP `tlog-tiles` and `tlog-checkpoint` write them, in a store outside the database.
//!
//! ```text
//! every few seconds, for each org that grew:
//!   rows ─► entries ─► edge of the tree ─► equal to the head row's? ─► bundles and tiles
//!                                                                    ─► checkpoint, signed
//!                                                                    ─► row of the checkpoint
//! at start:   published checkpoint ─► contained in the tree of the database? else no start
//! all along:  rows, a few at a time ─► the same as what was published?
//! after a restore: published entries that the database lacks ─► their places, as lost
//! once a month: rows ─► the same as what was published? ─► chunks of the archive ─► leave
//! beside it:  heads of all orgs ─► one epoch of the directory, signed
//! when asked: one org, at once ─► a proof of one event, or a bundle of a period
//! ```
//! Nothing that was published is written again with other bytes, so each step may be done
//! twice, by this node or by another, and a crash between two of them costs a second.

mod api;
mod carry;
mod checkpoint;
mod config;
mod demand;
mod directory;
mod edge;
mod erased;
mod evidence;
mod fault;
mod folder;
mod keys;
mod moved;
mod opening;
mod org;
mod pace;
mod proofs;
mod read;
mod receipt;
mod remember;
mod restored;
mod round;
mod rounds;
mod row;
mod s3;
mod shelve;
mod start;
mod statement;
mod store;
mod tier;
mod turn;
mod verify;
mod whole;
mod witnesses;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access::{OrgId, Pass, Region};
use base::db::DbError;
use base::metrics::Metrics;
use base::seal::{RootKey, Sealer};
use base::tasks::Tasks;

use crate::Record;
use crate::telemetry::LogCounts;

pub use self::api::log_routes;
pub use self::carry::Carried;
pub use self::config::{BadLogConfig, LogConfig, S3Config, WitnessConfig};
use self::demand::Demand;
pub use self::directory::Listed;
use self::directory::{DIRECTORY_ULID, Directory};
pub use self::fault::{Fault, FaultKind, LogError};
pub use self::folder::Folder;
use self::keys::Signing;
pub use self::opening::{Opening, Shown};
use self::pace::{CROWDED_EVERY, Pace, STOP_MAX, Share};
pub(crate) use self::proofs::Proofs;
pub use self::read::{LogKey, LogKeys, Of};
pub use self::receipt::{Receipt, SignedTree};
use self::remember::Remembering;
pub use self::restored::{Behind, Lacking};
use self::round::Work;
pub use self::rounds::Published;
use self::rounds::Queue;
pub use self::s3::S3;
pub use self::store::{Store, StoreError};
pub use self::tier::{Tiered, Waits};
use self::turn::Turns;
pub use self::verify::Verified;
pub use self::whole::RecordHead;
pub use self::witnesses::{Asked, Contradiction, Growth, NotCosigned, Witness, WitnessState};
use self::witnesses::{Known, Witnesses};

/// What the log leans on.
#[derive(Debug)]
pub struct LogNeeds<'a> {
    /// What is published.
    pub record: Record,
    /// What its keys are derived from.
    pub roots: &'a BTreeMap<Region, RootKey>,
    /// Where it is published, of each region that this node serves.
    pub stores: BTreeMap<Region, Arc<dyn Store>>,
    /// What it is called, and how often it is published.
    pub config: &'a LogConfig,
    /// How each witness of the configuration is asked, in its order.
    pub witnesses: Vec<(WitnessConfig, Arc<dyn Witness>)>,
    /// The page that verifies a bundle in a browser, for `verify.html` of each bundle.
    pub page: &'static str,
    /// Where it counts.
    pub metrics: &'a Metrics,
}

/// The published side of the record. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Log(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    record: Record,
    /// The id under which the rows of directories stand.
    directory: OrgId,
    cells: BTreeMap<Region, Cell>,
    every: Duration,
    forget_days: u32,
    page: &'static str,
    counts: LogCounts,
    witnesses: Witnesses,
    /// What is under way, by org.
    works: Mutex<HashMap<OrgId, Work>>,
    turns: Turns,
    demand: Demand,
}

/// The log of a region.
#[derive(Debug)]
struct Cell {
    store: Arc<dyn Store>,
    signing: Signing,
    directory: Directory,
    remembering: Remembering,
    /// Seals notes of erasures.
    notes: Sealer,
    /// The org whose record was verified last; none: as the database says.
    verified: Mutex<Option<String>>,
}

impl Log {
    /// Opens the log of each region that has a root key and a store. Publishes nothing yet.
    pub fn open(needs: LogNeeds<'_>) -> Result<Self, BadLogConfig> {
        let LogNeeds { record, roots, stores, config, witnesses, page, metrics } = needs;
        config.check()?;
        for (region, store) in &stores {
            record.archive.lies_in(*region, Arc::clone(store));
        }
        let known = witnesses.into_iter().map(|(config, ask)| Known::new(&config, ask));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        let mut cells = BTreeMap::new();
        for (region, store) in stores {
            let Some(root) = roots.get(&region) else { continue };
            let bad = |why: &dyn std::error::Error| BadLogConfig {
                key: format!("root key of {region}"),
                why: why.to_string(),
            };
            let notes = root.sealer("audit/erased").map_err(|why| bad(&why))?;
            let signing = Signing::derive(root, config.name_of(region)).map_err(|why| bad(&why))?;
            let (directory, verified) = (Directory::new(root), Mutex::default());
            let remembering = Remembering::default();
            cells.insert(region, Cell { store, signing, directory, remembering, notes, verified });
        }
        let directory = OrgId::from_ulid(DIRECTORY_ULID)
            .map_err(|why| BadLogConfig { key: "log".to_owned(), why: why.to_string() })?;
        Ok(Self(Arc::new(Inner {
            record,
            directory,
            cells,
            every: Duration::from_secs(config.publish_secs),
            forget_days: config.forget_days,
            page,
            counts: LogCounts::register(metrics),
            witnesses: Witnesses::of(known),
            works: Mutex::default(),
            turns: Turns::default(),
            demand: Demand::default(),
        })))
    }

    /// Days after which no backup can bring back what was erased, as configured.
    pub fn forget_days(&self) -> u32 {
        self.0.forget_days
    }

    /// Publishes and verifies until shutdown begins. To be called once, after [`Log::check`]
    /// found nothing, on the one node that serves the regions.
    pub fn run(&self, tasks: &Tasks) {
        for region in self.0.cells.keys() {
            tasks.spawn(self.clone().watch(*region, tasks.clone()));
            if self.has_witnesses(*region) {
                tasks.spawn(self.clone().be_witnessed(*region, tasks.clone()));
            }
        }
    }

    async fn watch(self, region: Region, tasks: Tasks) {
        let mut queue = Queue::new(region, self.0.record.grown());
        let mut pace = Pace::new(self.0.every, Instant::now());
        loop {
            // What is published before it is forgotten need not be read.
            let crowded = async {
                tokio::time::sleep(queue.rest.max(CROWDED_EVERY)).await;
                self.0.record.heads.crowded().await;
            };
            tokio::select! {
                () = tasks.stopping() => break,
                () = tokio::time::sleep(pace.pause()) => {}
                () = crowded => {}
            }
            let passed = pace.begins(Instant::now());
            let (published, failed) =
                self.publish_waiting(&mut queue, pace.until(), Some(&tasks)).await;
            let failed = failed && published.checkpoints == 0;
            pace.published(published.behind > 0 || !queue.is_empty(), failed);
            self.0.counts.waiting(region, queue.len());
            self.list(region).await;
            let share = pace.share(published.entries, passed, Instant::now());
            if let Err(error) = self.go_on_verifying(region, share).await {
                self.delayed(region, &error);
            }
        }
        // What was acknowledged before the stop is published before it, first of who waits and
        // then of who grew; where they are very many, the others are when a node starts again.
        let until = Instant::now() + STOP_MAX;
        for _ in 0..2 {
            self.publish_waiting(&mut queue, until, None).await;
        }
        self.list(region).await;
    }

    async fn go_on_verifying(&self, region: Region, mut share: Share) -> Result<(), LogError> {
        loop {
            let verified = self.verify_some(region, share.piece()).await?;
            if !share.goes_on(verified.checked, Instant::now()) {
                return Ok(());
            }
        }
    }

    /// Lists what was published. A fault was told when it was found; what another node listed
    /// meanwhile is seen in the next round.
    async fn list(&self, region: Region) {
        match self.close_epoch(region).await {
            Ok(_) | Err(LogError::Fault(_) | LogError::Moved) => {}
            Err(error) => self.delayed(region, &error),
        }
    }

    /// Asks witnesses until shutdown begins: beside publishing, which waits for none of them.
    async fn be_witnessed(self, region: Region, tasks: Tasks) {
        while tokio::time::timeout(self.0.every, tasks.stopping()).await.is_err() {
            if let Err(error) = self.ask_witnesses(region).await {
                self.delayed(region, &error);
            }
        }
    }

    fn delayed(&self, region: Region, error: &LogError) {
        self.0.counts.delayed.inc();
        let error = error as &dyn std::error::Error;
        tracing::warn!(%region, error, "the log of the record is behind; it is tried again");
    }
}

impl Inner {
    /// Lets an org that is at home in a region stay there until the pass is dropped.
    fn at_home(&self, region: Region, org: &OrgId) -> Option<Pass> {
        let homes = self.record.databases().homes();
        let pass = homes.try_enter(org)?;
        (homes.home(org, region) == region).then_some(pass)
    }

    fn cell(&self, region: Region) -> Result<&Cell, DbError> {
        let unserved = || {
            let cause = std::io::Error::other(format!("the log of `{region}` is not kept here"));
            DbError::unreadable("region", cause)
        };
        self.cells.get(&region).ok_or_else(unserved)
    }
}
