//! The page: a picture of a period, told apart by one thing.

use std::collections::BTreeMap;

use access::Caller;
use askama::Template;
use base::page::Faults;
use base::page::filters;
use base::time::At;

use crate::explore::Picture;
use crate::filter::{Dimension, Filter};
use crate::numbers::{Metric, Numbers};
use crate::pages::address::{Address, Range, table};
use crate::pages::chart::{Chart, Drawn, Series};
use crate::pages::days::{chosen, last};
use crate::pages::ranking::{Row, rows};
use crate::pages::tiles::{Tile, tiles};
use crate::pages::wording;
use crate::read::Part;
use crate::span::Bucket;
use crate::{Error, Usage};

/// Subjects that have a colour of their own; all others share the last one.
pub(crate) const COLOURS: usize = 5;
/// Subjects of the table at first, and of the long one.
const SUBJECTS: usize = 10;
const SUBJECTS_MAX: usize = 50;

/// A link that may be the one that is shown.
#[derive(Debug)]
struct Choice {
    label: &'static str,
    href: String,
    current: bool,
}

/// A filter that is on, and the address without it.
#[derive(Debug)]
struct Only {
    what: &'static str,
    name: String,
    without: String,
}

/// How much there is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Numbers,
    /// Nothing in this period, or nothing that fits the filters.
    NothingHere,
    /// Nothing here, nothing before, and no filter.
    NothingYet,
}

/// A row of the table behind the picture.
#[derive(Debug)]
struct Step {
    label: String,
    cells: Vec<String>,
}

#[derive(Debug, Template)]
#[template(path = "usage/overview.html")]
pub(crate) struct Overview {
    address: Address,
    pub(crate) faults: Faults,
    own: bool,
    until: Option<At>,
    period: String,
    length: String,
    before: String,
    step: &'static str,
    table_href: String,
    open_href: String,
    long_href: Option<String>,
    ranges: Vec<Choice>,
    metrics: Vec<Choice>,
    dimensions: Vec<Choice>,
    only: Vec<Only>,
    shown: Shown,
    tiles: Vec<Tile>,
    /// What is said of refused requests; empty if there were none.
    refused: String,
    caption: String,
    summary: String,
    chart: Chart,
    heads: Vec<String>,
    steps: Vec<Step>,
    rows: Vec<Row>,
    dimension: &'static str,
    overlapping: bool,
}

impl Usage {
    /// Everything on the page. Days that make no sense are said so beside their fields, and
    /// the last 30 are shown.
    pub(crate) async fn overview(
        &self,
        caller: &Caller,
        address: Address,
    ) -> Result<Overview, Error> {
        let (period, faults) = match chosen(self.clock.now(), &address) {
            Ok(period) => (period, Faults::default()),
            Err(Error::BadQuery(param, detail)) => {
                let field = if param == "to" { "to" } else { "from" };
                (last(self.clock.now(), Range::Month), Faults::field(field, detail))
            }
            Err(error @ (Error::Denied(_) | Error::CredentialsEnded(_) | Error::Db(_))) => {
                return Err(error);
            }
        };
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let filter = Filter::of(
            some(&address.model).as_deref(),
            some(&address.team).as_deref(),
            some(&address.member).as_deref(),
            some(&address.key).as_deref(),
        )?;
        let most = if address.top.is_empty() { SUBJECTS } else { SUBJECTS_MAX };
        let by = (address.by, address.metric);
        let picture = self.picture(caller, (filter, period), by, most).await?;
        let only = self.only(caller, &address).await;
        Ok(page(address, faults, &picture, only))
    }

    /// The filters that are on, by their names.
    async fn only(&self, caller: &Caller, address: &Address) -> Vec<Only> {
        let mut all = Vec::new();
        for dimension in [Dimension::Model, Dimension::Team, Dimension::Member, Dimension::Key] {
            let id = address.get(dimension).to_owned();
            if id.is_empty() {
                continue;
            }
            let names = self.names_of_ids(caller, dimension, std::slice::from_ref(&id)).await;
            all.push(Only {
                what: wording::dimension_label(dimension),
                name: names.get(&id).cloned().unwrap_or(id),
                without: address.only(dimension, "").href(),
            });
        }
        all
    }
}

