//! The period that an address of the page names.

use base::time::At;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::Error;
use crate::pages::address::{Address, Range};
use crate::period::Period;
use crate::span::{Bucket, DAY_US, HOUR_US, end};

/// Two days are shown by hours, if hours that old are kept.
const HOURS_AGO_MAX_US: i64 = 31 * DAY_US;

/// The period that an address names.
pub(crate) fn chosen(now: At, address: &Address) -> Result<Period, Error> {
    if !address.has_days() {
        return Ok(last(now, address.range));
    }
    let midnight = |param, text: &str| -> Result<i64, Error> {
        let date: Result<Date, _> = text.parse();
        let midnight = date.and_then(|date| date.to_zoned(TimeZone::UTC));
        midnight
            .map(|midnight| midnight.timestamp().as_microsecond())
            .map_err(|_| Error::BadQuery(param, "must be a day such as 2026-11-25".to_owned()))
    };
    let to = match address.to.as_str() {
        "" => end(now.as_microsecond() + 1, DAY_US),
        to => midnight("to", to)? + DAY_US,
    };
    let from = match address.from.as_str() {
        "" => to - 30 * DAY_US,
        from => midnight("from", from)?,
    };
    let short = to - from <= 2 * DAY_US && from >= now.as_microsecond() - HOURS_AGO_MAX_US;
    let bucket = if short { Bucket::Hour } else { Bucket::Day };
    let at = |us| At::from_microsecond(us).ok();
    Period::asked(now, at(from), at(to), Some(bucket)).map_err(|error| match error {
        Error::BadQuery("from", _) if from >= to => {
            Error::BadQuery("from", "must not be behind the last day".to_owned())
        }
        Error::BadQuery(param, _) => {
            Error::BadQuery(param, "must be at most 366 days before the last day".to_owned())
        }
        Error::Denied(_) | Error::CredentialsEnded(_) | Error::Db(_) => error,
    })
}

/// A range that ends with this hour or day.
pub(crate) fn last(now: At, range: Range) -> Period {
    let (bucket, count) = match range {
        Range::Day => (Bucket::Hour, 24 * HOUR_US),
        Range::Week => (Bucket::Day, 7 * DAY_US),
        Range::Month => (Bucket::Day, 30 * DAY_US),
        Range::Quarter => (Bucket::Day, 90 * DAY_US),
    };
    let to = end(now.as_microsecond() + 1, bucket.us());
    Period { bucket, from: to - count, to }
}
