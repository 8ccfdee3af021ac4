//! Nobody gives what they do not have.

use std::collections::BTreeSet;

use access::{Caller, KeyId, MemberId, PermissionSet, Role, Scope};
use base::args;

use crate::room::Work;
use crate::subject::Owner;
use crate::{Error, Identity, load, sql};

impl Identity {
    /// Those of these roles that there are not, or not any more.
    pub async fn missing_roles(
        &self,
        scope: &Scope,
        names: &BTreeSet<&str>,
    ) -> Result<Vec<String>, Error> {
        let db = self.0.databases.of(scope)?;
        let mut missing = Vec::new();
        for name in names.iter().filter(|name| Role::named(name).is_none()) {
            if db.maybe(sql::ROLE_ONE, args![*name]).await?.is_none() {
                missing.push((*name).to_owned());
            }
        }
        Ok(missing)
    }

    /// Every permission that a member has, by teams, grants and keys too, be it on one
    /// thing only.
    pub(crate) async fn reach(
        &self,
        caller: &Caller,
        id: &MemberId,
    ) -> Result<PermissionSet, Error> {
        self.reach_of_owner(caller, &Owner::Member(id.clone())).await
    }

    /// The same of a member or service account.
    pub(crate) async fn reach_of_owner(
        &self,
        caller: &Caller,
        owner: &Owner,
    ) -> Result<PermissionSet, Error> {
        Ok(self.own(caller).await?.holder(owner).map(|holder| holder.power).unwrap_or_default())
    }

    /// The same of a key. Of one that is not known, or not any more: everything.
    pub(crate) async fn reach_of_key(
        &self,
        caller: &Caller,
        id: &KeyId,
    ) -> Result<PermissionSet, Error> {
        Ok(self.own(caller).await?.key_of_id(id).map_or(PermissionSet::ALL, |key| key.reach))
    }
}

/// Refuses to give or take permissions that the caller does not have on the whole org.
pub fn covers(caller: &Caller, given: PermissionSet) -> Result<(), Error> {
    let own = caller.access.wide();
    if own.covers(given) {
        return Ok(());
    }
    Err(Error::Escalation(given.iter().filter(|permission| !own.has(*permission)).collect()))
}

impl Work {
    /// What a role permits, as of this change; none if there is no such role.
    pub async fn role(&mut self, name: &str) -> Result<Option<PermissionSet>, Error> {
        if let Some(role) = Role::named(name) {
            return Ok(Some(role.permissions().unwrap_or_default()));
        }
        let row = self.change.maybe(sql::ROLE_ONE, args![name]).await?;
        Ok(row.map(|row| load::role(&row)).transpose()?.map(|(_, permissions)| permissions))
    }

    /// Whether there is such a role, as of this change.
    pub async fn has_role(&mut self, name: &str) -> Result<bool, Error> {
        Ok(self.role(name).await?.is_some())
    }

    /// What a role permits that the caller wants to give in this field.
    pub async fn giving(
        &mut self,
        caller: &Caller,
        pointer: &str,
        role: &str,
    ) -> Result<PermissionSet, Error> {
        let permissions = self.role(role).await?;
        let permissions = permissions.ok_or_else(|| unknown_role(pointer))?;
        self.gives(caller, permissions)?;
        Ok(permissions)
    }

    /// Refuses to give what the caller does not have, and to let a key give at all
    /// that is bound to models, addresses or a time: who is let in would not be.
    pub(crate) fn gives(&self, caller: &Caller, given: PermissionSet) -> Result<(), Error> {
        if self.bound { Err(Error::NarrowKey) } else { covers(caller, given) }
    }

    /// What all roles of a list permit together; an unknown one is named.
    pub(crate) async fn roles(
        &mut self,
        pointer: &str,
        roles: &[String],
    ) -> Result<PermissionSet, Error> {
        let mut all = PermissionSet::EMPTY;
        for (place, role) in roles.iter().enumerate() {
            let permissions = self.role(role).await?;
            all = all.or(permissions.ok_or_else(|| unknown_role(&format!("{pointer}/{place}")))?);
        }
        Ok(all)
    }
}

fn unknown_role(pointer: &str) -> Error {
    let mut checks = crate::check::Checks::default();
    checks.refuse(pointer, "names no role of this org");
    checks.done().err().map_or(Error::NotFound, Error::from)
}
