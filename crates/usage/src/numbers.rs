//! What is added up.

use audit::{CallFacts, Outcome, ToldCall};
use base::db::{DbError, Row, Value};
use base::money::NanoCents;
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::latency::{BUCKETS, Latency};

const LATENCY: [&str; BUCKETS] = [
    "lat_00", "lat_01", "lat_02", "lat_03", "lat_04", "lat_05", "lat_06", "lat_07", "lat_08",
    "lat_09", "lat_10", "lat_11", "lat_12", "lat_13", "lat_14", "lat_15", "lat_16", "lat_17",
    "lat_18", "lat_19",
];

/// What calls came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Answered.
    pub ok: i64,
    /// Went wrong after they began, those that a crash cut off included.
    pub failed: i64,
    /// Left by their callers before the end.
    pub aborted: i64,
    /// Turned away before they began: by a permission, a limit, or for what was asked.
    pub refused: i64,
    /// Tokens read.
    pub tokens_in: i64,
    /// Tokens written.
    pub tokens_out: i64,
    /// What they cost.
    pub money: NanoCents,
    /// How long the answered ones took, from the reservation to the last byte.
    pub latency: Latency,
}

/// What a ranking and a chart can be about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Calls that began.
    #[default]
    Calls,
    /// Tokens read and written.
    Tokens,
    /// Money.
    Money,
    /// Calls that failed.
    Errors,
    /// Calls that were turned away.
    Refused,
    /// How long answers took. A ranking by it is one by calls.
    Latency,
}

impl Metric {
    /// As in addresses and statements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Tokens => "tokens",
            Self::Money => "money",
            Self::Errors => "errors",
            Self::Refused => "refused",
            Self::Latency => "latency",
        }
    }
}

impl Numbers {
    /// Of one call.
    pub(crate) fn of(told: &ToldCall) -> Self {
        if told.refused {
            Self { refused: 1, ..Self::default() }
        } else {
            Self::of_ended(told.at, told.outcome, told.call.as_ref())
        }
    }

    /// Of one that began, and ended at an instant.
    pub(crate) fn of_ended(at: At, outcome: Outcome, call: Option<&CallFacts>) -> Self {
        let mut numbers = Self::default();
        match outcome {
            Outcome::Success => numbers.ok = 1,
            Outcome::Aborted => numbers.aborted = 1,
            Outcome::Started | Outcome::Denied | Outcome::Failed | Outcome::Unknown => {
                numbers.failed = 1;
            }
        }
        if let Some(call) = call {
            let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
            numbers.tokens_in = count(call.tokens_in);
            numbers.tokens_out = count(call.tokens_out);
            numbers.money = call.price();
            if outcome == Outcome::Success {
                let took = at.as_millisecond() - call.started_at.as_millisecond();
                numbers.latency.took(took.max(0));
            }
        }
        numbers
    }

    /// Calls that began.
    pub fn calls(&self) -> i64 {
        self.ok.saturating_add(self.failed).saturating_add(self.aborted)
    }

    /// Tokens read and written.
    pub fn tokens(&self) -> i64 {
        self.tokens_in.saturating_add(self.tokens_out)
    }

    /// What a ranking by this metric compares.
    pub fn amount(&self, metric: Metric) -> i64 {
        match metric {
            Metric::Calls | Metric::Latency => self.calls(),
            Metric::Tokens => self.tokens(),
            Metric::Money => self.money.0,
            Metric::Errors => self.failed,
            Metric::Refused => self.refused,
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.aborted = self.aborted.saturating_add(other.aborted);
        self.refused = self.refused.saturating_add(other.refused);
        self.tokens_in = self.tokens_in.saturating_add(other.tokens_in);
        self.tokens_out = self.tokens_out.saturating_add(other.tokens_out);
        self.money = self.money.plus(other.money);
        self.latency.add(&other.latency);
    }

    /// What is left of a sum when parts of it are taken away.
    #[must_use]
    pub(crate) fn minus(&self, parts: &Self) -> Self {
        Self {
            ok: self.ok.saturating_sub(parts.ok),
            failed: self.failed.saturating_sub(parts.failed),
            aborted: self.aborted.saturating_sub(parts.aborted),
            refused: self.refused.saturating_sub(parts.refused),
            tokens_in: self.tokens_in.saturating_sub(parts.tokens_in),
            tokens_out: self.tokens_out.saturating_sub(parts.tokens_out),
            money: self.money.minus(parts.money),
            latency: self.latency.minus(&parts.latency),
        }
    }

    /// The sum of many.
    pub(crate) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        for one in all {
            sum.add(one);
        }
        sum
    }

    /// As columns, in the order of the statements.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value> {
        let first = [
            self.ok,
            self.failed,
            self.aborted,
            self.refused,
            self.tokens_in,
            self.tokens_out,
            self.money.0,
        ];
        first.into_iter().chain(*self.latency.counts()).map(Value::from)
    }

    pub(crate) fn stored(row: &Row) -> Result<Self, DbError> {
        let mut latency = [0; BUCKETS];
        for (count, column) in latency.iter_mut().zip(LATENCY) {
            *count = row.int(column)?;
        }
        Ok(Self {
            ok: row.int("ok")?,
            failed: row.int("failed")?,
            aborted: row.int("aborted")?,
            refused: row.int("refused")?,
            tokens_in: row.int("tokens_in")?,
            tokens_out: row.int("tokens_out")?,
            money: NanoCents(row.int("nanocents")?),
            latency: Latency::of(latency),
        })
    }
}
