//! From when to when, and in which steps.

use base::time::At;

use crate::Error;
use crate::span::{BLOCK_US, Bucket, DAY_US, HOUR_US, begin, end};

/// Hours of one series at most: a week.
const HOURS_MAX: i64 = 7 * 24;
/// Days of one series at most: a leap year.
const DAYS_MAX: i64 = 366;
/// How long ago a series by hours may begin; older hours are forgotten, days never.
const HOURS_AGO_MAX_US: i64 = 32 * DAY_US;
/// Up to two days are shown by hours unless somebody says otherwise.
const BY_HOURS_US: i64 = 2 * DAY_US;

/// Full buckets, from the first one's beginning to the last one's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) bucket: Bucket,
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Period {
    /// As asked for, rounded outwards to full buckets.
    pub(crate) fn asked(
        now: At,
        from: Option<At>,
        to: Option<At>,
        bucket: Option<Bucket>,
    ) -> Result<Self, Error> {
        let bad = |param, detail: &str| Err(Error::BadQuery(param, detail.to_owned()));
        let now = now.as_microsecond();
        let to = to.map_or(now.saturating_add(1), At::as_microsecond);
        let bucket = bucket.unwrap_or(match from {
            Some(from) if to.saturating_sub(from.as_microsecond()) <= BY_HOURS_US => Bucket::Hour,
            Some(_) | None => Bucket::Day,
        });
        let to = end(to, bucket.us());
        let from = from.map_or_else(
            || match bucket {
                Bucket::Hour => to - 24 * HOUR_US,
                Bucket::Day => to - 30 * DAY_US,
            },
            |from| begin(from.as_microsecond(), bucket.us()),
        );
        let period = Self { bucket, from, to };
        match bucket {
            _ if from >= to => bad("from", "`from` must be before `to`"),
            Bucket::Hour if period.count() > HOURS_MAX => {
                bad("bucket", "by hours, at most 7 days can be asked for; `day` allows 366")
            }
            Bucket::Hour if from < now - HOURS_AGO_MAX_US => {
                bad("bucket", "hours are kept for 32 days; ask for `day`")
            }
            Bucket::Day if period.count() > DAYS_MAX => {
                bad("from", "at most 366 days can be asked for at once")
            }
            Bucket::Hour | Bucket::Day => Ok(period),
        }
    }

    /// How many buckets.
    pub(crate) fn count(self) -> i64 {
        (self.to - self.from) / self.bucket.us()
    }

    /// The beginning of each bucket.
    pub(crate) fn steps(self) -> impl Iterator<Item = i64> {
        (0..self.count()).map(move |step| self.from + step * self.bucket.us())
    }

    /// As many buckets, right before.
    pub(crate) fn before(self) -> Self {
        Self { from: self.from - (self.to - self.from), to: self.from, ..self }
    }

    /// Where full blocks begin and end in it: days before, blocks, days behind. Hours have none.
    pub(crate) fn blocks(self) -> (i64, i64) {
        let (first, last) = (end(self.from, BLOCK_US), begin(self.to, BLOCK_US));
        match self.bucket {
            Bucket::Day if first < last => (first, last),
            Bucket::Hour | Bucket::Day => (self.to, self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    fn asked(
        from: Option<&str>,
        to: Option<&str>,
        bucket: Option<Bucket>,
    ) -> Result<Period, Error> {
        Period::asked(at("2026-06-15T12:30:00Z"), from.map(at), to.map(at), bucket)
    }

    #[test]
    fn a_period_is_made_of_full_buckets_and_holds_this_moment_unless_told_otherwise() {
        let month = asked(None, None, None).unwrap();
        assert_eq!((month.bucket, month.count()), (Bucket::Day, 30));
        assert_eq!(month.to, at("2026-06-16T00:00:00Z").as_microsecond());
        let hours = asked(None, None, Some(Bucket::Hour)).unwrap();
        assert_eq!(hours.count(), 24);
        assert_eq!(hours.to, at("2026-06-15T13:00:00Z").as_microsecond());
        let span = ("2026-06-14T10:10:00Z", "2026-06-14T11:10:00Z");
        let short = asked(Some(span.0), Some(span.1), None).unwrap();
        assert_eq!((short.bucket, short.count()), (Bucket::Hour, 2));
        assert_eq!(short.before().to, short.from);
    }

    #[test]
    fn a_period_that_cannot_be_shown_is_refused_by_name() {
        let refused = |from, to, bucket| match asked(from, to, bucket) {
            Err(Error::BadQuery(param, _)) => param,
            other => panic!("{other:?}"),
        };
        let (early, late) = (Some("2026-05-20T00:00:00Z"), Some("2026-06-15T00:00:00Z"));
        assert_eq!(refused(late, early, None), "from");
        assert_eq!(refused(early, late, Some(Bucket::Hour)), "bucket");
        assert_eq!(refused(Some("2024-06-01T00:00:00Z"), None, None), "from");
        let old = (Some("2026-01-01T00:00:00Z"), Some("2026-01-02T00:00:00Z"));
        assert_eq!(refused(old.0, old.1, Some(Bucket::Hour)), "bucket");
        assert!(asked(old.0, old.1, Some(Bucket::Day)).is_ok());
    }

    #[test]
    fn days_and_blocks_meet_and_cover_the_period_once() {
        for days in 1..60 {
            for start in 0..9 {
                let (from, to) = (start * DAY_US, (start + days) * DAY_US);
                let period = Period { bucket: Bucket::Day, from, to };
                let (first, last) = period.blocks();
                assert!(from <= first && first <= last && last <= to, "{period:?}");
                assert_eq!((last - first) % BLOCK_US, 0);
            }
        }
    }
}
