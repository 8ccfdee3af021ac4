//! From what a request carries to who makes it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use access::{Access, Actor, Caller, Identified, KeyId, Method, OrgId, Origin, Region};
use base::args;
use base::problem::Problem;
use base::{seal, time::At};
use http::{HeaderMap, StatusCode, header};

use crate::address::within;
use crate::error::{unauthorized, wrong_region};
use crate::factor::{Begun, factor_required, is_confined};
use crate::key::{Kind, Presented, Token};
use crate::member::MemberState;
use crate::seen::{NOTE_EVERY_SECS, Used};
use crate::session::Session;
use crate::snapshot::KeyEntry;
use crate::subject::Owner;
use crate::{Error, Identity, authority, cookie, load, sql};

/// Nobody that may come in.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What the caller is told.
    pub problem: Problem,
    /// Whose credential it was, when it was somebody's: to record the refusal with.
    /// May nothing.
    pub who: Option<Caller>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, who: None }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

/// Somebody who may nothing, to name in the record.
pub(crate) fn powerless(
    org: &OrgId,
    region: Region,
    actor: Actor,
    key: Option<KeyId>,
    origin: Origin,
) -> Caller {
    Caller::identified(Identified {
        org: org.clone(),
        region,
        actor,
        key,
        teams: Arc::default(),
        access: Arc::new(Access::default()),
        models: None,
        origin,
        standing: access::Standing::default(),
    })
}

impl Identity {
    /// Who makes a request, from its key (`Authorization: Bearer`, `x-api-key`,
    /// `api-key`) or its session cookie. A known key asks no database.
    pub async fn identify(
        &self,
        method: &http::Method,
        headers: &HeaderMap,
        origin: Origin,
    ) -> Result<Caller, Refused> {
        if let Some(key) = shown_key(headers)? {
            return self.by_key(key, origin).await;
        }
        let Some(session) = cookie::of(&self.0.config, headers) else {
            return Err(unauthorized("unauthenticated", "credentials are required").into());
        };
        let caller = self.by_session(session, origin).await?;
        cookie::same_site(method, headers).map_err(|problem| Refused {
            problem,
            who: Some(powerless(
                &caller.org,
                caller.region,
                caller.actor.clone(),
                None,
                caller.origin.clone(),
            )),
        })?;
        if is_confined(&caller) {
            return Err(Refused { problem: factor_required(), who: Some(caller) });
        }
        Ok(caller)
    }

    async fn by_key(&self, text: &str, origin: Origin) -> Result<Caller, Refused> {
        let Ok(shown) = Presented::parse(text) else {
            return Err(unauthorized("malformed_key", "malformed key").into());
        };
        let Some(macs) = self.macs(shown.region) else {
            return Err(wrong_region(shown.region).into());
        };
        // Hashed before anything is looked up: an unknown org takes as long as a known one.
        let tag = macs.key.tag(shown.hashed());
        let home = self.home(&shown.org, shown.region);
        let mut snapshot = self.snapshot(&shown.org, home).await?;
        if snapshot.as_ref().is_some_and(|org| org.key(&tag).is_none())
            && self.is_behind(&shown.org, home).await
        {
            snapshot = self.snapshot(&shown.org, home).await?;
        }
        let known = snapshot.as_ref().and_then(|org| Some((org, org.key(&tag)?)));
        let Some((org, key)) = known.filter(|(_, key)| seal::equal(&key.tag, &tag)) else {
            return Err(unauthorized("invalid_key", "unknown key").into());
        };
        let now = self.now();
        let admitted = admits(key, &origin, now).and_then(|()| org.rules.admit_key(&origin));
        if let Err(problem) = admitted {
            let actor = key.owner.actor();
            let key = Some(key.id.clone());
            let who = powerless(&shown.org, home, actor, key, origin);
            return Err(Refused { problem, who: Some(who) });
        }
        if now.as_second().saturating_sub(key.noted_secs.load(Ordering::Relaxed)) >= NOTE_EVERY_SECS
        {
            key.noted_secs.store(now.as_second(), Ordering::Relaxed);
            self.0.seen.note(Used::Key(key.id.clone()), &shown.org, home, now);
        }
        Ok(Caller::identified(Identified {
            org: shown.org,
            region: home,
            actor: key.owner.actor(),
            key: Some(key.id.clone()),
            teams: key.teams.clone(),
            access: key.access.clone(),
            models: key.models.clone(),
            origin,
            standing: org.standing(now, None, &key.life),
        }))
    }

