//! What this room counts.

use base::metrics::{Counter, Metrics};

#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) events: Counter,
    pub(crate) groups: Counter,
    pub(crate) failed: Counter,
}

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        Self {
            events: metrics.register("record_events", "Events made durable", Counter::default()),
            groups: metrics.register("record_groups", "Group commits", Counter::default()),
            failed: metrics.register(
                "record_events_refused",
                "Events that could not be made durable",
                Counter::default(),
            ),
        }
    }
}
