//! The four roles, exactly as the buyer reads them.

use std::fmt;

use crate::{PermissionSet, UnknownPermission};

/// A built-in role. Custom roles stand beside these as rows of the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// May do everything.
    Owner,
    /// Governs people, patterns and settings.
    Admin,
    /// Asks, runs and teaches.
    Member,
    /// Reads and runs what was approved.
    Viewer,
}

impl Role {
    /// Every built-in role.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// The name: `org:admin`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "org:owner",
            Self::Admin => "org:admin",
            Self::Member => "org:member",
            Self::Viewer => "org:viewer",
        }
    }

    /// The definition, word for word.
    pub const fn definition(self) -> &'static [&'static str] {
        match self {
            Self::Owner => &["*"],
            Self::Admin => &["users:*", "patterns:*", "settings:*"],
            Self::Member => &["patterns:read", "patterns:create"],
            Self::Viewer => &["patterns:read"],
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// The definition, compiled.
    pub fn permissions(self) -> Result<PermissionSet, UnknownPermission> {
        PermissionSet::parse(self.definition().iter().copied())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
