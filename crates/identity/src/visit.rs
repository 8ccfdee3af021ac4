//! Visits: somebody of the operator's support in an org, as far as the org consented.
//! The room that keeps the consent is not this one; here its token is recognised, and
//! what runs on a visit ends with it.
//!
//! ```text
//! px token ──► Visits::of: the consent, asked at every request
//!         └──► the operator's own org: still a member who may support?
//!         └──► a caller: actor operator, grants "through support request sup_…"
//! ```

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{
    Access, Actor, Caller, Grant, Identified, Life, MemberId, Method, OrgId, Origin, Permission,
    PermissionSet, Region, Scope, ShownSession, Watched,
};
use audit::Change;
use axum::response::{IntoResponse, Response};
use base::db::DbError;
use base::secret::Secret;
use base::time::At;

use crate::error::{unauthorized, wrong_region};
use crate::identify::{Refused, powerless};
use crate::key::{Kind, Token};
use crate::member::MemberState;
use crate::snapshot::Holder;
use crate::subject::Owner;
use crate::{Error, Identity};

/// What a grant of a visit is called beside roles.
const ROLE: &str = "operator";

/// Knows which visits orgs consented to. Asked at every request of a visit.
pub trait Visits: Send + Sync + fmt::Debug {
    /// The visit that the token with this keyed hash opens in the scope's org, if it goes
    /// on.
    fn of<'a>(&'a self, scope: &'a Scope, tag: &'a [u8; 32]) -> Visited<'a>;

    /// Ends the visit that a caller is on, and records that they left.
    fn leave<'a>(&'a self, visitor: &'a Caller) -> Left<'a>;

    /// Ends, within a change, every visit to its org, and gives the requests that they went on
    /// under.
    fn end_all<'a>(&'a self, change: &'a mut Change) -> Ended<'a>;
}

/// What [`Visits::of`] gives.
pub type Visited<'a> = Pin<Box<dyn Future<Output = Result<Option<Visit>, DbError>> + Send + 'a>>;

/// What [`Visits::leave`] gives.
pub type Left<'a> = Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;

/// What [`Visits::end_all`] gives.
pub type Ended<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, DbError>> + Send + 'a>>;

/// A visit that an org consented to.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The support request that it goes on under.
    pub request: String,
    /// Who visits: a member of the operators' own org.
    pub operator: MemberId,
    /// That org.
    pub home: OrgId,
    /// Where that org is at home.
    pub home_region: Region,
    /// What the org permits.
    pub permissions: PermissionSet,
    /// When it was entered, behind a second factor.
    pub entered_at: At,
    /// From when on it is over.
    pub until: At,
    /// The org lets the visitor come from outside its own address list too.
    pub anywhere: bool,
}

/// No org is ever visited.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoVisits;

impl Visits for NoVisits {
    fn of<'a>(&'a self, _: &'a Scope, _: &'a [u8; 32]) -> Visited<'a> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn leave<'a>(&'a self, _: &'a Caller) -> Left<'a> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn end_all<'a>(&'a self, _: &'a mut Change) -> Ended<'a> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// Visits on which something runs at this moment.
#[derive(Debug, Default)]
pub(crate) struct Visiting(Mutex<HashMap<[u8; 32], Run>>);

#[derive(Debug, Clone)]
struct Run {
    life: Watched,
    org: OrgId,
    region: Region,
    request: String,
    until: At,
}

impl Visiting {
    /// The life that other requests of the visit run on, or a new one, which ends with the
    /// operator's own membership.
    fn life(
        &self,
        tag: [u8; 32],
        operator: &Holder,
        (org, region): (&OrgId, Region),
        visit: &Visit,
    ) -> Life {
        let mut runs = self.runs();
        if let Some(life) = runs.get(&tag).and_then(|run| run.life.held()) {
            return life;
        }
        let life = operator.life.child();
        let (org, request) = (org.clone(), visit.request.clone());
        let run = Run { life: life.watched(), org, region, request, until: visit.until };
        runs.insert(tag, run);
        life
    }

