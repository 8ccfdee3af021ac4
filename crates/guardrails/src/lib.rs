//! Guardrails: policies of an org that narrow what its roles give, by where from, when, how,
//! with what and about how sensitive data somebody asks.
//!
//! # What this room promises
//!
//! - A guardrail narrows, for sessions and keys alike, and gives nothing to anybody:
//!   `a_guardrail_narrows_sessions_and_keys`, `a_guardrail_never_gives_anything`.
//! - It can look at how sensitive a pattern or a model is:
//!   `a_guardrail_forbids_running_confidential_patterns_from_outside_an_address_list`,
//!   `a_model_approved_for_internal_only_is_refused_by_policy`.
//! - Whoever is refused is told by which one, and so is the record:
//!   `a_refusal_names_the_guardrail`.
//! - It holds in its own org alone: `another_org_is_not_narrowed`.
//! - It holds when its change is answered, and on other nodes when they notice:
//!   `two_nodes_see_a_change`.
//! - What cannot be judged is refused: a policy that fails,
//!   `a_policy_that_fails_forbids`; one that cannot be read,
//!   `an_unreadable_guardrail_keeps_the_org_closed`; no database,
//!   `without_the_database_what_held_goes_on_and_nothing_is_guessed`.
//! - Nobody locks themselves out: `nobody_locks_themselves_out_by_a_guardrail`.
//! - Cedar decides, though its authorizer is not what asks it:
//!   `the_answers_are_those_of_cedars_own_authorizer`.
//! - It costs little: at most twenty, each bounded: `an_org_has_twenty_guardrails_at_most`,
//!   `a_policy_is_bounded`; the bench `decide` measures it.
//! - A policy says only what there is to be said: `a_policy_that_permits_is_refused_in_words`,
//!   `what_is_wrong_is_told_with_its_line_and_column`.
//! - Before it is kept it can be tried on last week; what the record does not tell is not
//!   guessed: `a_simulation_counts_what_would_have_been_refused`,
//!   `what_the_record_does_not_tell_is_not_guessed`.

mod api;
mod asked;
mod bounds;
mod error;
mod guard;
mod judge;
mod keeper;
mod kept;
mod lane;
mod needs;
mod pages;
mod passed;
mod past;
mod policy;
mod read;
mod reads;
mod schema;
mod set;
mod shelf;
mod simulate;
pub mod sql;
mod template;
mod write;

use std::io;
use std::sync::Arc;

use access::Databases;
use audit::Record;
use base::time::SharedClock;
use identity::Identity;
use tokio::sync::Semaphore;

pub use self::api::routes;
pub use self::error::Error;
pub use self::kept::{Guardrail, GuardrailId, GuardrailPatch, NewGuardrail, Overview, Zone};
pub use self::pages::pages;
use self::policy::Rulebook;
pub use self::policy::{Finding, Severity};
pub use self::read::{Draft, Validated, Vocabulary};
pub use self::shelf::Shelf;
pub use self::simulate::{Example, Reason, Simulate, Simulation, Tally};

/// The room, as the server holds it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guardrails {
    databases: Databases,
    clock: SharedClock,
    record: Record,
    identity: Identity,
    rulebook: Arc<Rulebook>,
    simulations: Arc<Semaphore>,
}

impl Guardrails {
    /// Opens the room. What holds reaches `identity` through a [`Shelf`] among its needs.
    pub fn open(
        databases: &Databases,
        clock: &SharedClock,
        record: &Record,
        identity: &Identity,
    ) -> io::Result<Self> {
        Ok(Self {
            databases: databases.clone(),
            clock: clock.clone(),
            record: record.clone(),
            identity: identity.clone(),
            rulebook: Arc::new(Rulebook::open().map_err(io::Error::other)?),
            simulations: Arc::new(Semaphore::new(simulate::AT_ONCE)),
        })
    }
}
