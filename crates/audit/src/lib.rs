//! The record: every change and every call, who made it and when, in one order
//! per org that cannot be rewritten unnoticed.
//!
//! # What this room promises
//!
//! - A change and its event commit together, or neither does: [`Change`];
//!   `a_change_and_its_event_stand_or_fall_together`.
//! - A change whose commit got no answer is looked for, and is made once or not at all:
//!   `a_change_whose_commit_got_no_answer_is_made_once`.
//! - Positions of an org are contiguous from 0, however many callers and rollbacks:
//!   `positions_are_contiguous_under_concurrent_callers`.
//! - An acknowledged event is on disk, and a ledger that rides with it equals it:
//!   [`Pending`], [`Rider`]; shown by killing the process, in the journeys.
//! - What a call used is not lost when the database is gone for a while:
//!   `an_outcome_survives_an_outage_of_the_database`; callers have their turn while it is made up
//!   for: `callers_have_their_turn_while_many_outcomes_are_written_after_an_outage`; what finds no
//!   room meanwhile is counted: `an_outcome_that_finds_no_room_is_counted`.
//! - What is wrong with the record of one org keeps back nothing of others:
//!   `what_is_wrong_with_the_head_of_one_org_is_nothing_to_those_of_its_group`.
//! - A database that lost commits never gets the edge of another tree:
//!   `a_database_that_lost_commits_under_a_node_goes_on_with_the_tree_of_what_it_has`.
//! - What a node remembers of an org ends when nothing is open in it:
//!   `of_an_org_that_rests_nothing_is_remembered_and_a_start_looks_through_nothing`.
//! - Where an org chose so, its calls go on while the database is away, and everything that was
//!   acknowledged is in the record afterwards, once, in its order, and charged:
//!   `what_the_database_does_not_take_is_journalled_and_replayed_once`; whatever cuts a node
//!   off, `a_journal_that_was_left_is_replayed_once_wherever_it_was_cut_off`, also what the database
//!   took without an answer: `what_the_database_took_or_not_without_an_answer_is_in_the_record_once`.
//!   Others are refused: `an_org_that_did_not_choose_the_journal_is_refused`, and where that is
//!   known before, before a prompt leaves: `in_a_known_outage_no_prompt_leaves_for_a_provider`,
//!   in the gateway; the probe that ends it writes:
//!   `a_database_that_is_only_read_is_not_taken_for_one_that_is_back`. Nothing in it is in clear:
//!   `a_journal_tells_nothing_to_whoever_reads_the_disk`; one that was altered is kept and not
//!   replayed: `a_journal_that_was_altered_is_kept_and_not_replayed`; a full one refuses,
//!   before a prompt leaves: `a_full_journal_refuses`; a disk that failed is tried again:
//!   `a_journal_whose_disk_failed_is_tried_again_in_the_same_outage`.
//! - The application cannot change or delete an event: `events_can_only_be_added`.
//! - A call that a crash cut off is closed as unknown at the next start:
//!   `a_call_cut_off_by_a_crash_ends_as_unknown`.
//! - A start closes no call of another node:
//!   `a_node_that_starts_leaves_the_calls_of_another_node_alone`.
//! - The calls of a node that died are closed once, by however many others, and not against
//!   its own outcomes: `the_calls_of_a_dead_node_are_closed_once_by_however_many_others`,
//!   `an_outcome_that_is_on_disk_is_never_followed_by_another`.
//! - Reading the record is recorded: `reading_the_record_is_recorded`; following it live,
//!   once: `new_events_come_as_rows_and_following_is_recorded_once`.
//! - A search ends soon, whatever is looked for among however many events, and says how
//!   far back it looked: `a_search_in_vain_ends_soon_and_says_how_far_back_it_looked`.
//! - What is published of an org's tree is enough to prove every entry of it, and is the same
//!   however it was written, crashes included:
//!   `whatever_is_published_when_every_entry_is_proven_by_the_published_files_alone`,
//!   `whatever_the_steps_the_files_are_those_of_the_whole_tree`,
//!   `a_crash_between_any_two_steps_changes_no_byte_of_what_is_published`.
//! - Where many orgs grow at once each is published and listed in its turn, most of the time belongs
//!   to the calls, and a stop leaves none that it has the time for:
//!   `of_many_orgs_each_is_published_and_listed_in_its_turn_and_a_stop_leaves_none`,
//!   `whoever_waits_longest_is_next_and_what_others_left_keeps_nobody_waiting`,
//!   `what_is_done_behind_the_calls_is_followed_by_nine_times_as_long_for_them`.
//! - What does not lead to the root that the record committed to is never signed:
//!   `a_record_that_was_altered_before_it_was_published_is_never_signed`. What a node recorded it
//!   publishes as it recorded it, whatever became of it in the database meanwhile:
//!   `what_a_node_recorded_it_publishes_as_it_recorded_it_and_an_alteration_is_found`.
//! - A database that lost what was published is not served, and it is said by how much:
//!   `a_database_that_was_rolled_back_is_not_served`. It goes on where its log ends, so no tree
//!   forks: `a_restored_database_goes_on_where_its_published_log_ends_and_nothing_forks`; and
//!   nothing else passes for lost: `nothing_passes_for_lost_that_no_restore_lost`,
//!   `a_published_log_that_does_not_continue_the_database_is_refused`.
//! - Whatever is changed in the database behind the product's back is found and named:
//!   `whatever_is_changed_in_the_database_is_found_and_named`.
//! - Whoever made a call proves it with its receipt, at once and with code of others:
//!   `whoever_made_a_call_proves_it_right_after_it`.
//! - In an epoch the directory lists one head of each org, which each receipt shows:
//!   `a_receipt_shows_that_its_checkpoint_is_the_one_head_of_its_org`; what other orgs do changes
//!   nothing else of it: `another_org_changes_no_byte_of_ours_but_siblings_and_the_signed_epoch`.
//! - An epoch has one form, whoever publishes it and whenever:
//!   `an_epoch_that_was_cut_off_is_published_with_the_same_bytes`; a directory that was set back
//!   or altered is not served: `a_directory_that_was_set_back_or_altered_is_not_served`.
//! - A start does not take longer the more records there are: of many, one that was set back stops
//!   alone, and a database that was set back is not served:
//!   `of_many_records_one_that_was_set_back_stops_alone_and_a_database_that_was_is_not_served`.
//! - Who follows all records looks at those that grew:
//!   `a_follower_looks_at_all_first_and_then_at_what_grew`.
//! - What another node publishes meanwhile is no fault, and keeps no node from starting:
//!   `what_another_node_publishes_meanwhile_stops_nobody_from_publishing`,
//!   `a_node_starts_while_another_one_publishes`.
//! - Of nodes that publish at once none puts an older checkpoint in the place of a newer one, however
//!   long it stood still: `a_node_that_stood_still_puts_no_older_checkpoint_in_a_folder`,
//!   `a_node_that_stood_still_puts_no_older_checkpoint_in_a_bucket`,
//!   `nodes_that_publish_at_once_never_turn_a_log_back_for_whoever_reads_it`.
//! - A witness adds lines and changes no text:
//!   `a_witness_cosigns_what_is_published_and_its_lines_are_published_too`; one that has seen
//!   another log is an alarm: `a_witness_that_was_shown_another_face_is_an_alarm_until_somebody_looked`;
//!   one that is gone stops nothing: `publishing_goes_on_without_a_witness_and_says_how_long`.
//! - Whoever asks for many receipts makes no checkpoint for each:
//!   `whoever_asks_for_many_receipts_makes_no_checkpoint_for_each`.
//! - A browser finds a receipt true, and one with a changed byte false:
//!   `the_script_of_the_receipt_finds_it_true_and_each_changed_byte_false`.
//! - An evidence bundle is found sound by a judge that shares no code with this room, or it is
//!   not made: `a_bundle_is_sound_to_a_judge_that_shares_no_code`,
//!   `no_bundle_and_no_receipt_is_made_of_a_record_that_was_altered`.
//! - Past the window no copy of the database brings back whoever was erased, not even with
//!   all keys that exist: `past_the_window_no_copy_of_the_database_brings_back_whoever_was_erased`,
//!   `whoever_is_erased_at_any_moment_is_gone_within_the_window`; and no living key is lost:
//!   `a_turn_that_is_cut_off_at_any_step_loses_no_key_and_is_gone_on_with`,
//!   `keys_that_are_made_while_keys_move_are_not_lost`.
//! - While the KMS is away a node goes on with what it remembers, refuses what it cannot
//!   seal, and nobody waits for the key of another org:
//!   `a_node_asks_once_for_each_org_and_goes_on_while_the_kms_is_away`,
//!   `nobody_waits_for_the_key_of_another_org`.
//! - Old months leave the database for the archive only as what was published, whole and
//!   witnessed, and are read, searched, exported and proven as before:
//!   `what_was_moved_is_read_searched_and_exported_as_before`,
//!   `a_moved_month_is_proven_by_its_receipts_and_its_bundle`,
//!   `only_what_is_old_published_and_whole_is_moved`,
//!   `what_a_witness_has_not_seen_does_not_leave_the_database`,
//!   `a_crash_between_any_two_steps_loses_nothing_and_is_gone_on_with`. The application has no
//!   right to it: `the_application_lets_no_event_leave`.
//! - What is changed in the archive is found and named, and while it is away only questions
//!   about old events are refused: `whatever_is_changed_in_the_archive_is_found_and_named`,
//!   `while_the_archive_is_away_old_questions_are_refused_and_new_ones_go_on`.
//! - Whoever is erased is gone from the archive too:
//!   `whoever_is_erased_after_the_move_is_gone_and_every_proof_stands`.
//! - The tree costs an event less than 35 bytes:
//!   `a_tree_of_three_levels_costs_each_event_less_than_35_bytes_of_tiles`.
//! - A key that was destroyed is never made again, and other nodes forget it within a second:
//!   `another_node_forgets_within_a_second_and_nothing_is_made_again`.
//! - Every action has plain words: `every_action_of_every_room_has_words`; for ever:
//!   `an_action_that_was_recorded_once_has_words_for_ever`. A field keeps its class:
//!   `every_field_of_an_event_stands_in_its_class_and_no_other`.

