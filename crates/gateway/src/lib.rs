//! The door for programs: `OpenAI`'s API in front of any provider.
//!
//! # What this room promises
//!
//! - No answer without a record: model output leaves only as a [`reply::Reply`], which
//!   takes proof of a durable event; `no_answer_is_released_when_the_record_is_down`.
//! - A call never leaves its org's region, retries and fallbacks included: routes are
//!   kept by region;
//!   `a_thousand_fallbacks_never_leave_the_region_and_all_but_one_at_most_succeed`.
//! - An endpoint that does much worse than its peers is left out, never too many at once, and
//!   one call tries it again: `an_endpoint_that_does_much_worse_than_its_peers_is_left_out`,
//!   `no_more_than_the_share_is_left_out_and_never_all`,
//!   `it_stays_out_longer_each_time_and_one_probe_lets_it_in_again`.
//! - A second endpoint is asked only if the operator wants it, within a budget, and the outcome
//!   names it: `a_late_endpoint_is_hedged_inside_the_region_and_the_loser_is_let_go_and_named`,
//!   `no_more_calls_are_hedged_than_the_budget_says`.
//! - How long an endpoint is left alone does not follow a clock that is set:
//!   `an_endpoint_is_not_left_alone_for_as_long_as_the_clock_was_ahead`.
//! - An endpoint never has more calls at once than configured, and orgs take turns:
//!   `slots_are_never_exceeded_and_whoever_leaves_leaves_nothing_behind`,
//!   `an_org_that_floods_an_endpoint_is_passed_by_the_next_call_of_another`,
//!   `a_customer_at_fifty_times_its_share_does_not_move_anothers_p99_by_a_tenth`.
//! - Limits are reserved before the provider is called and settled after, an aborted
//!   stream with what it produced: `an_aborted_stream_settles_what_was_produced`.
//! - Bodies pass byte for byte when nothing must change:
//!   `unknown_fields_reach_the_provider_untouched`.
//! - What makes a call dearer than its tokens, or has somebody else process it, is refused unless
//!   the operator allows it: `what_changes_the_price_or_who_processes_is_refused_unless_allowed`.
//! - Under a limit in money a provider is told the ceiling that is held for:
//!   `a_provider_is_told_the_ceiling_that_is_held_for_where_money_is_limited`.
//! - A body takes room of the node's until its provider has answered, and gives it back however
//!   its call ends: `callers_with_large_bodies_share_one_bound_and_who_finds_no_room_is_told`,
//!   `room_is_free_again_when_a_caller_leaves_in_the_middle_of_its_body`, in the journeys.
//! - Whole answers take room, too, until their callers have the last byte, and one for which there
//!   is none, or that is too large, is not its endpoint's fault:
//!   `answers_of_all_calls_share_one_bound_and_who_finds_no_room_is_told_and_charged`,
//!   `a_translated_answer_takes_room_beside_the_one_it_is_made_of`,
//!   `an_answer_that_is_too_large_is_not_the_fault_of_its_endpoint`.
//! - An endpoint that does not have the model is passed over, and its words stay in the log:
//!   `where_one_endpoint_does_not_have_the_model_another_is_asked_and_that_one_is_judged`.
//! - A provider that dies in the middle of a stream yields an error the caller can read:
//!   `a_provider_that_dies_mid_stream_is_told_to_the_caller`.
//! - Who asks from inside this process gets the same call, and learns what the record says of it:
//!   `an_answer_heard_inside_says_what_the_record_says`,
//!   `a_hearing_that_is_given_up_settles_what_was_produced`.
//! - A model is asked about with what it is approved for, and a pattern that is more
//!   sensitive is not sent to it: `a_model_is_asked_about_with_what_it_is_approved_for`,
//!   `what_is_more_sensitive_than_a_model_is_approved_for_is_not_sent_to_it`.
//! - A call ends with the credential that it runs on, also when its caller reads no more, and
//!   says so: `a_stream_ends_with_its_credential_and_says_so`,
//!   `a_stream_that_nobody_reads_ends_with_its_credential_too`,
//!   `a_whole_answer_is_not_released_behind_the_end_of_its_credential`,
//!   `a_whole_answer_is_not_released_where_its_credential_ended_while_its_outcome_was_written`.
//! - It ends when its record refuses it, without waiting for its provider, and is charged what was
//!   used: `a_call_whose_intent_is_refused_is_told_at_once_and_its_provider_is_let_go`,
//!   `a_stream_whose_intent_is_refused_late_is_charged_what_was_produced`. Where it is known before
//!   that nothing can be recorded, nothing is sent:
//!   `in_a_known_outage_no_prompt_leaves_for_a_provider`.
//! - Whoever stands still holds nothing for long, neither a caller that reads no more nor a provider
//!   that begins to refuse: `a_stream_that_nobody_reads_for_a_minute_is_settled_and_its_slot_is_free`,
//!   `the_words_of_a_refusal_that_do_not_come_are_not_waited_for`.
//! - A call that takes long stays reserved: `a_whole_answer_that_takes_long_stays_reserved`.
//! - A provider that drips bytes does not hold a call for ever:
//!   `a_provider_that_drips_bytes_is_given_up_as_one_that_is_silent`.
//! - A silent stream is kept alive: `a_silent_stream_is_kept_alive_with_comments`.
//! - An org sees of the catalogue what its region has, with prices, health, and whether the
//!   caller may call it: `the_catalogue_is_that_of_the_region_and_says_who_may_call`.
//! - A catalogue with a fault is never applied: `a_faulty_catalogue_changes_nothing`.

