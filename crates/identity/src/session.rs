//! Sessions: what a member has open in browsers.

use access::{Actor, Caller, MemberId, Scope};
use audit::{Change, Event};
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::secret::Secret;
use base::time::At;
use http::HeaderMap;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::address::Place;
use crate::check::{Checks, PeopleChecks as _};
use crate::factor::{awaited, is_confined};
use crate::key::{Kind, Token};
use crate::me::member;
use crate::seen::Used;
use crate::snapshot::OrgSnapshot;
use crate::subject::SessionId;
use crate::visit::is_on_visit;
use crate::{Error, Identity, cookie, sql};

/// A session, without its secret: that is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Session {
    /// Its id.
    #[schema(value_type = String)]
    pub id: SessionId,
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) member: MemberId,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it was last used, to the minute.
    #[schema(value_type = String)]
    pub seen_at: At,
    /// Until when at most.
    #[schema(value_type = String)]
    pub expires_at: At,
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) revoked_at: Option<At>,
    /// From where it was begun.
    pub ip: Option<String>,
    /// With what it was begun.
    pub user_agent: Option<String>,
    /// How it was begun: `password`, `passkey`, `saml`, `oidc` or `support`.
    pub method: String,
    /// When a second factor was last shown in it.
    #[schema(value_type = Option<String>)]
    pub factor_at: Option<At>,
    /// It is the one that asks.
    pub current: bool,
}

/// A new password.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The one that is given up.
    pub current: Secret,
    /// 12 to 256 characters.
    pub new: Secret,
}

impl Session {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("session_id")?,
            member: row.parse("member_id")?,
            created_at: row.at("created_at")?,
            seen_at: row.at("seen_at")?,
            expires_at: row.at("expires_at")?,
            revoked_at: row.opt_at("revoked_at")?,
            ip: row.opt_text("ip")?,
            user_agent: row.opt_text("user_agent")?,
            method: row.text("method")?,
            factor_at: row.opt_at("factor_at")?,
            current: false,
        })
    }
}

impl Identity {
    /// Who the caller is and what they may; of a session that is confined, what it waits
    /// for alone.
    pub async fn whoami(&self, caller: &Caller) -> Result<Value, Error> {
        let org = self.own(caller).await?;
        if is_confined(caller) {
            return Ok(json!({ "factor": awaited(&org, caller) }));
        }
        let permissions: Vec<_> =
            caller.access.wide().iter().map(access::Permission::as_str).collect();
        let mut who = json!({
            "org": org.org, "actor": caller.actor.id(), "kind": caller.actor.kind(),
            "key": caller.key, "teams": caller.teams, "permissions": permissions,
        });
        if let (Actor::Member(_), Some(who)) = (&caller.actor, who.as_object_mut()) {
            who.insert("member".into(), json!(self.me(caller).await?));
        }
        Ok(who)
    }

    /// A page of the caller's own live sessions.
    pub async fn sessions(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<Session>, Error> {
        let member = member(caller)?;
        let current = self.current(caller, headers).await?;
        self.live_sessions(&caller.itself(), member, current.as_ref(), (after, limit)).await
    }

    /// A page of the live sessions of a member, of whom the caller may know.
    pub(crate) async fn live_sessions(
        &self,
        scope: &Scope,
        member: &MemberId,
        current: Option<&SessionId>,
        (after, limit): (Option<&str>, Option<u32>),
    ) -> Result<Page<Session>, Error> {
        let limit = page_limit(limit).map_err(Error::Problem)?;
        let org = self.own(scope.caller()).await?;
        let mut args = args![member.as_str(), after.unwrap_or_default()];
        args.extend(self.live_since(&org));
        args.push((i64::from(limit) + 1).into());
        let rows = self.0.databases.of(scope)?.all(sql::SESSION_PAGE, args).await?;
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            sessions.push(self.as_seen(Session::of(row)?, current));
        }
        Ok(Page::of(sessions, limit, |session| session.id.to_string()))
    }

    /// What a live session expires, was used and was begun behind.
    pub(crate) fn live_since(&self, org: &OrgSnapshot) -> [base::db::Value; 3] {
        let (now, config) = (self.now(), &self.0.config);
        let since = |secs| now - SignedDuration::from_secs(secs);
        // What was used less than a minute ago may not be written yet.
        let used = since(org.rules.idle_secs(config)) - SignedDuration::from_mins(2);
        [now.into(), used.into(), since(org.rules.lifetime_secs(config)).into()]
    }