mod api;
mod append;
mod aside;
mod catalogue;
mod change;
mod describe;
mod doubt;
mod durable;
mod entry;
mod epochs;
mod event;
mod explore;
mod export;
mod filter;
mod forget;
mod freeze;
mod fresh;
mod grown;
mod heads;
mod journal;
mod keeper;
mod kept;
mod keys;
mod line;
mod look_back;
mod moving;
mod open;
mod outcomes;
mod pages;
mod publish;
mod rider;
pub mod sql;
mod sweep;
mod tail;
mod takeover;
mod telemetry;
mod tiers;
mod told_calls;
mod told_checkpoints;
mod unseal;
mod views;
mod walk;
mod withhold;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, Databases, Region};
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::SharedClock;
use tokio::sync::{mpsc, oneshot, watch};

pub use self::api::routes;
use self::aside::Aside;
pub use self::catalogue::{Action, Field, actions, catalogue, fields};
pub use self::change::Change;
pub use self::describe::describe;
pub use self::durable::{Durable, NotDurable, NotOpen, Pending};
use self::durable::{Phase, QUEUE_MAX, Submission};
pub use self::epochs::{EpochError, Epochs, EpochsNeeds, Turned};
pub use self::event::{CallFacts, Event, Outcome};
pub use self::explore::{Error, Events};
pub use self::filter::{Filter, Last};
pub use self::freeze::{Freeze, Frozen, HoldOn, Keeping, Kept};
pub use self::grown::{Grown, Lately, rest_after};
use self::heads::Heads;
use self::journal::{Books, Desks};
pub use self::journal::{JournalConfig, JournalNeeds, JournalState, NotKept, PendingReceipt};
pub use self::keeper::{
    Column, EXPORTED_MAX, Exported, Held, Holds, Keeper, Person, Standing, Table,
};
use self::keys::Keys;
pub use self::keys::{KmsConfig, KmsError, KmsToken, Sealing};
use self::line::Line;
pub use self::look_back::Back;
pub use self::moving::NotMoved;
use self::outcomes::Outcomes;
pub use self::pages::{RECORD_ASSETS, pages};
pub use self::publish::{
    Asked, BadLogConfig, Behind, Carried, Contradiction, Fault, FaultKind, Folder, Growth, Lacking,
    Listed, Log, LogConfig, LogError, LogKey, LogKeys, LogNeeds, NotCosigned, Of, Opening,
    Published, Receipt, RecordHead, S3, S3Config, Shown, SignedTree, Store, StoreError, Tiered,
    Verified, Waits, Witness, WitnessConfig, WitnessState, log_routes,
};
pub use self::rider::{Committed, Passed, Payer, Rider, Riding};
pub use self::sweep::Still;
use self::tail::Tails;
pub use self::told_calls::{CALL_ENDED, CALL_REFUSED, POSITIONS_MAX, ToldCall, ToldCalls};
pub use self::told_checkpoints::{STRETCH_MAX, ToldCheckpoint};
pub use self::views::{NewView, VIEWS_MAX, View, ViewId};

