//! Who is in an org and in which teams, as of now and without the database: for rooms
//! that show members by their ids.

use std::sync::Arc;

use access::{Caller, MemberId, Permission, PermissionSet, TeamId};

use crate::member::MemberState;
use crate::snapshot::{OrgSnapshot, mark};
use crate::subject::Owner;
use crate::{Error, Identity, Work};

/// The members of an org at one moment. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Roster(Arc<OrgSnapshot>);

impl Identity {
    /// Who is in the caller's org.
    pub async fn roster(&self, caller: &Caller) -> Result<Roster, Error> {
        caller.require(Permission::UsersRead)?;
        Ok(Roster(self.own(caller).await?))
    }
}

impl Roster {
    /// Whether a member may act; none, if there is no such member any more.
    pub fn state(&self, member: &MemberId) -> Option<MemberState> {
        self.0.holder(&Owner::Member(member.clone())).map(|holder| holder.state)
    }

    /// Whether a member is in a team.
    pub fn is_in(&self, member: &MemberId, team: &TeamId) -> bool {
        let holder = self.0.holder(&Owner::Member(member.clone()));
        holder.is_some_and(|holder| holder.teams.contains(team))
    }

    /// What a member may, on the org or on anything in it, by their keys too.
    pub fn reach_of(&self, member: &MemberId) -> PermissionSet {
        let holder = self.0.holder(&Owner::Member(member.clone()));
        holder.map(|holder| holder.power).unwrap_or_default()
    }

    /// A number that is another one when the member's state is, or the teams that they
    /// are in, or what these are called.
    pub fn mark_of(&self, member: &MemberId) -> u64 {
        let Some(holder) = self.0.holder(&Owner::Member(member.clone())) else { return 0 };
        let teams = holder.teams.iter().map(|team| mark(&(team, self.0.team_name(team))));
        mark(&(holder.state.as_str(), teams.fold(0, u64::wrapping_add)))
    }

    /// A number that is another one when other members are in the team.
    pub fn mark_of_team(&self, team: &TeamId) -> u64 {
        self.0.team_mark(team)
    }

    /// Whether nothing of the org was changed between this and the beginning of a change.
    pub fn holds_in(&self, work: &Work) -> bool {
        work.follows(self.0.version)
    }
}
