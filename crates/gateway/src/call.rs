//! One governed call, from its admission to its outcome. Dropped early (the caller
//! left, the task was cancelled) it settles and records what was produced.

use std::sync::Arc;

use access::Caller;
use audit::{CallFacts, Event, Outcome, Pending, Record};
use base::money::NanoCents;
use base::problem::Problem;
use base::time::SharedClock;
use http::{HeaderMap, HeaderValue};
use limits::{Hold, Used};
use serde_json::json;

use crate::catalogue::{Does, Model};
use crate::reply::RECEIPT;
use crate::route::Tried;
use crate::telemetry::Telemetry;
use crate::trace::EndedCall;
use crate::wire::usage::Usage;

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
    record: Record,
    clock: SharedClock,
    telemetry: Telemetry,
    model: Option<Arc<Model>>,
    hold: Option<Hold>,
    intent: Option<Pending>,
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

    /// It went wrong before anything was produced.
    pub(crate) fn badly(problem: Problem) -> Self {
        let usage = Usage::default();
        Self { outcome: Outcome::Failed, usage, estimated: false, problem: Some(problem) }
    }
}

impl Call {
    /// Takes over a reservation and submits the intent.
    pub(crate) fn begin(
        id: CallId,
        caller: &Caller,
        facts: CallFacts,
        hold: Hold,
        model: Option<Arc<Model>>,
        with: (&Record, &SharedClock, &Telemetry),
    ) -> Self {
        let (record, clock, telemetry) = with;
        let intent = Event::done("gateway.call.started", "call", id.as_str())
            .outcome(Outcome::Started)
            .call(facts.clone());
        let intent = record.open_call(caller, &intent);
        telemetry.started();
        Self {
            id,
            caller: caller.clone(),
            facts,
            record: record.clone(),
            clock: clock.clone(),
            telemetry: telemetry.clone(),
            model,
            hold: Some(hold),
            intent: Some(intent),
            closed: false,
        }
    }

    /// The intent, once: nothing is released before it is on disk.
    pub(crate) fn intent(&mut self) -> Option<Pending> {
        self.intent.take()
    }

    /// Says who was asked, well or in vain.
    pub(crate) fn tried(&mut self, tried: &Tried) {
        self.facts.attempts = tried.attempts;
        if let Some(route) = &tried.route {
            self.facts.provider = Some(route.endpoint.provider.as_ref().to_owned());
            self.facts.endpoint = Some(route.endpoint.name.clone());
            self.facts.provider_region = Some(route.endpoint.region);
        }
    }

    /// Keeps the reservation of a long stream alive.
    pub(crate) fn extend(&self) {
        if let Some(hold) = &self.hold {
            hold.extend();
        }
    }

    /// The headers of the answer: the receipt and what is left of the limits.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = self.hold.as_ref().map(Hold::headers).unwrap_or_default();
        if let Ok(id) = HeaderValue::from_str(self.id.as_str()) {
            headers.insert(RECEIPT, id);
        }
        headers
    }

    /// Settles what was used and submits the outcome.
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
        self.record.close_call(&self.caller, &event)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.closed {
            // The caller left before anything was produced.
            let end = End {
                outcome: Outcome::Aborted,
                usage: Usage::default(),
                estimated: false,
                problem: None,
            };
            drop(self.close(&end));
        }
    }
}
