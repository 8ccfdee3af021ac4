//! Usage: what an org's calls came to, over time, by model, team, member and key.
//!
//! # What this room promises
//!
//! - What is shown is the sum of the events, to the nano-cent:
//!   `what_is_shown_is_the_sum_of_the_events_to_the_nano_cent`.
//! - A call counts once, however often and by how many at once the record is folded:
//!   `folding_again_changes_nothing`, `two_that_fold_at_once_count_each_call_once`.
//! - A request that failed after it began counts once, though its refusal is in the record
//!   too: `a_call_that_began_and_was_refused_by_the_provider_counts_once`.
//! - Whoever may not see the settings of the org sees what they used themselves:
//!   `a_member_sees_only_what_they_used`.
//! - What a node adds up as it records is what the record says:
//!   `what_is_added_up_ahead_is_what_the_record_says`.
//! - What a node tells itself late, behind the erasure of whoever called, counts for nobody:
//!   `a_call_that_is_told_of_behind_the_erasure_of_its_caller_is_nobodys`; nor does what ends
//!   behind it, `a_call_that_ends_behind_the_erasure_of_its_caller_is_nobodys`, or what another
//!   node erased, once that is heard: `a_call_whose_caller_another_node_erased_is_nobodys`.
//! - Many orgs in which little happens are folded in their turn, and cost the others nothing:
//!   `an_org_in_which_little_happens_is_folded_after_a_minute_and_a_busy_one_at_once`,
//!   `where_there_is_no_room_an_org_in_which_little_happens_is_not_busy_and_is_let_go_of_first`.
//! - Orgs share no number: `two_orgs_do_not_see_each_other`.
//! - Whichever way it is told apart, the parts add up to the whole:
//!   `by_whatever_it_is_told_apart_the_parts_add_up`.
//! - A percentile is right within its bucket:
//!   `a_percentile_lies_in_the_bucket_of_the_call_of_its_rank`.
//! - What people chose to be called cannot become markup:
//!   `names_stand_in_the_page_as_text_and_never_as_markup`.
//! - No cell of the table can become a formula:
//!   `no_cell_can_become_a_formula_and_none_can_break_out`.
//!
//! # How it adds up
//!
//! The record is folded into two tables: sums of few subjects, and cells of one member, key
//! and model. Both are derived: with an empty cursor the record fills them again. Hours are
//! kept for 40 days, days for ever.

mod ahead;
mod api;
mod error;
mod explore;
mod export;
mod filter;
mod fold;
mod keeper;
mod latency;
mod numbers;
mod pages;
mod period;
mod read;
mod rollup;
mod span;
pub mod sql;
mod view;
mod waiting;
mod watch;

use std::sync::Arc;

use access::{Databases, Names};
use audit::Record;
use base::tasks::Tasks;
use base::time::SharedClock;

pub use self::ahead::Ahead;
pub use self::api::routes;
pub use self::error::Error;
pub use self::explore::{RankingFilter, SeriesFilter};
pub use self::filter::Dimension;
pub use self::latency::Latency;
pub use self::numbers::{Metric, Numbers};
pub use self::pages::pages;
pub use self::span::Bucket;
pub use self::view::{Amounts, Point, Ranked, Ranking, Series};

/// The room, as the server holds it.
#[derive(Debug, Clone)]
pub struct Usage {
    databases: Databases,
    record: Record,
    clock: SharedClock,
    names: Arc<dyn Names>,
    ahead: Arc<Ahead>,
}

impl Usage {
    /// Opens the room: what the record gains is folded from now on, until shutdown begins.
    /// `ahead` rides with the record, or hears nothing: then all is read.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        names: Arc<dyn Names>,
        ahead: &Arc<Ahead>,
        tasks: &Tasks,
    ) -> Self {
        let usage = Self {
            databases: databases.clone(),
            record: record.clone(),
            clock: clock.clone(),
            names,
            ahead: Arc::clone(ahead),
        };
        tasks.spawn(watch::watch(usage.clone(), tasks.clone()));
        usage
    }
}
