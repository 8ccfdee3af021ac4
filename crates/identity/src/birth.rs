//! How a session begins for somebody whom another room, or a passkey, identified.

use access::{Actor, Caller, MemberId, Method, OrgId, Origin, PermissionSet, Region};
use audit::{Change, Event, Outcome};
use base::args;
use base::secret::Secret;
use base::time::At;
use jiff::SignedDuration;
use serde_json::json;

use crate::authority::words;
use crate::factor::{Assertion, Begun};
use crate::key::{Kind, Token};
use crate::member::MemberState;
use crate::snapshot::{Holder, OrgSnapshot};
use crate::subject::{Owner, SessionId};
use crate::{Error, Identity, SignedIn, identify, sql};

/// How long a session that ended is kept.
const KEPT_HOURS: i64 = 30 * 24;
/// Letters of a user agent that are kept.
const AGENT_MAX: usize = 200;

/// Whose session begins, and how they came in.
#[derive(Debug, Clone)]
pub struct Birth {
    /// Who.
    pub member: MemberId,
    /// How.
    pub method: Method,
    /// When a second factor was shown on the way.
    pub factor_at: Option<At>,
    /// The connection to the identity provider that let them in.
    pub connection: Option<String>,
    /// What those may who answer for that provider: it lets in nobody who may more, nor who is
    /// given more while the session goes on.
    pub vouched: PermissionSet,
    /// Whom that provider means: what a logout names.
    pub subject: Option<String>,
    /// Which session of the provider's own: what a logout may name instead.
    pub index: Option<String>,
    /// When that one ends: this one does by then.
    pub until: Option<At>,
}

/// What somebody showed to be let in.
#[derive(Debug)]
pub(crate) enum Proof {
    /// A password, by the hash that it was compared with.
    Password(Option<String>),
    /// What an identity provider says.
    Provider,
    /// A passkey, and the ceremony that it was shown in.
    Passkey(Assertion),
}

impl Birth {
    /// Somebody who came in without an identity provider.
    pub const fn of(member: MemberId, method: Method, factor_at: Option<At>) -> Self {
        let (connection, subject, index, until) = (None, None, None, None);
        let vouched = PermissionSet::ALL;
        Self { member, method, factor_at, connection, vouched, subject, index, until }
    }
}

impl Identity {
    /// Begins a session for somebody who was identified. Whoever may not act, or not
    /// from here, is refused, and that is recorded.
    pub async fn let_in(
        &self,
        org: &OrgId,
        region: Region,
        birth: Birth,
        origin: Origin,
    ) -> Result<SignedIn, Error> {
        let snapshot = self.snapshot(org, region).await?.ok_or(Error::SignIn)?;
        let owner = Owner::Member(birth.member.clone());
        let holder = snapshot.holder(&owner);
        let Some(holder) = holder.filter(|holder| holder.state == MemberState::Active) else {
            let who = identify::powerless(org, region, owner.actor(), None, origin);
            self.not_let_in(&who, birth.member.as_str(), "not_active").await?;
            return Err(Error::SignIn);
        };
        self.begin_session(&snapshot, holder, birth, Proof::Provider, origin).await
    }

    /// Begins a session; its proof must still hold when it begins.
    pub(crate) async fn begin_session(
        &self,
        org: &OrgSnapshot,
        holder: &Holder,
        birth: Birth,
        proof: Proof,
        origin: Origin,
    ) -> Result<SignedIn, Error> {
        let (id_of_org, region) = (&org.org.id, org.org.region);
        let actor = Actor::Member(birth.member.clone());
        if let Err(problem) = org.rules.admit_person(&origin) {
            // Said to whoever proved who they are, and to nobody else.
            let who = identify::powerless(id_of_org, region, actor, None, origin);
            self.not_let_in(&who, birth.member.as_str(), problem.code()).await?;
            return Err(Error::Problem(problem));
        }
        let macs = self.macs(region).ok_or(Error::WrongRegion(region))?;
        let token = Token::fresh(Kind::Session, id_of_org, region)?;
        let tag = macs.session.tag(token.text.as_bytes());
        let at = self.now();
        let lifetime_secs = org.rules.lifetime_secs(&self.0.config);
        let expires_at = at + SignedDuration::from_secs(lifetime_secs);
        let expires_at = birth.until.map_or(expires_at, |until| until.min(expires_at));
        let (id, member) = (SessionId::new(at), birth.member.as_str());
        let (method, factor_at) = (birth.method, birth.factor_at);
        let begun = Begun { id: id.to_string(), method, at, factor_at };
        let caller = org.in_session(holder, actor, begun, &holder.life, (at, origin));
        let scope = caller.itself();
        let mut change = Change::begin(&self.0.record, &scope).await?;
        // The password, or the member, may have been changed while it was being checked.
        let held = match &proof {
            Proof::Password(hash) => {
                change.run(sql::MEMBER_HOLD, args![member, hash.as_deref()]).await?
            }
            Proof::Provider | Proof::Passkey(_) => {
                change.run(sql::MEMBER_STAYS, args![member]).await?
            }
        };
        if held == 0 {
            return Err(Error::SignIn);
        }
        if let Proof::Passkey(used) = &proof {
            used.write(&mut change, at).await?;
        }
        let ended_long_ago = at - SignedDuration::from_hours(KEPT_HOURS);
        change.run(sql::SESSIONS_FORGET, args![member, ended_long_ago]).await?;
        let agent = caller.origin.user_agent.as_ref();
        let args = args![
            id.as_str(),
            member,
            tag.as_slice(),
            at,
            expires_at,
            caller.origin.ip.map(|ip| ip.to_string()),
            agent.map(|agent| agent.chars().take(AGENT_MAX).collect::<String>()),
            birth.method.as_str(),
            birth.factor_at,
            birth.connection.as_deref(),
            birth.connection.as_ref().map(|_| words(birth.vouched)),
            birth.subject.as_deref(),
            birth.index.as_deref(),
        ];
        change.run(sql::SESSION_ADD, args).await?;
        change.run(sql::SESSIONS_SURPLUS, args![member, at]).await?;
        let event = Event::done("identity.session.started", "session", id.as_str());
        let how = json!({
            "method": birth.method.as_str(),
            "factor": birth.factor_at.is_some(),
            "connection": birth.connection,
        });
        change.commit(event.reason(how)).await?;
        self.0.running.ask();
        Ok(SignedIn { caller, token: Secret::new(token.text), expires_at })
    }

    /// Ends the sessions that an identity provider began: those of a subject, or of one
    /// session of its own, or of both together. Gives how many.
    pub async fn end_sessions_of(
        &self,
        by: &Caller,
        connection: &str,
        subject: Option<&str>,
        index: Option<&str>,
    ) -> Result<u64, Error> {
        if subject.is_none() && index.is_none() {
            return Ok(0);
        }
        let mut change = Change::begin(&self.0.record, &by.itself()).await?;
        let args = args![connection, subject, index, self.now()];
        let ended = change.run(sql::SESSIONS_OF_CONNECTION_REVOKE, args).await?;
        let event = Event::done("identity.session.ended_by_provider", "connection", connection);
        change.commit(event.changes(json!({"sessions": {"ended": ended}}))).await?;
        self.0.running.ask();
        Ok(ended)
    }

    /// Records who was not let in.
    pub(crate) async fn not_let_in(&self, who: &Caller, id: &str, code: &str) -> Result<(), Error> {
        let event = Event::done("identity.session.refused", "member", id)
            .outcome(Outcome::Denied)
            .reason(json!({ "code": code }));
        self.0.record.note(who, &event).await?;
        Ok(())
    }
}
