//! Limits: the most that an org, its teams, members, keys and models may use.
//!
//! # What this room promises
//!
//! - A call is reserved at every level or at none, exactly, however many ask at once:
//!   [`Limits::reserve`]; `eight_clients_at_once_get_exactly_twenty_of_twenty`,
//!   `five_thousand_histories_are_counted_as_a_plain_list_of_what_happened_counts_them`.
//! - A budget is never overshot by calls under way, and survives a restart:
//!   `concurrent_calls_never_overshoot_a_budget`, `a_budget_survives_a_restart`.
//! - The ledger is written with the events and equals them to the nano-cent: [`Ledger`];
//!   `the_ledger_is_the_sum_of_the_calls`. Of somebody who was erased before it holds the org's
//!   and the teams' part alone:
//!   `a_call_that_ends_behind_the_erasure_of_its_caller_is_charged_to_the_org_and_the_team`.
//! - A limit applies from the moment it is set, and counts what was used before:
//!   `a_budget_set_in_the_middle_of_a_month_counts_what_was_spent_before`.
//! - Orgs share no counter: `two_orgs_do_not_share_counters`.
//! - When it cannot know the limits, it refuses; what it knows goes on without the
//!   database: `without_the_database_a_known_org_goes_on_and_an_unknown_one_is_refused`.
//!   Without a ledger a node admits its part of rates, and no money: [`Limits::apart`];
//!   `a_node_without_a_ledger_admits_its_part_of_rates_and_no_money`.
//! - A node alone has on its disk what may be spent, before it is ([`Limits::keep_notes`]), and
//!   counts on from there without a ledger:
//!   `whenever_a_node_is_killed_its_note_says_no_less_than_what_was_spent`,
//!   `a_node_without_its_ledger_counts_on_from_what_it_noted_and_passes_no_budget`,
//!   `what_was_noted_under_other_limits_by_another_node_or_not_at_all_lets_no_money_go`,
//!   `a_disk_that_takes_no_note_stops_no_call_of_a_node_that_has_its_ledger`.
//! - A refusal names the level, the limit and when to come back:
//!   `a_refusal_names_the_tightest_level_and_when_to_come_back`.
//! - What nobody settles is given back when its lease ends, and counted:
//!   `what_nobody_settles_is_given_back_and_counted`.
//! - Who is near a ceiling is told before it is reached, and where a budget goes is told from
//!   the ledger: `who_is_near_a_ceiling_is_told_fullest_first`,
//!   `a_forecast_is_drawn_from_the_ledger`.
//! - What a page says is left is what the API says; nobody sees the limits of others without
//!   `settings:read`: `what_is_left_on_the_page_is_what_the_api_says`,
//!   `a_member_sees_only_what_applies_to_them_and_no_form`.
//! - Who changed a limit, from what to what, is in the record:
//!   `a_change_of_a_limit_is_recorded_with_before_and_after`.
//! - Of many orgs those that rest make room, and no counter is lost by it:
//!   `an_org_rests_when_nothing_is_under_way_and_no_minute_is_counted_twice_in_a_row`.
//!
//! Where nodes share a store:
//!
//! - They admit together what one would admit alone, whatever their clocks and whoever dies:
//!   `three_and_six_nodes_at_ten_times_the_load_admit_exactly_the_limit`,
//!   `nodes_whose_clocks_differ_let_nothing_be_overshot`,
//!   `a_budget_is_spent_to_the_last_call_and_not_beyond_by_six_nodes_of_which_three_die`.
//! - The store runs the same steps:
//!   `every_vector_is_answered_as_written_by_the_scripts_of_the_store`,
//!   `four_hundred_histories_are_counted_by_the_store_as_a_plain_list_counts_them`.
//! - What a dead node held is back within ten seconds, and what it had recorded stays charged:
//!   `slots_of_a_node_that_dies_are_back_within_ten_seconds_and_those_of_the_living_are_kept`,
//!   `what_a_dead_node_had_recorded_and_not_settled_is_charged_from_the_ledger`,
//!   `what_a_dead_node_may_have_spent_is_not_spent_again_before_the_ledger_says`.
//! - What was under way while the store or its node was away for longer than a lease is held
//!   again: `calls_under_way_are_held_again_when_the_store_was_away_for_longer_than_their_lease`,
//!   `what_was_given_back_while_its_call_went_on_is_held_again`.
//! - A call is charged once: `a_settlement_whose_answer_was_lost_is_charged_once`,
//!   `a_call_whose_reservation_and_settlement_were_both_answered_late_is_charged_once`; who leaves
//!   holds nothing: `a_caller_that_leaves_before_the_store_answers_leaves_nothing_held`.
//! - What is committed late is counted all the same:
//!   `an_outcome_that_is_committed_late_is_counted_though_counters_were_compared_before`.
//! - While the store is away rates are shared out and money is closed; afterwards all is
//!   exact, and equals the ledger:
//!   `while_the_store_is_away_rates_are_shared_out_and_money_is_closed_and_then_all_is_exact`,
//!   `what_was_counted_alone_is_counted_by_the_store_when_it_is_back`,
//!   `a_frozen_store_costs_one_wait_and_not_one_for_each_call`.
//! - A store that has lost its data stands on the ledger and on what is under way:
//!   `a_store_that_has_lost_its_data_stands_on_the_ledger_and_on_what_is_under_way`.
//! - So does one that comes back with data of before:
//!   `a_store_that_comes_back_with_counters_of_before_lets_nothing_be_overshot`,
//!   `an_org_that_began_after_the_dump_is_one_that_the_store_has_lost`.
//! - A ledger that hangs ends no lease, a large org holds up no other, nor does one that cannot be
//!   brought back: `a_ledger_that_does_not_answer_ends_no_lease`,
//!   `no_step_walks_all_of_a_large_org`, `an_org_that_cannot_be_brought_back_holds_up_no_other`.
//! - A change applies to the next call on every node:
//!   `a_limit_that_is_changed_on_one_node_applies_to_the_next_call_on_another`.
//!
//! # What it is not yet
//!
//! Without a store the counters are those of one node: money is remembered over its
//! restart, the last minute's requests and tokens are not.

