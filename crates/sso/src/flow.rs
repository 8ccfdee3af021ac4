//! Somebody who is on their way to a provider and back.

use access::{MemberId, Scope};
use base::args;
use base::seal;
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::browser::Browser;
use crate::mapping::Claims;
use crate::seals::{Known, Place};
use crate::{ConnectionId, Error, Sso, sql};

/// A sign-in is over when it took longer.
pub(crate) const FLOW_SECS: i64 = 600;
/// Characters of a token: 256 bits.
const TOKEN_CHARS: usize = 64;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A test, or the connecting of a member, that a member asked for.
    Begun,
    /// The browser was sent to the provider.
    Asked,
    /// The provider has answered, and the answer was accepted.
    Answered,
}

/// What it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// To be signed in.
    SignIn,
    /// To see whether it works: an admin, or the guest of a setup link.
    Test(String),
    /// To be known by this provider from now on: a member who is signed in.
    Connect(MemberId),
    /// Leaving the provider; the session here has ended.
    Leave,
}

/// What is kept of it, sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) purpose: Purpose,
    /// The page of our own to go on to.
    pub(crate) next: String,
    /// SAML: the id of the request that was sent.
    pub(crate) request: Option<String>,
    /// `OpenID` Connect: what was kept back of the request.
    pub(crate) pending: Option<String>,
    /// What the provider answered.
    pub(crate) answer: Option<Answer>,
}

/// What a provider said about somebody, after it was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that a provider said")]
pub(crate) struct Answer {
    /// What the provider calls them: what a logout names.
    pub(crate) named: String,
    /// It calls them so this time alone: they are known by their address.
    pub(crate) transient: bool,
    /// Which session of its own this is.
    pub(crate) index: Option<String>,
    /// When that one ends.
    pub(crate) until: Option<At>,
    /// Attributes or claims.
    pub(crate) claims: Claims,
    /// How they proved who they are.
    pub(crate) ways: Vec<String>,
    /// When.
    pub(crate) authenticated_at: Option<At>,
    /// The provider says that the address is not theirs.
    pub(crate) email_unverified: bool,
    /// There are groups that the provider did not name, because there are too many.
    pub(crate) groups_unknown: bool,
    /// Nobody here had asked.
    pub(crate) unsolicited: bool,
    /// What a logout at the provider needs.
    pub(crate) farewell: Farewell,
}

/// What the provider must be told when somebody leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Farewell {
    /// SAML: whom it means, as it said.
    Saml { format: Option<String>, qualifier: Option<String>, sp_qualifier: Option<String> },
    /// `OpenID` Connect: the token that it gave.
    Oidc { id_token: String },
}

impl Stage {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Asked => "asked",
            Self::Answered => "answered",
        }
    }
}

impl Flow {
    /// One that has just begun.
    pub(crate) fn new(purpose: Purpose, next: &str) -> Self {
        let next = base::page::local(next).to_owned();
        Self { purpose, next, request: None, pending: None, answer: None }
    }
}

/// A new token.
pub(crate) fn token() -> Result<String, Error> {
    Ok(base::hex::encode(&seal::random::<{ TOKEN_CHARS / 2 }>()?))
}

/// Whether a text can be one of ours.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == TOKEN_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl Sso {
    /// Keeps a flow under a token.
    pub(crate) async fn keep(
        &self,
        scope: &Scope,
        connection: &ConnectionId,
        (stage, token): (Stage, &str),
        browser: &[u8],
        flow: &Flow,
    ) -> Result<(), Error> {
        let seals = &self.0.seals;
        let expires_at = self.now() + SignedDuration::from_secs(FLOW_SECS);
        let args = args![
            seals.tag(scope, Known::Token, token)?.as_slice(),
            connection.as_str(),
            stage.as_str(),
            browser,
            seals.seal_json(scope, Place::Flow(connection), flow)?,
            expires_at,
        ];
        self.jot(scope, sql::FLOW_ADD, args).await?;
        Ok(())
    }

    /// A flow that has not expired, and the tag of its browser.
    pub(crate) async fn look(
        &self,
        scope: &Scope,
        connection: &ConnectionId,
        (stage, token): (Stage, &str),
    ) -> Result<Option<(Flow, Vec<u8>)>, Error> {
        let seals = &self.0.seals;
        let tag = seals.tag(scope, Known::Token, token)?;
        let args = args![tag.as_slice(), connection.as_str(), stage.as_str(), self.now()];
        let db = self.0.databases.of(scope)?;
        let Some(row) = db.maybe(sql::FLOW_ONE, args).await? else { return Ok(None) };
        let flow = seals.open_json(scope, Place::Flow(connection), &row.bytes("body")?)?;
        Ok(Some((flow, row.bytes("browser")?)))
    }

    /// Ends a flow: true for one asker alone.
    pub(crate) async fn end(
        &self,
        scope: &Scope,
        connection: &ConnectionId,
        (stage, token): (Stage, &str),
        browser: &[u8],
    ) -> Result<bool, Error> {
        let tag = self.0.seals.tag(scope, Known::Token, token)?;
        let args = args![tag.as_slice(), connection.as_str(), stage.as_str(), browser];
        Ok(self.take(scope, sql::FLOW_TAKE, args).await?.is_some())
    }

    /// Whether a browser is the one of a flow.
    pub(crate) fn is_same(
        &self,
        scope: &Scope,
        browser: Option<&Browser>,
        tag: &[u8],
    ) -> Result<bool, Error> {
        let Some(browser) = browser else { return Ok(false) };
        Ok(seal::equal(&browser.tag(self, scope)?, tag))
    }
}
