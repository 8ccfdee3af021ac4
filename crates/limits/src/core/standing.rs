//! How a caller stands: what the headers tell, and what the console shows.

use std::time::Duration;

use base::money::NanoCents;

use super::ceiling::Level;

/// One rate, as a caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    /// Where in the org the limit hangs.
    pub level: Level,
    /// The limit.
    pub limit: u64,
    /// What may still be taken now.
    pub remaining: u64,
    /// How long until the first of what is used comes back.
    pub reset: Duration,
}

/// The tightest rates over all levels: those with the least remaining; of
/// equals, the first. None where no level has a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Requests per minute.
    pub requests: Option<Gauge>,
    /// Tokens per minute.
    pub tokens: Option<Gauge>,
}

/// Keeps the tighter of two gauges; of equals, the one that was there.
pub(super) fn narrow(tightest: &mut Option<Gauge>, gauge: Gauge) {
    if tightest.is_none_or(|known| gauge.remaining < known.remaining) {
        *tightest = Some(gauge);
    }
}

/// The counters of one subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests in the last 60 seconds.
    pub requests: u64,
    /// Tokens in the last 60 seconds: reserved ones, once settled the actual ones.
    pub tokens: u64,
    /// Calls under way.
    pub concurrency: u64,
    /// Settled today.
    pub day_spent: NanoCents,
    /// Held today for calls under way.
    pub day_held: NanoCents,
    /// Settled this month.
    pub month_spent: NanoCents,
    /// Held this month for calls under way.
    pub month_held: NanoCents,
}