    /// A session as a reader sees it: used lately, perhaps, and perhaps their own.
    pub(crate) fn as_seen(&self, session: Session, current: Option<&SessionId>) -> Session {
        let used = Used::Session(session.id.clone());
        let seen_at = self.0.seen.latest(&used, Some(session.seen_at)).unwrap_or(session.seen_at);
        Session { seen_at, current: current == Some(&session.id), ..session }
    }

    /// Ends one of the caller's own sessions.
    pub async fn end_session(&self, caller: &Caller, id: &SessionId) -> Result<(), Error> {
        let member = member(caller)?;
        let scope = caller.itself();
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![member.as_str(), id.as_str(), self.now()];
        if change.run(sql::SESSION_REVOKE, args).await? == 0 {
            return Err(Error::NotFound);
        }
        change.commit(Event::done("identity.session.ended", "session", id.as_str())).await?;
        self.0.running.ask();
        Ok(())
    }

    /// Ends all of the caller's own sessions but the one that a request carries.
    pub async fn end_other_sessions(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<(), Error> {
        let member = member(caller)?;
        let current = self.current(caller, headers).await?;
        let spared = current.as_ref().map(SessionId::as_str).unwrap_or_default();
        let scope = caller.itself();
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![member.as_str(), spared, self.now()];
        let ended = change.run(sql::SESSIONS_REVOKE, args).await?;
        let event = Event::done("identity.session.others_ended", "member", member.as_str());
        change.commit(event.changes(json!({"sessions": {"ended": ended}}))).await?;
        self.0.running.ask();
        Ok(())
    }

    /// Ends the session that a request carries.
    pub async fn sign_out(&self, caller: &Caller, headers: &HeaderMap) -> Result<(), Error> {
        if is_on_visit(caller) {
            return self.leave(caller).await;
        }
        let current = self.current(caller, headers).await?.ok_or(Error::NotAMember)?;
        self.end_session(caller, &current).await
    }

    /// Changes the caller's own password, and ends all other sessions.
    pub async fn change_password(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        new: &NewPassword,
    ) -> Result<(), Error> {
        let id = member(caller)?;
        let mut checks = Checks::default();
        checks.password("/new", &new.new);
        if new.current.reveal().chars().count() > crate::check::PASSWORD_MAX {
            checks.refuse("/current", "must have at most 256 characters");
        }
        checks.done()?;
        let scope = caller.itself();
        let db = self.0.databases.of(&scope)?;
        let row = db.maybe(sql::MEMBER_ONE, args![id.as_str()]).await?.ok_or(Error::NotFound)?;
        let stored = row.opt_text("password_hash")?;
        let turn = self.0.passwords.turn().await?;
        let place = Place::of(caller.origin.ip);
        self.0.lockout.attempt(id.as_str(), place, self.now())?;
        if !self.0.passwords.verify(&turn, &new.current, stored.as_deref()).await? {
            let event = Event::done("identity.password.refused", "member", id.as_str());
            self.0.record.note(caller, &event.outcome(audit::Outcome::Denied)).await?;
            return Err(Error::WrongPassword);
        }
        drop(turn);
        self.0.lockout.clear(id.as_str(), place);
        let hash = self.0.passwords.hash(&new.new).await?;
        let current = self.current(caller, headers).await?;
        let spared = current.as_ref().map(SessionId::as_str).unwrap_or_default();
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::MEMBER_HOLD, args![id.as_str(), stored]).await? == 0 {
            return Err(Error::WrongPassword);
        }
        change.run(sql::MEMBER_PASSWORD, args![id.as_str(), hash]).await?;
        change.run(sql::PASSWORD_LINK_DROP, args![id.as_str()]).await?;
        change.run(sql::SESSIONS_REVOKE, args![id.as_str(), spared, self.now()]).await?;
        change.commit(Event::done("identity.password.changed", "member", id.as_str())).await?;
        self.0.running.ask();
        Ok(())
    }

    /// The caller's own session that a request carries.
    async fn current(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Option<SessionId>, Error> {
        let token = cookie::of(&self.0.config, headers);
        let token = token.and_then(|text| Token::parse(Kind::Session, text).ok());
        let Some(token) = token else { return Ok(None) };
        let Some(macs) = self.macs(token.region) else { return Ok(None) };
        let tag = macs.session.tag(token.text.as_bytes());
        let scope = caller.itself();
        let db = self.0.databases.of(&scope)?;
        let row = db.maybe(sql::SESSION_BY_TAG, args![tag.as_slice()]).await?;
        let session = row.as_ref().map(Session::of).transpose()?;
        let own = |session: &Session| Actor::Member(session.member.clone()) == caller.actor;
        Ok(session.filter(own).map(|session| session.id))
    }
}