fn page(address: Address, faults: Faults, picture: &Picture, only: Vec<Only>) -> Overview {
    let (dimension, metric) = (address.by, address.metric);
    let period = picture.period;
    let overlapping = dimension == Dimension::Team;
    let series = series(picture, dimension, metric);
    let drawn = match metric {
        Metric::Latency => Drawn::Lines,
        _ if overlapping => Drawn::Lines,
        Metric::Calls | Metric::Tokens | Metric::Money | Metric::Errors | Metric::Refused => {
            Drawn::Stacked
        }
    };
    let labels: Vec<(String, String)> = period
        .steps()
        .map(|at| (wording::mark(period.bucket, at), wording::step(period.bucket, at)))
        .collect();
    let most = if address.top.is_empty() { SUBJECTS } else { SUBJECTS_MAX };
    let long = picture.parts.len() == SUBJECTS && most == SUBJECTS;
    let now = picture.total.calls() + picture.total.refused;
    let before = picture.before.calls() + picture.before.refused;
    let shown = match now {
        0 if before == 0 && only.is_empty() => Shown::NothingYet,
        0 => Shown::NothingHere,
        _ => Shown::Numbers,
    };
    Overview {
        own: picture.view.own,
        until: picture.until,
        period: wording::period(period),
        length: wording::length(period),
        before: wording::period(period.before()),
        step: match period.bucket {
            Bucket::Hour => "Hour, UTC",
            Bucket::Day => "Day, UTC",
        },
        table_href: table(period, &picture.view.filter),
        open_href: address.open().href(),
        long_href: long.then(|| address.long().href()),
        ranges: ranges(&address),
        metrics: metrics(&address),
        dimensions: dimensions(&address),
        shown,
        only,
        tiles: tiles(&picture.total, &picture.before),
        refused: refused(picture.total.refused),
        caption: caption(metric, dimension),
        summary: summary(picture, metric),
        steps: steps(&labels, &series, metric),
        heads: series.iter().map(|one| one.name.clone()).collect(),
        chart: Chart::draw(metric, drawn, &series, &labels),
        rows: rows(&address, picture, drawn, metric),
        dimension: wording::dimension_label(dimension),
        overlapping,
        address,
        faults,
    }
}

fn refused(count: i64) -> String {
    match count {
        0 => String::new(),
        1 => "One request was refused before its call began and is not among the calls.".into(),
        _ => format!(
            "{} requests were refused before a call began and are not among the calls.",
            filters::grouped(count)
        ),
    }
}

fn ranges(address: &Address) -> Vec<Choice> {
    let choice = |range: Range| Choice {
        label: range.label(),
        href: address.ranged(range).href(),
        current: !address.has_days() && address.range == range,
    };
    Range::ALL.into_iter().map(choice).collect()
}

fn metrics(address: &Address) -> Vec<Choice> {
    let all = [
        Metric::Calls,
        Metric::Tokens,
        Metric::Money,
        Metric::Errors,
        Metric::Refused,
        Metric::Latency,
    ];
    let choice = |metric| Choice {
        label: wording::metric_label(metric),
        href: address.showing(metric).href(),
        current: address.metric == metric,
    };
    all.into_iter().map(choice).collect()
}

fn dimensions(address: &Address) -> Vec<Choice> {
    let choice = |by| Choice {
        label: wording::dimension_label(by),
        href: address.told_apart(by).href(),
        current: address.by == by,
    };
    let all = [Dimension::Model, Dimension::Team, Dimension::Member, Dimension::Key];
    all.into_iter().map(choice).collect()
}

