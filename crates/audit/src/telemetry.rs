//! What this room counts.

use base::metrics::{Counter, EncodeLabelSet, Family, Gauge, Metrics};

#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) events: Counter,
    pub(crate) groups: Counter,
    pub(crate) failed: Counter,
    pub(crate) dropped: Counter,
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
            dropped: metrics.register(
                "record_outcomes_dropped",
                "Outcomes of calls that could neither be written nor kept for later",
                Counter::default(),
            ),
        }
    }
}

/// What the log counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogCounts {
    pub(crate) published: Counter,
    pub(crate) checkpoints: Counter,
    pub(crate) epochs: Counter,
    pub(crate) delayed: Counter,
    pub(crate) stopped: Gauge,
    pub(crate) waiting: Family<OfRegion, Gauge>,
    pub(crate) verified: Counter,
    pub(crate) faults: Counter,
    pub(crate) witnesses: WitnessCounts,
}

/// One of the regions of this node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfRegion {
    pub(crate) region: String,
}

/// One of the witnesses of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfWitness {
    pub(crate) witness: String,
    pub(crate) region: String,
}

/// What is counted of witnesses.
#[derive(Debug, Clone, Default)]
pub(crate) struct WitnessCounts {
    pub(crate) cosignatures: Counter,
    pub(crate) contradictions: Family<OfWitness, Gauge>,
    pub(crate) behind: Family<OfWitness, Gauge>,
    pub(crate) lag_secs: Family<OfWitness, Gauge>,
}

impl WitnessCounts {
    fn register(metrics: &Metrics) -> Self {
        let gauges = |name, help| metrics.register(name, help, Family::default());
        Self {
            cosignatures: metrics.register(
                "record_witness_cosignatures",
                "Checkpoints that a witness cosigned",
                Counter::default(),
            ),
            contradictions: gauges(
                "record_witness_contradictions",
                "Logs that a witness has seen otherwise: somebody must look",
            ),
            behind: gauges(
                "record_witness_behind",
                "Logs whose newest checkpoint a witness has not cosigned",
            ),
            lag_secs: gauges(
                "record_witness_lag_seconds",
                "How long the oldest of them waits for its cosignature",
            ),
        }
    }
}

impl LogCounts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.register(name, help, Counter::default());
        Self {
            published: counter("record_log_published", "Events covered by a signed checkpoint"),
            checkpoints: counter("record_log_checkpoints", "Checkpoints signed"),
            epochs: counter("record_directory_epochs", "Epochs of the directory closed"),
            delayed: counter("record_log_delayed", "Rounds that failed and are tried again"),
            stopped: metrics.register(
                "record_log_stopped",
                "Orgs whose record is not published any more: somebody must look",
                Gauge::default(),
            ),
            waiting: metrics.register(
                "record_log_waiting",
                "Orgs whose record grew and waits for its turn to be published",
                Family::default(),
            ),
            verified: counter("record_verified", "Events read again and compared"),
            witnesses: WitnessCounts::register(metrics),
            faults: counter("record_faults", "Events that were altered, and records set back"),
        }
    }

    /// So many orgs of a region wait.
    pub(crate) fn waiting(&self, region: access::Region, orgs: usize) {
        let of = OfRegion { region: region.to_string() };
        self.waiting.get_or_create(&of).set(i64::try_from(orgs).unwrap_or(i64::MAX));
    }
}

/// What epochs count.
#[derive(Debug, Clone, Default)]
pub(crate) struct EpochCounts {
    pub(crate) begun: Counter,
    pub(crate) renewed: Counter,
    pub(crate) waiting: Gauge,
    pub(crate) failed: Counter,
    pub(crate) overdue: Gauge,
}

impl EpochCounts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.register(name, help, Counter::default());
        let gauge = |name, help| metrics.register(name, help, Gauge::default());
        Self {
            begun: counter("record_epochs_begun", "Epochs of the keys of the record that began"),
            renewed: counter("record_epoch_orgs", "Orgs whose key was wrapped in a new epoch"),
            waiting: gauge("record_epoch_orgs_waiting", "Orgs whose key is still in an old epoch"),
            failed: counter("record_epochs_failed", "Turns that failed and are tried again"),
            overdue: gauge(
                "record_epochs_overdue",
                "Regions in which what was erased could still come back with a copy: look at once",
            ),
        }
    }
}