/// The room, as other rooms and the server hold it.
#[derive(Debug, Clone)]
pub struct Record {
    databases: Databases,
    clock: SharedClock,
    node: Arc<str>,
    keys: Arc<Keys>,
    heads: Arc<Heads>,
    riders: Arc<[Arc<dyn Rider>]>,
    /// Dropped with the last of these handles: what works for the room ends then.
    _room: Arc<watch::Sender<()>>,
    tails: Tails,
    archive: Arc<tiers::Archive>,
    lines: Arc<BTreeMap<Region, mpsc::Sender<Submission>>>,
    desks: Desks,
    /// What waits until its org has moved.
    waiting: Arc<moving::Waiting>,
}

impl Record {
    /// Opens the room: one line per region, on a thread of its own, which ends when the room is dropped
    /// everywhere and all that waited is on disk. Keys are wrapped as `sealing` says.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        node: &str,
        sealing: impl Into<Sealing>,
        riders: &[Arc<dyn Rider>],
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> Result<Self, NotOpen> {
        let counts = telemetry::Counts::register(metrics);
        let keys = Arc::new(Keys::new(&sealing.into(), databases.homes(), clock)?);
        let heads = Arc::new(Heads::default());
        let mut lines = BTreeMap::new();
        let desks = Desks::of(databases, metrics);
        let open = open::OfNode::default();
        for (region, db) in databases.iter() {
            let (sender, queue) = mpsc::channel(QUEUE_MAX);
            let line = Line {
                db: db.clone(),
                clock: clock.clone(),
                keys: Arc::clone(&keys),
                heads: Arc::clone(&heads),
                riders: riders.to_vec(),
                open: open.of(node, region, databases.homes()),
                counts: counts.clone(),
                outcomes: Outcomes::new(&counts),
                aside: Aside::default(),
                usual: 0,
                journal: Books::of(&desks, region),
                tasks: tasks.clone(),
            };
            tasks.spawn_on_a_thread(&format!("record-{region}"), line.run(queue))?;
            lines.insert(region, sender);
        }
        let (room, gone) = watch::channel(());
        tasks.spawn(forget::Lookout::new(databases, clock, &keys).tend(tasks.clone(), gone));
        Ok(Self {
            lines: Arc::new(lines),
            desks,
            databases: databases.clone(),
            clock: clock.clone(),
            node: node.into(),
            keys,
            heads,
            riders: riders.into(),
            _room: Arc::new(room),
            tails: Tails::default(),
            archive: Arc::default(),
            waiting: Arc::default(),
        })
    }

