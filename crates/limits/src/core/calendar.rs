//! The moment at which a book stands, and the UTC day and month around it.

use std::time::Duration;

use base::time::At;
use jiff::tz::TimeZone;

/// Microseconds in a second.
pub(super) const SECOND: i64 = 1_000_000;
/// Microseconds in a UTC day.
const DAY: i64 = 86_400 * SECOND;

/// An instant in whole microseconds, as everywhere at rest, and its periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Microseconds since 1970.
    pub(crate) now: i64,
    /// Days since 1970.
    pub(crate) day: i64,
    /// Months since the year 0.
    pub(crate) month: i64,
    pub(crate) day_ends: i64,
    pub(crate) month_ends: i64,
}

impl Moment {
    /// Before everything.
    pub(super) const START: Self =
        Self { now: i64::MIN, day: i64::MIN, month: i64::MIN, day_ends: i64::MIN, month_ends: 0 };

    /// The moment of an instant.
    pub(crate) fn of(at: At) -> Self {
        let now = at.as_microsecond();
        let day = now.div_euclid(DAY);
        let day_ends = (day + 1) * DAY;
        let date = TimeZone::UTC.to_datetime(at).date();
        let days_left = i64::from(date.days_in_month()) - i64::from(date.day());
        Self {
            now,
            day,
            month: i64::from(date.year()) * 12 + i64::from(date.month()),
            day_ends,
            month_ends: day_ends + days_left * DAY,
        }
    }

    /// Goes on to `at`; stays where it is when `at` is earlier.
    pub(super) fn advance(&mut self, at: At) {
        let now = at.as_microsecond();
        if now >= self.day_ends {
            *self = Self::of(at);
        } else {
            self.now = self.now.max(now);
        }
    }

    /// How long until the next day begins.
    pub(super) fn until_tomorrow(&self) -> Duration {
        span(self.day_ends - self.now)
    }

    /// How long until the next month begins.
    pub(super) fn until_next_month(&self) -> Duration {
        span(self.month_ends - self.now)
    }
}

/// Microseconds as a duration; what is past is no time at all.
pub(crate) fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Microseconds since 1970 as an instant.
pub(crate) fn instant(micros: i64) -> At {
    At::from_microsecond(micros).unwrap_or(At::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_end_at_midnight_utc() {
        let hour = |hours: u64| Duration::from_secs(hours * 3600);
        for (at, tomorrow, next_month) in [
            ("2026-02-28T23:00:00Z", 1, 1),
            ("2028-02-28T23:00:00Z", 1, 25),
            ("2026-12-31T00:00:00Z", 24, 24),
            ("1969-12-30T12:00:00Z", 12, 36),
        ] {
            let moment = Moment::of(at.parse().unwrap());
            assert_eq!(moment.until_tomorrow(), hour(tomorrow), "{at}");
            assert_eq!(moment.until_next_month(), hour(next_month), "{at}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let mut moment = Moment::START;
        moment.advance("2026-05-01T10:00:00Z".parse().unwrap());
        let noon = moment;
        moment.advance("2026-04-30T09:00:00Z".parse().unwrap());
        assert_eq!(moment, noon);
    }
}
