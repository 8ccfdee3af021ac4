//! Access reviews: everything that gives somebody access is looked at by somebody else,
//! kept or taken back, and the evidence stays.
//!
//! # What this room promises
//!
//! - A campaign shows what was held at one moment: members, service accounts, grants,
//!   teams and keys: `a_campaign_takes_down_everything_that_gives_access`.
//! - Nobody decides about themselves, one by one or many at once, nor signs what takes from
//!   them: `nobody_decides_about_themselves`, `nobody_signs_what_takes_from_them`.
//! - Nothing is taken back before everything is decided and signed off behind a second
//!   factor: `sign_off_needs_every_decision_and_a_second_factor`; where two sign, by two
//!   people: `where_two_sign_they_are_two_people`.
//! - Sign-off applies exactly what was decided, each by its own event:
//!   `sign_off_applies_exactly_what_was_decided`; what is gone or refused is said so, and
//!   the last owner survives: `the_last_owner_survives_and_the_evidence_says_so`.
//! - A crash in the middle loses nothing and takes nothing twice:
//!   `a_campaign_that_was_cut_off_goes_on_where_it_stopped`; nor does what takes something from
//!   whoever signed: `what_takes_something_from_the_signer_leaves_the_rest_for_another_sign_off`.
//! - What is closed or cancelled never changes again: `a_closed_campaign_never_changes_again`.
//! - The export is complete, with the event of every decision and every result:
//!   `the_export_names_every_decision_and_its_events`.
//! - An org sees nothing of another's reviews: `two_orgs_review_apart`.

mod api;
mod apply;
mod begin;
mod campaign;
mod decide;
mod end;
mod error;
mod export;
mod item;
mod keeper;
mod pages;
mod read;
mod sign;
pub mod sql;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use access::{Caller, Databases, MemberId};
use audit::Record;
use base::tasks::Tasks;
use base::time::{At, SharedClock};
use identity::Identity;

pub use self::api::routes;
pub use self::begin::{ITEMS_MAX, NewCampaign};
pub use self::campaign::{Campaign, CampaignId, Reviewed, State};
pub use self::decide::{Decide, Decided, DecisionId};
pub use self::error::Error;
pub use self::export::{Export, Format};
pub use self::item::{Decision, Item, Outcome};
pub use self::pages::pages;
pub use self::read::{Campaigns, ItemFilter, Items, Progress};

/// What the room stands on.
#[derive(Debug)]
pub struct Needs {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Takes every change.
    pub record: Record,
    /// Who has what, and how it is taken back.
    pub identity: Identity,
    /// Background work.
    pub tasks: Tasks,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reviews(pub(crate) Arc<Room>);

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) databases: Databases,
    pub(crate) clock: SharedClock,
    pub(crate) record: Record,
    pub(crate) identity: Identity,
    pub(crate) tasks: Tasks,
    /// The campaigns that are being applied by this process.
    pub(crate) applying: Mutex<HashSet<CampaignId>>,
}

impl Reviews {
    /// Opens the room.
    pub fn open(needs: Needs) -> Self {
        Self(Arc::new(Room {
            databases: needs.databases,
            clock: needs.clock,
            record: needs.record,
            identity: needs.identity,
            tasks: needs.tasks,
            applying: Mutex::default(),
        }))
    }

    pub(crate) fn now(&self) -> At {
        self.0.clock.now()
    }
}

/// The member that the caller is: programs review nobody.
pub(crate) fn person(caller: &Caller) -> Result<&MemberId, Error> {
    caller.actor.member().ok_or(Error::PeopleOnly)
}
