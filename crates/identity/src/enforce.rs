//! Single sign-on as the only way in, and the way in for the day on which it fails:
//! owners behind the glass, each with a passkey, and an alarm when one of them uses it.

use access::{Actor, Caller, MemberId, Method, Permission, Role};
use audit::Event;
use base::args;
use base::db::Row;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::rights::covers;
use crate::room::Work;
use crate::rules::Rules;
use crate::subject::Owner;
use crate::{Error, Identity, sql};

/// Owners that stand behind the glass when single sign-on begins to be enforced, at
/// least: one can be ill.
const BEHIND_GLASS_MIN: usize = 2;

/// Whether single sign-on is enforced, and who gets in when it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Enforcement {
    /// Since when; absent: it is not.
    #[schema(value_type = Option<String>)]
    pub enforced_at: Option<At>,
    /// Acting owners: those who are marked and have a passkey get in past the identity
    /// provider. 50 at most.
    pub owners: Vec<GlassOwner>,
}

/// An acting owner, as somebody who could get in when identity providers fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct GlassOwner {
    /// Their id.
    #[schema(value_type = String)]
    pub id: MemberId,
    /// What people call them.
    pub name: String,
    /// How many passkeys they have.
    pub passkeys: u64,
    /// Since when they are marked.
    #[schema(value_type = Option<String>)]
    pub break_glass_at: Option<At>,
}

impl Enforcement {
    /// How many owners stand ready for the day on which identity providers fail.
    pub fn ready(&self) -> usize {
        let ready = |own: &&GlassOwner| own.passkeys > 0 && own.break_glass_at.is_some();
        self.owners.iter().filter(ready).count()
    }
}

/// Whether single sign-on is to be enforced.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enforce {
    /// `true`: from now on.
    pub on: bool,
}

impl Identity {
    /// Whether single sign-on is enforced, and who gets in when it fails.
    pub async fn enforcement(&self, caller: &Caller) -> Result<Enforcement, Error> {
        let scope = caller.require(Permission::UsersRead)?;
        let enforced_at = self.own(caller).await?.rules.sso_enforced_at;
        let db = self.0.databases.of(&scope)?;
        let owner = |row: &Row| {
            Ok::<_, Error>(GlassOwner {
                id: row.parse("member_id")?,
                name: row.text("name")?,
                passkeys: row.count("passkeys")?,
                break_glass_at: row.opt_at("break_glass_at")?,
            })
        };
        let owners = db.all(sql::OWNERS_AND_GLASS, args![]).await?;
        let owners = owners.iter().map(owner).collect::<Result<_, _>>()?;
        Ok(Enforcement { enforced_at, owners })
    }

    /// Makes identity providers the only way in, or not any more. Two owners must stand
    /// behind the glass, and whoever switches it on must have come through it, or be one
    /// of those: nobody locks themselves out. Sessions that began otherwise end.
    pub async fn enforce_sso(&self, caller: &Caller, on: bool) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        caller.recent_factor()?;
        // A guest connects; whether that becomes the only way in, the org decides.
        if matches!(caller.actor, Actor::Guest(_)) {
            return Err(Error::NotAMember);
        }
        let org = self.own(caller).await?;
        let own = Owner::of(&caller.actor).and_then(|owner| org.holder(&owner));
        if let (true, Some(session), Some(own)) = (on, &caller.standing.session, own)
            && matches!(session.method, Method::Password | Method::Passkey)
            && !own.break_glass
        {
            return Err(Error::Conflict(
                "sign in with the identity provider first, so that it is known to let you in",
            ));
        }
        let mut work = self.begin(&scope).await?;
        let standing = work.change.all(sql::BREAK_GLASS_STANDING, args![""]).await?.len();
        if on && standing < BEHIND_GLASS_MIN {
            return Err(Error::BreakGlass);
        }
        let before = work.rules().await?.sso_enforced_at;
        let after = on.then(|| before.unwrap_or_else(|| self.now()));
        work.change.run(sql::ORG_ENFORCE_SSO, args![after]).await?;
        let action = if on { "identity.sso.enforced" } else { "identity.sso.relaxed" };
        let event = Event::done(action, "org", caller.org.as_str());
        let changes = json!({"enforced_at": {"from": before, "to": after}});
        self.commit(work, event.changes(changes)).await?;
        Ok(())
    }

    /// Marks an acting owner with a passkey to get in when the identity provider fails,
    /// or not any more. Only who may as much as an owner marks one.
    pub async fn set_break_glass(
        &self,
        caller: &Caller,
        id: &MemberId,
        on: bool,
    ) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersConnections)?;
        caller.recent_factor()?;
        covers(caller, Role::Owner.permissions().unwrap_or_default())?;
        let mut work = self.begin(&scope).await?;
        work.member(id).await?;
        if on {
            let args = args![id.as_str(), self.now()];
            if work.change.run(sql::BREAK_GLASS_MARK, args).await? == 0 {
                return Err(Error::Conflict("only an acting owner with a passkey can be marked"));
            }
        } else {
            work.leave_break_glass(id).await?;
        }
        let event = Event::done("identity.break_glass.set", "member", id.as_str());
        self.commit(work, event.changes(json!({"break_glass": {"to": on}}))).await?;
        Ok(())
    }
}

impl Identity {
    /// A link leads to a password: where single sign-on is enforced there is none, but
    /// for those behind the glass.
    pub(crate) async fn may_have_password(
        &self,
        caller: &Caller,
        id: &MemberId,
    ) -> Result<(), Error> {
        let org = self.own(caller).await?;
        let glass = org.holder(&Owner::Member(id.clone())).is_some_and(|own| own.break_glass);
        if glass || !org.rules.enforce_sso() {
            return Ok(());
        }
        Err(Error::Conflict("this organization signs in with its identity provider alone"))
    }
}

impl Work {
    /// What the org decided, as of this change.
    pub(crate) async fn rules(&mut self) -> Result<Rules, Error> {
        let row = self.change.maybe(sql::ORG_READ, args![]).await?.ok_or(Error::NotFound)?;
        Ok(Rules::of(&row)?)
    }

    /// A member stands behind the glass no more. While single sign-on is enforced
    /// somebody else must.
    pub(crate) async fn leave_break_glass(&mut self, id: &MemberId) -> Result<(), Error> {
        if self.change.run(sql::BREAK_GLASS_CLEAR, args![id.as_str()]).await? == 0 {
            return Ok(());
        }
        let others = self.change.all(sql::BREAK_GLASS_STANDING, args![id.as_str()]).await?;
        if others.is_empty() && self.rules().await?.enforce_sso() {
            return Err(Error::LastBreakGlass);
        }
        Ok(())
    }
}
