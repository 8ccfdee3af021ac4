//! What is counted of journals.

use access::Region;
use base::metrics::{Counter, EncodeLabelSet, Family, Gauge, Metrics};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    region: String,
}

/// The journals of a node.
#[derive(Debug, Clone)]
pub(crate) struct AllCounts {
    written: Family<Of, Counter>,
    replayed: Family<Of, Counter>,
    refused: Family<Of, Counter>,
    entries: Family<Of, Gauge>,
    bytes: Family<Of, Gauge>,
    stuck: Family<Of, Gauge>,
}

/// That of one region.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(super) written: Counter,
    pub(super) replayed: Counter,
    pub(super) refused: Counter,
    entries: Gauge,
    bytes: Gauge,
    stuck: Gauge,
}

impl AllCounts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counters = |name, help| metrics.register(name, help, Family::default());
        let gauges = |name, help| metrics.register(name, help, Family::default());
        Self {
            written: counters("record_journal_events", "Events that the journal took"),
            replayed: counters(
                "record_journal_events_replayed",
                "Events of the journal that were written into the record",
            ),
            refused: counters(
                "record_journal_events_refused",
                "Events that the journal should have taken and could not",
            ),
            entries: gauges(
                "record_journal_waiting",
                "Events in the journal that the record does not have",
            ),
            bytes: gauges("record_journal_bytes", "Bytes of the journal"),
            stuck: gauges(
                "record_journal_stuck",
                "Whether the replay of the journal stopped: somebody must look",
            ),
        }
    }

    pub(crate) fn of(&self, region: Region) -> Counts {
        let of = Of { region: region.to_string() };
        Counts {
            written: self.written.get_or_create(&of).clone(),
            replayed: self.replayed.get_or_create(&of).clone(),
            refused: self.refused.get_or_create(&of).clone(),
            entries: self.entries.get_or_create(&of).clone(),
            bytes: self.bytes.get_or_create(&of).clone(),
            stuck: self.stuck.get_or_create(&of).clone(),
        }
    }
}

impl Counts {
    pub(super) fn show(&self, entries: u64, bytes: u64, stuck: bool) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.stuck.set(i64::from(stuck));
    }
}
