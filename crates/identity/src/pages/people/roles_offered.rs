//! The roles that a caller can give, for a form.

use access::{Caller, PermissionSet};

use super::words::meant_for;
use crate::pages::role_label;
use crate::{Error, Identity, Role};

/// Custom roles that are read for a form at most; the first by name.
const CUSTOM_MAX: u32 = 200;

/// One role in a form.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) meant_for: &'static str,
    pub(super) chosen: bool,
}

/// The roles of an org, compiled.
#[derive(Debug)]
pub(super) struct Roles(Vec<(Role, PermissionSet)>);

/// What a role permits. A stored one that this version does not understand, nothing.
pub(super) fn permissions(role: &Role) -> PermissionSet {
    PermissionSet::parse(role.permissions.iter().map(String::as_str)).unwrap_or_default()
}

impl Roles {
    pub(super) async fn read(identity: &Identity, caller: &Caller) -> Result<Self, Error> {
        let roles = identity.roles(caller, None, Some(CUSTOM_MAX)).await?.items;
        let compiled = |role: Role| {
            let set = permissions(&role);
            (role, set)
        };
        Ok(Self(roles.into_iter().map(compiled).collect()))
    }

    /// What a role of this name permits; none if there is no such role here.
    pub(super) fn permits(&self, name: &str) -> Option<PermissionSet> {
        self.0.iter().find(|(role, _)| role.name == name).map(|(_, set)| *set)
    }

    /// The names of the roles that hold for.
    pub(super) fn names_where(&self, holds: impl Fn(PermissionSet) -> bool) -> Vec<String> {
        let fit = self.0.iter().filter(|(_, set)| holds(*set));
        fit.map(|(role, _)| role.name.clone()).collect()
    }

    /// Nobody is offered to give what they do not have.
    pub(super) fn offered(&self, caller: &Caller, chosen: &str) -> Vec<Offer> {
        let own = caller.access.wide();
        let offer = |name: &str| Offer {
            name: name.to_owned(),
            label: role_label(name).to_owned(),
            meant_for: meant_for(name),
            chosen: name == chosen,
        };
        let giveable = self.0.iter().filter(|(_, set)| own.covers(*set));
        giveable.map(|(role, _)| offer(&role.name)).collect()
    }
}