    async fn by_session(&self, text: &str, origin: Origin) -> Result<Caller, Refused> {
        let ended = || unauthorized("session_ended", "the session has ended: sign in again");
        if let Ok(token) = Token::parse(Kind::Visit, text) {
            return self.by_visit(token, origin).await;
        }
        if let Ok(token) = Token::parse(Kind::Guest, text) {
            return self.by_guest(token, origin).await;
        }
        let Ok(token) = Token::parse(Kind::Session, text) else { return Err(ended().into()) };
        let Some(macs) = self.macs(token.region) else {
            return Err(wrong_region(token.region).into());
        };
        let tag = macs.session.tag(token.text.as_bytes());
        let token = self.at_home(token);
        let node = Caller::node(token.org.clone(), token.region, "identity").itself();
        let db = self.0.databases.of(&node).map_err(Error::Db)?;
        let row = db.maybe(sql::SESSION_BY_TAG, args![tag.as_slice()]).await.map_err(Error::Db)?;
        let Some(row) = row else { return Err(ended().into()) };
        let stored = load::tag(&row).map_err(Error::Db)?;
        let session = Session::of(&row).map_err(Error::Db)?;
        // Whoever changed something on another node sees it here.
        let version = row.count("org_version").map_err(Error::Db)?;
        self.not_before(&token.org, token.region, version).await;
        let Some(org) = self.snapshot(&token.org, token.region).await? else {
            return Err(ended().into());
        };
        let (now, config) = (self.now(), &self.0.config);
        let used = Used::Session(session.id.clone());
        let seen = self.0.seen.latest(&used, Some(session.seen_at)).unwrap_or(session.seen_at);
        let (idle, age) =
            (now.as_second() - seen.as_second(), now.as_second() - session.created_at.as_second());
        if !seal::equal(&stored, &tag)
            || session.revoked_at.is_some()
            || session.expires_at <= now
            || age >= org.rules.lifetime_secs(config)
            || idle >= org.rules.idle_secs(config)
        {
            return Err(ended().into());
        }
        let method = Method::named(&session.method).ok_or_else(ended)?;
        let owner = Owner::Member(session.member.clone());
        if org.holder(&owner).is_some_and(|holder| !org.lets_in(holder, method)) {
            return Err(ended().into());
        }
        let acting = org
            .holder(&owner)
            .filter(|holder| holder.state == MemberState::Active)
            .ok_or_else(|| state_problem(org.holder(&owner).map(|holder| holder.state)))
            .and_then(|holder| org.rules.admit_person(&origin).map(|()| holder));
        let holder = match acting {
            Ok(holder) => holder,
            Err(problem) => {
                let who = powerless(&token.org, token.region, owner.actor(), None, origin);
                return Err(Refused { problem, who: Some(who) });
            }
        };
        let place = (&token.org, token.region);
        // Whoever answers for the provider that began it must not become somebody who may more.
        let vouched = authority::read(&row, "vouched").map_err(Error::Db)?;
        if vouched.is_some_and(|vouched| !vouched.covers(holder.power)) {
            return Err(ended().into());
        }
        let life = self.0.running.life(&session, place, &holder.life).ok_or_else(ended)?;
        if idle >= NOTE_EVERY_SECS {
            self.0.seen.note(used, &token.org, token.region, now);
        }
        let (id, at, factor_at) = (session.id.to_string(), session.created_at, session.factor_at);
        let begun = Begun { id, method, at, factor_at };
        Ok(org.in_session(holder, owner.actor(), begun, &life, (now, origin)))
    }
}

/// The org that the key of a request names; none where no key is shown that could be one.
pub fn org_shown(headers: &HeaderMap) -> Option<OrgId> {
    Some(Presented::parse(shown_key(headers).ok()??).ok()?.org)
}

/// The key that a request shows, wherever the client puts it.
fn shown_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let malformed = || unauthorized("malformed_key", "malformed key");
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| malformed())?;
        return match text.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(key.trim())),
            Some(_) | None => Err(malformed()),
        };
    }
    let value = headers.get("x-api-key").or_else(|| headers.get("api-key"));
    value.map(|value| value.to_str().map_err(|_| malformed())).transpose()
}

/// Whether a known key is good, now and from here.
fn admits(key: &KeyEntry, origin: &Origin, now: At) -> Result<(), Problem> {
    if key.revoked_at.is_some() {
        return Err(unauthorized("invalid_key", "revoked key"));
    }
    if key.expires_at.is_some_and(|expires| expires <= now) {
        return Err(unauthorized("invalid_key", "expired key"));
    }
    if key.owner_state != Some(MemberState::Active) {
        return Err(state_problem(key.owner_state));
    }
    if within(key.addresses.as_deref(), origin.ip) {
        return Ok(());
    }
    let detail = "this key is not accepted from this address";
    Err(Problem::new(StatusCode::FORBIDDEN, "address_not_allowed", detail))
}

fn state_problem(state: Option<MemberState>) -> Problem {
    match state {
        Some(MemberState::Suspended) => unauthorized("suspended", "this member is suspended"),
        Some(MemberState::Active | MemberState::Invited | MemberState::Removed) | None => {
            unauthorized("invalid_key", "the owner of this credential is gone")
        }
    }
}
