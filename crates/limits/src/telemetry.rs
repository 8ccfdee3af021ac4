//! What this room counts. Labels are levels and dimensions: 25 at most.

use base::metrics::{Counter, Family, Metrics};

use crate::core::{Dimension, Refused};

/// Level and dimension.
type Labels = [(&'static str, &'static str); 2];

#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    refused: Family<Labels, Counter>,
    pub(crate) lapsed: Counter,
    pub(crate) unloadable: Counter,
    pub(crate) uncompared: Counter,
    pub(crate) alone: Counter,
    pub(crate) closed: Counter,
}

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        Self {
            refused: metrics.register(
                "limits_refused",
                "Calls refused by a limit",
                Family::default(),
            ),
            lapsed: metrics.register(
                "limits_leases_lapsed",
                "Reservations that nobody settled in time",
                Counter::default(),
            ),
            unloadable: metrics.register(
                "limits_load_failures",
                "Attempts to load an org's limits that failed",
                Counter::default(),
            ),
            uncompared: metrics.register(
                "limits_comparison_failures",
                "Ledgers of orgs that could not be read to compare counters with them",
                Counter::default(),
            ),
            alone: metrics.register(
                "limits_decided_alone",
                "Calls admitted by a node's share while the store of the counters was away",
                Counter::default(),
            ),
            closed: metrics.register(
                "limits_money_closed",
                "Calls refused because money cannot be counted while the store is away",
                Counter::default(),
            ),
        }
    }

    pub(crate) fn refused(&self, refused: &Refused) {
        let dimension = match refused.dimension {
            Dimension::RequestsPerMinute => "requests_per_minute",
            Dimension::TokensPerMinute => "tokens_per_minute",
            Dimension::Concurrency => "concurrency",
            Dimension::MoneyPerDay => "money_per_day",
            Dimension::MoneyPerMonth => "money_per_month",
        };
        let labels = [("level", refused.level.as_str()), ("dimension", dimension)];
        self.refused.get_or_create(&labels).inc();
    }
}
