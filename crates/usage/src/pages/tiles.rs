//! The numbers on top of the page, each with how it differs from the period before.

use base::page::filters::{grouped, money_text, short};

use crate::numbers::Numbers;
use crate::pages::wording::{change, change_of_time, duration, share};

/// One number.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    pub(crate) label: &'static str,
    pub(crate) value: String,
    /// The number in full, where the value is short.
    pub(crate) full: String,
    pub(crate) change: String,
}

/// Six of them.
pub(crate) fn tiles(now: &Numbers, before: &Numbers) -> Vec<Tile> {
    let count = |label, now: i64, before: i64| Tile {
        label,
        value: short(now),
        full: grouped(now),
        change: change(now, before),
    };
    let time = |label, percent| {
        let (now, before) =
            (now.latency.percentile_ms(percent), before.latency.percentile_ms(percent));
        let value = now.map(|ms| duration(i64::try_from(ms).unwrap_or(i64::MAX)));
        Tile {
            label,
            value: value.clone().unwrap_or_else(|| "\u{2013}".to_owned()),
            full: value.unwrap_or_default(),
            change: change_of_time(now, before),
        }
    };
    let errors = share(now.failed, now.calls());
    vec![
        count("Calls", now.calls(), before.calls()),
        count("Tokens", now.tokens(), before.tokens()),
        Tile {
            label: "Money",
            value: money_text(now.money),
            full: now.money.to_string(),
            change: change(now.money.0, before.money.0),
        },
        Tile {
            label: "Errors",
            full: format!("{} of {} calls", grouped(now.failed), grouped(now.calls())),
            change: if before.calls() == 0 {
                "no calls before".to_owned()
            } else {
                format!("{} before", share(before.failed, before.calls()))
            },
            value: errors,
        },
        time("Half answered within", 50),
        time("95% answered within", 95),
    ]
}
