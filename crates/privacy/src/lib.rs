//! Privacy: what is held of a person, exporting it, and forgetting the person.
//!
//! # What this room promises
//!
//! - Whoever was erased cannot be found in the database, in what is published, in the record's
//!   pages and exports or in an evidence bundle, and every proof of before still verifies:
//!   `whoever_was_erased_is_found_nowhere_and_every_proof_stands`.
//! - An erasure is done whole or not at all, and once: asking again gives the same answer:
//!   `an_erasure_is_done_once_and_asking_again_gives_the_same_answer`,
//!   `an_erasure_that_was_cut_off_left_everything_as_it_was`.
//! - Nobody is erased who is still a member: `whoever_is_still_a_member_is_removed_first`; of
//!   another org, nobody is known: `people_of_another_org_are_not_found`.
//! - A legal hold and a retention that is not over block an erasure and say so; meanwhile what
//!   the record holds of the person is withheld: `a_hold_blocks_an_erasure_and_says_so`,
//!   `values_are_kept_as_long_as_the_law_says`; and it is carried out when nothing blocks it
//!   any more: `a_lifted_hold_lets_the_erasure_be_carried_out`; by nobody but the node that
//!   serves: `a_room_that_does_not_run_erases_nobody_by_itself`; and an erasure that cannot be
//!   read keeps no other waiting: `an_erasure_that_cannot_be_read_keeps_no_other_waiting`.
//! - What a legal hold or the retention keeps is neither deleted by itself nor by its owner; rooms
//!   that delete ask [`Freezer`]: `the_sweep_passes_by_what_must_be_kept_and_takes_the_rest`,
//!   `what_must_be_kept_is_not_deleted_by_its_owner_who_is_told`, both in `chat`.
//! - Whoever was erased stays so when a database of before is restored:
//!   `whoever_was_erased_after_a_backup_is_not_brought_back_by_it`.
//! - The receipt of an erasure is signed, can be had again, and passes for no checkpoint:
//!   `a_receipt_of_an_erasure_is_verified_by_code_of_others`.
//! - Erasing and exporting ask for a second factor: `erasing_asks_for_a_second_factor`.

mod api;
mod ask;
mod block;
mod error;
mod events;
mod export;
mod freezer;
mod hold;
mod keeper;
mod locate;
mod pages;
mod receipt;
mod replay;
mod request;
mod retention;
pub mod sql;
mod sweep;

use std::sync::Arc;

use access::Databases;
use audit::{Keeper, Log, Record};
use base::shares::Shares;
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use tokio::sync::Notify;

pub use self::api::routes;
pub use self::ask::Ask;
pub use self::block::{Block, Blocked};
pub use self::error::Error;
pub use self::export::Export;
pub use self::freezer::Freezer;
pub use self::hold::{Hold, HoldId, NewHold};
pub use self::keeper::Requests;
pub use self::locate::Located;
pub use self::pages::pages;
pub use self::receipt::{RECEIPT_KIND, Receipt, Statement};
pub use self::replay::Replayed;
pub use self::request::{Request, RequestId, State};
pub use self::retention::{Retention, SetRetention};

/// What the room stands on.
#[derive(Debug)]
pub struct Needs {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Takes every change, and forgets.
    pub record: Record,
    /// Signs receipts.
    pub log: Log,
    /// Every room that has tables. One of them knows people.
    pub keepers: Vec<Arc<dyn Keeper>>,
    /// Background work.
    pub tasks: Tasks,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Privacy(Arc<Room>);

/// Exports that a node has in memory at once; of one org, one.
const EXPORTS_AT_ONCE: usize = 4;
/// Exports of one org that wait.
const EXPORTS_WAITING_MAX: usize = 16;

#[derive(Debug)]
struct Room {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    log: Log,
    keepers: Vec<Arc<dyn Keeper>>,
    tasks: Tasks,
    /// Exports that are made or sent.
    exports: Shares,
    /// Something that blocked may block no more.
    wake: Notify,
}

impl Privacy {
    /// Opens the room. Erases nobody by itself yet.
    pub fn open(needs: Needs) -> Self {
        let Needs { databases, clock, record, log, keepers, tasks } = needs;
        let wake = Notify::new();
        let exports = Shares::new(EXPORTS_AT_ONCE, 1, EXPORTS_WAITING_MAX);
        Self(Arc::new(Room { databases, clock, record, log, keepers, tasks, exports, wake }))
    }

    /// Carries out what waits, when nothing blocks it any more, until shutdown begins. To be
    /// called once, on the one node that serves the regions.
    pub fn run(&self) {
        self.0.tasks.spawn(self.clone().tend());
    }

    fn now(&self) -> At {
        self.0.clock.now()
    }
}
