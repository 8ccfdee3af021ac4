//! What the filters offer, and what an active one is called.

use std::collections::{BTreeMap, HashMap};

use crate::event::Outcome;
use crate::pages::row::{Row, outcome_words};
use crate::{Filter, Last, words};

/// One value that can be chosen.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) words: String,
    pub(super) chosen: bool,
}

/// An active filter that can be taken away.
#[derive(Debug)]
pub(super) struct Chip {
    /// What it is about, for the sentence that says which filter to loosen.
    pub(super) field: &'static str,
    pub(super) words: String,
    /// The address without it.
    pub(super) href: String,
}

/// The stretches of time up to now.
pub(super) fn times(filter: &Filter) -> Vec<Choice> {
    let choice = |last: Last| Choice {
        value: last.as_str().to_owned(),
        words: last.words().to_owned(),
        chosen: filter.last == Some(last),
    };
    Last::ALL.into_iter().map(choice).collect()
}

/// The outcomes.
pub(super) fn outcomes(filter: &Filter) -> Vec<Choice> {
    let choice = |outcome: &Outcome| Choice {
        value: outcome.as_str().to_owned(),
        words: outcome_words(outcome.as_str()).to_owned(),
        chosen: filter.outcome == Some(*outcome),
    };
    Outcome::ALL.iter().map(choice).collect()
}

/// Every action, room by room: first all of a room, then one by one.
pub(super) fn actions() -> Vec<Choice> {
    let mut choices = Vec::new();
    for (room, name) in words::ROOMS {
        let choice = |value: String, words: String| Choice { value, words, chosen: false };
        choices.push(choice(format!("{room}.*"), format!("{name}: everything")));
        let own = |words: &&words::Words| words::is_of(words.action, room);
        for one in words::all().filter(own) {
            choices.push(choice(one.action.to_owned(), format!("{name}: {}", one.title)));
        }
    }
    choices
}

/// The people of the events on the page.
pub(super) fn people(rows: &[Row]) -> BTreeMap<&str, &str> {
    rows.iter().map(|row| (row.user_id.as_str(), row.who.as_str())).collect()
}

/// The kinds of things that events are about.
pub(super) const KINDS: &[&str] = &[
    "call",
    "connection",
    "conversation",
    "credentials",
    "directory",
    "domain",
    "event",
    "grant",
    "guardrail",
    "hold",
    "key",
    "limit",
    "member",
    "org",
    "passkey",
    "pattern",
    "patterns",
    "record",
    "request",
    "retention",
    "review",
    "role",
    "service",
    "session",
    "settings",
    "setup",
    "sink",
    "support_request",
    "team",
    "view",
    "witness",
];

/// What is filtered by, each with the address that takes it away.
pub(super) fn chips(filter: &Filter, known: &HashMap<String, String>) -> Vec<Chip> {
    let named = |id: &str| known.get(id).map_or_else(|| id.to_owned(), Clone::clone);
    let chip = |(field, value): (&'static str, String)| {
        let (label, words) = match field {
            "last" => {
                ("time", filter.last.map_or_else(String::new, |last| last.words().to_owned()))
            }
            "from" => ("dates", format!("From {}", instant(&value))),
            "to" => ("dates", format!("Before {}", instant(&value))),
            "action" => ("action", action(&value)),
            "user" => ("person", format!("By {}", named(&value))),
            "resource_type" => ("kind", format!("Kind: {}", value.replace('_', " "))),
            "resource" => ("resource", format!("About {}", named(&value))),
            _ => ("outcome", format!("Outcome: {}", outcome_words(&value))),
        };
        Chip { field: label, words, href: address(&filter.without(field)) }
    };
    filter.fields().into_iter().map(chip).collect()
}

fn action(value: &str) -> String {
    let room = value.strip_suffix(".*").and_then(|room| {
        words::ROOMS.iter().find(|(known, _)| *known == room).map(|(_, name)| *name)
    });
    match (room, words::of(value)) {
        (Some(room), _) => format!("{room}: everything"),
        (None, Some(words)) => words.title.to_owned(),
        (None, None) => value.to_owned(),
    }
}

fn instant(text: &str) -> String {
    text.replace('T', " ").replace('Z', " UTC")
}

/// The page of a filter.
pub(super) fn address(filter: &Filter) -> String {
    let query = filter.query();
    if query.is_empty() { "/record".to_owned() } else { format!("/record?{query}") }
}
