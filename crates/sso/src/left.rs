//! Somebody has left at the provider, and it says so: through the browser, or in the back.

use access::{Origin, Scope};
use federation::oidc::Registration;
use federation::saml::{Incoming, LogoutOutcome, LogoutRequest};
use jiff::SignedDuration;
use serde_json::json;

use crate::connection::{Known, Provider};
use crate::flow::{self, Purpose, Stage};
use crate::seals::Known as Recognised;
use crate::start::Way;
use crate::{Error, Handle, Refused, Sso, events};

/// How long the id of a logout request is remembered against replay. It is refused for its
/// age before.
const SEEN_MINS: i64 = 60;

/// A logout message as it came: by redirect, or posted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) incoming: Incoming<'a>,
    pub(crate) relay_state: Option<&'a str>,
    pub(crate) is_request: bool,
}

/// What is done with the browser that brought it.
#[derive(Debug)]
pub(crate) enum Left {
    /// Back to the provider, with the answer.
    Back(Way),
    /// It left everywhere.
    Everywhere,
    /// It left here; elsewhere, the provider does not say so.
    HereAlone,
}

impl Sso {
    /// Takes a SAML logout message: a request of the provider, or its answer to ours.
    pub(crate) async fn logout_message(
        &self,
        handle: &Handle,
        origin: Origin,
        message: Message<'_>,
    ) -> Result<Left, Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        let left = if message.is_request {
            self.logout_request(&scope, handle, &known, message).await
        } else {
            self.logout_response(&scope, handle, &known, message).await
        };
        match left {
            Err(Error::Refused(why)) => Err(self.refuse_logout(&scope, &known, why).await),
            other => other,
        }
    }

    async fn logout_request(
        &self,
        scope: &Scope,
        handle: &Handle,
        known: &Known,
        message: Message<'_>,
    ) -> Result<Left, Error> {
        let provider = known.saml_provider()?;
        let ours = self.service_provider(handle, known);
        let (policy, now) = (known.policy.saml(), self.now());
        let request = ours
            .verify_logout_request(provider, &policy, &message.incoming, message.relay_state, now)
            .map_err(Refused::from)?;
        let until = now + SignedDuration::from_mins(SEEN_MINS);
        if !self.is_new(scope, known, &request.id, until).await? {
            return Err(Refused::replayed().into());
        }
        self.end_sessions(scope, known, &request).await?;
        let Some(binding) = crate::saml::logout_binding(provider) else {
            return Ok(Left::Everywhere);
        };
        let state = request.relay_state.as_deref();
        let answer = ours
            .logout_response(provider, &policy, &request.id, true, binding, state, now)
            .map_err(Refused::from)?;
        Ok(Left::Back(Way::from(answer)))
    }

    async fn end_sessions(
        &self,
        scope: &Scope,
        known: &Known,
        request: &LogoutRequest,
    ) -> Result<(), Error> {
        let tag = |text: &str| self.0.seals.tag_text(scope, Recognised::Subject(&known.id), text);
        let (id, subject) = (known.id.as_str(), tag(&request.name_id)?);
        let identity = &self.0.identity;
        if request.session_indexes.is_empty() {
            identity.end_sessions_of(scope.caller(), id, Some(&subject), None).await?;
        }
        for index in &request.session_indexes {
            let index = tag(index)?;
            identity.end_sessions_of(scope.caller(), id, Some(&subject), Some(&index)).await?;
        }
        Ok(())
    }

    async fn logout_response(
        &self,
        scope: &Scope,
        handle: &Handle,
        known: &Known,
        message: Message<'_>,
    ) -> Result<Left, Error> {
        let provider = known.saml_provider()?;
        let token = message.relay_state.filter(|token| flow::is_token(token));
        let at = (Stage::Asked, token.ok_or_else(Refused::no_flow)?);
        let asked = self.look(scope, &known.id, at).await?;
        let (flow, tag) = asked.ok_or_else(Refused::no_flow)?;
        let request = flow.request.as_deref().filter(|_| flow.purpose == Purpose::Leave);
        let request = request.ok_or_else(Refused::no_flow)?;
        let ours = self.service_provider(handle, known);
        let (policy, now) = (known.policy.saml(), self.now());
        let outcome = ours
            .verify_logout_response(provider, &policy, &message.incoming, request, now)
            .map_err(Refused::from)?;
        self.end(scope, &known.id, at, &tag).await?;
        Ok(match outcome {
            LogoutOutcome::Everywhere => Left::Everywhere,
            LogoutOutcome::Partial | LogoutOutcome::Refused(_) => Left::HereAlone,
        })
    }

    /// The browser comes back from an `OpenID` provider that it has left.
    pub(crate) async fn came_back(
        &self,
        handle: &Handle,
        origin: Origin,
        state: &str,
    ) -> Result<Left, Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        if !flow::is_token(state) {
            return Ok(Left::HereAlone);
        }
        let at = (Stage::Asked, state);
        Ok(match self.look(&scope, &known.id, at).await? {
            Some((flow, tag)) if flow.purpose == Purpose::Leave => {
                self.end(&scope, &known.id, at, &tag).await?;
                Left::Everywhere
            }
            Some(_) | None => Left::HereAlone,
        })
    }

    /// An `OpenID` provider says, without a browser, that somebody left.
    pub(crate) async fn backchannel(
        &self,
        handle: &Handle,
        origin: Origin,
        token: &str,
    ) -> Result<(), Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        match self.told_in_the_back(&scope, handle, &known, token).await {
            Err(Error::Refused(why)) => Err(self.refuse_logout(&scope, &known, why).await),
            other => other,
        }
    }

    async fn told_in_the_back(
        &self,
        scope: &Scope,
        handle: &Handle,
        known: &Known,
        token: &str,
    ) -> Result<(), Error> {
        let Some(Provider::Oidc(provider)) = &known.provider else {
            return Err(Refused::not_active().into());
        };
        let client = self.client(handle, known)?;
        let on = Registration {
            provider,
            client: &client,
            clock_skew_secs: known.policy.clock_skew_secs,
            claims_wanted: &[],
        };
        let relying = self.0.relying.on_behalf_of(handle.org.as_str());
        let read = relying.verify_logout_token(&on, token, self.now()).await;
        let read = read.map_err(Refused::from)?;
        if !self.is_new(scope, known, &read.jti, read.replay_until).await? {
            return Err(Refused::replayed().into());
        }
        let tag =
            |text: &String| self.0.seals.tag_text(scope, Recognised::Subject(&known.id), text);
        let subject = read.subject.as_ref().map(tag).transpose()?;
        let index = read.sid.as_ref().map(tag).transpose()?;
        let (by, id) = (scope.caller(), known.id.as_str());
        let identity = &self.0.identity;
        identity.end_sessions_of(by, id, subject.as_deref(), index.as_deref()).await?;
        Ok(())
    }

    async fn refuse_logout(&self, scope: &Scope, known: &Known, why: Refused) -> Error {
        self.0.turnstile.refused(scope.caller().origin.ip, self.now());
        match self.0.record.note(scope.caller(), &events::logout_refused(&known.id, &why)).await {
            Ok(_) => Error::Refused(why),
            Err(error) => Error::NotDurable(error),
        }
    }
}

/// What a refused logout in the back answers (Back-Channel Logout 1.0, 2.8).
pub(crate) fn backchannel_error() -> serde_json::Value {
    json!({ "error": "invalid_request" })
}
