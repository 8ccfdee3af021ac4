//! What the record is told about a change: which pattern, which versions, which
//! fields, how long and how sensitive, never the content.

use audit::Event;
use serde_json::{Value, json};

use crate::engine::Body;
use crate::kept::Kept;
use crate::view::differing;

/// A pattern was taught.
pub(crate) fn taught(kept: &Kept) -> Event {
    about("patterns.pattern.taught", kept).changes(json!({
        "slug": kept.slug(),
        "name": kept.latest.draft.name,
        "version": { "from": null, "to": 1 },
        "published_version": { "from": null, "to": kept.published_number() },
        "data_class": { "from": null, "to": kept.data_class() },
        "cases": kept.cases,
        "size": size(kept),
    }))
}

/// A new version was taught.
pub(crate) fn changed(before: &Kept, after: &Kept) -> Event {
    about("patterns.pattern.changed", after).changes(json!({
        "slug": after.slug(),
        "name": after.latest.draft.name,
        "version": { "from": before.latest.number, "to": after.latest.number },
        "published_version": { "from": before.published_number(), "to": after.published_number() },
        "data_class": { "from": before.data_class(), "to": after.data_class() },
        "fields": differing(&before.latest.draft, &after.latest.draft),
        "size": size(after),
    }))
}

/// A version was chosen to answer.
pub(crate) fn published(before: &Kept, after: &Kept) -> Event {
    moved("patterns.pattern.published", before, after)
}

/// A pattern was withdrawn.
pub(crate) fn retired(before: &Kept, after: &Kept) -> Event {
    moved("patterns.pattern.retired", before, after)
}

/// Other cases must pass from now on.
pub(crate) fn cases_set(kept: &Kept, cases: usize) -> Event {
    about("patterns.pattern.cases_set", kept).changes(json!({
        "slug": kept.slug(),
        "cases": { "from": kept.cases, "to": cases },
    }))
}

/// A pattern was tried on cases.
pub(crate) fn tried(kept: &Kept, cases: usize, passed: usize) -> Event {
    about("patterns.pattern.tried", kept).changes(json!({
        "slug": kept.slug(),
        "version": kept.latest.number,
        "cases": cases,
        "passed": passed,
    }))
}

fn moved(action: &'static str, before: &Kept, after: &Kept) -> Event {
    about(action, after).changes(json!({
        "slug": after.slug(),
        "state": { "from": before.state, "to": after.state },
        "published_version": { "from": before.published_number(), "to": after.published_number() },
        "data_class": { "from": before.data_class(), "to": after.data_class() },
    }))
}

fn about(action: &'static str, kept: &Kept) -> Event {
    Event::done(action, "pattern", kept.id.as_str())
}

fn size(kept: &Kept) -> Value {
    let (body, bytes) = match &kept.latest.draft.body {
        Body::Answer(answer) => ("answer_bytes", answer.len()),
        Body::Template(template) => ("template_bytes", template.system.len() + template.user.len()),
    };
    json!({ "triggers": kept.latest.draft.triggers.len(), body: bytes })
}
