//! The address of the page: everything that is chosen stands in it.

use base::page::filters::percent_encoded;
use base::time::At;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::filter::{Dimension, Filter};
use crate::numbers::Metric;
use crate::period::Period;
use crate::span::instant;

/// Periods that one click shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
pub(crate) enum Range {
    /// 24 hours.
    #[serde(rename = "24h")]
    Day,
    /// Seven days.
    #[serde(rename = "7d")]
    Week,
    /// 30 days.
    #[default]
    #[serde(rename = "30d")]
    Month,
    /// 90 days.
    #[serde(rename = "90d")]
    Quarter,
}

impl Range {
    pub(crate) const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
            Self::Month => "30 days",
            Self::Quarter => "90 days",
        }
    }
}

/// What stands in the address. A form sends what was left empty too.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Address {
    /// A period that ends now: `24h`, `7d`, `30d` (if not given) or `90d`.
    #[serde(default)]
    #[param(inline)]
    pub(crate) range: Range,
    /// The first day, UTC: `2026-11-01`. With `to`, instead of a range.
    #[serde(default)]
    pub(crate) from: String,
    /// The last day, UTC.
    #[serde(default)]
    pub(crate) to: String,
    /// What is shown.
    #[serde(default)]
    #[param(inline)]
    pub(crate) metric: Metric,
    /// What it is told apart by.
    #[serde(default)]
    #[param(inline)]
    pub(crate) by: Dimension,
    /// Only this model.
    #[serde(default)]
    pub(crate) model: String,
    /// Only this team.
    #[serde(default)]
    pub(crate) team: String,
    /// Only this member or service account.
    #[serde(default)]
    pub(crate) member: String,
    /// Only this key.
    #[serde(default)]
    pub(crate) key: String,
    /// A long ranking: `50`.
    #[serde(default)]
    pub(crate) top: String,
}

impl Address {
    pub(crate) fn has_days(&self) -> bool {
        !self.from.is_empty() || !self.to.is_empty()
    }

    pub(crate) fn get(&self, dimension: Dimension) -> &str {
        match dimension {
            Dimension::Model => &self.model,
            Dimension::Team => &self.team,
            Dimension::Member => &self.member,
            Dimension::Key => &self.key,
        }
    }

    pub(crate) fn ranged(&self, range: Range) -> Self {
        Self { range, from: String::new(), to: String::new(), ..self.clone() }
    }

    pub(crate) fn showing(&self, metric: Metric) -> Self {
        Self { metric, ..self.clone() }
    }

    pub(crate) fn told_apart(&self, by: Dimension) -> Self {
        Self { by, top: String::new(), ..self.clone() }
    }

    pub(crate) fn long(&self) -> Self {
        Self { top: "50".to_owned(), ..self.clone() }
    }

    /// Only one subject, or, with an empty text, all again.
    pub(crate) fn only(&self, dimension: Dimension, subject: &str) -> Self {
        let mut address = Self { top: String::new(), ..self.clone() };
        let place = match dimension {
            Dimension::Model => &mut address.model,
            Dimension::Team => &mut address.team,
            Dimension::Member => &mut address.member,
            Dimension::Key => &mut address.key,
        };
        subject.clone_into(place);
        address
    }

    /// Without any filter, over the usual period.
    pub(crate) fn open(&self) -> Self {
        Self { metric: self.metric, by: self.by, ..Self::default() }
    }

    /// As a link. What is as usual is left out.
    pub(crate) fn href(&self) -> String {
        let range = if self.has_days() || self.range == Range::default() {
            ""
        } else {
            self.range.as_str()
        };
        let metric = if self.metric == Metric::default() { "" } else { self.metric.as_str() };
        let by = if self.by == Dimension::default() { "" } else { self.by.as_str() };
        query(
            "/usage",
            [
                ("range", range),
                ("from", &self.from),
                ("to", &self.to),
                ("metric", metric),
                ("by", by),
                ("model", &self.model),
                ("team", &self.team),
                ("member", &self.member),
                ("key", &self.key),
                ("top", &self.top),
            ],
        )
    }
}

/// Where the numbers of a period are as a table for spreadsheets.
pub(crate) fn table(period: Period, filter: &Filter) -> String {
    let text = |at: At| at.to_string();
    query(
        "/api/usage.csv",
        [
            ("from", text(instant(period.from)).as_str()),
            ("to", text(instant(period.to)).as_str()),
            ("bucket", period.bucket.as_str()),
            ("model", &filter.model),
            ("team", &filter.team),
            ("member", &filter.member),
            ("key", &filter.key),
        ],
    )
}

fn query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = path.to_owned();
    let mut joint = '?';
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        address.push(joint);
        address.push_str(name);
        address.push('=');
        address.push_str(&percent_encoded(value));
        joint = '&';
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_stands_in_the_address_and_what_is_usual_does_not() {
        let plain = Address::default();
        assert_eq!(plain.href(), "/usage");
        let chosen = plain.ranged(Range::Week).showing(Metric::Money).told_apart(Dimension::Team);
        assert_eq!(chosen.href(), "/usage?range=7d&metric=money&by=team");
        let filtered = chosen.only(Dimension::Model, "a/b&c");
        assert_eq!(filtered.href(), "/usage?range=7d&metric=money&by=team&model=a%2Fb%26c");
        assert_eq!(filtered.only(Dimension::Model, "").href(), chosen.href());
        assert_eq!(filtered.open().href(), "/usage?metric=money&by=team");
    }
}
