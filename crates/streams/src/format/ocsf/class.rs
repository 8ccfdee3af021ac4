//! Which class of OCSF an action is an event of. Every action has one: those that are named
//! here, and any other by its last word.

/// A class, and what was done in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) class: Class,
    pub(super) activity: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// 3001.
    AccountChange,
    /// 3002.
    Authentication,
    /// 3004.
    EntityManagement,
    /// 6003.
    ApiActivity,
}

/// What OCSF has no word for.
pub(super) const OTHER: i64 = 99;

impl Class {
    pub(super) const fn uid(self) -> i64 {
        match self {
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::EntityManagement => 3004,
            Self::ApiActivity => 6003,
        }
    }

    pub(super) const fn category(self) -> i64 {
        self.uid() / 1_000
    }
}

const fn account(activity: i64) -> Kind {
    Kind { class: Class::AccountChange, activity }
}

const fn sign_in(activity: i64) -> Kind {
    Kind { class: Class::Authentication, activity }
}

const fn entity(activity: i64) -> Kind {
    Kind { class: Class::EntityManagement, activity }
}

const fn api(activity: i64) -> Kind {
    Kind { class: Class::ApiActivity, activity }
}

/// The class of an action.
pub(super) fn of(action: &str) -> Kind {
    match action {
        "identity.session.started"
        | "identity.session.refused"
        | "identity.credentials.refused"
        | "identity.link.refused"
        | "identity.password.refused"
        | "identity.break_glass.used"
        | "sso.sign_in.refused"
        | "support.visit.entered"
        | "support.ask.entered" => sign_in(1),
        "identity.session.ended"
        | "identity.session.ended_by_provider"
        | "identity.session.others_ended"
        | "identity.member.signed_out"
        | "sso.logout.refused"
        | "support.visit.left" => sign_in(2),
        "identity.factor.shown" | "identity.factor.refused" => sign_in(OTHER),
        "identity.member.added"
        | "identity.member.invited"
        | "identity.member.joined"
        | "identity.service.created"
        | "scim.user.added"
        | "scim.user.taken_over"
        | "sso.member.arrived" => account(1),
        "scim.user.brought_back" => account(2),
        "identity.password.changed" => account(3),
        "identity.password.reset" | "identity.password.link_made" => account(4),
        "scim.user.suspended" => account(5),
        "identity.member.removed" | "identity.service.removed" | "scim.user.removed" => account(6),
        "identity.grant.added" => account(7),
        "identity.grant.removed" => account(8),
        "identity.factor.added" | "identity.recovery_codes.made" => account(10),
        "identity.factor.removed" | "identity.factors.reset" => account(11),
        "identity.member.changed"
        | "identity.member.renamed"
        | "identity.member.revoked"
        | "identity.service.changed"
        | "identity.passkey.renamed"
        | "identity.break_glass.set"
        | "identity.key.created"
        | "identity.key.revoked"
        | "identity.key.rotated"
        | "scim.user.changed"
        | "sso.member.changed"
        | "sso.member.connected" => account(OTHER),
        _ => by_words(action),
    }
}

fn by_words(action: &str) -> Kind {
    let (room, verb) = (action.split('.').next(), action.rsplit('.').next().unwrap_or_default());
    let is_use = matches!(room, Some("gateway" | "access" | "chat" | "audit")) || reads(verb);
    if is_use {
        return api(if reads(verb) { 2 } else { changes(verb).unwrap_or(OTHER) });
    }
    match verb {
        "activated" => entity(10),
        "deactivated" => entity(11),
        "paused" => entity(12),
        "resumed" => entity(13),
        "refused" => api(OTHER),
        verb => entity(changes(verb).unwrap_or(OTHER)),
    }
}

fn reads(verb: &str) -> bool {
    matches!(verb, "read" | "exported" | "followed" | "simulated" | "tried" | "located")
}

/// Create, update, delete.
fn changes(verb: &str) -> Option<i64> {
    match verb {
        "added" | "created" | "made" | "claimed" | "taught" | "saved" | "begun" | "offered"
        | "asked" | "imported" | "joined" | "started" | "sent" | "placed" => Some(1),
        "changed" | "set" | "renamed" | "cases_set" | "published" | "retired" | "enforced"
        | "relaxed" | "verified" | "checked" | "missing" | "granted" | "vouched" | "refreshed"
        | "decided" | "signed" | "closed" | "reopened" | "tested" | "rotated" | "replayed"
        | "retried" | "set_aside" | "blocked" | "restricted" => Some(3),
        "removed" | "deleted" | "lost" | "left" | "ended" | "withdrawn" | "cancelled"
        | "expired" | "revoked" | "erased" | "lifted" => Some(4),
        _ => None,
    }
}

/// What an activity that OCSF has no word for is called: the action's last word.
pub(super) fn verb(action: &str) -> String {
    action.rsplit('.').next().unwrap_or(action).replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_about_privacy_has_words_of_the_schema() {
        for (action, kind) in [
            ("privacy.person.located", api(2)),
            ("privacy.person.exported", api(2)),
            ("privacy.person.restricted", entity(3)),
            ("privacy.person.erased", entity(4)),
            ("privacy.request.withdrawn", entity(4)),
            ("privacy.hold.placed", entity(1)),
            ("privacy.hold.lifted", entity(4)),
            ("privacy.retention.set", entity(3)),
        ] {
            assert_eq!(of(action), kind, "{action}");
        }
    }
}
