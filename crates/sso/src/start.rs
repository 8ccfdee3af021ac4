//! The way to the provider.

use access::{Actor, Caller, MemberId, Method, Origin, Scope};
use axum::http::HeaderMap;
use federation::oidc::{self, Client, Prompt, Wish};
use federation::saml::{Delivery, Outgoing};

use crate::browser::Browser;
use crate::connection::{ConnectionState, Kind, Known, Provider};
use crate::flow::{self, Flow, Purpose, Stage};
use crate::{ConnectionId, Error, Handle, Refused, Sso, events};

/// Characters of who is expected, as somebody typed it, at most.
const HINT_CHARS_MAX: usize = 254;

/// How somebody wants to begin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beginning {
    /// The page of our own to go on to.
    pub(crate) next: String,
    /// Continues what a member began on a page: a test, the connecting of a member.
    pub(crate) begun: Option<String>,
    /// Who is expected.
    pub(crate) hint: Option<String>,
}

/// A test, or the connecting of a member, that goes on at a path of our own, in this
/// browser alone.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) path: String,
    pub(crate) browser: Browser,
}

/// The browser on its way out.
#[derive(Debug)]
pub(crate) struct Departure {
    /// The browser, to be marked.
    pub(crate) browser: Browser,
    /// Where it goes.
    pub(crate) way: Way,
    /// A member's own page led here: it goes on by a page, not by a redirect, which that
    /// page's policy would forbid.
    pub(crate) from_page: bool,
}

