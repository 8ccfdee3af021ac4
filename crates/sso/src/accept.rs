//! What comes back from a provider, checked. Nothing is done yet: see `finish`.

use access::{Origin, Scope};
use axum::http::HeaderMap;
use base::args;
use base::time::At;
use federation::oidc::{self, IdToken, Registration, Returned};
use federation::saml::Assertion;

use crate::browser::Browser;
use crate::connection::{ConnectionState, Known, Provider};
use crate::finish::Concluded;
use crate::flow::{self, Answer, Farewell, Flow, Purpose, Stage};
use crate::mapping::Claims;
use crate::seals::Known as Recognised;
use crate::{Error, Handle, Mapping, Refused, Sso, sql};

const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
/// The code of a refusal that is the provider's own failure.
const UNREACHABLE: &str = "provider_unreachable";
/// Characters of a `state` at most.
const STATE_CHARS_MAX: usize = 128;

/// A response that a browser posted.
#[derive(Debug, Default)]
pub(crate) struct Posted {
    pub(crate) response: String,
    pub(crate) relay_state: Option<String>,
}

/// Where the browser goes with a response that was accepted.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// A path of our own.
    pub(crate) path: String,
    /// To be marked: nobody here had asked.
    pub(crate) browser: Option<Browser>,
}

impl Sso {
    /// Takes a SAML response. It came from another site, so without a cookie: the sign-in is
    /// finished on the page that the browser is sent on to.
    pub(crate) async fn accept_saml(
        &self,
        handle: &Handle,
        origin: Origin,
        posted: Posted,
    ) -> Result<Accepted, Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        let token = posted.relay_state.as_deref().filter(|token| flow::is_token(token));
        let asked = match token {
            Some(token) => self.look(&scope, &known.id, (Stage::Asked, token)).await?,
            None => None,
        };
        let test = match asked.as_ref().map(|(flow, _)| &flow.purpose) {
            Some(Purpose::Test(by)) => Some(by.clone()),
            Some(Purpose::SignIn | Purpose::Connect(_) | Purpose::Leave) | None => None,
        };
        if test.is_none() && known.state != ConnectionState::Active {
            return Err(self.refuse_stranger(&scope, &known, Refused::not_active()).await);
        }
        if asked.is_none() && !known.policy.idp_initiated {
            return Err(self.refuse_stranger(&scope, &known, Refused::no_flow()).await);
        }
        let request = asked.as_ref().and_then(|(flow, _)| flow.request.as_deref());
        let read = self.verify(handle, &known, posted.response.as_bytes(), request);
        let assertion = match (read, test) {
            (Ok(assertion), _) => assertion,
            (Err(why), Some(by)) => {
                self.refuse(&scope, &known, why.clone()).await;
                self.capture(&scope, &known, &by, Err(&why)).await?;
                return Ok(Accepted { path: page_of(&known), browser: None });
            }
            (Err(why), None) => return Err(self.refuse_stranger(&scope, &known, why).await),
        };
        let unsolicited = asked.is_none();
        let (flow, tag, browser) = if let (Some((flow, tag)), Some(token)) = (asked, token) {
            if !self.end(&scope, &known.id, (Stage::Asked, token), &tag).await? {
                return Err(self.refuse(&scope, &known, Refused::no_flow()).await);
            }
            (flow, tag, None)
        } else {
            let browser = self.browser_or_new(&HeaderMap::new())?;
            let tag = browser.tag(self, &scope)?.to_vec();
            (Flow::new(Purpose::SignIn, "/"), tag, Some(browser))
        };
        for id in [&assertion.assertion_id, &assertion.response_id] {
            if !self.is_new(&scope, &known, id, assertion.not_on_or_after).await? {
                return Err(self.refuse(&scope, &known, Refused::replayed()).await);
            }
        }
        let answer = Answer { unsolicited, ..of_assertion(assertion) };
        let flow = Flow { answer: Some(answer), ..flow };
        let ticket = flow::token()?;
        self.keep(&scope, &known.id, (Stage::Answered, &ticket), &tag, &flow).await?;
        Ok(Accepted { path: format!("/sso/{handle}/continue?ticket={ticket}"), browser })
    }

    fn verify(
        &self,
        handle: &Handle,
        known: &Known,
        posted: &[u8],
        expected: Option<&str>,
    ) -> Result<Assertion, Refused> {
        let provider = known.saml_provider()?;
        let ours = self.service_provider(handle, known);
        let policy = known.policy.saml();
        Ok(ours.verify_response(provider, &policy, posted, expected, self.now())?)
    }

    /// Takes what a browser brings from an `OpenID` provider, and finishes the sign-in.
    pub(crate) async fn accept_oidc(
        &self,
        handle: &Handle,
        origin: Origin,
        headers: &HeaderMap,
        returned: Returned,
    ) -> Result<Concluded, Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        let state = returned.state.as_deref().filter(|state| state.len() <= STATE_CHARS_MAX);
        let asked = match state {
            Some(state) => {
                let asked = self.look(&scope, &known.id, (Stage::Asked, state)).await?;
                asked.map(|(flow, tag)| (flow, tag, state))
            }
            None => None,
        };
        let Some((flow, tag, state)) = asked else {
            return Err(self.refuse_stranger(&scope, &known, Refused::no_flow()).await);
        };
        if !self.is_same(&scope, self.browser(headers).as_ref(), &tag)? {
            return Err(self.refuse_stranger(&scope, &known, Refused::other_browser()).await);
        }
        if !self.end(&scope, &known.id, (Stage::Asked, state), &tag).await? {
            return Err(self.refuse(&scope, &known, Refused::no_flow()).await);
        }
        match self.redeem(handle, &known, &flow, &returned).await {
            Ok(answer) => self.conclude(&scope, &known, flow, answer).await,
            Err(Error::Refused(why)) => {
                let told = self.refuse(&scope, &known, why.clone()).await;
                if let Purpose::Test(by) = &flow.purpose {
                    self.capture(&scope, &known, by, Err(&why)).await?;
                    return Ok(Concluded::Tested(known.id));
                }
                Err(if why.code == UNREACHABLE { Error::Unreachable } else { told })
            }
            Err(other) => Err(other),
        }
    }

    async fn redeem(
        &self,
        handle: &Handle,
        known: &Known,
        flow: &Flow,
        returned: &Returned,
    ) -> Result<Answer, Error> {
        let is_test = matches!(flow.purpose, Purpose::Test(_));
        if !is_test && known.state != ConnectionState::Active {
            return Err(Refused::not_active().into());
        }
        let Some(Provider::Oidc(provider)) = &known.provider else {
            return Err(Refused::not_active().into());
        };
        let pending = flow.pending.as_deref().and_then(oidc::Pending::from_text);
        let pending = pending.ok_or_else(Refused::no_flow)?;
        let client = self.client(handle, known)?;
        let wanted = known.mapping.wanted();
        let on = Registration {
            provider,
            client: &client,
            clock_skew_secs: known.policy.clock_skew_secs,
            claims_wanted: &wanted,
        };
        let relying = self.0.relying.on_behalf_of(handle.org.as_str());
        let token = relying.finish(&on, &pending, returned, self.now()).await;
        let token = token.map_err(|why| {
            let gone = is_gone(&why);
            let why = Refused::from(why);
            if gone { Refused { code: UNREACHABLE, ..why } } else { why }
        });
        Ok(of_token(token?, &known.mapping))
    }

    /// Notes an id that is accepted once; false: it was before.
    pub(crate) async fn is_new(
        &self,
        scope: &Scope,
        known: &Known,
        id: &str,
        until: At,
    ) -> Result<bool, Error> {
        let tag = self.0.seals.tag(scope, Recognised::Seen(&known.id), id)?;
        let args = args![known.id.as_str(), tag.as_slice(), until];
        Ok(self.jot(scope, sql::SEEN_ADD, args).await? == 1)
    }
}

