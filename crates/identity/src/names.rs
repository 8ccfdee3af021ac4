//! What people and things are called, and whom to ask: from memory, for every page.

use std::collections::HashMap;

use access::{Caller, Permission, Region};
use base::db::Value;

use crate::member::MemberState;
use crate::snapshot::OrgSnapshot;
use crate::subject::{Owner, Subject};
use crate::{Error, Identity, sql};

/// Ids whose names are told at once.
const NAMES_MAX: usize = 500;
/// People who are named as those to ask.
const HELPERS_MAX: usize = 3;

/// Whose page it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// What people call them.
    pub name: String,
    /// Absent for all but members.
    pub email: Option<String>,
    /// What people call their org.
    pub org_name: String,
    /// The short name of their org.
    pub org_slug: String,
    /// Where the data of their org stays.
    pub region: Region,
}

impl Identity {
    /// Whose page it is. Asks no database.
    pub async fn viewer(&self, caller: &Caller) -> Result<Viewer, Error> {
        let org = self.own(caller).await?;
        let holder = Owner::of(&caller.actor).and_then(|owner| org.holder(&owner).cloned());
        let (name, email) = match holder {
            Some(holder) => (holder.name.clone(), holder.email.clone()),
            None => (caller.actor.id().to_owned(), None),
        };
        Ok(Viewer {
            name,
            email,
            org_name: org.org.name.clone(),
            org_slug: org.org.slug.clone(),
            region: org.org.region,
        })
    }

    /// Up to three people who can give the caller a permission: they may give, and have
    /// it themselves. Those come first who have least beside it. Asks no database.
    pub async fn helpers_for(
        &self,
        caller: &Caller,
        permission: Permission,
    ) -> Result<Vec<String>, Error> {
        let org = self.own(caller).await?;
        let mut helpers = Vec::new();
        for (owner, holder) in org.holders() {
            let may = |permission| holder.access.may(permission);
            if matches!(owner, Owner::Member(_))
                && owner.actor() != caller.actor
                && holder.state == MemberState::Active
                && may(Permission::UsersGrant)
                && may(permission)
            {
                helpers.push((holder.access.wide().iter().count(), &holder.name, owner.as_str()));
            }
        }
        helpers.sort_unstable();
        Ok(helpers.into_iter().take(HELPERS_MAX).map(|(_, name, _)| name.clone()).collect())
    }

    /// What members, teams, service accounts and keys of the caller's org are called, by
    /// their ids; also many that are gone. Other ids, and those beyond the first 500,
    /// are left out.
    pub async fn names(
        &self,
        caller: &Caller,
        ids: &[impl AsRef<str> + Sync],
    ) -> Result<HashMap<String, String>, Error> {
        let org = self.own(caller).await?;
        let mut names = HashMap::new();
        let mut gone = Vec::new();
        for id in ids.iter().take(NAMES_MAX).map(AsRef::as_ref) {
            let Ok(subject) = id.parse::<Subject>() else { continue };
            match known(&org, subject) {
                Some(name) => drop(names.insert(id.to_owned(), name)),
                None if !gone.contains(&id) => gone.push(id),
                None => {}
            }
        }
        gone.truncate(sql::NAMES_GONE_MAX);
        if !gone.is_empty() {
            let mut args: Vec<Value> = gone.into_iter().map(Value::from).collect();
            args.resize(sql::NAMES_GONE_MAX, "".into());
            let scope = caller.itself();
            for row in self.0.databases.of(&scope)?.all(sql::NAMES_GONE, args).await? {
                names.insert(row.text("id")?, row.text("name")?);
            }
        }
        Ok(names)
    }
}

fn known(org: &OrgSnapshot, subject: Subject) -> Option<String> {
    match subject {
        Subject::Member(id) => Some(org.holder(&Owner::Member(id))?.name.clone()),
        Subject::Service(id) => Some(org.holder(&Owner::Service(id))?.name.clone()),
        Subject::Team(id) => org.team_name(&id).cloned(),
        Subject::Key(id) => Some(org.key_of_id(&id)?.name.clone()),
    }
}
