//! What this room counts. No label comes from free text: models and endpoints are
//! names of the operator's configuration.

use std::sync::Arc;
use std::time::Duration;

use base::metrics::{
    Counter, EncodeLabelSet, Family, Gauge, Histogram, Metrics, exponential_buckets,
};

use crate::trace::{EndedCall, Trace};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    model: String,
    endpoint: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Direction {
    direction: &'static str,
}

/// The gateway's metrics, and the socket of traces.
#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    calls: Family<Labels, Counter>,
    open: Gauge,
    tokens: Family<Direction, Counter>,
    seconds: Histogram,
    pub(crate) retries: Counter,
    pub(crate) waited: Histogram,
    trace: Option<Arc<dyn Trace>>,
}

impl Telemetry {
    pub(crate) fn register(metrics: &Metrics, trace: Option<Arc<dyn Trace>>) -> Self {
        let buckets = exponential_buckets(0.001, 2.0, 18);
        Self {
            calls: metrics.register("calls", "Governed calls that ended", Family::default()),
            open: metrics.register("calls_open", "Governed calls under way", Gauge::default()),
            tokens: metrics.register("tokens", "Tokens of ended calls", Family::default()),
            seconds: metrics.register(
                "call_duration_seconds",
                "From admission to outcome",
                Histogram::new(buckets),
            ),
            retries: metrics.register(
                "provider_retries",
                "Tries beyond the first of a call",
                Counter::default(),
            ),
            waited: metrics.register(
                "provider_waited_seconds",
                "How long calls waited for an endpoint whose slots were taken",
                Histogram::new(exponential_buckets(0.001, 2.0, 18)),
            ),
            trace,
        }
    }

    pub(crate) fn started(&self) {
        self.open.inc();
    }

    pub(crate) fn ended(&self, call: &EndedCall<'_>) {
        let facts = call.facts;
        self.open.dec();
        // A name that no catalogue knows must not become a label.
        let pattern = facts.model == "patterns" || facts.model.starts_with("pattern/");
        let labels = Labels {
            model: if pattern { "patterns".to_owned() } else { facts.model.clone() },
            endpoint: facts.endpoint.clone().unwrap_or_default(),
            outcome: call.outcome.as_str(),
        };
        self.calls.get_or_create(&labels).inc();
        self.tokens.get_or_create(&Direction { direction: "in" }).inc_by(facts.tokens_in);
        self.tokens.get_or_create(&Direction { direction: "out" }).inc_by(facts.tokens_out);
        let took = call.ended_at.duration_since(facts.started_at);
        self.seconds.observe(Duration::try_from(took).unwrap_or_default().as_secs_f64());
        if let Some(trace) = &self.trace {
            trace.ended(call);
        }
    }
}
