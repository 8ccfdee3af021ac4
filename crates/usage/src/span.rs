//! Stretches of time: hours, days and blocks of days, all UTC.

use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) const HOUR_US: i64 = 3_600_000_000;
pub(crate) const DAY_US: i64 = 24 * HOUR_US;
/// A block is eight days: it makes a ranking over a month three times as fast, and one more
/// row for each subject costs little.
pub(crate) const BLOCK_US: i64 = 8 * DAY_US;

/// The steps of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// Full hours, UTC.
    Hour,
    /// Days, UTC.
    Day,
}

impl Bucket {
    /// As stored.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Microseconds of one.
    pub(crate) const fn us(self) -> i64 {
        match self {
            Self::Hour => HOUR_US,
            Self::Day => DAY_US,
        }
    }
}

/// The beginning of the span of `us` microseconds in which an instant is.
pub(crate) fn begin(at_us: i64, us: i64) -> i64 {
    at_us.div_euclid(us) * us
}

/// The end of it, unless the instant is its very beginning.
pub(crate) fn end(at_us: i64, us: i64) -> i64 {
    begin(at_us.saturating_add(us - 1), us)
}

/// An instant of microseconds; those of a period are always in range.
pub(crate) fn instant(us: i64) -> At {
    At::from_microsecond(us).unwrap_or(At::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_begins_at_or_before_each_instant_in_it_and_ends_behind_it() {
        for at in [0, 1, DAY_US - 1, DAY_US, -1, 123_456_789_012_345] {
            let (first, last) = (begin(at, DAY_US), end(at, DAY_US));
            assert!(first <= at && at <= last && last - first <= DAY_US, "{at}");
            assert_eq!((first % DAY_US, last % DAY_US), (0, 0));
        }
        assert_eq!(end(DAY_US, DAY_US), DAY_US);
    }
}
