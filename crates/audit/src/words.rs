//! What every action is called in plain words. A house rule looks through all rooms: an
//! action without words does not pass.

mod people;
mod streams;

/// One action in words.
///
/// In a sentence `{it}` is the resource by its name, `{why}` the reason, `{model}` what was
/// called, and any other name a field of `changes`. What stands in `[ ]` is left out
/// unless all of its names are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    pub(crate) action: &'static str,
    /// As one picks it from a list.
    pub(crate) title: &'static str,
    /// Behind the name of who did it.
    pub(crate) says: &'static str,
    /// The same for other outcomes than success.
    pub(crate) otherwise: &'static [(&'static str, &'static str)],
}

const fn words(action: &'static str, title: &'static str, says: &'static str) -> Words {
    Words { action, title, says, otherwise: &[] }
}

/// What the first part of an action is called.
pub(crate) const ROOMS: &[(&str, &str)] = &[
    ("access", "Refusals"),
    ("audit", "The record"),
    ("chat", "Chat"),
    ("domains", "Domains"),
    ("gateway", "Calls"),
    ("guardrails", "Guardrails"),
    ("identity", "People and access"),
    ("limits", "Limits"),
    ("patterns", "Patterns"),
    ("privacy", "Privacy"),
    ("regions", "Regions"),
    ("reviews", "Access reviews"),
    ("scim", "Directories"),
    ("sso", "Single sign-on"),
    ("streams", "Streams"),
    ("support", "Support access"),
];

/// Actions of calls, patterns, limits and the record itself.
const WORK: &[Words] = &[
    words("access.request.refused", "Request refused", "was refused[: {why}]"),
    words("audit.event.read", "Event read", "read event {it} of the record"),
    words(
        "audit.events.archived",
        "Events archived",
        "moved old events of the record to its archive",
    ),
    words(
        "audit.event.lost",
        "Event lost",
        "lost what an event said in a restore; its entry and its proofs stand",
    ),
    words(
        "audit.record.restored",
        "Record restored",
        "went on after a restore, with the values of some events lost",
    ),
    words("audit.events.exported", "Record exported", "exported the record"),
    words("audit.events.followed", "Record followed", "began to follow the record live"),
    words("audit.events.read", "Record read", "read the record"),
    words("audit.evidence.made", "Evidence made", "made an evidence bundle of the record"),
    words("audit.view.removed", "View removed", "removed the view “{name}” of the record"),
    words(
        "audit.witness.acknowledged",
        "Contradiction looked at",
        "said that somebody looked at what the witness {it} contradicted",
    ),
    words(
        "audit.witness.contradicted",
        "Witness contradicted",
        "was contradicted by the witness {it}[: {why}]",
    ),
    words("audit.view.saved", "View saved", "saved the view “{name}” of the record"),
    words(
        "chat.conversation.changed",
        "Conversation changed",
        "changed the [{fields} of the ]conversation {it}",
    ),
    words("chat.conversation.deleted", "Conversation deleted", "deleted the conversation {it}"),
    words(
        "chat.conversation.started",
        "Conversation started",
        "started the conversation {it}[ with {model}]",
    ),
    words(
        "chat.conversations.expired",
        "Conversations expired",
        "deleted {conversations} conversations that were older than {retention_days} days",
    ),
    Words {
        action: "chat.message.answered",
        title: "Message answered",
        says: "was answered in the conversation {it}",
        otherwise: &[
            ("aborted", "stopped the answer in the conversation {it}"),
            ("failed", "got no whole answer in the conversation {it}[: {why}]"),
        ],
    },
    words("chat.message.retried", "Message asked again", "asked again in the conversation {it}"),
    words("chat.message.sent", "Message sent", "asked in the conversation {it}"),
    words(
        "chat.retention.set",
        "Retention of conversations set",
        "set how long conversations are kept to {retention_days} days",
    ),
    Words {
        action: "gateway.call.ended",
        title: "Call ended",
        says: "got an answer from {model}[ by the pattern {pattern}]",
        otherwise: &[
            ("denied", "was refused a call of {model}[: {why}]"),
            ("failed", "got no answer from {model}[: {why}]"),
            ("aborted", "left before the answer of {model} was complete[: {why}]"),
            ("unknown", "called {model}; a crash cut the call off, nobody knows how it ended"),
        ],
    },
    words("gateway.call.refused", "Call refused", "was refused a call[: {why}]"),
    words(
        "gateway.call.reported",
        "Call reported late",
        "told how a call of {model} ended that was closed as cut off before",
    ),
    words(
        "domains.domain.checked",
        "Domain checked",
        "looked for the record of the domain {it}[: {why}]",
    ),
    words("domains.domain.claimed", "Domain claimed", "claimed the domain {it}"),
    words(
        "domains.domain.lost",
        "Domain given up",
        "gave up the domain {it}: its record was gone for two weeks",
    ),
    words(
        "domains.domain.missing",
        "Domain's record missing",
        "found no record of the domain {it} any more",
    ),
    words("domains.domain.removed", "Domain removed", "gave up the domain {it}"),
    words("domains.domain.verified", "Domain verified", "verified the domain {it}"),
    words("gateway.call.started", "Call started", "called {model}"),
    words(
        "guardrails.policies.simulated",
        "Guardrails simulated",
        "tried guardrails on {judged} events of the last days; {refused} would have been refused",
    ),
    words(
        "guardrails.policy.changed",
        "Guardrail changed",
        "changed the guardrail {it}[; it is on: {on}]",
    ),
    words("guardrails.policy.created", "Guardrail made", "made the guardrail {it}"),
    words("guardrails.policy.removed", "Guardrail removed", "removed the guardrail {it}"),
    words(
        "guardrails.zone.set",
        "Time zone of guardrails set",
        "set the time zone of guardrails to {zone}",
    ),
    words("limits.limit.removed", "Limit removed", "removed the limits of {it}"),
    words("limits.limit.set", "Limit set", "set the limits of {it}"),
    words(
        "patterns.pattern.cases_set",
        "Cases set",
        "gave the pattern {it} {cases} cases that must pass",
    ),
    words(
        "patterns.pattern.changed",
        "Pattern changed",
        "changed the [{fields} of the ]pattern {it}[; it is version {version} now]",
    ),
    words("patterns.pattern.published", "Pattern published", "published the pattern {it}"),
    words("patterns.pattern.retired", "Pattern retired", "retired the pattern {it}"),
    words("patterns.pattern.taught", "Pattern taught", "taught the pattern {it}"),
    words(
        "patterns.pattern.tried",
        "Pattern tried",
        "tried the pattern {it} on {cases} cases; {passed} passed",
    ),
    words("patterns.patterns.exported", "Patterns exported", "exported {patterns} patterns"),
    words("patterns.patterns.imported", "Patterns imported", "imported patterns from a file"),
];

/// Every action, in the order in which they are offered.
pub(crate) fn all() -> impl Iterator<Item = &'static Words> {
    WORK.iter().chain(people::PEOPLE).chain(streams::STREAMS)
}

/// The words of an action.
pub(crate) fn of(action: &str) -> Option<&'static Words> {
    all().find(|words| words.action == action)
}

/// What the room of an action is called.
pub(crate) fn room(action: &str) -> &str {
    let first = action.split('.').next().unwrap_or_default();
    ROOMS.iter().find(|(room, _)| *room == first).map_or(first, |(_, words)| words)
}

/// Whether an action is one of a room's.
pub(crate) fn is_of(action: &str, room: &str) -> bool {
    action.strip_prefix(room).is_some_and(|rest| rest.starts_with('.'))
}
