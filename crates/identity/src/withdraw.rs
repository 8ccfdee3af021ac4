//! Taking access back after a review: each thing in a change of its own, together with
//! the reviewers' note of it.

use access::{Actor, Caller, KeyId, MemberId, Permission, PermissionSet, ServiceId, TeamId};
use audit::{Durable, Event};
use base::args;
use base::db::{Statement, Value};
use serde_json::{Value as Json, json};

use crate::grant::Grant;
use crate::member::MemberState;
use crate::rights::covers;
use crate::room::Work;
use crate::subject::{GrantId, Owner};
use crate::{Error, Identity, sql};

/// What is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// A member is suspended; whoever was only invited is removed.
    Member(MemberId),
    /// A member or service account gets another role.
    Role(Owner, String),
    /// A service account is removed, with its keys.
    Service(ServiceId),
    /// A grant is removed.
    Grant(GrantId),
    /// A member leaves a team.
    Membership(TeamId, MemberId),
    /// A key is revoked.
    Key(KeyId),
}

/// Why, and what another room writes in the same change: the last argument of the
/// statement is the position of the event.
#[derive(Debug, Clone)]
pub struct Noting {
    /// Stands in the event.
    pub reason: Json,
    /// What is written.
    pub statement: Statement,
    /// Its arguments, from `$2` on.
    pub args: Vec<Value>,
}