mod api;
mod ceilings;
mod change;
mod choices;
mod core;
mod error;
mod explore;
mod forecast;
mod foresee;
mod headers;
mod hold;
mod keeper;
mod ledger;
mod load;
mod note;
mod org;
mod pages;
mod shared;
pub mod sql;
mod subject;
mod telemetry;
mod view;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use access::{Caller, Databases, OrgId, Unrecorded};
use audit::{Record, Rider};
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::{At, SharedClock};

pub use self::api::routes;
pub use self::choices::{Choice, Choices};
pub use self::core::{
    Admitted, Ask, Book, Ceiling, Dimension, Expired, Gauge, Level, NotOpen, Policy, Refused,
    Retry, Settled, Standing, Subject, Tally, Used, policies,
};
pub use self::error::Error;
pub use self::explore::UsageFilter;
pub use self::forecast::{Course, Forecast, Outlook, SpentDay};
pub use self::hold::Hold;
pub use self::ledger::Ledger;
pub use self::note::NoteNeeds;
use self::note::Notes;
use self::org::{Answer, Org};
pub use self::pages::pages;
pub use self::shared::{
    Address, Away, BadStore, Config, Configured, Link, Nodes, Shared, SharedBook, StoreClock,
};
use self::shared::{SharedOrg, Together, Wanted};
pub use self::subject::NotASubject;
use self::subject::Subjects;
pub use self::view::{Amounts, Applies, Limit, Usage};

/// The room, as other rooms and the server hold it.
#[derive(Debug, Clone)]
pub struct Limits(Arc<Room>);

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    tasks: Tasks,
    orgs: RwLock<HashMap<OrgId, Arc<Org>>>,
    counts: telemetry::Counts,
    /// The other nodes, where counters are shared.
    together: Option<Together>,
    /// By how many nodes rates are divided, where this one knows of no ledger.
    apart: Option<u32>,
    /// Where it is noted what may have been spent, if it is.
    notes: OnceLock<Notes>,
}

/// How often a call may be sent away to learn or to note something before it is decided.
const TURNS_MAX: usize = 8;

/// Writes the ledger; to be given to the record. Where counters are shared, [`Shared`] has it.
pub fn rider() -> Arc<dyn Rider> {
    Arc::new(Ledger::default())
}

