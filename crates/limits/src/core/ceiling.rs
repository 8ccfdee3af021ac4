//! What is limited, for whom, and how much.

use std::fmt;
use std::time::Duration;

use base::money::NanoCents;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where in an org a limit hangs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The whole organization.
    Org,
    /// A team; a call may pass several.
    Team,
    /// The person or service account.
    Member,
    /// The API key.
    Key,
    /// The model that is called.
    Model,
}

/// What a ceiling measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Calls in any 60 seconds.
    RequestsPerMinute,
    /// Tokens in any 60 seconds.
    TokensPerMinute,
    /// Calls under way at once.
    Concurrency,
    /// Nano-cents in a UTC calendar day.
    MoneyPerDay,
    /// Nano-cents in a UTC calendar month.
    MoneyPerMonth,
}

impl Dimension {
    /// All of them, in the order in which they are checked.
    pub const ALL: [Self; 5] = [
        Self::RequestsPerMinute,
        Self::TokensPerMinute,
        Self::Concurrency,
        Self::MoneyPerDay,
        Self::MoneyPerMonth,
    ];

    /// The span that the limit is about; none for slots, and none for a month,
    /// whose length differs.
    pub const fn window(self) -> Option<Duration> {
        match self {
            Self::RequestsPerMinute | Self::TokensPerMinute => Some(Duration::from_mins(1)),
            Self::MoneyPerDay => Some(Duration::from_hours(24)),
            Self::Concurrency | Self::MoneyPerMonth => None,
        }
    }

    /// Writes an amount of this dimension for people: `20 requests per minute`.
    pub fn describe(self, amount: u64) -> impl fmt::Display {
        let money = NanoCents(i64::try_from(amount).unwrap_or(i64::MAX));
        let many = if amount == 1 { "" } else { "s" };
        fmt::from_fn(move |f| match self {
            Self::RequestsPerMinute => write!(f, "{amount} request{many} per minute"),
            Self::TokensPerMinute => write!(f, "{amount} token{many} per minute"),
            Self::Concurrency => write!(f, "{amount} call{many} at once"),
            Self::MoneyPerDay => write!(f, "{money} per day"),
            Self::MoneyPerMonth => write!(f, "{money} per month"),
        })
    }
}

/// The most that one subject may use; what is absent is not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ceiling {
    /// Calls in any 60 seconds.
    #[serde(alias = "rpm", skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Tokens in any 60 seconds.
    #[serde(alias = "tpm", skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Calls under way at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    /// Money in a UTC calendar day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub money_per_day: Option<NanoCents>,
    /// Money in a UTC calendar month.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub money_per_month: Option<NanoCents>,
}

impl Ceiling {
    /// Whether nothing at all is limited. Such a subject is counted all the same.
    pub const fn is_open(&self) -> bool {
        self.requests_per_minute.is_none()
            && self.tokens_per_minute.is_none()
            && self.concurrency.is_none()
            && self.money_per_day.is_none()
            && self.money_per_month.is_none()
    }

    /// Whether money is limited.
    pub(crate) const fn limits_money(&self) -> bool {
        self.money_per_day.is_some() || self.money_per_month.is_some()
    }

    /// The limit in one dimension; money in nano-cents.
    pub fn of(&self, dimension: Dimension) -> Option<u64> {
        match dimension {
            Dimension::RequestsPerMinute => self.requests_per_minute,
            Dimension::TokensPerMinute => self.tokens_per_minute,
            Dimension::Concurrency => self.concurrency,
            Dimension::MoneyPerDay => self.money_per_day.map(nanos),
            Dimension::MoneyPerMonth => self.money_per_month.map(nanos),
        }
    }
}

/// Nano-cents as a count; a debt counts as nothing.
pub(crate) fn nanos(money: NanoCents) -> u64 {
    u64::try_from(money.0).unwrap_or(0)
}

/// One owner of counters that a call passes, with its ceiling of this moment.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Where in the org.
    pub level: Level,
    /// Its name within the org: `org`, `team:<id>`, `member:<id>`, `key:<id>`, `model:<name>`.
    pub name: &'a str,
    /// What it may use. May differ from call to call; the counters stay.
    pub ceiling: &'a Ceiling,
}

/// Whether one of them has a limit in money.
pub(crate) fn limit_money(subjects: &[Subject<'_>]) -> bool {
    subjects.iter().any(|subject| subject.ceiling.limits_money())
}

/// One limit that a call is under, as `RateLimit-Policy` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy<'a> {
    /// Where in the org.
    pub level: Level,
    /// Whose.
    pub subject: &'a str,
    /// Of what.
    pub dimension: Dimension,
    /// How much; money in nano-cents.
    pub limit: u64,
}

/// Every limit that these subjects are under, in the order in which they are checked.
pub fn policies<'a>(subjects: &'a [Subject<'a>]) -> impl Iterator<Item = Policy<'a>> {
    subjects.iter().flat_map(|subject| {
        Dimension::ALL.into_iter().filter_map(|dimension| {
            let limit = subject.ceiling.of(dimension)?;
            Some(Policy { level: subject.level, subject: subject.name, dimension, limit })
        })
    })
}
