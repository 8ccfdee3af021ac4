//! Limits and usage, as people and programs read them.

use base::money::NanoCents;
use base::time::At;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::{Ceiling, Dimension, Level, Tally};
use crate::subject::bare;

/// A limit that an admin set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Limit {
    /// Where in the org it hangs.
    pub level: Level,
    /// On what: an id, the name of a model, `org`, or `*` for each one of the level.
    pub subject: String,
    /// The most that may be used.
    pub ceiling: Ceiling,
    /// When it was set.
    #[schema(value_type = String)]
    pub set_at: At,
    /// By whom.
    pub set_by: String,
}

/// Amounts, in the dimensions of a ceiling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amounts {
    /// Calls in the last 60 seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens in the last 60 seconds, of calls under way as reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Calls under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    /// Money of this UTC day, of calls under way as reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub money_per_day: Option<NanoCents>,
    /// Money of this UTC month, of calls under way as reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub money_per_month: Option<NanoCents>,
}

/// A limit that applies, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Applies {
    /// Where in the org it hangs.
    pub level: Level,
    /// Who or what is counted.
    pub subject: String,
    /// The most that may be used.
    pub ceiling: Ceiling,
    /// What is used.
    pub used: Amounts,
    /// What is left, where there is a limit.
    pub left: Amounts,
}

/// What one subject used on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Usage {
    /// The UTC day.
    pub day: String,
    /// Where in the org.
    pub level: Level,
    /// Who or what.
    pub subject: String,
    /// Calls that ended.
    pub calls: u64,
    /// Tokens read.
    pub tokens_in: u64,
    /// Tokens written.
    pub tokens_out: u64,
    /// What they cost.
    #[schema(value_type = String)]
    pub money: NanoCents,
}

impl Amounts {
    /// The amount in one dimension; money in nano-cents.
    pub(crate) fn of(&self, dimension: Dimension) -> Option<u64> {
        let nanos = |money: NanoCents| u64::try_from(money.0).unwrap_or_default();
        match dimension {
            Dimension::RequestsPerMinute => self.requests_per_minute,
            Dimension::TokensPerMinute => self.tokens_per_minute,
            Dimension::Concurrency => self.concurrency,
            Dimension::MoneyPerDay => self.money_per_day.map(nanos),
            Dimension::MoneyPerMonth => self.money_per_month.map(nanos),
        }
    }
}

/// A part of a whole, in thousandths, rounded down.
pub(crate) fn thousandths(part: u64, whole: u64) -> u64 {
    let share = u128::from(part) * 1_000 / u128::from(whole.max(1));
    u64::try_from(share).unwrap_or(u64::MAX)
}

impl Applies {
    pub(crate) fn new(level: Level, key: &str, ceiling: Ceiling, tally: &Tally) -> Self {
        let used = Amounts {
            requests_per_minute: Some(tally.requests),
            tokens_per_minute: Some(tally.tokens),
            concurrency: Some(tally.concurrency),
            money_per_day: Some(tally.day_spent.plus(tally.day_held)),
            money_per_month: Some(tally.month_spent.plus(tally.month_held)),
        };
        let count = |limit: Option<u64>, used: u64| limit.map(|limit| limit.saturating_sub(used));
        let money = |limit: Option<NanoCents>, used: Option<NanoCents>| {
            Some(limit?.minus(used?).max(NanoCents::ZERO))
        };
        let left = Amounts {
            requests_per_minute: count(ceiling.requests_per_minute, tally.requests),
            tokens_per_minute: count(ceiling.tokens_per_minute, tally.tokens),
            concurrency: count(ceiling.concurrency, tally.concurrency),
            money_per_day: money(ceiling.money_per_day, used.money_per_day),
            money_per_month: money(ceiling.money_per_month, used.money_per_month),
        };
        Self { level, subject: bare(key).to_owned(), ceiling, used, left }
    }

    /// How much of the limit of which most is used, in thousandths of it.
    pub(crate) fn fullest(&self) -> u64 {
        let shares = Dimension::ALL.into_iter().filter_map(|dimension| {
            let limit = self.ceiling.of(dimension)?;
            Some(thousandths(self.used.of(dimension)?, limit))
        });
        shares.max().unwrap_or_default()
    }
}