impl Limits {
    /// Opens the room; orgs are loaded when they are first asked for.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> Self {
        Self::over(None, databases, clock, record, tasks, metrics)
    }

    /// The same without a ledger, on a node that cannot know what was spent: its part of rates
    /// and slots is counted in memory, as one of `nodes`, and nothing is admitted that a limit
    /// in money is on.
    pub fn apart(
        nodes: u32,
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> Self {
        Self::opened(None, Some(nodes.max(1)), (databases, clock, record), tasks, metrics)
    }

    /// The same, over a store that other nodes count into as well.
    pub fn over(
        shared: Option<Shared>,
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> Self {
        Self::opened(shared, None, (databases, clock, record), tasks, metrics)
    }

    fn opened(
        shared: Option<Shared>,
        apart: Option<u32>,
        (databases, clock, record): (&Databases, &SharedClock, &Record),
        tasks: &Tasks,
        metrics: &Metrics,
    ) -> Self {
        let room = Arc::new(Room {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            tasks: tasks.clone(),
            orgs: RwLock::default(),
            counts: telemetry::Counts::register(metrics),
            together: shared.map(|shared| Together::new(shared, metrics)),
            apart,
            notes: OnceLock::new(),
        });
        tasks.spawn(watch::watch(Arc::downgrade(&room), tasks.clone()));
        if let Some(together) = &room.together {
            together.begin(&Arc::downgrade(&room), tasks);
        }
        Self(room)
    }

    /// Reserves a call at the org, its teams, the member or service account, the key
    /// and the model: all or nothing. `request` names this one call and no other; `at`
    /// is when it began. Only the first call of an org waits for the database.
    pub async fn reserve(
        &self,
        caller: &Caller,
        model: &str,
        request: &str,
        ask: Ask,
        at: At,
    ) -> Result<Hold, Error> {
        let (org, names) = (self.org(&caller.org), Subjects::of_call(caller, model));
        if caller.standing.unrecorded == Unrecorded::Journal {
            org.stays.store(true, Ordering::Relaxed);
        }
        if let Some(shared) = &org.shared {
            let wanted = Wanted { caller, names: &names, request, ask, at };
            // Boxed, so that a node that counts alone does not carry it along.
            return Box::pin(self.reserve_together(&org, shared, wanted)).await;
        }
        if let Some(nodes) = self.0.apart {
            self.ready(&caller.itself()).await?;
            if org.keeping.get().is_none() {
                let wanted = Wanted { caller, names: &names, request, ask, at };
                let (ceilings, _) = org.ceilings_of(&names).ok_or(Error::Unavailable)?;
                return self.reserve_alone(&org, &wanted, &ceilings, nodes);
            }
        }
        for _ in 0..TURNS_MAX {
            match org.reserve(at, request, &names, ask) {
                Answer::Unknown => self.load(&org, &caller.itself()).await?,
                // Boxed, so that a call that has room does not carry it along.
                Answer::Unnoted => {
                    Box::pin(org.make_room(at, &names, ask)).await.map_err(Error::Unnoted)?;
                }
                Answer::Given(Ok(admitted)) if admitted.repeated => return Err(Error::Repeated),
                Answer::Given(Ok(admitted)) => {
                    return Ok(Hold::new(org, self.0.clock.clone(), request, admitted));
                }
                Answer::Given(Err(refused)) => {
                    self.0.counts.refused(&refused);
                    return Err(Error::Refused(Box::new(refused)));
                }
            }
        }
        Err(Error::Unavailable)
    }

    /// The org in memory, known or not.
    pub(crate) fn org(&self, id: &OrgId) -> Arc<Org> {
        if let Some(known) = self.0.orgs.read().unwrap_or_else(PoisonError::into_inner).get(id) {
            return Arc::clone(known);
        }
        let mut orgs = self.0.orgs.write().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let shared = self.0.together.as_ref().map(|together| SharedOrg::new(together, id));
            Arc::new(Org::unknown(shared))
        };
        Arc::clone(orgs.entry(id.clone()).or_insert_with(new))
    }
}

impl Room {
    /// Every org that was asked for since the start.
    fn orgs(&self) -> Vec<(OrgId, Arc<Org>)> {
        let orgs = self.orgs.read().unwrap_or_else(PoisonError::into_inner);
        orgs.iter().map(|(id, org)| (id.clone(), Arc::clone(org))).collect()
    }
}
