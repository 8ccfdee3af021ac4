//! One governed call, from its admission to its outcome. Dropped early (the caller
//! left, the task was cancelled) it settles and records what was produced.

use std::sync::{Arc, Weak};
use std::time::Duration;

use access::{Caller, CredentialsEnded};
use audit::{CallFacts, Event, Outcome, Pending, Record};
use base::money::NanoCents;
use base::problem::Problem;
use base::time::SharedClock;
use http::{HeaderMap, HeaderValue};
use limits::{Hold, Used};
use serde_json::json;

use crate::catalogue::{Does, Model, Route};
use crate::inside::{Ended, Ending};
use crate::reply::RECEIPT;
use crate::telemetry::Telemetry;
use crate::trace::EndedCall;
use crate::wire::usage::Usage;

/// How often the reservation of a call under way is kept.
const KEEP_EVERY: Duration = Duration::from_mins(1);

base::ids! {
    /// One governed request.
    CallId = "call";
}

/// A call that was admitted: its limits are reserved and its intent is on the way to disk.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) caller: Caller,
    pub(crate) facts: CallFacts,
    /// Told at the end, to whoever asked from inside this process.
    pub(crate) ending: Ending,
    record: Record,
    clock: SharedClock,
    telemetry: Telemetry,
    model: Option<Arc<Model>>,
    hold: Option<Arc<Hold>>,
    prompt_estimate: u64,
    /// Tokens of an answer that was written and cannot be read.
    pub(crate) written: u64,
    /// What was used, where the provider said so of an answer that is not released.
    pub(crate) counted: Option<Usage>,
    /// Tokens that are reserved for it: what it weighs where calls wait for their turn.
    pub(crate) tokens_held: u64,
    asked: bool,
    /// The record has nothing of it: its intent was refused at once.
    unrecorded: bool,
    closed: bool,
}

/// How a call ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) usage: Usage,
    pub(crate) estimated: bool,
    pub(crate) problem: Option<Problem>,
}

impl End {
    /// It ended well.
    pub(crate) fn well(usage: Usage) -> Self {
        Self { outcome: Outcome::Success, usage, estimated: false, problem: None }
    }

    /// It went wrong before anything was released.
    pub(crate) fn badly(usage: Usage, problem: Problem) -> Self {
        let estimated = usage.prompt > 0;
        Self { outcome: Outcome::Failed, usage, estimated, problem: Some(problem) }
    }

    /// The caller is not there any more: by themselves, or because their credentials ended.
    pub(crate) fn left(usage: Usage, ended: Option<CredentialsEnded>) -> Self {
        let (estimated, problem) = (usage.prompt > 0, ended.map(Problem::from));
        Self { outcome: Outcome::Aborted, usage, estimated, problem }
    }
}

impl Call {
    /// Takes over a reservation and submits the intent: nothing is released before that is on disk.
    pub(crate) fn begin(
        id: CallId,
        caller: &Caller,
        facts: CallFacts,
        hold: Hold,
        model: Option<Arc<Model>>,
        with: (&Record, &SharedClock, &Telemetry),
    ) -> (Self, Pending) {
        let (record, clock, telemetry) = with;
        let intent = Event::done("gateway.call.started", "call", id.as_str())
            .outcome(Outcome::Started)
            .call(facts.clone());
        let intent = record.open_call(caller, &intent);
        telemetry.started();
        let call = Self {
            id,
            caller: caller.clone(),
            facts,
            ending: Ending::default(),
            record: record.clone(),
            clock: clock.clone(),
            telemetry: telemetry.clone(),
            model,
            hold: Some(Arc::new(hold)),
            prompt_estimate: 0,
            written: 0,
            counted: None,
            tokens_held: 0,
            asked: false,
            unrecorded: intent.is_refused(),
            closed: false,
        };
        (call, intent)
    }

    /// How long the prompt is thought to be, and what is reserved for it and its answer.
    #[must_use]
    pub(crate) fn prompt(mut self, estimate: u64, tokens_held: u64) -> Self {
        self.prompt_estimate = estimate;
        self.tokens_held = tokens_held;
        self
    }

    /// Says who is about to be asked: if the call is cut off now, the record knows where
    /// its data went.
    pub(crate) fn trying(&mut self, route: &Route) {
        self.facts.attempts += 1;
        self.answered_by(route, None);
        self.asked = true;
    }

