//! Nodes that serve one region together: who they are, what they tell each other, and what
//! becomes of one that dies.
//!
//! # What this room promises
//!
//! - What one node changed is heeded by the others as soon as they ask, which they do four
//!   times a second; nobody can forget to tell: [`Herald`] rides with every `audit::Change`;
//!   `what_one_node_changes_is_heard_by_the_others_once`,
//!   `a_change_that_commits_late_is_heard_as_well`.
//! - What a command changed is heard in the same way: `what_a_command_changes_is_heard_too`.
//! - Whoever looks sees who serves, and who takes nothing new:
//!   `whoever_asks_sees_who_serves_and_who_drains`.
//! - A name belongs to one living process: `a_second_process_of_the_same_name_is_refused`.
//! - The open calls of a node that died are closed by another one, once, and what the dead
//!   one still says of them is not recorded:
//!   `the_calls_of_a_node_that_died_are_closed_by_another_one_and_never_twice`.
//! - A node that others took for dead changes nothing any more, and learns that it must stop:
//!   `a_node_that_was_taken_for_dead_changes_nothing_and_learns_of_it`.
//! - Whoever was cut off from the database takes nobody for dead:
//!   `whoever_did_not_look_takes_nobody_for_dead`.
//! - Who cannot hear what others changed does not trust what it remembers for longer than
//!   [`Config::news_max_age_secs`]: `who_hears_nothing_for_long_doubts_what_it_remembers`.
//! - What is kept for that ends: `news_of_those_who_are_gone_are_dropped`.
//!
//! No clock of one node is compared with that of another: silence is measured by whoever
//! listens, and the order of changes is that of each writer alone.

mod ear;
mod heed;
mod herald;
mod keeper;
mod life;
mod member;
pub mod sql;
mod telemetry;
mod tend;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use access::{Databases, Region};
use audit::Record;
use base::db::DbError;
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::SharedClock;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use self::heed::Heed;
pub use self::herald::{Herald, InstanceId};
pub use self::life::{Life, Pulse};
pub use self::member::{Member, members};
use self::tend::Place;

/// `[cell]`: nodes that serve regions together.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Several nodes serve the regions of this one, all with this setting.
    pub shared: bool,
    /// How long a node trusts what it remembers of orgs while it cannot hear what others
    /// changed. Then orgs are read anew before they are used, and refused while that fails.
    pub news_max_age_secs: u64,
    /// How old what a node keeps on its disk of orgs may be at most, for it to start from it
    /// while the databases are away. 0: it keeps nothing, and waits for them.
    pub snapshot_age_max_secs: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { shared: false, news_max_age_secs: 60, snapshot_age_max_secs: 4 * 3600 }
    }
}

/// Why a node does not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A living process has its name.
    #[error(
        "region `{region}` is served by another process named `{node}`; each node needs a name of \
         its own (`node`)"
    )]
    Namesake {
        /// Where.
        region: Region,
        /// The name.
        node: String,
    },
    /// A region's database failed.
    #[error("the database of a region failed")]
    Db(#[from] DbError),
}

/// What the room stands on.
#[derive(Debug)]
pub struct Needs<'a> {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Where the calls of dead nodes are closed.
    pub record: Record,
    /// The same that rides with the record.
    pub herald: Herald,
    /// Who hears what others changed.
    pub heeds: Vec<Arc<dyn Heed>>,
    /// Background work.
    pub tasks: Tasks,
    /// Where is counted.
    pub metrics: &'a Metrics,
    /// This node's name.
    pub node: &'a str,
    /// The version of the program.
    pub version: &'static str,
    /// What the operator decides.
    pub config: Config,
    /// How it shows its life.
    pub pulse: Pulse,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Nodes(Arc<Room>);

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    herald: Herald,
    heeds: Vec<Arc<dyn Heed>>,
    tasks: Tasks,
    counts: telemetry::Counts,
    node: Arc<str>,
    version: &'static str,
    config: Config,
    pulse: Pulse,
    life: Life,
    places: BTreeMap<Region, Mutex<Place>>,
    living: Living,
}

/// How many nodes serve each region, this one included, as far as was seen last. Holds no
/// room: who counts by it may be what a room stands on.
#[derive(Debug, Clone)]
pub struct Living(Arc<BTreeMap<Region, AtomicU32>>);

impl Living {
    fn alone(regions: impl Iterator<Item = Region>) -> Self {
        Self(Arc::new(regions.map(|region| (region, AtomicU32::new(1))).collect()))
    }

    /// In a region.
    pub fn of(&self, region: Region) -> u32 {
        self.0.get(&region).map_or(1, |living| living.load(Ordering::Relaxed).max(1))
    }

    /// In the region that has most.
    pub fn most(&self) -> u32 {
        self.0.keys().map(|region| self.of(*region)).max().unwrap_or(1)
    }

    fn saw(&self, region: Region, living: u32) {
        if let Some(known) = self.0.get(&region) {
            known.store(living, Ordering::Relaxed);
        }
    }
}

impl Nodes {
    /// Opens the room. Nothing happens before [`Nodes::run`] or [`Nodes::join`].
    pub fn open(needs: Needs<'_>) -> Self {
        let regions = || needs.databases.iter().map(|(region, _)| region);
        let instance = needs.herald.instance().as_str();
        let life = Life::new(&needs.databases, &needs.clock, instance, needs.pulse.beat);
        Self(Arc::new(Room {
            places: regions().map(|region| (region, Mutex::default())).collect(),
            living: Living::alone(regions()),
            counts: telemetry::Counts::register(needs.metrics),
            life,
            node: needs.node.into(),
            databases: needs.databases,
            clock: needs.clock,
            record: needs.record,
            herald: needs.herald,
            heeds: needs.heeds,
            tasks: needs.tasks,
            version: needs.version,
            config: needs.config,
            pulse: needs.pulse,
        }))
    }

    /// Begins to watch and to listen, until the server stops.
    pub fn run(&self) {
        for region in self.0.places.keys() {
            self.0.tasks.spawn(self.clone().tend(*region));
        }
    }

    /// This life of this process.
    pub fn instance(&self) -> &InstanceId {
        self.0.herald.instance()
    }

    /// This life of this node, as others see it; outlives the other rooms.
    pub fn life(&self) -> Life {
        self.0.life.clone()
    }

    /// How many nodes serve each region.
    pub fn living(&self) -> Living {
        self.0.living.clone()
    }

    fn lives(&self, region: Region, living: u32) {
        self.0.living.saw(region, living);
        self.0.counts.living(region, living);
    }
}
