//! What each permission allows, in words.

use access::{Permission, Role};

/// Permissions on the same kind of thing.
pub(super) struct Topic {
    /// What stands in front of the colon: `users`.
    pub(super) resource: &'static str,
    /// What people call it.
    pub(super) label: &'static str,
}

/// The kinds of things, in the order in which they are shown.
pub(super) const TOPICS: [Topic; 7] = [
    Topic { resource: "users", label: "People and access" },
    Topic { resource: "patterns", label: "Patterns" },
    Topic { resource: "models", label: "Models" },
    Topic { resource: "settings", label: "Settings and limits" },
    Topic { resource: "events", label: "Record" },
    Topic { resource: "privacy", label: "Privacy" },
    Topic { resource: "region", label: "Region" },
];

impl Topic {
    /// The permissions on it.
    pub(super) fn permissions(&self) -> impl Iterator<Item = Permission> {
        let on_it =
            |permission: &Permission| permission.as_str().split(':').next() == Some(self.resource);
        Permission::ALL.iter().copied().filter(on_it)
    }

    /// All of them, and those that are added later: `users:*`.
    pub(super) fn all(&self) -> String {
        format!("{}:*", self.resource)
    }
}

/// What somebody may who has it: a phrase that goes on behind "may".
pub(super) const fn what(permission: Permission) -> &'static str {
    match permission {
        Permission::UsersRead => "see members, teams, service accounts, keys, roles and grants",
        Permission::UsersCreate => "invite members, add teams and service accounts",
        Permission::UsersUpdate => "change members, teams and service accounts",
        Permission::UsersDelete => "remove members, teams and service accounts",
        Permission::UsersKeys => "make and revoke keys of others",
        Permission::UsersGrant => "define roles, give and take roles and grants",
        Permission::UsersConnections => {
            "connect identity providers and directories, claim domains, enforce single sign-on"
        }
        Permission::UsersReview => "run access reviews",
        Permission::PatternsRead => "see patterns",
        Permission::PatternsCreate => "teach patterns",
        Permission::PatternsUpdate => "change patterns of others",
        Permission::PatternsPublish => "publish and retire patterns",
        Permission::PatternsRun => "run patterns",
        Permission::ModelsInvoke => "call models",
        Permission::SettingsRead => "see settings, limits and what is left of them",
        Permission::SettingsUpdate => "change settings and limits",
        Permission::SettingsGuardrails => "write guardrails",
        Permission::SettingsSupport => "grant and end access of the operator's support",
        Permission::EventsRead => "read the record",
        Permission::EventsExport => "export the record",
        Permission::PrivacyRead => "see what is held about people, erasures, holds and retention",
        Permission::PrivacyExport => "export what is held about a person",
        Permission::PrivacyErase => "erase what is held about a person",
        Permission::PrivacyHold => "place and lift legal holds, set how long values must be kept",
        Permission::RegionMove => "order the organization to move to another region",
    }
}

/// What a role is for; custom roles say nothing about it.
pub(super) fn meant_for(role: &str) -> &'static str {
    match Role::named(role) {
        Some(Role::Owner) => "may do everything, also read the record",
        Some(Role::Admin) => "governs people, patterns and settings",
        Some(Role::Member) => "asks, runs and teaches",
        Some(Role::Viewer) => "reads and runs what was approved",
        None => "a role of this organization",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_stands_under_one_topic() {
        let shown: Vec<_> = TOPICS.iter().flat_map(Topic::permissions).collect();
        assert_eq!(shown.len(), Permission::ALL.len());
        assert!(Permission::ALL.iter().all(|permission| shown.contains(permission)));
    }
}
