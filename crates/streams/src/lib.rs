//! Streams: an org's record flows to its SIEM.
//!
//! # What this room promises
//!
//! - Whatever a sink does, it ends up with every event, in order, and knows a second copy by
//!   its key: `a_sink_in_chaos_ends_with_every_event_in_order`,
//!   `a_bucket_that_tells_of_a_conflict_has_stored_nothing_and_is_asked_again`.
//! - A node that is killed between a delivery and its note sends again, and skips nothing:
//!   `a_node_that_dies_before_it_noted_a_delivery_delivers_again`.
//! - One node delivers a sink at a time, but for a delivery that was under way when a setting or
//!   an erasure ended the turn: `two_nodes_do_not_deliver_a_sink_at_once`,
//!   `a_node_that_lost_its_turn_sends_nothing_more_and_notes_nothing`.
//! - A sink that cannot be read or served keeps no other waiting:
//!   `a_sink_that_cannot_be_read_or_opened_keeps_no_other_waiting`,
//!   `an_archive_that_does_not_answer_keeps_no_other_sink_waiting_and_hides_nothing`.
//! - Nothing is skipped silently: what a sink refuses blocks it, and what an admin sets aside
//!   leaves a notice in its place: `what_a_sink_refuses_blocks_it_until_somebody_decides`.
//! - A checkpoint stands behind the last event that it covers, so that the copy can be checked:
//!   `checkpoints_stand_in_the_stream_behind_what_they_cover`.
//! - An answer of 200 that tells of an error is a failure:
//!   `an_answer_of_200_that_tells_of_an_error_is_a_failure`.
//! - An answer counts for the settings by which it was had, and for no others:
//!   `an_answer_of_the_target_of_before_is_none_of_the_new_one`.
//! - What a sink says stands where an erasure clears it, and in no event; `privacy` tests it:
//!   `what_a_sink_quoted_of_whoever_is_erased_is_gone_too`,
//!   `an_answer_that_was_under_way_at_an_erasure_is_not_kept`.
//! - What is sent is what the record shows; what was erased says so:
//!   `every_action_of_the_catalogue_is_an_event_that_the_official_schema_accepts`.
//! - No sink leads into the operator's own network: `a_sink_in_a_private_network_is_not_asked`.
//! - An org sees nothing of another: `two_orgs_see_nothing_of_each_other`. The operator's
//!   support leaves no stream behind: `support_leaves_no_stream_behind_whatever_it_was_allowed`.
//! - Secrets are sealed, shown at most once and never repeated:
//!   `a_secret_is_shown_once_and_lies_sealed`,
//!   `a_sink_that_repeats_a_secret_is_not_quoted_with_any_of_it`. Nor are they sent to another
//!   host than they were given for: `a_secret_is_not_sent_to_a_host_it_was_not_given_for`.

mod api;
mod change;
mod decide;
mod deliver;
mod error;
mod format;
mod gather;
mod item;
mod keeper;
mod manage;
mod pages;
mod secrets;
mod sink;
pub mod sql;
mod target;
mod telemetry;
mod trial;
mod watch;
mod wire;

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex};

use access::{Databases, Region};
use audit::Record;
use base::fetch::Fetch;
use base::metrics::Metrics;
use base::seal::RootKey;
use base::shares::Shares;
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use tokio::sync::Notify;

pub use self::api::routes;
pub use self::change::ChangeSink;
pub use self::decide::{Replay, SetAside};
pub use self::deliver::Delivered;
pub use self::error::Error;
pub use self::format::{Format, UnknownFormat};
pub use self::manage::{Made, NewSink, SINKS_MAX};
pub use self::pages::pages;
use self::secrets::Seals;
pub use self::sink::{Sink, SinkId, State};
pub use self::target::Target;
use self::telemetry::Counts;
pub use self::trial::Trial;
use self::wire::Wires;

/// Sinks that are delivered to or tested at once, over all orgs.
const AT_ONCE: usize = 32;
/// Those of one org.
const EACH_AT_ONCE: usize = 4;
/// Those of one org that wait: more than it can have.
const WAITING_MAX: usize = 32;

/// What the room stands on.
#[derive(Debug)]
pub struct Needs<'a> {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// What flows, and what takes every change.
    pub record: Record,
    /// What secrets are sealed by.
    pub roots: &'a BTreeMap<Region, RootKey>,
    /// Asks sinks: a client of this room alone, so that a slow sink keeps nobody else waiting.
    pub fetch: Fetch,
    /// Background work.
    pub tasks: Tasks,
    /// Where it counts.
    pub metrics: &'a Metrics,
    /// The name of this node.
    pub node: &'a str,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Streams(Arc<Room>);

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    seals: Seals,
    wires: Wires,
    tasks: Tasks,
    counts: Counts,
    node: Arc<str>,
    /// Sinks whose turn it is on this node.
    running: Mutex<HashSet<SinkId>>,
    /// A turn ended, and its sink lacks more than a turn gives.
    more: Notify,
    places: Shares,
}

impl Streams {
    /// Opens the room. Delivers nothing yet.
    pub fn open(needs: Needs<'_>) -> io::Result<Self> {
        Ok(Self(Arc::new(Room {
            clock: needs.clock,
            record: needs.record,
            seals: Seals::new(needs.roots, needs.databases.homes())?,
            databases: needs.databases,
            wires: Wires::new(needs.fetch),
            tasks: needs.tasks,
            counts: Counts::register(needs.metrics),
            node: needs.node.into(),
            running: Mutex::default(),
            more: Notify::new(),
            places: Shares::new(AT_ONCE, EACH_AT_ONCE, WAITING_MAX),
        })))
    }

    fn now(&self) -> At {
        self.0.clock.now()
    }
}
