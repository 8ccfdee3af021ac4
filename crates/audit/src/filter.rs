//! Which events: what an address, a saved view, an export and a tail have in common.

use std::fmt::Write as _;

use axum::extract::FromRequestParts as _;
use axum::http::Request;
use base::http::Query;
use base::page::filters::percent_encoded;
use base::problem::Problem;
use base::time::At;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};

use crate::event::Outcome;

/// Characters of one field of a filter at most.
pub(crate) const FIELD_MAX: usize = 200;

/// The time up to now that somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Last {
    /// The last hour.
    #[serde(rename = "1h")]
    Hour,
    /// The last 24 hours.
    #[serde(rename = "24h")]
    Day,
    /// The last 7 days.
    #[serde(rename = "7d")]
    Week,
    /// The last 30 days.
    #[serde(rename = "30d")]
    Month,
    /// The last 90 days.
    #[serde(rename = "90d")]
    Quarter,
}

impl Last {
    /// Every one, shortest first.
    pub const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// As in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// As people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
            Self::Quarter => "Last 90 days",
        }
    }

    const fn hours(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
            Self::Quarter => 90 * 24,
        }
    }
}

/// Which events; all that is given must hold. What is given empty, as forms do, is not given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// The time up to now: `1h`, `24h`, `7d`, `30d`, `90d`. A `from` that is later wins.
    #[serde(default, deserialize_with = "given")]
    pub last: Option<Last>,
    /// Not before this instant: RFC 3339, or `2026-11-25T13:20` or a day, in UTC.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>)]
    pub from: Option<At>,
    /// Before this instant, written like `from`.
    #[serde(default, deserialize_with = "instant")]
    #[param(value_type = Option<String>)]
    pub to: Option<At>,
    /// This action: `limits.limit.set`; or all that begin so: `identity.*`.
    #[serde(default)]
    pub action: String,
    /// Exactly this actor: the id of a member or service account.
    #[serde(default)]
    pub user: String,
    /// Exactly this kind of resource: `key`.
    #[serde(default)]
    pub resource_type: String,
    /// Exactly this resource.
    #[serde(default)]
    pub resource: String,
    /// Exactly this outcome: `started`, `success`, `denied`, `failed`, `aborted`, `unknown`.
    #[serde(default, deserialize_with = "given")]
    pub outcome: Option<Outcome>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "given")]
    pub after: Option<String>,
    /// Events on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

impl Filter {
    /// Reads the query of an address: `action=identity.*&outcome=denied`.
    pub async fn parse(query: &str) -> Result<Self, Problem> {
        let uri = format!("/?{}", query.trim_start_matches('?'));
        let unreadable = |_| Problem::invalid("query", "must be the query of an address");
        let request = Request::builder().uri(uri).body(()).map_err(unreadable)?;
        let (mut parts, ()) = request.into_parts();
        Query::from_request_parts(&mut parts, &()).await.map(|query| query.0)
    }

    /// The filter as the query of an address, always in the same order: two filters that
    /// ask for the same are the same text. Where somebody is in the list is left out.
    pub fn query(&self) -> String {
        let mut query = String::new();
        for (name, value) in self.fields() {
            let joint = if query.is_empty() { "" } else { "&" };
            let _infallible = write!(query, "{joint}{name}={}", percent_encoded(&value));
        }
        query
    }

