//! The end of a sign-in, in the browser that began it.

use access::{Method, Origin, Scope};
use audit::Change;
use axum::http::HeaderMap;
use base::args;
use base::time::At;
use identity::{Birth, SignedIn};

use crate::connection::{ConnectionState, Kind, Known};
use crate::flow::{self, Answer, Farewell, Flow, Purpose, Stage};
use crate::seals::{Known as Recognised, Place};
use crate::{ConnectionId, Error, Handle, Refused, Sso, events, sql};

/// How it ended.
#[derive(Debug)]
pub(crate) enum Concluded {
    /// Somebody is signed in, and goes on to a page of our own.
    SignedIn(Box<SignedIn>, String),
    /// A test is over: its admin sees how.
    Tested(ConnectionId),
    /// A member is connected.
    Connected,
}

/// What stands on the page behind the provider.
#[derive(Debug)]
pub(crate) enum Continued {
    /// It ended.
    Concluded(Concluded),
    /// Nobody here had asked: whether to go on, and as whom.
    Asks {
        /// Their address, as the provider says.
        email: String,
        /// What the connection is called.
        connection: String,
    },
}

/// Whether somebody has said that they want to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// They came to the page.
    Came,
    /// They clicked.
    Clicked,
}

impl Sso {
    /// Finishes what `ticket` stands for, in the browser that it belongs to.
    pub(crate) async fn proceed(
        &self,
        handle: &Handle,
        origin: Origin,
        headers: &HeaderMap,
        (ticket, consent): (&str, Consent),
    ) -> Result<Continued, Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        let at = (Stage::Answered, ticket);
        let answered =
            if flow::is_token(ticket) { self.look(&scope, &known.id, at).await? } else { None };
        let Some((flow, tag)) = answered else {
            return Err(self.refuse_stranger(&scope, &known, Refused::no_flow()).await);
        };
        if !self.is_same(&scope, self.browser(headers).as_ref(), &tag)? {
            return Err(self.refuse_stranger(&scope, &known, Refused::other_browser()).await);
        }
        let Some(answer) = flow.answer.clone() else { return Err(Refused::no_flow().into()) };
        if answer.unsolicited && consent == Consent::Came {
            let mapped = known.mapping.apply(&answer.claims, &answer.named);
            let email = match mapped {
                Ok(mapped) => mapped.email,
                Err(why) => return Err(self.refuse(&scope, &known, why).await),
            };
            return Ok(Continued::Asks { email, connection: known.name });
        }
        if !self.end(&scope, &known.id, at, &tag).await? {
            return Err(self.refuse(&scope, &known, Refused::no_flow()).await);
        }
        self.conclude(&scope, &known, flow, answer).await.map(Continued::Concluded)
    }

    /// Does what a flow is for with what the provider answered.
    pub(crate) async fn conclude(
        &self,
        scope: &Scope,
        known: &Known,
        flow: Flow,
        answer: Answer,
    ) -> Result<Concluded, Error> {
        let done = match &flow.purpose {
            Purpose::Test(by) => self.tested(scope, known, by, &answer).await,
            Purpose::Connect(member) => {
                self.connect(scope, known, &answer, member).await.map(|()| Concluded::Connected)
            }
            Purpose::SignIn if known.state == ConnectionState::Active => {
                self.sign_in(scope, known, &answer, flow.next).await
            }
            Purpose::SignIn => Err(Refused::not_active().into()),
            Purpose::Leave => Err(Refused::no_flow().into()),
        };
        match done {
            Err(Error::Refused(why)) => Err(self.refuse(scope, known, why).await),
            other => other,
        }
    }

    /// Begins a session for whom the answer means.
    async fn sign_in(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
        next: String,
    ) -> Result<Concluded, Error> {
        let member = self.admit(scope, known, answer).await?;
        let method = match known.kind {
            Kind::Saml => Method::Saml,
            Kind::Oidc => Method::Oidc,
        };
        let tag = |text: &str| self.0.seals.tag_text(scope, Recognised::Subject(&known.id), text);
        let birth = Birth {
            member,
            method,
            factor_at: self.factor_at(known, answer),
            connection: Some(known.id.to_string()),
            vouched: known.vouched,
            subject: Some(tag(&answer.named)?),
            index: answer.index.as_deref().map(tag).transpose()?,
            until: answer.until,
        };
        let caller = scope.caller();
        let (region, origin) = (scope.region(), caller.origin.clone());
        let who = match self.0.identity.let_in(scope.org(), region, birth, origin).await {
            Ok(who) => who,
            Err(identity::Error::SignIn) => return Err(Refused::not_acting().into()),
            Err(other) => return Err(other.into()),
        };
        if known.policy.single_logout {
            self.note_visit(scope, known, answer, &who).await?;
        }
        Ok(Concluded::SignedIn(Box::new(who), next))
    }

    /// When a second factor was shown at the provider, if it says so.
    fn factor_at(&self, known: &Known, answer: &Answer) -> Option<At> {
        let is_factor = known.policy.is_factor(answer.ways.iter().map(String::as_str));
        let now = self.now();
        is_factor.then(|| answer.authenticated_at.unwrap_or(now).min(now))
    }

    /// Keeps what the provider must be told when the session ends.
    async fn note_visit(
        &self,
        scope: &Scope,
        known: &Known,
        answer: &Answer,
        who: &SignedIn,
    ) -> Result<(), Error> {
        let Some(session) = &who.caller.standing.session else { return Ok(()) };
        let visit = Visit {
            named: answer.named.clone(),
            index: answer.index.clone(),
            farewell: answer.farewell.clone(),
        };
        let body = self.0.seals.seal_json(scope, Place::Visit(&known.id), &visit)?;
        let args = args![session.id.as_str(), known.id.as_str(), body, who.expires_at];
        self.jot(scope, sql::VISIT_ADD, args).await?;
        Ok(())
    }

    /// Keeps what came of a test. Whoever came through makes the connection ready.
    async fn tested(
        &self,
        scope: &Scope,
        known: &Known,
        by: &str,
        answer: &Answer,
    ) -> Result<Concluded, Error> {
        self.capture(scope, known, by, Ok(answer)).await?;
        if known.mapping.apply(&answer.claims, &answer.named).is_ok() {
            let mut change = Change::begin(&self.0.record, scope).await?;
            change.run(sql::TESTED, args![known.id.as_str(), self.now()]).await?;
            change.commit(events::about("sso.connection.tested", &known.id)).await?;
        }
        Ok(Concluded::Tested(known.id.clone()))
    }
}

/// What is kept of a session, sealed.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Visit {
    pub(crate) named: String,
    pub(crate) index: Option<String>,
    pub(crate) farewell: Farewell,
}
