//! The closed list of permissions, and sets of them.

use std::fmt;
use std::str::FromStr;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        /// One kind of thing that can be done, written `resource:action`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name),+ }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// As in roles, errors and the record.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

permissions! {
    /// See members, teams, service accounts, keys, roles and grants.
    UsersRead = "users:read";
    /// Invite members; add teams and service accounts.
    UsersCreate = "users:create";
    /// Change members, teams and service accounts.
    UsersUpdate = "users:update";
    /// Remove members, teams and service accounts.
    UsersDelete = "users:delete";
    /// Make and revoke keys of others and of service accounts.
    UsersKeys = "users:keys";
    /// Define custom roles; give and take roles and grants.
    UsersGrant = "users:grant";
    /// Connect identity providers and directories; claim domains; enforce single sign-on.
    UsersConnections = "users:connections";
    /// Run access reviews.
    UsersReview = "users:review";
    /// See patterns.
    PatternsRead = "patterns:read";
    /// Teach patterns.
    PatternsCreate = "patterns:create";
    /// Change patterns of others.
    PatternsUpdate = "patterns:update";
    /// Publish and retire patterns.
    PatternsPublish = "patterns:publish";
    /// Run patterns. Comes with `patterns:read`.
    PatternsRun = "patterns:run";
    /// Call models. Comes with `patterns:create`.
    ModelsInvoke = "models:invoke";
    /// See settings, limits and what is left of them.
    SettingsRead = "settings:read";
    /// Change settings and limits.
    SettingsUpdate = "settings:update";
    /// Write guardrails: policies that narrow what roles give.
    SettingsGuardrails = "settings:guardrails";
    /// Grant and end access of the operator's support.
    SettingsSupport = "settings:support";
    /// Read the record.
    EventsRead = "events:read";
    /// Export the record.
    EventsExport = "events:export";
    /// See what is held about people, erasures, holds and retention.
    PrivacyRead = "privacy:read";
    /// Export what is held about a person.
    PrivacyExport = "privacy:export";
    /// Erase what is held about a person.
    PrivacyErase = "privacy:erase";
    /// Place and lift legal holds; set how long values must be kept.
    PrivacyHold = "privacy:hold";
    /// Order the organization to move to another region.
    RegionMove = "region:move";
}

/// What comes with what: who may read patterns may run them, and who may create
/// patterns may ask models, for that is what creating is.
const COMES_WITH: [(Permission, Permission); 2] = [
    (Permission::PatternsRead, Permission::PatternsRun),
    (Permission::PatternsCreate, Permission::ModelsInvoke),
];

/// The text names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a permission")]
pub struct UnknownPermission(String);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(text: &str) -> Result<Self, UnknownPermission> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == text)
            .ok_or_else(|| UnknownPermission(text.chars().take(60).collect()))
    }
}

/// What a set of all permissions is kept as.
const EVERYTHING: &str = "*";

/// Permissions as a bitset: a decision is one `and`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PermissionSet(u32);

const _: () = assert!(Permission::ALL.len() <= 32, "a permission set is 32 bits wide");

impl PermissionSet {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// All.
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    /// Whether the permission is in the set.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether everything in `other` is in this set too.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// What is in the set.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }

    /// As it is kept: everything is everything that there will ever be.
    pub fn words(self) -> Vec<&'static str> {
        if self == Self::ALL {
            return vec![EVERYTHING];
        }
        self.iter().map(Permission::as_str).collect()
    }

    /// Reads what [`PermissionSet::words`] gave, of this version or another: what this one does
    /// not know is left out.
    pub fn of_words(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        words.into_iter().fold(Self::EMPTY, |set, word| match word.as_ref().parse() {
            Ok(permission) => set.or(Self(Self::bit(permission))),
            Err(_) if word.as_ref() == EVERYTHING => Self::ALL,
            Err(_) => set,
        })
    }

    /// Reads permissions without wildcards, and adds nothing.
    pub fn exactly<'a>(
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, UnknownPermission> {
        texts
            .into_iter()
            .try_fold(Self::EMPTY, |set, text| Ok(set.or(Self(Self::bit(text.parse()?)))))
    }

    /// Reads `patterns:read`, `users:*` or `*`, and adds what comes with them.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownPermission> {
        let mut set = Self::EMPTY;
        for text in texts {
            let named = match text.strip_suffix('*') {
                Some(prefix) if prefix.is_empty() || prefix.ends_with(':') => Permission::ALL
                    .iter()
                    .filter(|permission| permission.as_str().starts_with(prefix))
                    .fold(Self::EMPTY, |set, permission| set.or(Self(Self::bit(*permission)))),
                Some(_) | None => Self(Self::bit(text.parse()?)),
            };
            if named == Self::EMPTY {
                return Err(UnknownPermission(text.chars().take(60).collect()));
            }
            set = set.or(named);
        }
        for (with, comes) in COMES_WITH {
            if set.has(with) {
                set = set.or(Self(Self::bit(comes)));
            }
        }
        Ok(set)
    }

    #[expect(clippy::as_conversions, reason = "a discriminant, below 32 by the assertion above")]
    const fn bit(permission: Permission) -> u32 {
        1 << (permission as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_that_are_kept_outlive_the_version_that_kept_them() {
        let some = PermissionSet::exactly(["users:read", "patterns:read"]).unwrap();
        for set in [PermissionSet::EMPTY, some, PermissionSet::ALL] {
            assert_eq!(PermissionSet::of_words(set.words()), set);
        }
        let newer = some.words().into_iter().chain(["tables:read"]);
        assert_eq!(PermissionSet::of_words(newer), some);
    }
}
