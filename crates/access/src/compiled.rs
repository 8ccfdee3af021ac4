//! Everything one caller was given, compiled for decisions.

use crate::{Decision, Permission, PermissionSet, Resource, Thing};

/// A role as it was given to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The name of the role.
    pub role: String,
    /// What the role permits.
    pub permissions: PermissionSet,
    /// On one thing only, or on the whole org.
    pub on: Option<Resource>,
    /// Through what it came: `member`, `team team_…`, `key key_…`.
    pub through: String,
}

/// What one caller may do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    grants: Vec<Grant>,
    wide: PermissionSet,
    /// A key may be narrower than its owner; never wider.
    cap: Option<PermissionSet>,
    version: u64,
}

impl Access {
    /// Compiles grants. `cap`, when given, bounds them all.
    pub fn compile(grants: Vec<Grant>, cap: Option<PermissionSet>, version: u64) -> Self {
        let within = cap.unwrap_or(PermissionSet::ALL);
        let wide = grants
            .iter()
            .filter(|grant| grant.on.is_none())
            .fold(PermissionSet::EMPTY, |set, grant| set.or(grant.permissions))
            .and(within);
        Self { grants, wide, cap, version }
    }

    /// Whether the whole org is permitted; one `and`.
    pub const fn may(&self, permission: Permission) -> bool {
        self.wide.has(permission)
    }

    /// Whether it is permitted on this thing, or on the whole org.
    pub fn may_on(&self, permission: Permission, on: Thing<'_>) -> bool {
        self.may(permission)
            || (self.within_cap(permission)
                && self.grants.iter().any(|grant| {
                    grant.permissions.has(permission)
                        && grant.on.as_ref().is_some_and(|resource| *resource == on)
                }))
    }

    /// Whether it is permitted on anything at all.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.may(permission)
            || (self.within_cap(permission)
                && self.grants.iter().any(|grant| grant.permissions.has(permission)))
    }

    /// The roles that were given on the whole org.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.grants.iter().filter(|grant| grant.on.is_none()).map(|grant| grant.role.as_str())
    }

    /// What is permitted on the whole org.
    pub const fn wide(&self) -> PermissionSet {
        self.wide
    }

    /// The version of the org's rights that this was compiled from.
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// The decision, with its reason.
    pub fn decide(&self, permission: Permission, on: Option<Thing<'_>>) -> Decision {
        let applies = |grant: &&Grant| match (&grant.on, on) {
            (None, _) => true,
            (Some(resource), Some(on)) => *resource == on,
            (Some(_), None) => false,
        };
        let roles = self.grants.iter().map(Grant::words).collect::<Vec<_>>();
        let giver =
            self.grants.iter().filter(applies).find(|grant| grant.permissions.has(permission));
        let missing = match giver {
            Some(giver) if self.within_cap(permission) => {
                return Decision {
                    allowed: true,
                    permission: permission.as_str(),
                    resource: on.map(Thing::resource),
                    data_class: on.and_then(|on| on.data_class),
                    granted_by: Some(giver.words()),
                    roles,
                    missing: None,
                    policies: Vec::new(),
                    policy_version: self.version,
                };
            }
            Some(_) => format!("the key's own roles do not include `{permission}`"),
            None => format!("no role of the caller includes `{permission}`"),
        };
        Decision::refused(permission, on, roles, missing, self.version)
    }

    fn within_cap(&self, permission: Permission) -> bool {
        self.cap.is_none_or(|cap| cap.has(permission))
    }
}

impl Grant {
    fn words(&self) -> String {
        let Self { role, through, on, .. } = self;
        match on {
            None => format!("{role} by {through}"),
            Some(on) => format!("{role} by {through} on {} {}", on.kind, on.id),
        }
    }
}
