//! What this room counts, by kind of sink.

use std::collections::BTreeMap;

use base::metrics::{Counter, Family, Gauge, Metrics};

use crate::target::KINDS;

/// The label: which kind of sink.
type Kind = [(&'static str, &'static str); 1];

/// How all sinks of a kind are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Health {
    pub(crate) sinks: i64,
    pub(crate) blocked: i64,
    pub(crate) lag_events: i64,
    pub(crate) lag_secs: i64,
}

#[derive(Debug)]
pub(crate) struct Counts {
    delivered: Family<Kind, Counter>,
    failed: Family<Kind, Counter>,
    refused: Family<Kind, Counter>,
    sinks: Family<Kind, Gauge>,
    blocked: Family<Kind, Gauge>,
    lag_events: Family<Kind, Gauge>,
    lag_secs: Family<Kind, Gauge>,
}

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.register(name, help, Family::default());
        let gauge = |name, help| metrics.register(name, help, Family::default());
        Self {
            delivered: counter("streams_delivered", "Events that sinks acknowledged"),
            failed: counter("streams_failed", "Deliveries that failed and are tried again"),
            refused: counter("streams_refused", "Items that sinks refused"),
            sinks: gauge("streams_sinks", "Sinks"),
            blocked: gauge("streams_blocked", "Sinks that are blocked until somebody decides"),
            lag_events: gauge("streams_lag_events", "Events that sinks lack, all together"),
            lag_secs: gauge("streams_lag_seconds", "Age of the oldest event that a sink lacks"),
        }
    }

    pub(crate) fn delivered(&self, kind: &'static str, events: u64) {
        self.delivered.get_or_create(&[("kind", kind)]).inc_by(events);
    }

    pub(crate) fn failed(&self, kind: &'static str) {
        self.failed.get_or_create(&[("kind", kind)]).inc();
    }

    pub(crate) fn refused(&self, kind: &'static str) {
        self.refused.get_or_create(&[("kind", kind)]).inc();
    }

    /// How it is now; a kind without sinks is at nothing.
    pub(crate) fn now(&self, all: &BTreeMap<&'static str, Health>) {
        for (kind, _) in KINDS {
            let (kind, health) = ([("kind", kind)], all.get(kind).copied().unwrap_or_default());
            self.sinks.get_or_create(&kind).set(health.sinks);
            self.blocked.get_or_create(&kind).set(health.blocked);
            self.lag_events.get_or_create(&kind).set(health.lag_events);
            self.lag_secs.get_or_create(&kind).set(health.lag_secs);
        }
    }
}
