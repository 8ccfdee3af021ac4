//! One event, with everything that is known about it.

use std::collections::HashMap;

use access::Caller;
use askama::Template;
use axum::extract::State;
use base::http::Path;
use base::money::NanoCents;
use base::page::View;
use base::page::filters::{self, percent_encoded};
use base::problem::Problem;
use base::time::At;
use serde_json::Value;

use super::Desk;
use super::diff::{self, Fact, Field};
use super::row::{Thing, outcome_class, outcome_words};
use crate::describe::{self, text};
use crate::event::CallFacts;
use crate::words;

#[derive(Template)]
#[template(path = "audit/show.html")]
struct Shown {
    sequence: i64,
    sentence: String,
    at: Option<At>,
    outcome: String,
    class: &'static str,
    who: Who,
    action: String,
    title: String,
    room: String,
    resource: Thing,
    origin: Vec<Fact>,
    place: Vec<Fact>,
    fields: Vec<Field>,
    facts: Vec<Fact>,
    why: Option<Why>,
    call: Option<Call>,
    /// The size of the checkpoint that covers it.
    covered: Option<u64>,
    raw: String,
}

/// Who acted, and with what.
struct Who {
    id: String,
    name: String,
    kind: String,
    /// Their own page, if they have one.
    page: Option<String>,
    events: String,
    key: Option<(String, String)>,
    teams: Vec<(String, String)>,
}

/// Why it was refused or went wrong.
struct Why {
    sentence: String,
    /// What was asked for and looked at: for a refusal by permission.
    decision: Vec<Fact>,
    /// All else that was noted.
    more: Vec<Fact>,
}

/// What a call was made of.
struct Call {
    facts: CallFacts,
    price: NanoCents,
    /// From its beginning to this event.
    took_ms: Option<i64>,
}

/// One event of the record.
#[utoipa::path(get, path = "/record/{sequence}", tag = "console",
    params(("sequence" = i64, Path, description = "position in the record, from 0")),
    security(("key" = ["events:read"])), responses((status = 200)))]
pub(super) async fn one(
    caller: Caller,
    State(desk): State<Desk>,
    Path(sequence): Path<i64>,
) -> Result<View, Problem> {
    let event = desk.record.event(&caller, sequence).await?;
    let known = desk.names_in(&caller, std::slice::from_ref(&event)).await;
    let covered = desk.log.covered(&caller).await?;
    let covered = u64::try_from(sequence).is_ok_and(|at| at < covered).then_some(covered);
    View::of(format!("Event {sequence}"), &Shown { covered, ..Shown::of(sequence, &event, &known) })
}

impl Shown {
    fn of(sequence: i64, event: &Value, known: &HashMap<String, String>) -> Self {
        let outcome = text(event, "outcome");
        let action = text(event, "action");
        let (fields, facts) =
            event.get("changes").map(|changes| diff::apart(changes, known)).unwrap_or_default();
        Self {
            sequence,
            sentence: describe::describe(event, known),
            at: text(event, "timestamp").parse().ok(),
            outcome: outcome_words(outcome).to_owned(),
            class: outcome_class(outcome),
            who: Who::of(event, known),
            action: action.to_owned(),
            title: words::of(action).map_or(action, |words| words.title).to_owned(),
            room: words::room(action).to_owned(),
            resource: Thing::of(event, known),
            origin: told(event, &[("ipAddress", "Address"), ("userAgent", "Program")]),
            place: told(
                event,
                &[
                    ("sequence", "Position"),
                    ("requestId", "Request"),
                    ("region", "Region"),
                    ("node", "Node"),
                    ("organizationId", "Organization"),
                ],
            ),
            fields,
            facts,
            why: Why::of(event, known),
            call: Call::of(event),
            covered: None,
            raw: serde_json::to_string_pretty(event).unwrap_or_default(),
        }
    }
}

impl Who {
    fn of(event: &Value, known: &HashMap<String, String>) -> Self {
        let (id, kind) = (text(event, "userId"), text(event, "actorKind"));
        let named = |id: &str| (id.to_owned(), known.get(id).map_or(id, String::as_str).to_owned());
        let part = percent_encoded(id);
        Self {
            id: id.to_owned(),
            name: describe::who(event, known),
            kind: diff::label(kind),
            page: match kind {
                "member" => Some(format!("/members/{part}")),
                "service_account" => Some(format!("/services/{part}")),
                _ => None,
            },
            events: format!("/record?user={part}"),
            key: event.get("keyId").and_then(Value::as_str).map(named),
            teams: event
                .get("teamIds")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|team| team.as_str().map(named))
                .collect(),
        }
    }
}

impl Why {
    fn of(event: &Value, known: &HashMap<String, String>) -> Option<Self> {
        let reason = event.get("reason")?.as_object()?;
        let sentence = describe::why(event).unwrap_or_else(|| "No reason was noted".to_owned());
        let decision = reason.get("decision").map(|decision| {
            let fact = |name: &str, label: &str| {
                let value = decision.get(name)?;
                diff::readable(value, known).map(|text| (label.to_owned(), text))
            };
            [
                fact("permission", "Permission needed"),
                fact("resource", "On"),
                fact("roles", "Roles looked at"),
                fact("missing", "What was missing"),
                fact("policy_version", "Version of the rules"),
            ]
            .into_iter()
            .flatten()
            .collect()
        });
        let more =
            reason.iter().filter(|(name, _)| *name != "decision").filter_map(|(name, value)| {
                diff::readable(value, known).map(|text| (diff::label(name), text))
            });
        Some(Self {
            sentence: base::page::sentence(&sentence),
            decision: decision.unwrap_or_default(),
            more: more.collect(),
        })
    }
}

impl Call {
    fn of(event: &Value) -> Option<Self> {
        let facts: CallFacts = serde_json::from_value(event.get("call")?.clone()).ok()?;
        let at: Option<At> = text(event, "timestamp").parse().ok();
        let took = at.map(|at| at.as_millisecond() - facts.started_at.as_millisecond());
        let ended = text(event, "outcome") != "started";
        Some(Self { price: facts.price(), took_ms: took.filter(|took| ended && *took >= 0), facts })
    }
}

/// What is known of these fields, under their labels.
fn told(event: &Value, fields: &[(&str, &str)]) -> Vec<Fact> {
    let known = HashMap::new();
    let fact = |(name, label): &(&str, &str)| {
        diff::readable(event.get(name)?, &known).map(|text| ((*label).to_owned(), text))
    };
    fields.iter().filter_map(fact).collect()
}