/// How the browser gets to the provider.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// To this address.
    Address(String),
    /// By posting these fields.
    Form { action: String, fields: Vec<(&'static str, String)> },
}

impl Sso {
    /// Begins a sign-in through a connection.
    pub(crate) async fn start(
        &self,
        handle: &Handle,
        headers: &HeaderMap,
        origin: Origin,
        beginning: Beginning,
    ) -> Result<Departure, Error> {
        let (scope, known) = self.enter(handle, origin).await?;
        let browser = self.browser_or_new(headers)?;
        let from_page = beginning.begun.is_some();
        let flow = match beginning.begun.as_deref() {
            Some(token) => {
                let at = (Stage::Begun, token);
                // Else somebody could let another one be connected as them.
                match self.look(&scope, &known.id, at).await? {
                    Some((flow, tag))
                        if self.is_same(&scope, Some(&browser), &tag)?
                            && self.end(&scope, &known.id, at, &tag).await? =>
                    {
                        flow
                    }
                    Some(_) | None => {
                        return Err(self.refuse_stranger(&scope, &known, Refused::no_flow()).await);
                    }
                }
            }
            None if known.state == ConnectionState::Active => {
                Flow::new(Purpose::SignIn, &beginning.next)
            }
            None => return Err(self.refuse(&scope, &known, Refused::not_active()).await),
        };
        let hint = beginning.hint.filter(|hint| hint.chars().count() <= HINT_CHARS_MAX);
        let way = self.ask(&scope, handle, &known, (flow, &browser), hint).await?;
        Ok(Departure { browser, way, from_page })
    }

    /// Begins a test of a connection.
    pub(crate) async fn begin_test(
        &self,
        caller: &Caller,
        id: &ConnectionId,
        headers: &HeaderMap,
    ) -> Result<Begun, Error> {
        let scope = self.may_change(caller).await?;
        let known = self.one(&scope, id).await?;
        if known.provider.is_none() {
            return Err(Error::Conflict("say first which provider it is"));
        }
        if known.kind == Kind::Oidc && (known.client_id.is_none() || known.client_secret.is_none())
        {
            return Err(Error::Conflict("enter the client ID and the client secret first"));
        }
        let purpose = Purpose::Test(tester(caller)?);
        let begun = self.begin(&scope, &known, purpose, headers).await?;
        self.0.record.note(caller, &events::about("sso.test.begun", id)).await?;
        Ok(begun)
    }

    /// Begins to connect the caller: from then on the provider lets them in.
    pub(crate) async fn begin_connecting(
        &self,
        caller: &Caller,
        id: &ConnectionId,
        headers: &HeaderMap,
    ) -> Result<Begun, Error> {
        let member = myself(caller)?;
        caller.recent_factor()?;
        let scope = caller.itself();
        let known = self.one(&scope, id).await?;
        if known.state != ConnectionState::Active {
            return Err(Error::NotFound);
        }
        let begun = self.begin(&scope, &known, Purpose::Connect(member), headers).await?;
        self.0.record.note(caller, &events::about("sso.connecting.begun", id)).await?;
        Ok(begun)
    }

    async fn begin(
        &self,
        scope: &Scope,
        known: &Known,
        purpose: Purpose,
        headers: &HeaderMap,
    ) -> Result<Begun, Error> {
        let (token, browser) = (flow::token()?, self.browser_or_new(headers)?);
        let tag = browser.tag(self, scope)?;
        let flow = Flow::new(purpose, "/");
        self.keep(scope, &known.id, (Stage::Begun, &token), &tag, &flow).await?;
        let path = format!("/sso/{}/start?begun={token}", self.handle(scope, &known.id));
        Ok(Begun { path, browser })
    }

    /// Asks the provider, and keeps what its answer must fit to.
    pub(crate) async fn ask(
        &self,
        scope: &Scope,
        handle: &Handle,
        known: &Known,
        (flow, browser): (Flow, &Browser),
        hint: Option<String>,
    ) -> Result<Way, Error> {
        let tag = browser.tag(self, scope)?;
        match &known.provider {
            Some(Provider::Saml(provider)) => {
                let token = flow::token()?;
                let ours = self.service_provider(handle, known);
                let (policy, binding) = (known.policy.saml(), known.policy.binding(provider));
                let sent = ours
                    .authn_request(provider, &policy, binding, Some(&token), self.now())
                    .map_err(Refused::from)?;
                let flow = Flow { request: Some(sent.id.clone()), ..flow };
                self.keep(scope, &known.id, (Stage::Asked, &token), &tag, &flow).await?;
                Ok(Way::from(sent))
            }
            Some(Provider::Oidc(provider)) => {
                let client = self.client(handle, known)?;
                let wish = Wish {
                    scopes: known.policy.scopes.clone(),
                    login_hint: hint,
                    prompt: known.policy.force_authn.then_some(Prompt::Login),
                    max_age_secs: None,
                };
                let started = oidc::begin(provider, &client, &wish).map_err(Refused::from)?;
                let pending = started.pending.to_text().map_err(Refused::from)?;
                let flow = Flow { pending: Some(pending.reveal().to_owned()), ..flow };
                let token = started.pending.state.reveal();
                self.keep(scope, &known.id, (Stage::Asked, token), &tag, &flow).await?;
                Ok(Way::Address(started.url))
            }
            None => Err(self.refuse(scope, known, Refused::not_active()).await),
        }
    }

    /// Who we are at an `OpenID` provider.
    pub(crate) fn client(&self, handle: &Handle, known: &Known) -> Result<Client, Error> {
        let (Some(client_id), Some(client_secret)) = (&known.client_id, &known.client_secret)
        else {
            return Err(Refused::not_active().into());
        };
        Ok(Client {
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            redirect_uri: self.ours(handle, &[]).redirect_uri,
        })
    }

    /// What every request of a stranger passes first: the turnstile, and whether there is such
    /// a connection. One that is not there looks like one that refuses.
    pub(crate) async fn enter(
        &self,
        handle: &Handle,
        origin: Origin,
    ) -> Result<(Scope, Known), Error> {
        self.0.turnstile.pass(origin.ip, self.now())?;
        let ip = origin.ip;
        let nothing = || {
            self.0.turnstile.refused(ip, self.now());
            Error::from(Refused::not_active())
        };
        let scope = self.scope(handle, origin).ok_or_else(nothing)?;
        match self.one(&scope, &handle.connection).await {
            Ok(known) => Ok((scope, known)),
            Err(Error::NotFound) => Err(nothing()),
            Err(other) => Err(other),
        }
    }

    /// Writes a refusal into the record; the browser is told nothing of it.
    pub(crate) async fn refuse(&self, scope: &Scope, known: &Known, why: Refused) -> Error {
        let event = events::refused(&known.id, &why);
        match self.0.record.note(scope.caller(), &event).await {
            Ok(_) => Error::Refused(why),
            Err(error) => Error::NotDurable(error),
        }
    }

    /// The same for what anybody can send: whoever does it often is not listened to.
    pub(crate) async fn refuse_stranger(
        &self,
        scope: &Scope,
        known: &Known,
        why: impl Into<Refused>,
    ) -> Error {
        self.0.turnstile.refused(scope.caller().origin.ip, self.now());
        self.refuse(scope, known, why.into()).await
    }
}

impl From<Outgoing> for Way {
    fn from(sent: Outgoing) -> Self {
        match sent.by {
            Delivery::Redirect { url } => Self::Address(url),
            Delivery::Post { action, fields } => Self::Form { action, fields },
        }
    }
}

/// Who looks at a test: somebody in a browser, be it by a setup link.
fn tester(caller: &Caller) -> Result<String, Error> {
    match &caller.actor {
        Actor::Member(_) | Actor::Guest(_) => Ok(caller.actor.id().to_owned()),
        Actor::Service(_) | Actor::Operator(_) | Actor::Node(_) | Actor::Directory(_) => {
            Err(Error::Conflict("a test is made in a browser, by a member or a guest"))
        }
    }
}

/// Whose own session this is. Providers know members alone; and a key that somebody found
/// must not become a way to sign in.
fn myself(caller: &Caller) -> Result<MemberId, Error> {
    let only = Error::Conflict("only members sign in through a connection");
    let member = caller.actor.member().ok_or(only)?;
    let own = caller.standing.session.as_ref();
    let own = own.filter(|own| own.method != Method::Support);
    own.map(|_| member.clone()).ok_or(Error::SessionOnly)
}
