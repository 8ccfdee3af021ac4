//! Teams: roles and limits can hang on them.

use access::{Caller, MemberId, Permission, PermissionSet, TeamId};
use audit::Event;
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::Checks;
use crate::grant::Grant;
use crate::org::exists;
use crate::rights::covers;
use crate::room::Work;
use crate::{Error, Identity, sql};

/// A team and who is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Team {
    /// Its id.
    #[schema(value_type = String)]
    pub id: TeamId,
    /// What people call it.
    pub name: String,
    /// The ids of its members.
    #[schema(value_type = Vec<String>)]
    pub members: Vec<MemberId>,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
}

/// The name of a team.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamName {
    /// What people call it.
    pub name: String,
}

impl Team {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("team_id")?,
            name: row.text("name")?,
            members: Vec::new(),
            created_at: row.at("created_at")?,
        })
    }
}

impl Identity {
    /// A page of teams, with their members.
    pub async fn teams(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Team>, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let db = self.0.databases.of(&scope)?;
        let args = args![after.unwrap_or_default(), i64::from(limit) + 1];
        let rows = db.all(sql::TEAM_PAGE, args).await?;
        let teams = rows.iter().map(Team::of).collect::<Result<Vec<_>, _>>()?;
        let mut page = Page::of(teams, limit, |team| team.id.to_string());
        if let (Some(first), Some(last)) = (page.items.first(), page.items.last()) {
            let args = args![first.id.as_str(), last.id.as_str()];
            for row in db.all(sql::TEAM_MEMBERS, args).await? {
                let team: TeamId = row.parse("team_id")?;
                if let Some(team) = page.items.iter_mut().find(|known| known.id == team) {
                    team.members.push(row.parse("member_id")?);
                }
            }
        }
        Ok(page)
    }

    /// Adds a team without members.
    pub async fn add_team(&self, caller: &Caller, name: &str) -> Result<Team, Error> {
        let scope = caller.require(Permission::UsersCreate)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", name);
        checks.done()?;
        let at = self.now();
        let team = Team { id: TeamId::new(at), name, members: Vec::new(), created_at: at };
        let mut work = self.begin(&scope).await?;
        work.add_team(&team).await?;
        let event = Event::done("identity.team.created", "team", team.id.as_str());
        self.commit(work, event.changes(json!({"name": {"to": team.name}}))).await?;
        Ok(team)
    }

    /// Renames a team.
    pub async fn rename_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        name: &str,
    ) -> Result<Team, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let mut checks = Checks::default();
        let name = checks.name("/name", name);
        checks.done()?;
        let mut work = self.begin(&scope).await?;
        let before = work.team(id).await?;
        let renamed = work.change.run(sql::TEAM_RENAME, args![id.as_str(), &name]).await;
        renamed.map_err(|error| exists(error, "team"))?;
        let event = Event::done("identity.team.renamed", "team", id.as_str())
            .changes(json!({"name": {"from": before.name, "to": name}}));
        self.commit(work, event).await?;
        Ok(Team { name, ..before })
    }

    /// Deletes a team; its members lose what they had through it.
    pub async fn remove_team(&self, caller: &Caller, id: &TeamId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersDelete)?;
        let mut work = self.begin(&scope).await?;
        let before = work.team(id).await?;
        let given = work.given_to_team(id).await?;
        like_a_grant(caller, given)?;
        covers(caller, given)?;
        work.dissolve_team(id).await?;
        let event = Event::done("identity.team.deleted", "team", id.as_str());
        let changes = json!({"name": {"from": before.name}, "members": {"from": before.members}});
        self.commit(work, event.changes(changes)).await?;
        Ok(())
    }

    /// Puts a member into a team.
    pub async fn add_to_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        member: &MemberId,
    ) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let mut work = self.begin(&scope).await?;
        work.team(id).await?;
        work.member(member).await?;
        let given = work.given_to_team(id).await?;
        like_a_grant(caller, given)?;
        work.gives(caller, given)?;
        let args = args![id.as_str(), member.as_str(), self.now()];
        work.change.run(sql::TEAM_JOIN, args).await?;
        let event = Event::done("identity.team.joined", "team", id.as_str());
        self.commit(work, event.changes(json!({"member": {"to": member}}))).await?;
        Ok(())
    }

    /// Takes a member out of a team.
    pub async fn take_from_team(
        &self,
        caller: &Caller,
        id: &TeamId,
        member: &MemberId,
    ) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let mut work = self.begin(&scope).await?;
        let args = args![id.as_str(), member.as_str()];
        if work.change.run(sql::TEAM_LEAVE, args).await? == 0 {
            return Err(Error::NotFound);
        }
        let given = work.given_to_team(id).await?;
        like_a_grant(caller, given)?;
        covers(caller, given)?;
        let event = Event::done("identity.team.left", "team", id.as_str());
        self.commit(work, event.changes(json!({"member": {"from": member}}))).await?;
        Ok(())
    }
}

/// A place in a team is worth what the team gives, so it asks for what a grant asks for.
fn like_a_grant(caller: &Caller, given: PermissionSet) -> Result<(), Error> {
    if given != PermissionSet::EMPTY {
        caller.recent_factor()?;
    }
    Ok(())
}

impl Work {
    pub(crate) async fn add_team(&mut self, team: &Team) -> Result<(), Error> {
        let args = args![team.id.as_str(), &team.name, team.created_at];
        let added = self.change.run(sql::TEAM_ADD, args).await;
        added.map(drop).map_err(|error| exists(error, "team"))
    }

    /// A team and who is in it, as of this change.
    pub async fn team(&mut self, id: &TeamId) -> Result<Team, Error> {
        let row = self.change.maybe(sql::TEAM_ONE, args![id.as_str()]).await?;
        let mut team = row.as_ref().map(Team::of).transpose()?.ok_or(Error::NotFound)?;
        let args = args![id.as_str(), id.as_str()];
        for row in self.change.all(sql::TEAM_MEMBERS, args).await? {
            team.members.push(row.parse("member_id")?);
        }
        Ok(team)
    }

    /// What being in a team gives.
    pub(crate) async fn given_to_team(&mut self, id: &TeamId) -> Result<PermissionSet, Error> {
        let mut given = PermissionSet::EMPTY;
        for row in self.change.all(sql::GRANTS_OF, args![id.as_str()]).await? {
            given = given.or(self.role(&Grant::of(&row)?.role).await?.unwrap_or_default());
        }
        Ok(given)
    }
}