mod api;
mod call;
mod catalogue;
mod chat;
mod collect;
mod embedded;
mod engine;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gate;
mod inside;
mod learned;
mod models;
mod pages;
mod provider;
mod reply;
mod route;
mod stream;
mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
mod view;
mod wire;
mod wires;

use std::sync::Arc;

use arc_swap::ArcSwap;
use audit::Record;
use base::bodies::Bodies;
use base::metrics::Metrics;
use base::tasks::Tasks;
use base::time::SharedClock;
use limits::Limits;

pub use self::api::{BODY_MAX, routes};
use self::catalogue::Catalogue;
pub use self::catalogue::{
    CeilingName, Config, Does, EjectionConfig, EndpointConfig, Extra, Fault, HedgeConfig,
    ModelConfig, PriceConfig, RouteConfig, Secrets, Speaks,
};
pub use self::collect::ANSWERS_BYTES_MIN;
pub use self::engine::{Answered, Answerer, Engine, Later, Question};
pub use self::error::openai_shape;
pub use self::inside::{Choice, Ended, Hearing, Piece, provider_words};
use self::learned::Learned;
pub use self::models::api_routes;
pub use self::pages::pages;
use self::route::RetryBudget;
pub use self::stream::UNREAD_MAX;
use self::telemetry::Telemetry;
pub use self::trace::{EndedCall, Trace};
pub use self::view::{CatalogueView, EndpointHealth, EndpointView, ModelView, PriceView};

/// The room, as the server holds it.
#[derive(Debug, Clone)]
pub struct Gateway(Arc<Inner>);

/// What the room leans on.
#[derive(Debug)]
pub struct Needs<'a> {
    /// The embedded engine.
    pub engine: Arc<dyn Engine>,
    /// Reserves and settles.
    pub limits: Limits,
    /// Keeps intents and outcomes.
    pub record: Record,
    /// Says the time.
    pub clock: SharedClock,
    /// Where this room counts.
    pub metrics: &'a Metrics,
    /// Where ended calls are told, if anywhere.
    pub trace: Option<Arc<dyn Trace>>,
    /// The room of the node for whole answers.
    pub answers: Bodies,
}

#[derive(Debug)]
struct Inner {
    catalogue: Arc<ArcSwap<Catalogue>>,
    engine: Arc<dyn Engine>,
    limits: Limits,
    record: Record,
    clock: SharedClock,
    /// For how endpoints do, and for how long they are left alone: not set when the clock is.
    steady: SharedClock,
    telemetry: Telemetry,
    budget: RetryBudget,
    answers: Bodies,
    learned: Learned,
    /// Watches over streams; ends with the last of them.
    tasks: Tasks,
}

impl Gateway {
    /// Opens the room with a catalogue, or gives every fault of it.
    pub fn open(
        config: &Config,
        secrets: &dyn Secrets,
        needs: Needs<'_>,
    ) -> Result<Self, Vec<Fault>> {
        let catalogue = Catalogue::compile(config, secrets, &Catalogue::default())?;
        let Needs { engine, limits, record, clock, metrics, trace, answers } = needs;
        let catalogue = Arc::new(ArcSwap::from_pointee(catalogue));
        let steady = base::time::steady(&clock);
        provider::register(metrics, &catalogue, &steady);
        Ok(Self(Arc::new(Inner {
            catalogue,
            engine,
            limits,
            record,
            clock,
            steady,
            telemetry: Telemetry::register(metrics, trace),
            budget: RetryBudget::default(),
            answers,
            learned: Learned::default(),
            tasks: Tasks::new(),
        })))
    }

    /// Replaces the catalogue whole, or leaves it and gives every fault of the new one.
    /// Calls under way end on the endpoints they began with.
    pub fn apply(&self, config: &Config, secrets: &dyn Secrets) -> Result<(), Vec<Fault>> {
        let before = self.0.catalogue.load();
        let catalogue = Catalogue::compile(config, secrets, &before)?;
        self.0.catalogue.store(Arc::new(catalogue));
        Ok(())
    }

    /// Checks a catalogue without applying it.
    pub fn check(config: &Config, secrets: &dyn Secrets) -> Result<(), Vec<Fault>> {
        Catalogue::compile(config, secrets, &Catalogue::default()).map(drop)
    }
}