    /// What is asked for, by name.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        [
            ("last", self.last.map(|last| last.as_str().to_owned())),
            ("from", self.from.map(|at| at.to_string())),
            ("to", self.to.map(|at| at.to_string())),
            ("action", text(&self.action)),
            ("user", text(&self.user)),
            ("resource_type", text(&self.resource_type)),
            ("resource", text(&self.resource)),
            ("outcome", self.outcome.map(|outcome| outcome.as_str().to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }

    /// The same without one of its fields.
    #[must_use]
    pub fn without(&self, field: &str) -> Self {
        let mut other = Self { after: None, ..self.clone() };
        match field {
            "last" => other.last = None,
            "from" => other.from = None,
            "to" => other.to = None,
            "action" => other.action.clear(),
            "user" => other.user.clear(),
            "resource_type" => other.resource_type.clear(),
            "resource" => other.resource.clear(),
            "outcome" => other.outcome = None,
            _ => {}
        }
        other
    }

    /// The action, if it is exactly one.
    pub(crate) fn exact_action(&self) -> &str {
        if self.action.ends_with('*') { "" } else { &self.action }
    }

    /// What actions must begin with, if not exactly one is wanted.
    pub(crate) fn action_prefix(&self) -> &str {
        self.action.strip_suffix('*').unwrap_or_default()
    }

    /// From when on, if there is a beginning.
    pub(crate) fn begins(&self, now: At) -> Option<At> {
        let ago = |last: Last| now.checked_sub(jiff::SignedDuration::from_hours(last.hours()));
        self.last.and_then(|last| ago(last).ok()).max(self.from)
    }

    /// A field that is longer than anything it could name.
    pub(crate) fn too_long(&self) -> Option<&'static str> {
        let longest = self.fields().into_iter().find(|(_, value)| value.len() > FIELD_MAX);
        longest.map(|(name, _)| name)
    }
}

/// A form sends every field; an empty one is not given.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(from)?.filter(|text| !text.is_empty());
    let parse = |text: String| T::deserialize(serde::de::value::StringDeserializer::new(text));
    text.map(parse).transpose()
}

/// An instant that must be given.
pub(crate) fn must_instant<'de, D: Deserializer<'de>>(from: D) -> Result<At, D::Error> {
    let missing = || serde::de::Error::custom("must be an instant: 2026-11-25T13:20:00Z");
    instant(from)?.ok_or_else(missing)
}

fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<At>, D::Error> {
    let text = Option::<String>::deserialize(from)?.filter(|text| !text.is_empty());
    let read = |text: String| {
        let civil = |text: &str| {
            let day = || text.parse::<civil::Date>().map(|day| day.at(0, 0, 0, 0));
            text.parse::<civil::DateTime>().or_else(|_| day())?.to_zoned(TimeZone::UTC)
        };
        let at = text
            .parse::<At>()
            .or_else(|error| civil(&text).map(|zoned| zoned.timestamp()).map_err(|_| error));
        at.map_err(|_| serde::de::Error::custom("must be an instant: 2026-11-25T13:20:00Z"))
    };
    text.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_filter_survives_as_an_address_in_one_spelling() {
        for (given, canonical) in [
            ("", ""),
            ("outcome=denied&action=identity.*", "action=identity.%2A&outcome=denied"),
            ("action=&user=&from=&outcome=&last=&after=", ""),
            ("?last=24h&user=mem_a%26b", "last=24h&user=mem_a%26b"),
            ("from=2026-11-25T13%3A20", "from=2026-11-25T13%3A20%3A00Z"),
            ("to=2026-11-25", "to=2026-11-25T00%3A00%3A00Z"),
            ("after=12&limit=5&resource=a+b", "resource=a%20b"),
        ] {
            let filter = Filter::parse(given).await.unwrap();
            assert_eq!(filter.query(), canonical, "{given}");
            let again = Filter::parse(canonical).await.unwrap();
            assert_eq!(again.query(), canonical);
        }
        for (wrong, field) in
            [("actoin=x", "actoin"), ("outcome=bad", "outcome"), ("from=x", "from")]
        {
            let problem = Filter::parse(wrong).await.unwrap_err();
            assert_eq!(problem.field(), Some(field), "{problem}");
        }
    }

    #[test]
    fn the_later_beginning_counts() {
        let now: At = "2026-11-25T12:00:00Z".parse().unwrap();
        let early: At = "2026-11-01T00:00:00Z".parse().unwrap();
        let of = |last, from| Filter { last, from, ..Filter::default() }.begins(now);
        assert_eq!(of(None, None), None);
        assert_eq!(of(None, Some(early)), Some(early));
        let day = Some("2026-11-24T12:00:00Z".parse().unwrap());
        assert_eq!(of(Some(Last::Day), Some(early)), day);
    }
}
