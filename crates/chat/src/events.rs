//! What the record is told: which conversation and which message, never what was said.

use audit::{Event, Outcome};
use serde_json::json;

use crate::kept::{Conversation, ConversationId, Ending, Message};

/// A conversation was started.
pub(crate) fn started(id: &ConversationId, model: &str) -> Event {
    about("chat.conversation.started", id)
        .changes(json!({ "model": { "from": null, "to": model } }))
}

/// It was renamed, or somebody else answers in it.
pub(crate) fn changed(before: &Conversation, after: &Conversation) -> Event {
    let fields = [("title", before.title != after.title), ("model", before.model != after.model)];
    let fields: Vec<_> =
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
    about("chat.conversation.changed", &after.id).changes(json!({
        "fields": fields,
        "model": { "from": before.model, "to": after.model },
    }))
}

/// Its owner deleted it.
pub(crate) fn deleted(conversation: &Conversation) -> Event {
    about("chat.conversation.deleted", &conversation.id)
        .changes(json!({ "messages": { "from": conversation.messages, "to": null } }))
}

/// A question was kept; `cut` messages made way for it.
pub(crate) fn asked(id: &ConversationId, question: &Message, cut: u64) -> Event {
    about("chat.message.sent", id).changes(json!({
        "message": question.id,
        "position": question.position,
        "bytes": question.text.len(),
        "replaced": cut,
    }))
}

/// The last question is asked again.
pub(crate) fn asked_again(id: &ConversationId, position: i64) -> Event {
    about("chat.message.retried", id).changes(json!({ "position": position }))
}

/// An answer was kept, or that there was none.
pub(crate) fn answered(id: &ConversationId, answer: &Message) -> Event {
    let provenance = answer.answer.as_ref();
    let ending = provenance.map_or(Ending::Complete, |from| from.ending);
    let event = about("chat.message.answered", id).changes(json!({
        "message": answer.id,
        "position": answer.position,
        "call": provenance.and_then(|from| from.receipt.as_deref()),
        "ending": ending.as_str(),
    }));
    let event = event.outcome(match ending {
        Ending::Complete => Outcome::Success,
        Ending::Stopped => Outcome::Aborted,
        Ending::Broken | Ending::Refused => Outcome::Failed,
    });
    match provenance.and_then(|from| from.code.as_deref()) {
        Some(code) => event.reason(json!({ "code": code })),
        None => event,
    }
}

/// The org decided how long conversations are kept.
pub(crate) fn retention_set(org: &str, before: i64, after: i64) -> Event {
    Event::done("chat.retention.set", "retention", org)
        .changes(json!({ "retention_days": { "from": before, "to": after } }))
}

/// Conversations expired.
pub(crate) fn expired(org: &str, count: u64, days: i64) -> Event {
    Event::done("chat.conversations.expired", "org", org)
        .changes(json!({ "conversations": count, "retention_days": days }))
}

fn about(action: &'static str, id: &ConversationId) -> Event {
    Event::done(action, "conversation", id.as_str())
}