    /// Says that a second endpoint is about to be asked beside the first one.
    pub(crate) fn hedging(&mut self, beside: &Route) {
        self.facts.attempts += 1;
        self.facts.hedge = Some(beside.endpoint.name.clone());
    }

    /// Says who answers, and who was asked beside and let go.
    pub(crate) fn answered_by(&mut self, route: &Route, let_go: Option<&Route>) {
        self.facts.provider = Some(route.endpoint.provider.as_ref().to_owned());
        self.facts.endpoint = Some(route.endpoint.name.clone());
        self.facts.provider_region = Some(route.endpoint.region);
        self.facts.hedge = let_go.map(|route| route.endpoint.name.clone());
    }

    /// The provider told us that it did nothing.
    pub(crate) fn refused(&mut self) {
        self.asked = false;
    }

    /// What is settled when nobody will ever say what was used: nothing if no provider
    /// was asked, else the prompt, for it was sent and may have been read, and what is known to be
    /// written. What the provider counted is exact.
    pub(crate) fn at_least(&self) -> Usage {
        if let Some(counted) = self.counted {
            return counted;
        }
        let prompt = if self.asked { self.prompt_estimate } else { 0 };
        let (completion, total) = (self.written, prompt.saturating_add(self.written));
        Usage { prompt, completion, total, ..Usage::default() }
    }

    /// Whether it costs something under a limit in money: it must not use more than is held.
    pub(crate) fn is_bounded(&self) -> bool {
        let costs = self.model.as_ref().is_some_and(|model| !model.prices.is_free());
        costs && self.hold.as_ref().is_some_and(|hold| hold.limits_money())
    }

    /// What keeps the reservation alive while the call is under way.
    pub(crate) fn lease(&self) -> Lease {
        Lease(self.hold.as_ref().map(Arc::downgrade).unwrap_or_default())
    }

    /// The headers of the answer: the receipt and what is left of the limits.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.hold.as_deref().map(Hold::headers).unwrap_or_default();
        if let Ok(id) = HeaderValue::from_str(self.id.as_str()) {
            headers.insert(RECEIPT, id);
        }
        headers
    }

    /// Settles what was used and submits the outcome; not that of a call of which the record has
    /// nothing and for which nobody was asked: in an outage it would take the place of one that says
    /// what was used.
    pub(crate) fn close(&mut self, end: &End) -> Pending {
        self.closed = true;
        let price = self
            .model
            .as_ref()
            .map_or(NanoCents::ZERO, |model| model.prices.of(self.facts.started_at, &end.usage));
        self.facts.tokens_in = end.usage.prompt;
        self.facts.tokens_out = end.usage.completion;
        self.facts.estimated = end.estimated;
        self.facts.price_nanocents = price.0;
        if let Some(hold) = self.hold.take() {
            hold.settle(Used { tokens: end.usage.total, money: price });
        }
        let mut event = Event::done("gateway.call.ended", "call", self.id.as_str())
            .outcome(end.outcome)
            .call(self.facts.clone());
        if let Some(problem) = &end.problem {
            let code = problem.code();
            event = event.reason(json!({ "code": code, "detail": problem.detail() }));
        }
        self.telemetry.ended(&EndedCall {
            id: self.id.as_str(),
            does: self.model.as_ref().map_or(Does::Chat, |model| model.does),
            facts: &self.facts,
            outcome: end.outcome,
            failure: end.problem.as_ref().map(Problem::code),
            region: self.caller.region,
            parent: self.caller.origin.trace_parent,
            ended_at: self.clock.now(),
        });
        self.ending.set(Ended { facts: self.facts.clone(), outcome: end.outcome });
        if self.unrecorded && !self.asked {
            return Pending::refused();
        }
        self.record.close_call(&self.caller, &event)
    }
}

/// The reservation of a call, for whoever waits for its provider or its reader.
#[derive(Debug)]
pub(crate) struct Lease(Weak<Hold>);

impl Lease {
    /// Keeps it until the call ends, for as long as this is waited for.
    pub(crate) async fn keep(self) -> ! {
        loop {
            tokio::time::sleep(KEEP_EVERY).await;
            if let Some(hold) = self.0.upgrade() {
                hold.extend();
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.closed {
            // The caller left before anything was released.
            let end = End::left(self.at_least(), self.caller.standing.life.check().err());
            drop(self.close(&end));
        }
    }
}
