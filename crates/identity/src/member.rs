//! Members: the people of an org.

use access::{Actor, Caller, MemberId, Permission, PermissionSet, Role};
use audit::Event;
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::secret::Secret;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::{Checks, PeopleChecks as _};
use crate::org::exists;
use crate::rights::covers;
use crate::room::Work;
use crate::{Error, Identity, sql};

/// Characters of a text that is searched for.
const SEARCH_MAX: usize = 120;

/// Whether a member may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// Has a link, and has not accepted yet.
    Invited,
    /// May act.
    Active,
    /// May not act until made active again.
    Suspended,
    /// Gone for good; the record still names them.
    Removed,
}

/// A member, as colleagues see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Member {
    /// Their id.
    #[schema(value_type = String)]
    pub id: MemberId,
    /// In lower case.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// A built-in role or a custom one.
    pub role: String,
    /// Whether they may act.
    pub state: MemberState,
    /// Since when they are known here.
    #[schema(value_type = String)]
    pub created_at: At,
}

/// A member to be made without an invitation: by the operator, for a start.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Their e-mail address.
    pub email: String,
    /// What people call them.
    pub name: String,
    /// A built-in role or a custom one.
    pub role: String,
    /// What they sign in with; none: they cannot.
    pub password: Option<Secret>,
}

/// What can be changed of a member.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemberPatch {
    /// What people call them.
    pub name: Option<String>,
    /// A built-in role or a custom one; needs `users:grant` too.
    pub role: Option<String>,
    /// `active` or `suspended`.
    pub state: Option<MemberState>,
}

impl MemberState {
    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }
}

/// The text is no state of a member.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not a state of a member")]
pub struct NotAState;

impl std::str::FromStr for MemberState {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        [Self::Invited, Self::Active, Self::Suspended, Self::Removed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(NotAState)
    }
}

impl Member {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("member_id")?,
            email: row.text("email")?,
            name: row.text("name")?,
            role: row.text("role")?,
            state: row.parse("state")?,
            created_at: row.at("created_at")?,
        })
    }

    pub(crate) fn is_acting_owner(&self) -> bool {
        self.role == Role::Owner.as_str() && self.state == MemberState::Active
    }
}

impl Identity {
    /// A page of members: all, or those in whose name or e-mail address a text stands,
    /// in upper or lower case.
    pub async fn members(
        &self,
        caller: &Caller,
        text: Option<&str>,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Member>, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let (after, more) = (after.unwrap_or_default(), i64::from(limit) + 1);
        let (lower, typed) = searched(text.unwrap_or_default())?;
        let db = self.0.databases.of(&scope)?;
        let rows = if typed.is_empty() {
            db.all(sql::MEMBER_PAGE, args![after, more]).await?
        } else {
            db.all(sql::MEMBER_SEARCH, args![after, lower, typed, more]).await?
        };
        let members = rows.iter().map(Member::of).collect::<Result<_, _>>()?;
        Ok(Page::of(members, limit, |member: &Member| member.id.to_string()))
    }

    /// One member.
    pub async fn member(&self, caller: &Caller, id: &MemberId) -> Result<Member, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let row = self.0.databases.of(&scope)?.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?;
        standing(row.as_ref())
    }

    /// Adds a member who may act at once.
    pub async fn add_member(&self, caller: &Caller, new: &NewMember) -> Result<Member, Error> {
        let scope = caller.require(Permission::UsersCreate)?;
        let mut checks = Checks::default();
        let (name, email) = (checks.name("/name", &new.name), checks.email("/email", &new.email));
        if let Some(password) = &new.password {
            checks.password("/password", password);
        }
        checks.done()?;
        let hash = match &new.password {
            Some(password) => Some(self.0.passwords.hash(password).await?),
            None => None,
        };
        let mut work = self.begin(&scope).await?;
        work.giving(caller, "/role", &new.role).await?;
        let at = self.now();
        let (id, state) = (MemberId::new(at), MemberState::Active);
        let member = Member { id, email, name, role: new.role.clone(), state, created_at: at };
        work.add_member(&member, hash).await?;
        let event = Event::done("identity.member.added", "member", member.id.as_str());
        let changes = json!({"role": {"to": member.role}, "state": {"to": member.state}});
        self.commit(work, event.changes(changes)).await?;
        Ok(member)
    }

    /// Changes a member's name, role or state.
    pub async fn change_member(
        &self,
        caller: &Caller,
        id: &MemberId,
        patch: &MemberPatch,
    ) -> Result<Member, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let mut checks = Checks::default();
        let name = patch.name.as_ref().map(|name| checks.name("/name", name));
        if let Some(MemberState::Invited | MemberState::Removed) = patch.state {
            checks.refuse("/state", "can be set to `active` or `suspended`");
        }
        checks.done()?;
        let held = self.reach(caller, id).await?;
        let mut work = self.begin(&scope).await?;
        let before = work.member(id).await?;
        let mut after = before.clone();
        after.name = name.unwrap_or(after.name);
        after.role = patch.role.clone().unwrap_or(after.role);
        after.state = patch.state.unwrap_or(after.state);
        if before.state == MemberState::Invited && after.state != before.state {
            return Err(Error::Conflict("the invitation has not been accepted yet"));
        }
        if (&after.role, after.state) != (&before.role, before.state) {
            caller.recent_factor()?;
            work.may_govern(caller, &before, held).await?;
            if after.role != before.role {
                caller.require(Permission::UsersGrant)?;
                work.giving(caller, "/role", &after.role).await?;
            } else if after.state == MemberState::Active {
                let back = work.role(&after.role).await?.unwrap_or_default();
                work.gives(caller, held.or(back))?;
            }
            work.keep_an_owner(&before, after.is_acting_owner()).await?;
        }
        let args = args![id.as_str(), &after.name, &after.role, after.state.as_str()];
        work.change.run(sql::MEMBER_CHANGE, args).await?;
        if after.state == MemberState::Suspended {
            work.change.run(sql::PASSWORD_LINKS_DROP, args![id.as_str()]).await?;
            let args = args![id.as_str(), "", self.now()];
            work.change.run(sql::SESSIONS_REVOKE, args).await?;
        }
        let event = Event::done("identity.member.changed", "member", id.as_str());
        let event = event.changes(json!({
            "role": {"from": before.role, "to": after.role},
            "state": {"from": before.state, "to": after.state},
            "renamed": before.name != after.name,
        }));
        self.commit(work, event).await?;
        Ok(after)
    }

    /// Removes a member for good: sessions, keys, grants and teams with them.
    pub async fn remove_member(&self, caller: &Caller, id: &MemberId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersDelete)?;
        caller.recent_factor()?;
        let held = self.reach(caller, id).await?;
        let mut work = self.begin(&scope).await?;
        let before = work.member(id).await?;
        work.keep_an_owner(&before, false).await?;
        work.may_govern(caller, &before, held).await?;
        work.remove_member(&before, self.now()).await?;
        let event = Event::done("identity.member.removed", "member", id.as_str());
        let changes = json!({"role": {"from": before.role}, "state": {"from": before.state}});
        self.commit(work, event.changes(changes)).await?;
        Ok(())
    }
}

