//! Which permission an event of the record once needed.

use access::Permission;

/// What is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    /// This one.
    This(Permission),
    /// None: what somebody does with what is their own, and what nobody asked for.
    Nothing,
    /// The record does not say.
    Unknown,
}

/// Actions that need one permission, whoever acts.
const NEED: &[(&str, Permission)] = &[
    ("audit.event.read", Permission::EventsRead),
    ("audit.events.exported", Permission::EventsExport),
    ("audit.events.followed", Permission::EventsRead),
    ("audit.events.read", Permission::EventsRead),
    ("chat.retention.set", Permission::SettingsUpdate),
    ("guardrails.policies.simulated", Permission::SettingsGuardrails),
    ("guardrails.policy.changed", Permission::SettingsGuardrails),
    ("guardrails.policy.created", Permission::SettingsGuardrails),
    ("guardrails.policy.removed", Permission::SettingsGuardrails),
    ("guardrails.zone.set", Permission::SettingsGuardrails),
    ("identity.grant.added", Permission::UsersGrant),
    ("identity.grant.removed", Permission::UsersGrant),
    ("identity.member.added", Permission::UsersCreate),
    ("identity.member.changed", Permission::UsersUpdate),
    ("identity.member.invited", Permission::UsersCreate),
    ("identity.member.removed", Permission::UsersDelete),
    ("identity.member.signed_out", Permission::UsersUpdate),
    ("identity.org.changed", Permission::SettingsUpdate),
    ("identity.password.link_made", Permission::UsersUpdate),
    ("identity.role.changed", Permission::UsersGrant),
    ("identity.role.created", Permission::UsersGrant),
    ("identity.role.deleted", Permission::UsersGrant),
    ("identity.service.changed", Permission::UsersUpdate),
    ("identity.service.created", Permission::UsersCreate),
    ("identity.service.removed", Permission::UsersDelete),
    ("identity.settings.changed", Permission::SettingsUpdate),
    ("identity.team.created", Permission::UsersCreate),
    ("identity.team.deleted", Permission::UsersDelete),
    ("identity.team.joined", Permission::UsersUpdate),
    ("identity.team.left", Permission::UsersUpdate),
    ("identity.team.renamed", Permission::UsersUpdate),
    ("limits.limit.removed", Permission::SettingsUpdate),
    ("limits.limit.set", Permission::SettingsUpdate),
    ("patterns.pattern.published", Permission::PatternsPublish),
    ("patterns.pattern.retired", Permission::PatternsPublish),
    ("patterns.pattern.taught", Permission::PatternsCreate),
    ("privacy.hold.lifted", Permission::PrivacyHold),
    ("privacy.hold.placed", Permission::PrivacyHold),
    ("privacy.person.located", Permission::PrivacyRead),
    ("privacy.request.withdrawn", Permission::PrivacyErase),
    ("privacy.retention.set", Permission::PrivacyHold),
    ("regions.move.ordered", Permission::RegionMove),
    ("regions.move.withdrawn", Permission::RegionMove),
];

/// Actions that need none. The end of a call is judged by its beginning.
const NEED_NOTHING: &[&str] = &[
    "audit.view.removed",
    "audit.view.saved",
    "gateway.call.ended",
    "identity.member.joined",
    "identity.member.renamed",
    "identity.password.changed",
    "identity.password.reset",
];

/// Whole kinds of actions that need none.
const NEED_NOTHING_AT_ALL: &[&str] = &["chat.", "identity.session."];

/// What an action needs.
pub(crate) fn needed(action: &str) -> Needed {
    if let Some((_, permission)) = NEED.iter().find(|(known, _)| *known == action) {
        return Needed::This(*permission);
    }
    let own = NEED_NOTHING.contains(&action)
        || NEED_NOTHING_AT_ALL.iter().any(|kind| action.starts_with(kind));
    if own { Needed::Nothing } else { Needed::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_action_needs_is_known_or_said_to_be_unknown() {
        for (action, expected) in [
            ("limits.limit.set", Needed::This(Permission::SettingsUpdate)),
            ("chat.retention.set", Needed::This(Permission::SettingsUpdate)),
            ("chat.message.sent", Needed::Nothing),
            ("identity.session.started", Needed::Nothing),
            // One's own needs none, another's does: the action does not tell.
            ("identity.key.created", Needed::Unknown),
            ("patterns.pattern.changed", Needed::Unknown),
            ("something.new.done", Needed::Unknown),
        ] {
            assert_eq!(needed(action), expected, "{action}");
        }
    }
}
