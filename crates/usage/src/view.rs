//! Usage, as programs read it.

use std::collections::BTreeMap;

use base::money::NanoCents;
use base::time::At;
use serde::Serialize;
use utoipa::ToSchema;

use crate::filter::Dimension;
use crate::numbers::Numbers;
use crate::read::Part;
use crate::span::Bucket;

/// What calls came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amounts {
    /// Calls that began: answered, failed and aborted ones.
    pub calls: i64,
    /// Answered.
    pub ok: i64,
    /// Went wrong after they began, those that a crash cut off included.
    pub failed: i64,
    /// Left by their callers before the end.
    pub aborted: i64,
    /// Turned away before they began; not among the calls.
    pub refused: i64,
    /// Tokens read.
    pub tokens_in: i64,
    /// Tokens written.
    pub tokens_out: i64,
    /// What they cost.
    #[schema(value_type = String)]
    pub money: NanoCents,
    /// Half of the answered calls took at most this long, streams to their last byte.
    /// Absent if none was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<u64>,
    /// 95 of 100 answered calls took at most this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95_ms: Option<u64>,
}

/// One step of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Point {
    /// When the hour or day begins.
    #[schema(value_type = String)]
    pub at: At,
    /// What its calls came to; a call belongs to the hour in which it was reserved.
    #[serde(flatten)]
    pub amounts: Amounts,
}

/// Usage over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Series {
    /// The beginning of the first bucket.
    #[schema(value_type = String)]
    pub from: At,
    /// The end of the last one.
    #[schema(value_type = String)]
    pub to: At,
    /// The steps.
    pub bucket: Bucket,
    /// Absent if the numbers hold now; else later calls are still being added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
    /// Only what the caller used: everybody's takes `settings:read`.
    pub own: bool,
    /// Each bucket, the oldest first; those without calls too.
    pub items: Vec<Point>,
    /// Their sum.
    pub total: Amounts,
    /// What the period of the same length right before came to.
    pub before: Amounts,
}

/// One subject of a ranking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ranked {
    /// The id, or the name of the model; empty for calls that have none.
    pub subject: String,
    /// What people call it, if the caller may know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its calls came to.
    #[serde(flatten)]
    pub amounts: Amounts,
}

/// Usage told apart by a dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ranking {
    /// The beginning of the period.
    #[schema(value_type = String)]
    pub from: At,
    /// Its end.
    #[schema(value_type = String)]
    pub to: At,
    /// Absent if the numbers hold now; else later calls are still being added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
    /// Only what the caller used: everybody's takes `settings:read`.
    pub own: bool,
    /// By what.
    pub dimension: Dimension,
    /// The largest subjects, the largest first.
    pub items: Vec<Ranked>,
    /// All others together. Absent for teams: a call of somebody in two teams counts for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Amounts>,
    /// Everything together.
    pub total: Amounts,
}

impl From<&Numbers> for Amounts {
    fn from(numbers: &Numbers) -> Self {
        Self {
            calls: numbers.calls(),
            ok: numbers.ok,
            failed: numbers.failed,
            aborted: numbers.aborted,
            refused: numbers.refused,
            tokens_in: numbers.tokens_in,
            tokens_out: numbers.tokens_out,
            money: numbers.money,
            p50_ms: numbers.latency.percentile_ms(50),
            p95_ms: numbers.latency.percentile_ms(95),
        }
    }
}

impl Ranked {
    pub(crate) fn of(part: &Part, names: &BTreeMap<String, String>) -> Self {
        Self {
            subject: part.subject.clone(),
            name: names.get(&part.subject).cloned(),
            amounts: Amounts::from(&part.total()),
        }
    }
}