/// What is drawn: the largest subjects and the rest, or two percentiles of everything.
fn series(picture: &Picture, dimension: Dimension, metric: Metric) -> Vec<Series> {
    let steps: Vec<i64> = picture.period.steps().collect();
    if metric == Metric::Latency {
        let percentile = |name: &str, percent| Series {
            name: name.to_owned(),
            values: steps
                .iter()
                .map(|at| picture.line.get(at)?.latency.percentile_ms(percent))
                .map(|ms| ms.and_then(|ms| i64::try_from(ms).ok()))
                .collect(),
        };
        return vec![percentile("95% answered within", 95), percentile("Half answered within", 50)];
    }
    let values = |line: &BTreeMap<i64, Numbers>| {
        let value = |at| Some(line.get(at).map_or(0, |numbers| numbers.amount(metric)));
        steps.iter().map(value).collect()
    };
    let coloured: Vec<&Part> = coloured(picture, metric).collect();
    let mut series: Vec<Series> = coloured
        .iter()
        .map(|part| Series {
            name: name(picture, dimension, &part.subject),
            values: values(&part.line),
        })
        .collect();
    if dimension != Dimension::Team {
        let mut left = picture.line.clone();
        for part in &coloured {
            for (at, numbers) in &part.line {
                left.entry(*at).and_modify(|sum| *sum = sum.minus(numbers));
            }
        }
        if left.values().any(|numbers| numbers.amount(metric) != 0) {
            series.push(Series { name: "All others".to_owned(), values: values(&left) });
        }
    }
    series
}

/// The parts that get a colour: those that have something to show.
fn coloured(picture: &Picture, metric: Metric) -> impl Iterator<Item = &Part> {
    let parts = picture.parts.iter().take(COLOURS);
    parts.filter(move |part| part.total().amount(metric) != 0)
}

pub(crate) fn name(picture: &Picture, dimension: Dimension, subject: &str) -> String {
    if subject.is_empty() {
        return wording::nobody(dimension).to_owned();
    }
    picture.names.get(subject).cloned().unwrap_or_else(|| subject.to_owned())
}

fn caption(metric: Metric, dimension: Dimension) -> String {
    let what = wording::metric_label(metric);
    match metric {
        Metric::Latency => format!("{what}, of all calls"),
        Metric::Calls | Metric::Tokens | Metric::Money | Metric::Errors | Metric::Refused => {
            format!("{what} by {}", dimension.as_str())
        }
    }
}

/// The picture in a sentence, for whoever cannot see it.
fn summary(picture: &Picture, metric: Metric) -> String {
    let period = wording::period(picture.period);
    if metric == Metric::Latency {
        return format!("Time to answer over time, {period}.");
    }
    let total = wording::amount(metric, picture.total.amount(metric));
    let largest = picture.line.iter().max_by_key(|(_, numbers)| numbers.amount(metric));
    let most = largest.filter(|(_, numbers)| numbers.amount(metric) > 0).map(|(at, numbers)| {
        let amount = wording::amount(metric, numbers.amount(metric));
        format!(" Most: {amount} on {}.", wording::step(picture.period.bucket, *at))
    });
    format!("{period}: {total} altogether.{}", most.unwrap_or_default())
}

fn steps(labels: &[(String, String)], series: &[Series], metric: Metric) -> Vec<Step> {
    let row = |(place, (_, label)): (usize, &(String, String))| Step {
        label: label.clone(),
        cells: series
            .iter()
            .map(|one| match one.values.get(place).copied().flatten() {
                Some(value) => exact(metric, value),
                None => "\u{2013}".to_owned(),
            })
            .collect(),
    };
    labels.iter().enumerate().map(row).collect()
}

/// A number in a table: in full.
fn exact(metric: Metric, value: i64) -> String {
    match metric {
        Metric::Money | Metric::Latency => wording::amount(metric, value),
        Metric::Calls | Metric::Tokens | Metric::Errors | Metric::Refused => {
            filters::grouped(value)
        }
    }
}
