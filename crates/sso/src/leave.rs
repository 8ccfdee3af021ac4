//! Signing out here, and then at the provider too.

use access::{Caller, Scope};
use axum::http::HeaderMap;
use base::args;
use base::secret::Secret;
use federation::oidc;
use federation::saml::LogoutSubject;

use crate::browser::Browser;
use crate::connection::{Known, Provider};
use crate::finish::Visit;
use crate::flow::{self, Farewell, Flow, Purpose, Stage};
use crate::seals::Place;
use crate::start::Way;
use crate::{ConnectionId, Error, Refused, Sso, sql};

impl Sso {
    /// Ends the session that a request carries, and says where the browser leaves its
    /// provider, if it came through one that wants to know.
    pub(crate) async fn sign_out(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
    ) -> Result<Option<(Way, Browser)>, Error> {
        let scope = caller.itself();
        let visit = self.visit(&scope, caller).await?;
        // First here: whatever the provider does, this session is over.
        self.0.identity.sign_out(caller, headers).await?;
        let Some((known, visit)) = visit else { return Ok(None) };
        if !known.policy.single_logout {
            return Ok(None);
        }
        let browser = self.browser_or_new(headers)?;
        let way = self.farewell(&scope, &known, &visit, &browser).await?;
        Ok(way.map(|way| (way, browser)))
    }

    /// What is kept of the caller's session, if a provider began it.
    async fn visit(&self, scope: &Scope, caller: &Caller) -> Result<Option<(Known, Visit)>, Error> {
        let Some(session) = &caller.standing.session else { return Ok(None) };
        let row = self.0.databases.of(scope)?.maybe(sql::VISIT, args![session.id.as_str()]).await?;
        let Some(row) = row else { return Ok(None) };
        let id: ConnectionId = row.parse("connection_id")?;
        let known = match self.one(scope, &id).await {
            Ok(known) => known,
            Err(Error::NotFound) => return Ok(None),
            Err(other) => return Err(other),
        };
        let visit = self.0.seals.open_json(scope, Place::Visit(&id), &row.bytes("body")?)?;
        Ok(Some((known, visit)))
    }

    /// The way out of the provider; none: it has none.
    async fn farewell(
        &self,
        scope: &Scope,
        known: &Known,
        visit: &Visit,
        browser: &Browser,
    ) -> Result<Option<Way>, Error> {
        let handle = self.handle(scope, &known.id);
        let token = flow::token()?;
        let mut flow = Flow::new(Purpose::Leave, "/sign-in");
        let way = match (&known.provider, &visit.farewell) {
            (
                Some(Provider::Saml(provider)),
                Farewell::Saml { format, qualifier, sp_qualifier },
            ) => {
                let Some(binding) = crate::saml::logout_binding(provider) else { return Ok(None) };
                let subject = LogoutSubject {
                    name_id: visit.named.clone(),
                    name_id_format: format.clone(),
                    name_qualifier: qualifier.clone(),
                    sp_name_qualifier: sp_qualifier.clone(),
                    session_index: visit.index.clone(),
                };
                let ours = self.service_provider(&handle, known);
                let policy = known.policy.saml();
                let sent = ours
                    .logout_request(provider, &policy, &subject, binding, Some(&token), self.now())
                    .map_err(Refused::from)?;
                flow.request = Some(sent.id.clone());
                Way::from(sent)
            }
            (Some(Provider::Oidc(provider)), Farewell::Oidc { id_token }) => {
                let client = self.client(&handle, known)?;
                let back = self.ours(&handle, &[]).post_logout_redirect_uri;
                let id_token = Secret::new(id_token.clone());
                let farewell = oidc::Farewell {
                    post_logout_redirect_uri: &back,
                    state: &token,
                    id_token: Some(&id_token),
                };
                let url = oidc::logout_url(provider, &client, &farewell).map_err(Refused::from)?;
                let Some(url) = url else { return Ok(None) };
                Way::Address(url)
            }
            (Some(_) | None, _) => return Ok(None),
        };
        let tag = browser.tag(self, scope)?;
        self.keep(scope, &known.id, (Stage::Asked, &token), &tag, &flow).await?;
        Ok(Some(way))
    }
}
