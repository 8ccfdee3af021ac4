//! What can be asked for, and what an approver must see in red.

use access::{Permission, PermissionSet};

use base::checks::Checks;

/// How much a permission weighs in the hands of a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Looks, or works in the open.
    Usual,
    /// Takes data out, or changes what everybody lives by: ticked by the approver alone.
    Grave,
    /// Lets in, gives, consents, or forgets: it would outlive the visit. Never granted.
    Never,
}

/// The weight of a permission. A new permission must be put somewhere here.
pub(crate) const fn weight(permission: Permission) -> Weight {
    match permission {
        Permission::UsersRead
        | Permission::PatternsRead
        | Permission::PatternsCreate
        | Permission::PatternsUpdate
        | Permission::PatternsRun
        | Permission::ModelsInvoke
        | Permission::SettingsRead
        | Permission::EventsRead => Weight::Usual,
        Permission::UsersDelete
        | Permission::PatternsPublish
        | Permission::SettingsUpdate
        | Permission::EventsExport
        | Permission::PrivacyRead => Weight::Grave,
        Permission::UsersCreate
        | Permission::UsersUpdate
        | Permission::UsersKeys
        | Permission::UsersGrant
        | Permission::UsersConnections
        | Permission::UsersReview
        | Permission::SettingsGuardrails
        | Permission::SettingsSupport
        | Permission::PrivacyExport
        | Permission::PrivacyErase
        | Permission::PrivacyHold
        | Permission::RegionMove => Weight::Never,
    }
}

/// Everything of one weight, in the order in which it is offered.
pub(crate) fn of_weight(wanted: Weight) -> impl Iterator<Item = Permission> {
    Permission::ALL.iter().copied().filter(move |permission| weight(*permission) == wanted)
}

/// Reads what is asked for: each permission by its name, no wildcards, nothing added.
pub(crate) fn read(checks: &mut Checks, pointer: &str, texts: &[String]) -> PermissionSet {
    if texts.is_empty() || texts.len() > Permission::ALL.len() {
        checks.refuse(pointer, "must name at least one permission");
        return PermissionSet::EMPTY;
    }
    let mut set = PermissionSet::EMPTY;
    for (place, text) in texts.iter().enumerate() {
        let pointer = format!("{pointer}/{place}");
        match PermissionSet::exactly([text.as_str()]) {
            Ok(one) if one.iter().any(|named| weight(named) == Weight::Never) => {
                checks.refuse(&pointer, format!("cannot be `{text}`: it would outlive the visit"));
            }
            Ok(one) => set = set.or(one),
            Err(error) => checks.refuse(&pointer, error.to_string()),
        }
    }
    set
}

/// As stored and shown.
pub(crate) fn names(set: PermissionSet) -> Vec<String> {
    set.iter().map(|permission| permission.to_string()).collect()
}
