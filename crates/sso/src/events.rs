//! What the record is told: ids and codes, never what a provider said about somebody.

use access::MemberId;
use audit::{Event, Outcome};
use serde_json::{Value, json};

use crate::connection::{Known, Provider};
use crate::refused::Refused;
use crate::{ConnectionId, Mapping};

/// Something about a connection.
pub(crate) fn about(action: &'static str, id: &ConnectionId) -> Event {
    Event::done(action, "connection", id.as_str())
}

pub(crate) fn created(known: &Known) -> Event {
    about("sso.connection.created", &known.id).changes(json!({
        "name": { "to": known.name },
        "kind": { "to": known.kind },
        "provider": { "to": known.provider.as_ref().map(Provider::name) },
    }))
}

/// What an admin changed of it. A mapping is told whole: it gives roles.
pub(crate) fn changed(before: &Known, after: &Known, secret: bool) -> Event {
    let mut changes = json!({ "name": { "from": before.name, "to": after.name } });
    let mut tell = |name: &str, from: Value, to: Value| {
        if let (true, Some(all)) = (from != to, changes.as_object_mut()) {
            all.insert(name.to_owned(), json!({ "from": from, "to": to }));
        }
    };
    tell("policy", json!(before.policy), json!(after.policy));
    tell("mapping", told(&before.mapping), told(&after.mapping));
    tell("client_id", json!(before.client_id), json!(after.client_id));
    tell("vouched", json!(before.vouched.words()), json!(after.vouched.words()));
    if let (true, Some(all)) = (secret, changes.as_object_mut()) {
        all.insert("secret".to_owned(), json!("changed"));
    }
    about("sso.connection.changed", &after.id).changes(changes)
}

fn told(mapping: &Mapping) -> Value {
    json!(mapping)
}

pub(crate) fn state(action: &'static str, before: &Known, after: &Known) -> Event {
    about(action, &after.id).changes(json!({
        "name": { "to": after.name },
        "state": { "from": before.state, "to": after.state },
        "vouched": { "from": before.vouched.words(), "to": after.vouched.words() },
    }))
}

pub(crate) fn removed(known: &Known) -> Event {
    about("sso.connection.removed", &known.id)
        .changes(json!({ "name": { "from": known.name }, "state": { "from": known.state } }))
}

/// The provider describes itself otherwise than before.
pub(crate) fn provider_changed(
    id: &ConnectionId,
    before: Option<&Provider>,
    after: &Provider,
) -> Event {
    let certificates = |provider: &Provider| provider.certificates_expire_at();
    about("sso.provider.changed", id).changes(json!({
        "provider": { "from": before.map(Provider::name), "to": after.name() },
        "certificates_expire_at": {
            "from": before.map(certificates), "to": certificates(after),
        },
    }))
}

/// It could not be read; what was read before holds on.
pub(crate) fn provider_unreadable(id: &ConnectionId, code: &str, detail: &str) -> Event {
    about("sso.provider.unreadable", id)
        .outcome(Outcome::Failed)
        .reason(json!({ "code": code, "detail": detail }))
}

/// Nobody could sign in once this has expired.
pub(crate) fn expiring(id: &ConnectionId, whose: &str, at: base::time::At, days: i64) -> Event {
    about("sso.certificate.expiring", id)
        .changes(json!({ "whose": whose, "expires_at": at, "days": days }))
}

/// Somebody was not signed in.
pub(crate) fn refused(id: &ConnectionId, refused: &Refused) -> Event {
    about("sso.sign_in.refused", id)
        .outcome(Outcome::Denied)
        .reason(json!({ "code": refused.code, "detail": refused.detail }))
}

/// A logout that a provider sent was not believed.
pub(crate) fn logout_refused(id: &ConnectionId, refused: &Refused) -> Event {
    about("sso.logout.refused", id)
        .outcome(Outcome::Denied)
        .reason(json!({ "code": refused.code, "detail": refused.detail }))
}

pub(crate) fn member(action: &'static str, member: &MemberId, changes: Value) -> Event {
    Event::done(action, "member", member.as_str()).changes(changes)
}
