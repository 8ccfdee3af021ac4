//! What every action is called in plain words. A house rule looks through all rooms: an
//! action without words does not pass.

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
    ("gateway", "Calls"),
    ("guardrails", "Guardrails"),
    ("identity", "People and access"),
    ("limits", "Limits"),
    ("patterns", "Patterns"),
    ("reviews", "Access reviews"),
    ("support", "Support access"),
];

/// Every action, in the order in which they are offered.
pub(crate) const ACTIONS: &[Words] = &[
    words("access.request.refused", "Request refused", "was refused[: {why}]"),
    words("audit.event.read", "Event read", "read event {it} of the record"),
    words("audit.events.exported", "Record exported", "exported the record"),
    words("audit.events.followed", "Record followed", "began to follow the record live"),
    words("audit.events.read", "Record read", "read the record"),
    words("audit.view.removed", "View removed", "removed the view “{name}” of the record"),
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
    words(
        "identity.break_glass.set",
        "Break-glass owner set",
        "set whether {it} gets in when the identity provider fails: {break_glass}",
    ),
    words(
        "identity.break_glass.used",
        "Break-glass used",
        "signed in past the identity provider that the organization enforces",
    ),
    words("identity.credentials.refused", "Credentials refused", "was not let in[: {why}]"),
    words("identity.factor.added", "Second factor added", "added a second factor[: {kind}]"),
    words(
        "identity.factor.refused",
        "Second factor refused",
        "showed a wrong second factor[: {why}]",
    ),
    words("identity.factor.removed", "Second factor removed", "removed a second factor[: {kind}]"),
    words("identity.factor.shown", "Second factor shown", "showed their second factor"),
    words(
        "identity.factors.reset",
        "Second factors taken away",
        "took away the second factors of {it}",
    ),
    words("identity.grant.added", "Role granted", "gave {subject} the role {role}[ on {resource}]"),
    words(
        "identity.grant.removed",
        "Grant removed",
        "took the role {role}[ on {resource}] from {subject}",
    ),
    words("identity.key.created", "Key made", "made the key {it}[ for {owner}]"),
    words("identity.key.revoked", "Key revoked", "revoked the key {it}[ of {owner}]"),
    words("identity.key.rotated", "Key rotated", "replaced the key {it}[ by {replaced_by}]"),
    words("identity.link.refused", "Link refused", "was not let in by a link[: {why}]"),
    words("identity.member.added", "Member added", "added {it}[ as {role}]"),
    words(
        "identity.member.changed",
        "Member changed",
        "changed {it}[: role {role}][, state {state}]",
    ),
    words("identity.member.invited", "Member invited", "invited {it}[ as {role}]"),
    words("identity.member.joined", "Member joined", "accepted the invitation"),
    words("identity.member.removed", "Member removed", "removed {it}"),
    words("identity.member.renamed", "Own name changed", "changed their own name"),
    words(
        "identity.member.revoked",
        "Member's access ended",
        "ended what {it} had open[: {sessions} sessions, {keys} keys]",
    ),
    words("identity.member.signed_out", "Member signed out", "ended all sessions of {it}"),
    words("identity.org.changed", "Organization changed", "renamed the organization to {name}"),
    words(
        "identity.org.created",
        "Organization created",
        "created the organization {name}[ in {region}]",
    ),
    words(
        "identity.org.revoked",
        "All access ended",
        "ended what everybody had open[: {sessions} sessions, {keys} keys]",
    ),
    words("identity.passkey.renamed", "Passkey renamed", "gave a passkey another name"),
    words("identity.password.changed", "Password changed", "changed their own password"),
    words(
        "identity.password.link_made",
        "Password link made",
        "made a link with which {it} can set a new password",
    ),
    words(
        "identity.password.refused",
        "Password change refused",
        "could not change a password[: {why}]",
    ),
    words("identity.password.reset", "Password set by link", "set a new password with a link"),
    words("identity.recovery_codes.made", "Recovery codes made", "made new recovery codes"),
    words(
        "identity.role.changed",
        "Role changed",
        "changed the role {it}[; it permits {permissions}]",
    ),
    words(
        "identity.role.created",
        "Role created",
        "created the role {it}[; it permits {permissions}]",
    ),
    words("identity.role.deleted", "Role deleted", "deleted the role {it}"),
    words(
        "identity.service.changed",
        "Service account changed",
        "changed the service account {it}[: role {role}]",
    ),
    words(
        "identity.service.created",
        "Service account added",
        "added the service account {it}[ as {role}]",
    ),
    words(
        "identity.service.removed",
        "Service account removed",
        "removed the service account {it}",
    ),
    words("identity.session.ended", "Session ended", "ended a session"),
    words(
        "identity.session.others_ended",
        "Other sessions ended",
        "ended all other sessions of their own",
    ),
    words("identity.session.refused", "Sign-in refused", "was not signed in[: {why}]"),
    words("identity.session.started", "Signed in", "signed in"),
    words("identity.settings.changed", "Settings changed", "changed the settings of sign-in"),
    words(
        "identity.sso.enforced",
        "Single sign-on enforced",
        "made the identity provider the only way in",
    ),
    words("identity.sso.relaxed", "Single sign-on relaxed", "let passwords and passkeys in again"),
    words("identity.team.created", "Team created", "created the team {it}"),
    words("identity.team.deleted", "Team deleted", "deleted the team {it}"),
    words("identity.team.joined", "Team joined", "put {member} into the team {it}"),
    words("identity.team.left", "Team left", "took {member} from the team {it}"),
    words("identity.team.renamed", "Team renamed", "renamed a team[ to {name}]"),
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
    words(
        "reviews.campaign.begun",
        "Access review begun",
        "began the access review {name}[ of {items} items]",
    ),
    words(
        "reviews.campaign.cancelled",
        "Access review cancelled",
        "cancelled the access review {it}",
    ),
    words(
        "reviews.campaign.closed",
        "Access review closed",
        "closed the access review {it}: {kept} kept, {applied} taken back[, {gone} gone already][, {refused} refused]",
    ),
    words("reviews.campaign.exported", "Access review exported", "exported the access review {it}"),
    words(
        "reviews.campaign.reopened",
        "Access review opened again",
        "opened the access review {it} again",
    ),
    words("reviews.campaign.signed", "Access review signed", "signed the access review {it} off"),
    words(
        "reviews.item.not_applied",
        "Decision not applied",
        "could not take back item {item} of the access review {it}[: {why}]",
    ),
    words(
        "reviews.items.decided",
        "Access decided",
        "decided “{decision}” about {items} items of the access review {it}[: “{reason}”]",
    ),
    words("support.ask.entered", "Customer entered", "entered an organization under {it}"),
    words(
        "support.ask.made",
        "Support access asked for",
        "asked the organization {customer} for access",
    ),
    words("support.ask.withdrawn", "Support access given back", "took {it} back"),
    words(
        "support.request.asked",
        "Support access asked for",
        "asks for access for {hours} hours[: “{reason}”]",
    ),
    words("support.request.ended", "Support access ended", "ended the support access {it}"),
    words(
        "support.request.granted",
        "Support access granted",
        "let the operator’s support in[ until {until}] ({it})",
    ),
    words("support.request.refused", "Support access refused", "refused the support access {it}"),
    words(
        "support.request.withdrawn",
        "Support access given back",
        "gave the support access {it} back",
    ),
    words("support.visit.entered", "Support visit begun", "entered under {it}"),
    words("support.visit.left", "Support visit ended", "left again ({it})"),
];

/// The words of an action.
pub(crate) fn of(action: &str) -> Option<&'static Words> {
    ACTIONS.iter().find(|words| words.action == action)
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