    /// Forgets those on which nothing runs any more, and gives the others.
    fn going_on(&self) -> Vec<([u8; 32], Run)> {
        let mut runs = self.runs();
        runs.retain(|_, run| run.life.held().is_some_and(|life| !life.is_over()));
        runs.iter().map(|(tag, run)| (*tag, run.clone())).collect()
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<[u8; 32], Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn end(&self) {
        if let Some(life) = self.life.held() {
            life.end();
        }
    }
}

/// Whether a caller is on a visit.
pub(crate) fn is_on_visit(caller: &Caller) -> bool {
    caller.standing.session.as_ref().is_some_and(|shown| shown.method == Method::Support)
}

impl Identity {
    /// Who visits, from the token of a visit.
    pub(crate) async fn by_visit(&self, token: Token, origin: Origin) -> Result<Caller, Refused> {
        let ended = || unauthorized("session_ended", "the visit is over: sign in again");
        let Some(macs) = self.macs(token.region) else {
            return Err(wrong_region(token.region).into());
        };
        let tag = macs.visit.tag(token.text.as_bytes());
        let token = self.at_home(token);
        let node = Caller::node(token.org.clone(), token.region, "identity").itself();
        let Some(visit) = self.0.visits.of(&node, &tag).await.map_err(Error::Db)? else {
            return Err(ended().into());
        };
        let Some(org) = self.snapshot(&token.org, token.region).await? else {
            return Err(ended().into());
        };
        let now = self.now();
        let operator = self.operator(&visit.home, visit.home_region, &visit.operator).await?;
        let Some(operator) = operator.filter(|_| now < visit.until) else {
            return Err(ended().into());
        };
        let actor = Actor::Operator(visit.operator.to_string());
        let shown = shown(&visit.request, Some(visit.entered_at));
        if !visit.anywhere
            && let Err(problem) = org.rules.admit_person(&origin)
        {
            let who = powerless(&token.org, token.region, actor, None, origin);
            return Err(Refused { problem, who: Some(who) });
        }
        let grant = Grant {
            role: ROLE.to_owned(),
            permissions: visit.permissions,
            on: None,
            through: format!("support request {}", visit.request),
        };
        let life = self.0.visiting.life(tag, &operator, (&token.org, token.region), &visit);
        Ok(Caller::identified(Identified {
            org: token.org,
            region: token.region,
            actor,
            key: None,
            teams: Arc::default(),
            access: Arc::new(Access::compile(vec![grant], None, org.version)),
            models: None,
            origin,
            standing: org.standing(now, Some(shown), &life),
        }))
    }

    /// A token for a visit that begins, and its keyed hash, which alone may be stored.
    pub fn visit_token(&self, org: &OrgId, region: Region) -> Result<(Secret, [u8; 32]), Error> {
        let macs = self.macs(region).ok_or(Error::WrongRegion(region))?;
        let token = Token::fresh(Kind::Visit, org, region)?;
        let tag = macs.visit.tag(token.text.as_bytes());
        Ok((Secret::new(token.text), tag))
    }

    /// Somebody of the operator, to name in an org's record. May nothing there.
    pub fn outsider(
        &self,
        org: &OrgId,
        region: Region,
        operator: &MemberId,
        request: &str,
        origin: Origin,
    ) -> Caller {
        let mut who = Identified::clone(&powerless(
            org,
            region,
            Actor::Operator(operator.to_string()),
            None,
            origin,
        ));
        who.standing.at = Some(self.now());
        who.standing.session = Some(shown(request, None));
        Caller::identified(who)
    }

    /// Whether somebody is, at this moment, a member of the operators' org who may support.
    pub async fn operates(
        &self,
        home: &OrgId,
        region: Region,
        operator: &MemberId,
    ) -> Result<bool, Error> {
        Ok(self.operator(home, region, operator).await?.is_some())
    }

    async fn operator(
        &self,
        home: &OrgId,
        region: Region,
        operator: &MemberId,
    ) -> Result<Option<Arc<Holder>>, Error> {
        // What is at home elsewhere cannot be asked: nobody of it visits here.
        if self.macs(region).is_none() {
            return Ok(None);
        }
        let Some(home) = self.snapshot(home, region).await? else { return Ok(None) };
        let holder = home.holder(&Owner::Member(operator.clone()));
        let may = |holder: &&Arc<Holder>| {
            holder.state == MemberState::Active && holder.access.may(Permission::SettingsSupport)
        };
        Ok(holder.filter(may).cloned())
    }

    /// An answer that puts the browser on a visit, in place of its session.
    pub fn with_visit(&self, token: &Secret, until: At, answer: impl IntoResponse) -> Response {
        self.with_token(token, until, answer)
    }

    /// Ends the visit that a caller is on.
    pub(crate) async fn leave(&self, visitor: &Caller) -> Result<(), Error> {
        self.0.visits.leave(visitor).await?;
        if let Some(shown) = &visitor.standing.session {
            self.end_visits(&shown.id);
        }
        Ok(())
    }

    /// Ends at once, on this node, whatever runs on a support request that was ended.
    pub fn end_visits(&self, request: &str) {
        let going_on = self.0.visiting.going_on();
        going_on.iter().filter(|(_, run)| run.request == request).for_each(|(_, run)| run.end());
    }

    /// Ends what runs on visits that are over or were ended, also by another process.
    /// Called twice a second by the room itself.
    pub async fn watch_visits(&self) {
        for (tag, run) in self.0.visiting.going_on() {
            if run.until <= self.now() {
                run.end();
                continue;
            }
            let node = Caller::node(run.org.clone(), run.region, "identity").itself();
            match self.0.visits.of(&node, &tag).await {
                Ok(Some(_)) => {}
                Ok(None) => run.end(),
                // Nothing new runs without the database; what runs is asked about again.
                Err(error) => tracing::warn!(
                    org.id = %run.org,
                    error = &error as &dyn std::error::Error,
                    "whether a visit goes on is asked again"
                ),
            }
        }
    }
}

/// A visit as the session that was shown; its id is that of the support request.
fn shown(request: &str, factor_at: Option<At>) -> ShownSession {
    let (id, method) = (request.to_owned(), Method::Support);
    ShownSession { id, method, factor_at, factor_due: true, confined: false }
}
