//! What others have open: seen and ended by those who govern members.
//!
//! What is ended here takes with it what runs on it: see [`crate::lives`] and
//! [`crate::running`].

use access::{Actor, Caller, MemberId, Permission};
use audit::Event;
use base::args;
use base::http::{Page, page_limit};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::check::Checks;
use crate::member::standing;
use crate::rights::covers;
use crate::room::Work;
use crate::session::Session;
use crate::subject::{Owner, SessionId};
use crate::{Error, Identity, sql};

/// Pages that are looked through for sessions that the caller may see, at most.
const PAGES_MAX: usize = 5;

/// A session and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MemberSession {
    /// The member.
    #[schema(value_type = String)]
    pub member: MemberId,
    /// Their session.
    #[serde(flatten)]
    pub session: Session,
}

/// What shall be ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// Sessions, with everything that runs on them.
    #[serde(default)]
    pub sessions: bool,
    /// Keys, with everything that runs on them. They are revoked for good.
    #[serde(default)]
    pub keys: bool,
}

/// How many ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Revoked {
    /// Sessions.
    pub sessions: u64,
    /// Keys.
    pub keys: u64,
}

impl Revoked {
    /// What happened, for whoever pressed the button.
    pub fn sentence(self) -> String {
        let counted = |count: u64, noun: &str| match count {
            0 => format!("no {noun}s"),
            1 => format!("one {noun}"),
            many => format!("{many} {noun}s"),
        };
        let (sessions, keys) = (counted(self.sessions, "session"), counted(self.keys, "key"));
        format!("Ended {sessions} and {keys}, and stopped what ran on them.")
    }
}

impl Revoke {
    fn check(self) -> Result<Self, Error> {
        let mut checks = Checks::default();
        if self == Self::default() {
            checks.refuse("/sessions", "or `keys` must be true: else nothing would be ended");
        }
        checks.done()?;
        Ok(self)
    }
}

impl Identity {
    /// A page of the live sessions of a member. Nobody sees those of somebody who may
    /// more.
    pub async fn member_sessions(
        &self,
        caller: &Caller,
        id: &MemberId,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Session>, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let row = self.0.databases.of(&scope)?.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?;
        standing(row.as_ref())?;
        if !is_own(caller, id) {
            covers(caller, self.reach(caller, id).await?)?;
        }
        let current = shown(caller);
        self.live_sessions(&scope, id, current.as_ref(), (after, limit)).await
    }

    /// A page of the live sessions of everybody who may not more than the caller, the
    /// newest first.
    pub async fn org_sessions(
        &self,
        caller: &Caller,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<MemberSession>, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let org = self.own(caller).await?;
        let own = caller.access.wide();
        let may_see = |session: &MemberSession| {
            let holder = org.holder(&Owner::Member(session.member.clone()));
            is_own(caller, &session.member) || holder.is_some_and(|held| own.covers(held.power))
        };
        let (db, current) = (self.0.databases.of(&scope)?, shown(caller));
        let mut page = Page { items: Vec::new(), next: after.map(ToOwned::to_owned) };
        for _ in 0..PAGES_MAX {
            let mut args = args![page.next.as_deref().unwrap_or_default()];
            args.extend(self.live_since(&org));
            args.push((i64::from(limit) + 1).into());
            let rows = db.all(sql::SESSION_PAGE_OF_ALL, args).await?;
            let mut all = Vec::with_capacity(rows.len());
            for row in &rows {
                let session = self.as_seen(Session::of(row)?, current.as_ref());
                all.push(MemberSession { member: session.member.clone(), session });
            }
            page = Page::of(all, limit, |one| one.session.id.to_string());
            page.items.retain(may_see);
            if !page.items.is_empty() || page.next.is_none() {
                break;
            }
        }
        Ok(page)
    }

