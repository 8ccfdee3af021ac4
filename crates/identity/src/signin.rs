//! Signing in with a password. Who gets it wrong learns nothing, and in the same time.

use access::{Actor, Caller, Identified, MemberId, Origin};
use audit::{Change, Event, Outcome};
use base::args;
use base::secret::Secret;
use base::time::At;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::address::Place;
use crate::check::{Checks, PASSWORD_MAX};
use crate::identify::powerless;
use crate::key::{Kind, Token};
use crate::member::{Member, MemberState};
use crate::subject::{Owner, SessionId};
use crate::{Error, Identity, sql};

/// How long a session that ended is kept.
const KEPT_HOURS: i64 = 30 * 24;

/// Somebody who wants in.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The id or short name of the org: one address may be a member of several.
    pub org: String,
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret,
}

/// Somebody who is in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// For the cookie, and shown nowhere else.
    pub token: Secret,
    /// Until when at most.
    pub expires_at: At,
}

impl Identity {
    /// Begins a session. An unknown org, an unknown address and a wrong password
    /// look alike.
    pub async fn sign_in(&self, ask: &SignIn, origin: Origin) -> Result<SignedIn, Error> {
        let mut checks = Checks::default();
        if ask.password.reveal().chars().count() > PASSWORD_MAX {
            checks.refuse("/password", "must have at most 256 characters");
        }
        if ask.email.len() > 254 || ask.org.len() > 100 {
            checks.refuse("/email", "is too long");
        }
        checks.done()?;
        // Before anything is looked up or hashed: a flood from one place stops here.
        let place = Place::of(origin.ip);
        self.0.places.enter(place, self.now())?;
        let email = ask.email.trim().to_lowercase();
        let found = self.0.find_org.find(ask.org.trim()).await.map_err(Error::Problem)?;
        if let Some((_, home)) = &found
            && self.macs(*home).is_none()
        {
            return Err(Error::WrongRegion(*home));
        }
        let node =
            found.as_ref().map(|(org, home)| Caller::node(org.clone(), *home, "sign-in").itself());
        let row = match &node {
            Some(node) => {
                let db = self.0.databases.of(node)?;
                db.maybe(sql::MEMBER_BY_EMAIL, args![&email]).await?
            }
            None => None,
        };
        let hash = match &row {
            Some(row) => row.opt_text("password_hash")?,
            None => None,
        };
        let member = row.as_ref().map(Member::of).transpose()?;
        // Members are counted by their id, so that the same count holds when they
        // change their password.
        let name = match (&member, &found) {
            (Some(member), _) => member.id.to_string(),
            (None, Some((org, _))) => format!("{org}/{email}"),
            (None, None) => format!("{}/{email}", ask.org.trim()),
        };
        let turn = self.0.passwords.turn().await?;
        self.0.lockout.attempt(&name, place, self.now())?;
        let right = self.0.passwords.verify(&turn, &ask.password, hash.as_deref()).await?;
        drop(turn);
        let active = member.as_ref().filter(|member| member.state == MemberState::Active);
        let (Some((org, region)), Some(member), true) = (&found, active, right) else {
            if let Some((org, region)) = &found {
                let actor = match &member {
                    Some(member) => Actor::Member(member.id.clone()),
                    None => Actor::Node("sign-in".to_owned()),
                };
                let who = powerless(org, *region, actor, None, origin);
                self.refusal(&who, member.as_ref(), right).await?;
            }
            return Err(Error::SignIn);
        };
        self.0.lockout.clear(&name, place);
        self.0.places.forgive(place);
        let snapshot = self.snapshot(org, *region).await?.ok_or(Error::SignIn)?;
        if let Err(problem) = snapshot.rules.admit_person(&origin) {
            // Said to whoever knows the password, and to nobody else.
            let actor = Actor::Member(member.id.clone());
            let who = powerless(org, *region, actor, None, origin);
            self.not_let_in(&who, member.id.as_str(), problem.code()).await?;
            return Err(Error::Problem(problem));
        }
        let holder = snapshot.holder(&Owner::Member(member.id.clone())).ok_or(Error::SignIn)?;
        let caller = Caller::identified(Identified {
            org: org.clone(),
            region: *region,
            actor: Actor::Member(member.id.clone()),
            key: None,
            teams: holder.teams.clone(),
            access: holder.access.clone(),
            models: None,
            origin,
        });
        let lifetime = snapshot.rules.lifetime_secs(&self.0.config);
        self.begin_session(caller, &member.id, hash, lifetime).await
    }

    /// Records who was not let in.
    async fn refusal(
        &self,
        who: &Caller,
        member: Option<&Member>,
        right: bool,
    ) -> Result<(), Error> {
        let code = match member {
            None => "unknown_email",
            Some(_) if !right => "wrong_password",
            Some(_) => "not_active",
        };
        let id = member.map(|member| member.id.as_str()).unwrap_or_default();
        self.not_let_in(who, id, code).await
    }

    async fn not_let_in(&self, who: &Caller, id: &str, code: &str) -> Result<(), Error> {
        let event = Event::done("identity.session.refused", "member", id)
            .outcome(Outcome::Denied)
            .reason(json!({ "code": code }));
        self.0.record.note(who, &event).await?;
        Ok(())
    }

    async fn begin_session(
        &self,
        caller: Caller,
        member: &MemberId,
        hash: Option<String>,
        lifetime_secs: i64,
    ) -> Result<SignedIn, Error> {
        let macs = self.macs(caller.region).ok_or(Error::WrongRegion(caller.region))?;
        let token = Token::fresh(Kind::Session, &caller.org, caller.region)?;
        let tag = macs.session.tag(token.text.as_bytes());
        let at = self.now();
        let expires_at = at + SignedDuration::from_secs(lifetime_secs);
        let (id, member) = (SessionId::new(at), member.as_str());
        let scope = caller.itself();
        let mut change = Change::begin(&self.0.databases, &self.0.clock, &scope).await?;
        if change.run(sql::MEMBER_HOLD, args![member, hash]).await? == 0 {
            // The password or the member was changed while it was being checked.
            return Err(Error::SignIn);
        }
        let ended_long_ago = at - SignedDuration::from_hours(KEPT_HOURS);
        change.run(sql::SESSIONS_FORGET, args![member, ended_long_ago]).await?;
        let args = args![
            id.as_str(),
            member,
            tag.as_slice(),
            at,
            expires_at,
            caller.origin.ip.map(|ip| ip.to_string()),
            caller
                .origin
                .user_agent
                .as_ref()
                .map(|agent| agent.chars().take(200).collect::<String>()),
        ];
        change.run(sql::SESSION_ADD, args).await?;
        change.run(sql::SESSIONS_SURPLUS, args![member, at]).await?;
        change.commit(Event::done("identity.session.started", "session", id.as_str())).await?;
        Ok(SignedIn { caller, token: Secret::new(token.text), expires_at })
    }
}
