//! Password links: who forgot theirs gets a link from an administrator, and sets a new one.

use std::sync::Arc;

use access::{Access, Actor, Caller, Identified, MemberId, Origin, Permission};
use audit::{Event, Outcome};
use base::args;
use base::secret::Secret;
use base::time::At;
use serde::Deserialize;
use serde_json::json;

use crate::address::Place;
use crate::authority::{maker, read, words};
use crate::check::{Checks, PeopleChecks as _};
use crate::key::{Kind, Token};
use crate::member::{Member, MemberState};
use crate::{Error, Identity, sql};

/// A link can be used for a day.
const LIFETIME_HOURS: i64 = 24;

/// A password link that was made.
#[derive(Debug, Clone)]
pub struct PasswordLink {
    /// Who can set a new password with it.
    pub member: Member,
    /// The secret of the link, shown once.
    pub token: Secret,
    /// Until when it can be used.
    pub expires_at: At,
    /// Whether the mail server took the link; none: there is no mail server.
    pub mailed: Option<bool>,
}

/// A new password for whoever has the link.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPassword {
    /// The secret of the link.
    pub token: Secret,
    /// 12 to 256 characters.
    pub password: Secret,
}

impl Identity {
    /// Makes a link with which a member sets a new password. It is shown once, stored as
    /// a keyed hash, and takes the place of the one before. Whoever has it acts as the
    /// member, so it is made only by those who may all that the member may. Where there
    /// is a mail server it is mailed too.
    pub async fn make_password_link(
        &self,
        caller: &Caller,
        id: &MemberId,
    ) -> Result<PasswordLink, Error> {
        let scope = caller.require(Permission::UsersUpdate)?;
        caller.recent_factor()?;
        if caller.actor == Actor::Member(id.clone()) {
            // A session that somebody found open must not be worth a password.
            return Err(Error::Conflict("your own password is changed under your own name"));
        }
        self.may_have_password(caller, id).await?;
        let macs = self.macs(caller.region).ok_or(Error::WrongRegion(caller.region))?;
        let token = Token::fresh(Kind::Password, &caller.org, caller.region)?;
        let tag = macs.password_link.tag(token.text.as_bytes());
        let at = self.now();
        let expires_at = at + jiff::SignedDuration::from_hours(LIFETIME_HOURS);
        let held = self.reach(caller, id).await?;
        let mut work = self.begin(&scope).await?;
        let member = work.member(id).await?;
        match member.state {
            MemberState::Active => {}
            MemberState::Invited => {
                return Err(Error::Conflict("the invitation has not been accepted yet"));
            }
            MemberState::Suspended | MemberState::Removed => {
                return Err(Error::Conflict("a suspended member gets no new password"));
            }
        }
        let reach = held.or(work.role(&member.role).await?.unwrap_or_default());
        work.gives(caller, reach)?;
        let (worth, by) = (words(reach), maker(caller));
        let args = args![id.as_str(), tag.as_slice(), worth, at, expires_at, by];
        work.change.run(sql::PASSWORD_LINK_PUT, args).await?;
        let event = Event::done("identity.password.link_made", "member", id.as_str());
        self.commit(work, event.changes(json!({"expires_at": {"to": expires_at}}))).await?;
        let token = Secret::new(token.text);
        let mut made = PasswordLink { member, token, expires_at, mailed: None };
        made.mailed = self.mail_password_link(caller, &made).await;
        Ok(made)
    }

    /// Sets a new password with a link, and ends all sessions of the member. Needs no
    /// credentials but the link.
    pub async fn reset_password(
        &self,
        reset: &ResetPassword,
        origin: Origin,
    ) -> Result<Member, Error> {
        let mut checks = Checks::default();
        checks.password("/password", &reset.password);
        checks.done()?;
        // Before anything is looked up or hashed: a flood from one place stops here.
        let place = Place::of(origin.ip);
        self.0.places.enter(place, self.now())?;
        let token = Token::parse(Kind::Password, reset.token.reveal());
        let token = token.map_err(|_| Error::PasswordLink)?;
        let macs = self.macs(token.region).ok_or(Error::WrongRegion(token.region))?;
        let tag = macs.password_link.tag(token.text.as_bytes());
        let token = self.at_home(token);
        let node = Caller::node(token.org.clone(), token.region, "password-link").itself();
        let db = self.0.databases.of(&node)?;
        let found = db.maybe(sql::PASSWORD_LINK_BY_TAG, args![tag.as_slice()]).await?;
        let found = found.ok_or(Error::PasswordLink)?;
        if found.at("expires_at")? <= self.now() {
            return Err(Error::PasswordLink);
        }
        let id = found.parse::<MemberId>("member_id")?;
        let who = member_alone(token, &id, origin);
        self.admit(&who).await?;
        self.may_have_password(&who, &id).await?;
        let hash = self.0.passwords.hash(&reset.password).await?;
        let scope = who.itself();
        let mut work = self.begin(&scope).await?;
        let used = work.change.run(sql::PASSWORD_LINK_USE, args![tag.as_slice()]).await?;
        let set = work.change.run(sql::MEMBER_RESET, args![id.as_str(), hash]).await?;
        if (used, set) != (1, 1) {
            return Err(Error::PasswordLink);
        }
        let member = work.member(&id).await?;
        let could = read(&found, "permissions")?.unwrap_or_default();
        if !work.is_worth(&found, could, &id).await? {
            return Err(Error::PasswordLink);
        }
        work.change.run(sql::SESSIONS_REVOKE, args![id.as_str(), "", self.now()]).await?;
        self.commit(work, Event::done("identity.password.reset", "member", id.as_str())).await?;
        self.0.places.forgive(place);
        self.0.lockout.clear(id.as_str(), place);
        Ok(member)
    }

    /// A link is used from where the org's people may be.
    pub(crate) async fn admit(&self, who: &Caller) -> Result<(), Error> {
        let Err(problem) = self.own(who).await?.rules.admit_person(&who.origin) else {
            return Ok(());
        };
        let event = Event::done("identity.link.refused", who.actor.kind(), who.actor.id())
            .outcome(Outcome::Denied)
            .reason(json!({ "code": problem.code() }));
        self.0.record.note(who, &event).await?;
        Err(Error::Problem(problem))
    }
}

/// The member whom a link names, who may nothing but use it.
pub(crate) fn member_alone(token: Token, id: &MemberId, origin: Origin) -> Caller {
    Caller::identified(Identified {
        org: token.org,
        region: token.region,
        actor: Actor::Member(id.clone()),
        key: None,
        teams: Arc::default(),
        access: Arc::new(Access::default()),
        models: None,
        origin,
        standing: access::Standing::default(),
    })
}