    /// Ends one session of somebody. Nobody does that to somebody who may more.
    pub async fn end_session_of_org(
        &self,
        caller: &Caller,
        id: &SessionId,
    ) -> Result<MemberId, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let row = self.0.databases.of(&scope)?.maybe(sql::SESSION_ONE, args![id.as_str()]).await?;
        let member = Session::of(&row.ok_or(Error::NotFound)?)?.member;
        let mut work = self.governing(caller, &scope, &member).await?;
        let args = args![member.as_str(), id.as_str(), self.now()];
        if work.change.run(sql::SESSION_REVOKE, args).await? == 0 {
            return Err(Error::NotFound);
        }
        let event = Event::done("identity.session.ended", "session", id.as_str());
        self.commit(work, event.changes(json!({"member": {"from": member}}))).await?;
        Ok(member)
    }

    /// Ends all sessions of a member: they sign in again. Nobody does that to somebody
    /// who may more.
    pub async fn end_member_sessions(&self, caller: &Caller, id: &MemberId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        let mut work = self.governing(caller, &scope, id).await?;
        let args = args![id.as_str(), "", self.now()];
        let ended = work.change.run(sql::SESSIONS_REVOKE, args).await?;
        let event = Event::done("identity.member.signed_out", "member", id.as_str());
        self.commit(work, event.changes(json!({"sessions": {"ended": ended}}))).await?;
        Ok(())
    }

    /// Ends the sessions of a member, their keys, or both, and all that runs on them; also the
    /// links that were made for them or by them, and not used yet.
    /// When this returns, nothing of it does on this node any more.
    pub async fn revoke_member(
        &self,
        caller: &Caller,
        id: &MemberId,
        what: Revoke,
    ) -> Result<Revoked, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        caller.require(Permission::UsersKeys)?;
        let what = what.check()?;
        let mut work = self.governing(caller, &scope, id).await?;
        let (id, now) = (id.as_str(), self.now());
        let mut revoked = Revoked { sessions: 0, keys: 0 };
        let links = work.change.run(sql::PASSWORD_LINKS_DROP, args![id]).await?;
        let invitations = work.change.run(sql::INVITATIONS_DROP, args![id]).await?;
        if what.sessions {
            revoked.sessions = work.change.run(sql::SESSIONS_REVOKE, args![id, "", now]).await?;
        }
        if what.keys {
            revoked.keys = work.change.run(sql::KEYS_REVOKE, args![id, now]).await?;
        }
        let Revoked { sessions, keys } = revoked;
        let ended = json!({
            "sessions": sessions, "keys": keys, "links": links, "invitations": invitations,
        });
        let event = Event::done("identity.member.revoked", "member", id);
        self.commit(work, event.changes(ended)).await?;
        Ok(revoked)
    }

    /// Ends the sessions of everybody, the keys of everybody and every program, or both,
    /// and all that runs on them; also every link that was made and not used yet, what goes on
    /// through setup links, and visits of the operator's support. The session or key that asks
    /// is spared: somebody must be left to put things in order again.
    ///
    /// This is the emergency brake: whoever may pull it also stops those who may more.
    pub async fn revoke_org(&self, caller: &Caller, what: Revoke) -> Result<Revoked, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        caller.require(Permission::UsersKeys)?;
        let what = what.check()?;
        let session = shown(caller);
        let spared_session = session.as_ref().map(SessionId::as_str).unwrap_or_default();
        let spared_key = caller.key.as_ref().map(access::KeyId::as_str).unwrap_or_default();
        let mut work = self.begin(&scope).await?;
        let mut revoked = Revoked { sessions: 0, keys: 0 };
        // Whoever was in could have left a way back: by a link, with either.
        let links = work.change.run(sql::PASSWORD_LINKS_DROP_ALL, args![]).await?;
        let invitations = work.change.run(sql::INVITATIONS_DROP_ALL, args![]).await?;
        let setups = work.change.run(sql::SETUPS_END, args![self.now()]).await?;
        let visits = self.0.visits.end_all(&mut work.change).await?;
        if what.sessions {
            let args = args![spared_session, self.now()];
            revoked.sessions = work.change.run(sql::SESSIONS_REVOKE_ALL, args).await?;
        }
        if what.keys {
            let args = args![spared_key, self.now()];
            revoked.keys = work.change.run(sql::KEYS_REVOKE_ALL, args).await?;
        }
        let Revoked { sessions, keys } = revoked;
        let ended = json!({
            "sessions": sessions, "keys": keys, "links": links, "invitations": invitations,
            "setups": setups, "support_requests": visits,
        });
        let event = Event::done("identity.org.revoked", "org", caller.org.as_str());
        self.commit(work, event.changes(ended)).await?;
        for request in &visits {
            self.end_visits(request);
        }
        Ok(revoked)
    }

    /// Begins a change of what a member has open; their own, or of somebody who may not
    /// more than the caller.
    async fn governing(
        &self,
        caller: &Caller,
        scope: &access::Scope,
        id: &MemberId,
    ) -> Result<Work, Error> {
        // A narrowed key is not its owner.
        let own = is_own(caller, id) && !self.about_key(caller, |key| key.narrow).await?;
        let held = self.reach(caller, id).await?;
        let mut work = self.begin(scope).await?;
        let member = work.member(id).await?;
        if !own {
            let role = work.role(&member.role).await?.unwrap_or_default();
            covers(caller, held.or(role))?;
        }
        Ok(work)
    }
}

/// The session that the caller shows.
fn shown(caller: &Caller) -> Option<SessionId> {
    caller.standing.session.as_ref().and_then(|session| session.id.parse().ok())
}

fn is_own(caller: &Caller, id: &MemberId) -> bool {
    matches!(&caller.actor, Actor::Member(own) if own == id)
}
