//! Numbers as people read them.

use base::money::NanoCents;
use base::page::filters::{grouped, money_text, short};
use base::time::At;
use jiff::tz::TimeZone;

use crate::filter::Dimension;
use crate::numbers::Metric;
use crate::period::Period;
use crate::span::{Bucket, DAY_US, instant};

/// An amount on an axis and in a hint.
pub(crate) fn amount(metric: Metric, amount: i64) -> String {
    match metric {
        Metric::Money => money_text(NanoCents(amount)),
        Metric::Latency => duration(amount),
        Metric::Calls | Metric::Tokens | Metric::Errors | Metric::Refused => short(amount),
    }
}

/// `250 ms`, `1.5 s`, `2 min`.
pub(crate) fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..120_000 => format!("{} s", ms / 1_000),
        _ => format!("{} min", ms / 60_000),
    }
}

/// So many of a hundred, with one decimal: `1.2%`.
pub(crate) fn share(part: i64, whole: i64) -> String {
    let mille = i128::from(part) * 1_000 / i128::from(whole.max(1));
    if mille == 0 && part > 0 {
        return "<0.1%".to_owned();
    }
    format!("{}.{}%", mille / 10, mille % 10)
}

/// How a number differs from the one before.
pub(crate) fn change(now: i64, before: i64) -> String {
    if now == before {
        return "as before".to_owned();
    }
    if before <= 0 {
        return "none before".to_owned();
    }
    let percent = i128::from(now - before) * 100 / i128::from(before);
    match percent {
        0 if now > before => "less than 1% more".to_owned(),
        0 => "less than 1% less".to_owned(),
        1_000.. => "more than ten times as much".to_owned(),
        1.. => format!("{percent}% more"),
        _ => format!("{}% less", -percent),
    }
}

/// How a time differs from the one before; none where nothing was answered.
pub(crate) fn change_of_time(now: Option<u64>, before: Option<u64>) -> String {
    let number = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    match (now.map(number), before.map(number)) {
        (Some(now), Some(before)) => {
            change(now, before).replace("more", "longer").replace("less", "shorter")
        }
        (Some(_), None) => "none before".to_owned(),
        (None, _) => "nothing was answered".to_owned(),
    }
}

/// A bucket on the axis: `25 Nov`, `14:00`.
pub(crate) fn mark(bucket: Bucket, at: i64) -> String {
    utc(at, if bucket == Bucket::Hour { "%H:%M" } else { "%-d %b" })
}

/// A bucket in a table and a hint: `Wed 25 Nov 2026`, `25 Nov, 14:00`.
pub(crate) fn step(bucket: Bucket, at: i64) -> String {
    utc(at, if bucket == Bucket::Hour { "%-d %b, %H:%M" } else { "%a %-d %b %Y" })
}

/// From when to when: days are UTC days, and stay what they are in every time zone.
pub(crate) fn period(period: Period) -> String {
    match period.bucket {
        Bucket::Hour => {
            let (from, to) = (period.from, period.to);
            format!("{} to {} UTC", utc(from, "%-d %b %Y, %H:%M"), utc(to, "%-d %b %Y, %H:%M"))
        }
        Bucket::Day => {
            let last = period.to - DAY_US;
            format!("{} to {}, UTC", utc(period.from, "%-d %b %Y"), utc(last, "%-d %b %Y"))
        }
    }
}

/// How long a period is: `30 days`.
pub(crate) fn length(period: Period) -> String {
    let unit = match period.bucket {
        Bucket::Hour => "hour",
        Bucket::Day => "day",
    };
    let count = period.count();
    if count == 1 { unit.to_owned() } else { format!("{} {unit}s", grouped(count)) }
}

/// What calls without a subject are called.
pub(crate) const fn nobody(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Model => "Refused before a model was chosen",
        Dimension::Team => "No team",
        Dimension::Member => "Nobody: the operator, or a crash",
        Dimension::Key => "No key",
    }
}

pub(crate) const fn metric_label(metric: Metric) -> &'static str {
    match metric {
        Metric::Calls => "Calls",
        Metric::Tokens => "Tokens",
        Metric::Money => "Money",
        Metric::Errors => "Errors",
        Metric::Refused => "Refused",
        Metric::Latency => "Time to answer",
    }
}

pub(crate) const fn dimension_label(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Model => "Model",
        Dimension::Team => "Team",
        Dimension::Member => "Member",
        Dimension::Key => "Key",
    }
}

fn utc(at: i64, format: &str) -> String {
    let at: At = instant(at);
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_words_that_are_true() {
        for (now, before, words) in [
            (0, 0, "as before"),
            (5, 0, "none before"),
            (150, 100, "50% more"),
            (0, 100, "100% less"),
            (1_001, 1_000, "less than 1% more"),
            (99_999, 100_000, "less than 1% less"),
            (5_000, 100, "more than ten times as much"),
        ] {
            assert_eq!(change(now, before), words);
        }
        assert_eq!(change_of_time(Some(150), Some(100)), "50% longer");
        assert_eq!(change_of_time(None, Some(100)), "nothing was answered");
        assert_eq!((share(1, 3), share(0, 0)), ("33.3%".to_owned(), "0.0%".to_owned()));
        assert_eq!(share(1, 100_000), "<0.1%");
        for (ms, words) in [(0, "0 ms"), (1_540, "1.5 s"), (12_900, "12 s"), (180_000, "3 min")] {
            assert_eq!(duration(ms), words);
        }
    }
}