impl Work {
    /// Nobody changes what they themselves may do, nor governs somebody who may more: by
    /// their role as of this change, or by what they were found to hold before it.
    pub(crate) async fn may_govern(
        &mut self,
        caller: &Caller,
        member: &Member,
        held: PermissionSet,
    ) -> Result<(), Error> {
        if caller.actor == Actor::Member(member.id.clone()) {
            return Err(Error::OwnRole);
        }
        covers(caller, held.or(self.role(&member.role).await?.unwrap_or_default()))
    }

    /// A member who was not removed, as of this change.
    pub async fn member(&mut self, id: &MemberId) -> Result<Member, Error> {
        standing(self.change.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?.as_ref())
    }

    pub(crate) async fn add_member(
        &mut self,
        member: &Member,
        hash: Option<String>,
    ) -> Result<(), Error> {
        let args = args![
            member.id.as_str(),
            &member.email,
            &member.name,
            &member.role,
            hash,
            member.state.as_str(),
            member.created_at,
        ];
        let added = self.change.run(sql::MEMBER_ADD, args).await;
        added.map(drop).map_err(|error| exists(error, "member"))
    }

    /// Removes a member with all that hangs on them.
    pub(crate) async fn remove_member(&mut self, before: &Member, at: At) -> Result<(), Error> {
        let (id, removed) = (before.id.as_str(), MemberState::Removed.as_str());
        let args = args![id, &before.name, &before.role, removed];
        self.change.run(sql::MEMBER_CHANGE, args).await?;
        self.change.run(sql::MEMBER_PASSWORD, args![id, None::<String>]).await?;
        self.change.run(sql::SESSIONS_REVOKE, args![id, "", at]).await?;
        self.change.run(sql::KEYS_REVOKE, args![id, at]).await?;
        self.drop_factors(&before.id).await?;
        self.change.run(sql::GRANTS_DELETE, args![id]).await?;
        self.change.run(sql::TEAMS_LEAVE, args![id]).await?;
        self.change.run(sql::INVITATIONS_DROP, args![id]).await?;
        self.change.run(sql::PASSWORD_LINKS_DROP, args![id]).await?;
        Ok(())
    }

    /// An org without an acting owner could not be governed by anybody.
    pub(crate) async fn keep_an_owner(
        &mut self,
        before: &Member,
        stays: bool,
    ) -> Result<(), Error> {
        if !before.is_acting_owner() || stays {
            return Ok(());
        }
        let other = self.change.maybe(sql::OTHER_OWNERS, args![before.id.as_str()]).await?;
        other.map(drop).ok_or(Error::LastOwner)?;
        self.leave_break_glass(&before.id).await
    }
}

/// What stands anywhere in a text, as patterns of LIKE: in lower case, and as typed.
/// Both are empty when nothing is searched for.
fn searched(text: &str) -> Result<(String, String), Error> {
    let text = text.trim();
    if text.chars().count() > SEARCH_MAX {
        let mut checks = Checks::default();
        checks.refuse("/q", "must have at most 120 characters");
        checks.done()?;
    }
    if text.is_empty() {
        return Ok((String::new(), String::new()));
    }
    let literal = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    Ok((format!("%{}%", literal.to_lowercase()), format!("%{literal}%")))
}

pub(crate) fn standing(row: Option<&Row>) -> Result<Member, Error> {
    let member = row.map(Member::of).transpose()?.ok_or(Error::NotFound)?;
    if member.state == MemberState::Removed { Err(Error::NotFound) } else { Ok(member) }
}
