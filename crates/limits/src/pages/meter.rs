//! What is used of one limit, as a page draws it.

use base::money::NanoCents;

use crate::core::{Ceiling, Dimension};
use crate::foresee::NEAR_THOUSANDTHS;
use crate::view::{Applies, thousandths};

/// So much of something.
#[derive(Debug, Clone, Copy)]
pub(super) enum Amount {
    Count(u64),
    Money(NanoCents),
}

/// One limit with what is used of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    pub(super) what: &'static str,
    pub(super) limit: Amount,
    pub(super) used: Amount,
    pub(super) left: Amount,
    /// 0 to 100, for the picture: anything used can be seen, and only all of it is 100.
    pub(super) width: u64,
    pub(super) fill: Fill,
}

/// How near the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Calm,
    /// Four fifths are used.
    Near,
    /// Nothing is left.
    Over,
}

impl Fill {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Calm => "meter",
            Self::Near => "meter near",
            Self::Over => "meter over",
        }
    }
}

/// What a dimension is called, as the label of its field.
pub(super) const fn label(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::RequestsPerMinute => "Requests per minute",
        Dimension::TokensPerMinute => "Tokens per minute",
        Dimension::Concurrency => "Calls at once",
        Dimension::MoneyPerDay => "Money per day",
        Dimension::MoneyPerMonth => "Money per month",
    }
}

fn amount(dimension: Dimension, amount: u64) -> Amount {
    match dimension {
        Dimension::RequestsPerMinute | Dimension::TokensPerMinute | Dimension::Concurrency => {
            Amount::Count(amount)
        }
        Dimension::MoneyPerDay | Dimension::MoneyPerMonth => {
            Amount::Money(NanoCents(i64::try_from(amount).unwrap_or(i64::MAX)))
        }
    }
}

/// Each limit of a subject, with what is left of it.
pub(super) fn meters(applies: &Applies) -> Vec<Meter> {
    let meters = Dimension::ALL.into_iter().filter_map(|dimension| {
        let limit = applies.ceiling.of(dimension)?;
        let (used, left) = (applies.used.of(dimension)?, applies.left.of(dimension)?);
        let fill = match thousandths(used, limit) {
            1_000.. => Fill::Over,
            NEAR_THOUSANDTHS.. => Fill::Near,
            _ => Fill::Calm,
        };
        let hundredths = thousandths(used, limit) / 10;
        Some(Meter {
            what: label(dimension),
            limit: amount(dimension, limit),
            used: amount(dimension, used),
            left: amount(dimension, left),
            width: if used == 0 { 0 } else { hundredths.clamp(1, 100) },
            fill,
        })
    });
    meters.collect()
}

/// Each limit of a ceiling, without a use.
pub(super) fn bounds(ceiling: &Ceiling) -> Vec<(&'static str, Amount)> {
    let bounds = Dimension::ALL.into_iter().filter_map(|dimension| {
        Some((label(dimension), amount(dimension, ceiling.of(dimension)?)))
    });
    bounds.collect()
}
