//! The record: every change and every call, who made it and when, in one order
//! per org that cannot be rewritten unnoticed.
//!
//! # What this room promises
//!
//! - A change and its event commit together, or neither does: [`Change`];
//!   `a_change_and_its_event_stand_or_fall_together`.
//! - Positions of an org are contiguous from 0, however many callers and rollbacks:
//!   `positions_are_contiguous_under_concurrent_callers`.
//! - An acknowledged event is on disk, and a ledger that rides with it equals it:
//!   [`Pending`], [`Rider`]; shown by killing the process, in the journeys.
//! - What a call used is not lost when the database is gone for a while:
//!   `an_outcome_survives_an_outage_of_the_database`.
//! - The application cannot change or delete an event: `events_can_only_be_added`.
//! - A call that a crash cut off is closed as unknown at the next start:
//!   `a_call_cut_off_by_a_crash_ends_as_unknown`.
//! - A start closes no call of another node:
//!   `a_node_that_starts_leaves_the_calls_of_another_node_alone`.
//! - Reading the record is recorded: `reading_the_record_is_recorded`; following it live,
//!   once: `new_events_come_as_rows_and_following_is_recorded_once`.
//! - A search ends soon, whatever is looked for among however many events, and says how
//!   far back it looked: `a_search_in_vain_ends_soon_and_says_how_far_back_it_looked`.
//! - What is published of an org's tree is enough to prove every entry of it, and is the same
//!   however it was written, crashes included:
//!   `whatever_is_published_when_every_entry_is_proven_by_the_published_files_alone`,
//!   `whatever_the_steps_the_files_are_those_of_the_whole_tree`,
//!   `a_crash_between_any_two_steps_changes_no_byte_of_what_is_published`.
//! - What does not lead to the root that the record committed to is never signed:
//!   `a_record_that_was_altered_before_it_was_published_is_never_signed`.
//! - A database that lost what was published is not served, and it is said by how much:
//!   `a_database_that_was_rolled_back_is_not_served`.
//! - Whatever is changed in the database behind the product's back is found and named:
//!   `whatever_is_changed_in_the_database_is_found_and_named`.
//! - Whoever made a call proves it with its receipt, at once and with code of others:
//!   `whoever_made_a_call_proves_it_right_after_it`.
//! - An evidence bundle is found sound by a judge that shares no code with this room, or it is
//!   not made: `a_bundle_is_sound_to_a_judge_that_shares_no_code`,
//!   `no_bundle_and_no_receipt_is_made_of_a_record_that_was_altered`.
//! - The tree costs an event less than 35 bytes:
//!   `a_tree_of_three_levels_costs_each_event_less_than_35_bytes_of_tiles`.
//! - Every action has plain words: `every_action_of_every_room_has_words`.

mod api;
mod append;
mod change;
mod describe;
mod durable;
mod entry;
mod event;
mod explore;
mod export;
mod filter;
mod keys;
mod line;
mod look_back;
mod open;
mod pages;
mod publish;
pub mod sql;
mod sweep;
mod tail;
mod takeover;
mod telemetry;
mod told_calls;
mod told_checkpoints;
mod unseal;
mod views;
mod walk;
mod words;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use access::{Caller, Databases, Region};
use base::metrics::Metrics;
use base::seal::RootKey;
use base::tasks::Tasks;
use base::time::SharedClock;
use tokio::sync::{mpsc, oneshot};

pub use self::api::routes;
pub use self::change::Change;
pub use self::describe::describe;
pub use self::durable::{Durable, NotDurable, Passed, Pending, Rider};
use self::durable::{Phase, QUEUE_MAX, Submission};
pub use self::event::{CallFacts, Event, Outcome};
pub use self::explore::{Error, Events};
pub use self::filter::{Filter, Last};
use self::keys::Keys;
use self::line::Line;
pub use self::look_back::Back;
pub use self::pages::{RECORD_ASSETS, pages};
pub use self::publish::{
    BadLogConfig, Fault, FaultKind, Folder, Log, LogConfig, LogError, LogKey, LogKeys, LogNeeds,
    Opening, Published, Receipt, S3, S3Config, Shown, SignedTree, Store, StoreError, Verified,
    log_routes,
};
use self::tail::Tails;
pub use self::told_calls::{POSITIONS_MAX, ToldCall, ToldCalls};
pub use self::told_checkpoints::{STRETCH_MAX, ToldCheckpoint};
pub use self::views::{NewView, VIEWS_MAX, View, ViewId};

/// The room, as other rooms and the server hold it.
#[derive(Debug, Clone)]
pub struct Record {
    databases: Databases,
    clock: SharedClock,
    node: Arc<str>,
    keys: Arc<Keys>,
    tails: Tails,
    lines: Arc<BTreeMap<Region, mpsc::Sender<Submission>>>,
}

impl Record {
    /// Opens the room: one line per region, on a thread of its own, which ends when the room is dropped
    /// everywhere and all that waited is on disk.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        node: &str,
        roots: &BTreeMap<Region, RootKey>,
        riders: &[Arc<dyn Rider>],
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> std::io::Result<Self> {
        let counts = telemetry::Counts::register(metrics);
        let keys = Arc::new(Keys::new(roots, clock)?);
        let mut lines = BTreeMap::new();
        for (region, db) in databases.iter() {
            let (sender, queue) = mpsc::channel(QUEUE_MAX);
            let line = Line {
                db: db.clone(),
                clock: clock.clone(),
                keys: Arc::clone(&keys),
                riders: riders.to_vec(),
                open: open::OpenCalls::new(node),
                counts: counts.clone(),
                kept: VecDeque::new(),
                usual: 0,
            };
            tasks.spawn_on_a_thread(&format!("record-{region}"), line.run(queue))?;
            lines.insert(region, sender);
        }
        Ok(Self {
            lines: Arc::new(lines),
            databases: databases.clone(),
            clock: clock.clone(),
            node: node.into(),
            keys,
            tails: Tails::default(),
        })
    }

    /// Records something that is no change: a refusal, a reading.
    pub fn note(&self, caller: &Caller, event: &Event) -> Pending {
        self.submit(caller, event, Phase::Neither)
    }

    /// Records that a call begins. Its end must be given to [`Record::close_call`].
    pub fn open_call(&self, caller: &Caller, event: &Event) -> Pending {
        self.submit(caller, event, Phase::Opens)
    }

    /// Records how a call ended; what it used rides along into the ledgers.
    pub fn close_call(&self, caller: &Caller, event: &Event) -> Pending {
        let phase = match &event.call {
            Some(call) => {
                Phase::Closes(Box::new(Passed { caller: caller.clone(), call: call.clone() }))
            }
            None => Phase::Neither,
        };
        self.submit(caller, event, phase)
    }

    fn submit(&self, caller: &Caller, event: &Event, phase: Phase) -> Pending {
        let (node, now) = (Some(&*self.node), self.clock.now());
        let entry = match append::Prepared::new(&self.keys, caller, event, node, now) {
            Ok(entry) => entry,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, action = event.action, "an event could not be encoded");
                return Pending(None);
            }
        };
        let (ack, pending) = oneshot::channel();
        let submitted = self
            .lines
            .get(&caller.region)
            .is_some_and(|line| line.try_send(Submission { entry, phase, ack }).is_ok());
        Pending(submitted.then_some(pending))
    }

    pub(crate) fn databases(&self) -> &Databases {
        &self.databases
    }
}
