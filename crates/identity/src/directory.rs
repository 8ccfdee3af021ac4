//! Members and teams as an outside source says: a directory over SCIM, an identity
//! provider at sign-in. The room that lets the source in bounds what it may say.

use access::{Caller, MemberId, PermissionSet, Scope, TeamId};
use base::args;
use serde::Deserialize;

use crate::check::{Checks, PeopleChecks as _};
use crate::member::{Member, MemberState, standing};
use crate::org::exists;
use crate::room::Work;
use crate::subject::Owner;
use crate::team::Team;
use crate::{Error, Identity, sql};

/// Somebody whom an outside source brings.
#[derive(Debug, Clone, Deserialize)]
pub struct Arrival {
    /// Their e-mail address.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// A built-in role or a custom one.
    pub role: String,
}

impl Identity {
    /// The member with this address who was not removed.
    pub async fn find_member(&self, scope: &Scope, email: &str) -> Result<Option<Member>, Error> {
        let email = email.trim().to_lowercase();
        let row = self.0.databases.of(scope)?.maybe(sql::MEMBER_BY_EMAIL, args![email]).await?;
        row.as_ref().map(Member::of).transpose().map_err(Error::Db)
    }

    /// Whether somebody with this address was removed, and nobody has it since.
    pub async fn was_removed(&self, scope: &Scope, email: &str) -> Result<bool, Error> {
        let email = email.trim().to_lowercase();
        let row = self.0.databases.of(scope)?.maybe(sql::MEMBER_GONE, args![email]).await?;
        Ok(row.is_some())
    }

    /// The teams that a member is in. Asks no database.
    pub async fn teams_of(&self, scope: &Scope, id: &MemberId) -> Result<Vec<TeamId>, Error> {
        let org = self.own(scope.caller()).await?;
        let holder = org.holder(&Owner::Member(id.clone()));
        Ok(holder.map(|holder| holder.teams.to_vec()).unwrap_or_default())
    }

    /// What a member may, on the org or on anything in it, by their keys too. Asks no database.
    pub async fn reach_of(&self, scope: &Scope, id: &MemberId) -> Result<PermissionSet, Error> {
        let org = self.own(scope.caller()).await?;
        let holder = org.holder(&Owner::Member(id.clone()));
        Ok(holder.map(|holder| holder.power).unwrap_or_default())
    }

    /// A member by id who was not removed.
    pub async fn known_member(&self, scope: &Scope, id: &MemberId) -> Result<Member, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?;
        standing(row.as_ref())
    }

    /// Adds a member who may act at once and has no password. `by` must hold what the
    /// role gives, as a directory and a node do.
    pub async fn arrive(
        &self,
        by: &Caller,
        work: &mut Work,
        person: &Arrival,
    ) -> Result<Member, Error> {
        let mut checks = Checks::default();
        let name = checks.name("/name", &person.name);
        let email = checks.email("/email", &person.email);
        checks.done()?;
        work.giving(by, "/role", &person.role).await?;
        let (at, role) = (self.now(), person.role.clone());
        let (id, state) = (MemberId::new(at), MemberState::Active);
        let member = Member { id, email, name, role, state, created_at: at };
        work.add_member(&member, None).await?;
        Ok(member)
    }

    /// Makes a member what their source says: name, address, role and state. Suspending
    /// ends their sessions; keys rest with their owner. An org keeps an acting owner.
    pub async fn change_as_told(&self, work: &mut Work, after: &Member) -> Result<Member, Error> {
        let mut checks = Checks::default();
        let name = checks.name("/name", &after.name);
        let email = checks.email("/email", &after.email);
        checks.done()?;
        let before = work.member(&after.id).await?;
        work.keep_an_owner(&before, after.is_acting_owner()).await?;
        let id = after.id.as_str();
        let args = args![id, &email, &name, &after.role, after.state.as_str()];
        let changed = work.change.run(sql::MEMBER_FROM_OUTSIDE, args).await;
        changed.map_err(|error| exists(error, "member"))?;
        if before.state == MemberState::Invited && after.state != before.state {
            work.change.run(sql::INVITATIONS_DROP, args![id]).await?;
        }
        if after.state == MemberState::Suspended {
            work.change.run(sql::PASSWORD_LINKS_DROP, args![id]).await?;
            work.change.run(sql::SESSIONS_REVOKE, args![id, "", self.now()]).await?;
        }
        Ok(Member { email, name, ..after.clone() })
    }

    /// Removes a member for good: sessions, keys, grants and teams with them.
    pub async fn depart(&self, work: &mut Work, id: &MemberId) -> Result<Member, Error> {
        let before = work.member(id).await?;
        work.keep_an_owner(&before, false).await?;
        work.remove_member(&before, self.now()).await?;
        Ok(before)
    }

    /// Adds a team without members.
    pub async fn form_team(&self, work: &mut Work, name: &str) -> Result<Team, Error> {
        let mut checks = Checks::default();
        let name = checks.name("/name", name);
        checks.done()?;
        let at = self.now();
        let team = Team { id: TeamId::new(at), name, members: Vec::new(), created_at: at };
        work.add_team(&team).await?;
        Ok(team)
    }

    /// Puts a member into a team; being in it already changes nothing.
    pub async fn join_team(
        &self,
        work: &mut Work,
        team: &TeamId,
        member: &MemberId,
    ) -> Result<(), Error> {
        work.member(member).await?;
        let args = args![team.as_str(), member.as_str(), self.now()];
        work.change.run(sql::TEAM_JOIN, args).await?;
        Ok(())
    }
}

impl Work {
    /// Refuses a role that the caller may not give: what an outside source gives later was
    /// promised by whoever told it to.
    pub async fn may_promise(
        &mut self,
        caller: &Caller,
        pointer: &str,
        role: &str,
    ) -> Result<(), Error> {
        self.giving(caller, pointer, role).await.map(drop)
    }

    /// The same for a place in a team.
    pub async fn may_staff(&mut self, caller: &Caller, team: &TeamId) -> Result<(), Error> {
        self.team(team).await?;
        let given = self.given_to_team(team).await?;
        self.gives(caller, given)
    }

    /// Gives a team another name.
    pub async fn rename_team(&mut self, id: &TeamId, name: &str) -> Result<(), Error> {
        let mut checks = Checks::default();
        let name = checks.name("/name", name);
        checks.done()?;
        let renamed = self.change.run(sql::TEAM_RENAME, args![id.as_str(), &name]).await;
        renamed.map(drop).map_err(|error| exists(error, "team"))
    }

    /// Takes a member out of a team; not being in it changes nothing.
    pub async fn leave_team(&mut self, team: &TeamId, member: &MemberId) -> Result<(), Error> {
        self.change.run(sql::TEAM_LEAVE, args![team.as_str(), member.as_str()]).await?;
        Ok(())
    }

    /// Takes everybody out of a team.
    pub async fn empty_team(&mut self, team: &TeamId) -> Result<(), Error> {
        self.change.run(sql::TEAM_EMPTY, args![team.as_str()]).await?;
        Ok(())
    }

    /// Deletes a team; its members lose what they had through it.
    pub async fn dissolve_team(&mut self, id: &TeamId) -> Result<(), Error> {
        for statement in [sql::GRANTS_DELETE, sql::TEAM_EMPTY, sql::TEAM_DELETE] {
            self.change.run(statement, args![id.as_str()]).await?;
        }
        Ok(())
    }
}
