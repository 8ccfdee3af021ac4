//! Support access: somebody of the operator sees nothing of an org unless that org
//! consented, for a reason, to so much and for so long.
//!
//! # What this room promises
//!
//! - Without a grant an operator is let in nowhere: `without_a_grant_nothing_of_an_org_is_seen`;
//!   no other way over HTTP makes anybody an operator: `only_consent_makes_an_operator_over_http`.
//! - A visit may what was granted and nothing else: `a_visit_may_what_was_granted_and_nothing_else`;
//!   what would outlive it cannot even be asked for:
//!   `what_would_outlive_a_visit_cannot_be_asked_for`.
//! - The approver may give less, never more: `the_approver_gives_less_and_never_more`; nor what
//!   they do not have: `nobody_lets_an_operator_do_what_they_may_not_do_themselves`.
//! - It is over to the minute: `a_visit_is_over_to_the_minute`; ended at once when the org
//!   ends it, with what runs on it: `an_ended_grant_cuts_off_at_once_what_runs_on_it`, also by
//!   the emergency brake: `the_emergency_brake_ends_visits_too`; and
//!   when the operator loses their own place: `an_operator_who_leaves_is_out_everywhere`.
//! - Everything done stands in the org's own record, as the operator's and with the
//!   request: `everything_an_operator_does_stands_in_the_orgs_own_record`.
//! - Nobody approves what they asked for, and no program does:
//!   `nobody_approves_what_they_asked_for_and_no_program_does`.
//! - Asking and entering need a second factor shown just now:
//!   `asking_and_entering_need_a_second_factor_shown_just_now`.
//! - An address list binds visitors too unless the approver says otherwise:
//!   `an_address_list_binds_visitors_unless_the_approver_says_otherwise`.
//! - A visit goes on over a restart, and an ended one stays ended:
//!   `a_restart_neither_ends_nor_revives_a_visit`.
//! - Those who may approve hear of a request by mail, where there is a mail server:
//!   `those_who_may_approve_hear_of_a_request_by_mail`.
//! - Two orgs see nothing of each other's requests: `requests_are_seen_by_their_org_alone`.
//! - Where no operators are named there is no support access:
//!   `where_no_operators_are_named_there_is_no_support_access`.

mod api;
mod approve;
mod ask;
mod banner;
mod consents;
mod desk;
mod error;
mod keeper;
mod pages;
mod person;
mod request;
mod scope;
pub mod sql;

use std::sync::{Arc, OnceLock};

use access::{Databases, OrgId, Region};
use audit::Record;
use base::problem::Problem;
use base::time::{At, SharedClock};
use identity::{FindOrg, Identity};
use serde::{Deserialize, Serialize};

pub use self::api::routes;
pub use self::approve::{Grant, Requests};
pub use self::ask::NewAsk;
pub use self::consents::{Consents, VISIT_SECS_MAX};
pub use self::desk::{Ask, Asks, Entered};
pub use self::error::Error;
pub use self::pages::pages;
pub use self::request::{Kind, NotAKind, Request, RequestId, State};

/// What the operator decides.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The id or short name of the org whose members may ask for support access. Absent:
    /// there is no support access.
    pub operators: Option<String>,
}

/// What the room stands on.
#[derive(Debug)]
pub struct Needs {
    /// The databases of the regions that are served here.
    pub databases: Databases,
    /// Tells the time.
    pub clock: SharedClock,
    /// Takes every change.
    pub record: Record,
    /// Who people are.
    pub identity: Identity,
    /// Finds orgs by name.
    pub find_org: Arc<dyn FindOrg>,
    /// What the operator decides.
    pub config: Config,
}

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Support(pub(crate) Arc<Room>);

#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) databases: Databases,
    pub(crate) clock: SharedClock,
    pub(crate) record: Record,
    pub(crate) identity: Identity,
    pub(crate) find_org: Arc<dyn FindOrg>,
    operators: Option<String>,
    /// The operators' org, once it was found: an org keeps its id and its region.
    found: OnceLock<(OrgId, Region)>,
}

impl Support {
    /// Opens the room.
    pub fn open(needs: Needs) -> Self {
        Self(Arc::new(Room {
            databases: needs.databases,
            clock: needs.clock,
            record: needs.record,
            identity: needs.identity,
            find_org: needs.find_org,
            operators: needs.config.operators,
            found: OnceLock::new(),
        }))
    }

    /// Whether there is support access at all.
    pub fn is_offered(&self) -> bool {
        self.0.operators.is_some()
    }

    pub(crate) fn now(&self) -> At {
        self.0.clock.now()
    }

    /// The operators' own org, if one is named and there is such an org.
    pub(crate) async fn operators(&self) -> Result<Option<(OrgId, Region)>, Problem> {
        if let Some(found) = self.0.found.get() {
            return Ok(Some(found.clone()));
        }
        let Some(name) = &self.0.operators else { return Ok(None) };
        let Some(found) = self.0.find_org.find(name).await? else { return Ok(None) };
        Ok(Some(self.0.found.get_or_init(|| found).clone()))
    }
}
