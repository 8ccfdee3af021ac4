//! The table below the picture: the largest subjects, and all others.

use crate::explore::{Picture, rest};
use crate::numbers::{Metric, Numbers};
use crate::pages::address::Address;
use crate::pages::chart::Drawn;
use crate::pages::overview::{COLOURS, name};
use crate::pages::wording;

/// A row of the ranking.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// The id, where the name is another.
    pub(crate) id: Option<String>,
    /// The page of this subject alone.
    pub(crate) href: Option<String>,
    /// The place of its colour in the chart.
    pub(crate) place: Option<usize>,
    pub(crate) numbers: Numbers,
    pub(crate) errors: String,
    pub(crate) p95: String,
    /// Its share of the whole, of 100.
    pub(crate) share: i64,
    pub(crate) share_text: String,
}

pub(crate) fn rows(address: &Address, picture: &Picture, drawn: Drawn, metric: Metric) -> Vec<Row> {
    let dimension = address.by;
    let whole = picture.total.amount(metric);
    let row = |name: String, id: Option<String>, numbers: Numbers| {
        let amount = numbers.amount(metric);
        let share = i128::from(amount.max(0)) * 100 / i128::from(whole.max(1));
        let p95 = numbers.latency.percentile_ms(95);
        let p95 = p95.map(|ms| wording::duration(i64::try_from(ms).unwrap_or(i64::MAX)));
        Row {
            name,
            id,
            href: None,
            place: None,
            numbers,
            errors: wording::share(numbers.failed, numbers.calls()),
            p95: p95.unwrap_or_else(|| "\u{2013}".to_owned()),
            share: i64::try_from(share.min(100)).unwrap_or(100),
            share_text: wording::share(amount, whole),
        }
    };
    let mut place = 0;
    let mut rows: Vec<Row> = Vec::with_capacity(picture.parts.len() + 1);
    for (rank, part) in picture.parts.iter().enumerate() {
        let name = name(picture, dimension, &part.subject);
        let id = Some(part.subject.clone()).filter(|id| !id.is_empty() && *id != name);
        let mut row = row(name, id, part.total());
        if !part.subject.is_empty() && address.get(dimension).is_empty() {
            row.href = Some(address.only(dimension, &part.subject).href());
        }
        let shown = rank < COLOURS && metric != Metric::Latency;
        if shown && row.numbers.amount(metric) != 0 {
            place += 1;
            row.place = Some(place);
        }
        rows.push(row);
    }
    if let Some(rest) = rest(dimension, &picture.total, &picture.parts)
        && rest.calls() + rest.refused > 0
    {
        let mut row = row("All others".to_owned(), None, rest);
        row.place = (drawn == Drawn::Stacked && place > 0).then_some(place + 1);
        rows.push(row);
    }
    rows
}
