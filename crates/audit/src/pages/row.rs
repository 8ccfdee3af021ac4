//! One event in a list.

use std::collections::HashMap;

use askama::Template;
use base::page::filters::{self, percent_encoded};
use base::time::At;
use serde_json::Value;

use crate::describe::{deed, it, text, who};
use crate::explore::sequence;

/// Characters of a long id that a row shows.
const SHORT: usize = 8;

/// One event, as a row of the table.
#[derive(Debug, Template)]
#[template(path = "audit/row.html")]
pub(super) struct Row {
    pub(super) sequence: i64,
    at: Option<At>,
    pub(super) who: String,
    pub(super) user_id: String,
    deed: String,
    action: String,
    outcome: String,
    class: &'static str,
    pub(super) resource: Thing,
    whence: String,
    agent: String,
    /// No checkpoint covers it yet.
    waits: bool,
    /// It was read from the archive.
    archived: bool,
}

/// A resource, and where to look at it.
#[derive(Debug)]
pub(super) struct Thing {
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) name: String,
    /// Its own page, if it has one.
    pub(super) page: Option<String>,
    /// All events about it.
    pub(super) events: String,
}

impl Row {
    pub(super) fn of(event: &Value, known: &HashMap<String, String>) -> Self {
        let outcome = text(event, "outcome");
        Self {
            sequence: sequence(event),
            at: text(event, "timestamp").parse().ok(),
            who: who(event, known),
            user_id: text(event, "userId").to_owned(),
            deed: deed(event, known),
            action: text(event, "action").to_owned(),
            outcome: outcome_words(outcome).to_owned(),
            class: outcome_class(outcome),
            resource: Thing::of(event, known),
            whence: text(event, "ipAddress").to_owned(),
            agent: text(event, "userAgent").to_owned(),
            waits: false,
            archived: false,
        }
    }

    /// Beside a checkpoint of this size.
    pub(super) fn covered_to(self, size: u64) -> Self {
        Self { waits: u64::try_from(self.sequence).is_ok_and(|at| at >= size), ..self }
    }

    /// Beside an archive that ends here.
    pub(super) fn archived_before(self, hot_from: i64) -> Self {
        Self { archived: self.sequence < hot_from, ..self }
    }
}

impl Thing {
    /// The end of an id that nobody gave a name: whole ids fill the table with noise.
    fn short(&self) -> Option<&str> {
        let end = self.id.len().checked_sub(SHORT).filter(|end| *end > SHORT)?;
        self.id.get(end..).filter(|_| self.name == self.id)
    }

    pub(super) fn of(event: &Value, known: &HashMap<String, String>) -> Self {
        let (kind, id) = (text(event, "resourceType"), text(event, "resourceId"));
        let part = percent_encoded(id);
        let page = match kind {
            "member" => Some(format!("/members/{part}")),
            "service" => Some(format!("/services/{part}")),
            "team" => Some(format!("/teams/{part}")),
            "key" => Some(format!("/keys/{part}")),
            "pattern" => Some(format!("/patterns/{part}")),
            "event" => Some(format!("/record/{part}")),
            "limit" => Some("/limits".to_owned()),
            _ => None,
        };
        Self {
            kind: kind.replace('_', " "),
            id: id.to_owned(),
            name: it(event, known),
            page: page.filter(|_| !id.is_empty()),
            events: format!("/record?resource_type={}&resource={part}", percent_encoded(kind)),
        }
    }
}

/// An outcome in words.
pub(super) fn outcome_words(outcome: &str) -> &str {
    match outcome {
        "started" => "begun",
        "success" => "done",
        other => other,
    }
}

/// How an outcome's badge looks.
pub(super) fn outcome_class(outcome: &str) -> &'static str {
    match outcome {
        "success" => "ok",
        "denied" | "failed" => "bad",
        "aborted" | "unknown" => "warn",
        _ => "",
    }
}