    /// Records something that is no change: a refusal, a reading.
    pub fn note(&self, caller: &Caller, event: &Event) -> Pending {
        self.submit(caller, event, Phase::Neither)
    }

    /// Records that a call begins. Its end must be given to [`Record::close_call`].
    ///
    /// What it gives is refused at once where it is known that nothing can be recorded: whoever asks
    /// it before the call goes on lets nothing leave in vain.
    pub fn open_call(&self, caller: &Caller, event: &Event) -> Pending {
        let home = self.databases.homes().home(&caller.org, caller.region);
        if self.desks.refuse(caller, home) {
            return Pending::refused();
        }
        self.submit(caller, event, Phase::Opens)
    }

    /// Records how a call ended; what it used rides along into the ledgers.
    pub fn close_call(&self, caller: &Caller, event: &Event) -> Pending {
        let phase = match &event.call {
            Some(call) => {
                Phase::Closes(Box::new(Passed { payer: caller.into(), call: call.clone() }))
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
                return Pending::refused();
            }
        };
        let (ack, pending) = oneshot::channel();
        let journals = self.desks.wanted_by(caller);
        let submission = Submission { entry, phase, ack, journals, pass: None };
        Pending(self.enter(submission, caller.region).then_some(pending))
    }

    pub(crate) fn databases(&self) -> &Databases {
        &self.databases
    }
}