/// The page on which an admin sees how a test ended.
pub(crate) fn page_of(known: &Known) -> String {
    format!("/connections/{}#test", known.id)
}

/// Whether it is the provider that failed, and not the answer.
fn is_gone(why: &oidc::Refusal) -> bool {
    // The token endpoint says no more than its status.
    if let oidc::Refusal::TokenRefused(said) = why {
        return said.starts_with("status 5");
    }
    matches!(
        why,
        oidc::Refusal::ProviderUnreachable(_)
            | oidc::Refusal::KeysUnavailable
            | oidc::Refusal::UserinfoStatus(500..)
    )
}

fn of_assertion(said: Assertion) -> Answer {
    Answer {
        transient: said.name_id_format.as_deref() == Some(TRANSIENT),
        named: said.name_id,
        index: said.session_index,
        until: said.session_ends_at,
        claims: said.attributes,
        ways: said.authn_context.into_iter().collect(),
        authenticated_at: Some(said.authn_instant),
        email_unverified: false,
        groups_unknown: false,
        unsolicited: false,
        farewell: Farewell::Saml {
            format: said.name_id_format,
            qualifier: said.name_qualifier,
            sp_qualifier: said.sp_name_qualifier,
        },
    }
}

fn of_token(token: IdToken, mapping: &Mapping) -> Answer {
    let mut claims = Claims::new();
    for (name, value) in &token.claims {
        let inner = value.as_object().into_iter().flat_map(|object| object.keys());
        let inner = inner.map(|inner| format!("{name}.{inner}"));
        for name in std::iter::once(name.clone()).chain(inner).chain(mapping.names()) {
            let values = token.values(&name);
            if !values.is_empty() {
                claims.insert(name, values);
            }
        }
    }
    let said = |name: &str| claims.get(name).into_iter().flatten().cloned();
    Answer {
        ways: said("acr").chain(said("amr")).collect(),
        email_unverified: said("email_verified").any(|verified| verified == "false"),
        groups_unknown: mapping.groups_wanted().any(|name| token.left_out(name)),
        named: token.subject,
        transient: false,
        index: token.sid,
        until: None,
        authenticated_at: token.auth_time,
        unsolicited: false,
        farewell: Farewell::Oidc { id_token: token.token.reveal().to_owned() },
        claims,
    }
}