impl Identity {
    /// Takes something back, by the same rules as the verbs that do it by themselves.
    /// None: there was nothing to take any more, and nothing was written.
    pub async fn withdraw(
        &self,
        caller: &Caller,
        what: &Withdrawal,
        noting: Noting,
    ) -> Result<Option<Durable>, Error> {
        let needed: &[Permission] = match what {
            Withdrawal::Member(_) | Withdrawal::Membership(..) => &[Permission::UsersUpdate],
            Withdrawal::Role(..) => &[Permission::UsersUpdate, Permission::UsersGrant],
            Withdrawal::Service(_) => &[Permission::UsersDelete],
            Withdrawal::Grant(_) => &[Permission::UsersGrant],
            Withdrawal::Key(_) => &[Permission::UsersKeys],
        };
        let mut scope = caller.itself();
        for permission in needed {
            scope = caller.require(*permission)?;
        }
        let held = match self.held(caller, what).await {
            Err(Error::NotFound) => return Ok(None),
            held => held?,
        };
        let mut work = self.begin(&scope).await?;
        let taken = match what {
            Withdrawal::Member(id) => self.suspend(caller, &mut work, id, held).await,
            Withdrawal::Role(Owner::Member(id), role) => {
                self.set_role(caller, &mut work, (id, role), held).await
            }
            Withdrawal::Role(Owner::Service(id), role) => {
                set_role_of_service(caller, &mut work, (id, role), held).await
            }
            Withdrawal::Service(id) => self.drop_service(caller, &mut work, id, held).await,
            Withdrawal::Grant(id) => drop_grant(caller, &mut work, id).await,
            Withdrawal::Membership(team, member) => leave(caller, &mut work, team, member).await,
            Withdrawal::Key(id) => self.drop_key(&mut work, id).await,
        };
        let event = match taken {
            Ok(Some(event)) => event,
            Ok(None) | Err(Error::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Noting { reason, statement, args } = noting;
        self.commit_noting(work, event.reason(reason), (statement, args)).await.map(Some)
    }

    /// What those from whom it is taken may, as far as this is asked before the change
    /// begins. Whether a key may be taken is decided here.
    async fn held(&self, caller: &Caller, what: &Withdrawal) -> Result<PermissionSet, Error> {
        match what {
            Withdrawal::Member(id) => self.reach(caller, id).await,
            Withdrawal::Role(owner, _) => self.reach_of_owner(caller, owner).await,
            Withdrawal::Service(id) => {
                self.reach_of_owner(caller, &Owner::Service(id.clone())).await
            }
            Withdrawal::Key(id) => {
                self.key_to_change(caller, id).await?;
                Ok(PermissionSet::EMPTY)
            }
            Withdrawal::Grant(_) | Withdrawal::Membership(..) => Ok(PermissionSet::EMPTY),
        }
    }

    async fn suspend(
        &self,
        caller: &Caller,
        work: &mut Work,
        id: &MemberId,
        held: PermissionSet,
    ) -> Result<Option<Event>, Error> {
        let before = work.member(id).await?;
        if before.state == MemberState::Suspended {
            return Ok(None);
        }
        work.may_govern(caller, &before, held).await?;
        work.keep_an_owner(&before, false).await?;
        if before.state == MemberState::Invited {
            caller.require(Permission::UsersDelete)?;
            work.remove_member(&before, self.now()).await?;
            let event = Event::done("identity.member.removed", "member", id.as_str());
            let changes = json!({"role": {"from": before.role}, "state": {"from": before.state}});
            return Ok(Some(event.changes(changes)));
        }
        let after = MemberState::Suspended;
        let args = args![id.as_str(), &before.name, &before.role, after.as_str()];
        work.change.run(sql::MEMBER_CHANGE, args).await?;
        work.change.run(sql::PASSWORD_LINKS_DROP, args![id.as_str()]).await?;
        work.change.run(sql::SESSIONS_REVOKE, args![id.as_str(), "", self.now()]).await?;
        let event = Event::done("identity.member.changed", "member", id.as_str());
        let changes = json!({"state": {"from": before.state, "to": after}});
        Ok(Some(event.changes(changes)))
    }

    async fn set_role(
        &self,
        caller: &Caller,
        work: &mut Work,
        (id, role): (&MemberId, &str),
        held: PermissionSet,
    ) -> Result<Option<Event>, Error> {
        let before = work.member(id).await?;
        if before.role == role {
            return Ok(None);
        }
        work.may_govern(caller, &before, held).await?;
        work.giving(caller, "/role", role).await?;
        work.keep_an_owner(&before, false).await?;
        let args = args![id.as_str(), &before.name, role, before.state.as_str()];
        work.change.run(sql::MEMBER_CHANGE, args).await?;
        let event = Event::done("identity.member.changed", "member", id.as_str());
        Ok(Some(event.changes(json!({"role": {"from": before.role, "to": role}}))))
    }

    async fn drop_service(
        &self,
        caller: &Caller,
        work: &mut Work,
        id: &ServiceId,
        held: PermissionSet,
    ) -> Result<Option<Event>, Error> {
        let before = work.service(id).await?;
        covers(caller, held.or(work.role(&before.role).await?.unwrap_or_default()))?;
        let at = self.now();
        work.change.run(sql::SERVICE_REMOVE, args![id.as_str(), at]).await?;
        work.change.run(sql::KEYS_REVOKE, args![id.as_str(), at]).await?;
        work.change.run(sql::GRANTS_DELETE, args![id.as_str()]).await?;
        let event = Event::done("identity.service.removed", "service", id.as_str());
        let changes = json!({"name": {"from": before.name}, "role": {"from": before.role}});
        Ok(Some(event.changes(changes)))
    }

    async fn drop_key(&self, work: &mut Work, id: &KeyId) -> Result<Option<Event>, Error> {
        let row = work.change.maybe(sql::KEY_ONE, args![id.as_str()]).await?;
        let row = row.ok_or(Error::NotFound)?;
        if work.change.run(sql::KEY_REVOKE, args![id.as_str(), self.now()]).await? == 0 {
            return Ok(None);
        }
        let event = Event::done("identity.key.revoked", "key", id.as_str());
        let (owner, name) = (row.text("owner_id")?, row.text("name")?);
        Ok(Some(event.changes(json!({"owner": {"from": owner}, "name": {"from": name}}))))
    }
}

async fn set_role_of_service(
    caller: &Caller,
    work: &mut Work,
    (id, role): (&ServiceId, &str),
    held: PermissionSet,
) -> Result<Option<Event>, Error> {
    let before = work.service(id).await?;
    if before.role == role {
        return Ok(None);
    }
    if caller.actor == Actor::Service(id.clone()) {
        return Err(Error::OwnRole);
    }
    covers(caller, held.or(work.role(&before.role).await?.unwrap_or_default()))?;
    work.giving(caller, "/role", role).await?;
    work.change.run(sql::SERVICE_CHANGE, args![id.as_str(), &before.name, role]).await?;
    let event = Event::done("identity.service.changed", "service", id.as_str());
    Ok(Some(event.changes(json!({"role": {"from": before.role, "to": role}}))))
}

async fn drop_grant(
    caller: &Caller,
    work: &mut Work,
    id: &GrantId,
) -> Result<Option<Event>, Error> {
    let row = work.change.maybe(sql::GRANT_ONE, args![id.as_str()]).await?;
    let before = row.as_ref().map(Grant::of).transpose()?.ok_or(Error::NotFound)?;
    covers(caller, work.role(&before.role).await?.unwrap_or_default())?;
    work.change.run(sql::GRANT_DELETE, args![id.as_str()]).await?;
    let event = Event::done("identity.grant.removed", "grant", id.as_str());
    Ok(Some(event.changes(json!({
        "subject": {"from": before.subject}, "role": {"from": before.role},
        "resource": {"from": before.resource},
    }))))
}

async fn leave(
    caller: &Caller,
    work: &mut Work,
    team: &TeamId,
    member: &MemberId,
) -> Result<Option<Event>, Error> {
    let args = args![team.as_str(), member.as_str()];
    if work.change.run(sql::TEAM_LEAVE, args).await? == 0 {
        return Ok(None);
    }
    covers(caller, work.given_to_team(team).await?)?;
    let event = Event::done("identity.team.left", "team", team.as_str());
    Ok(Some(event.changes(json!({"member": {"from": member}}))))
}
