//! What the record is told: ids and keyed hashes, never who somebody was.

use audit::{Event, Held};
use serde_json::json;

use crate::{Blocked, Hold, RequestId, Retention};

/// Somebody looked up what is held of a person.
pub(crate) fn located(person: &str) -> Event {
    Event::done("privacy.person.located", "member", person)
}

/// Somebody exported it.
pub(crate) fn exported(person: &str, rows: usize) -> Event {
    Event::done("privacy.person.exported", "member", person).changes(json!({ "rows": rows }))
}

/// An erasure must wait. It is about the request: what is under the person's own key is
/// forgotten with them.
pub(crate) fn restricted(request: &RequestId, pseudonym: &str, blocked: &Blocked) -> Event {
    about("privacy.person.restricted", request)
        .changes(json!({ "person": pseudonym, "until": blocked.until }))
        .reason(json!({ "code": "blocked", "blocks": blocked.by.len() }))
}

/// A person was erased.
pub(crate) fn erased(request: &RequestId, pseudonym: &str, stores: &[Held], keys: u64) -> Event {
    let erased = stores.iter().filter(|store| store.stays.is_none());
    let rows: u64 = erased.filter_map(|store| store.rows).sum();
    about("privacy.person.erased", request)
        .changes(json!({ "person": pseudonym, "rows": rows, "keys": keys, "stores": stores.len() }))
}

/// An erasure that waited was taken back.
pub(crate) fn withdrawn(request: &RequestId, pseudonym: &str) -> Event {
    about("privacy.request.withdrawn", request).changes(json!({ "person": pseudonym }))
}

/// A hold was placed.
pub(crate) fn placed(hold: &Hold) -> Event {
    Event::done("privacy.hold.placed", "hold", hold.id.as_str()).changes(json!({
        "person": { "to": hold.person }, "reason": { "to": hold.reason },
        "until": { "to": hold.until },
    }))
}

/// A hold was lifted.
pub(crate) fn lifted(hold: &Hold) -> Event {
    Event::done("privacy.hold.lifted", "hold", hold.id.as_str())
        .changes(json!({ "person": { "from": hold.person }, "reason": { "from": hold.reason } }))
}

/// How long values are kept was set.
pub(crate) fn retention(org: &str, before: &Retention, after: &Retention) -> Event {
    Event::done("privacy.retention.set", "retention", org).changes(json!({
        "days": { "from": before.days, "to": after.days },
        "law": { "from": before.law, "to": after.law },
    }))
}

fn about(action: &'static str, request: &RequestId) -> Event {
    Event::done(action, "privacy_request", request.as_str())
}
