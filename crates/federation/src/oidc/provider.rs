//! What is kept of a provider.

use crate::oidc::Algorithm;

/// The one provider whose tokens may leave `https://` out of its name.
const GOOGLE: &str = "https://accounts.google.com";

/// A provider, as it described itself and as far as we use it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Provider {
    /// What it calls itself; the same in each of its tokens.
    pub issuer: String,
    /// Where the browser is sent.
    pub authorization_endpoint: String,
    /// Where a code becomes a token.
    pub token_endpoint: String,
    /// Where its keys are.
    pub jwks_uri: String,
    /// Where more is said about somebody.
    pub userinfo_endpoint: Option<String>,
    /// Where the browser is sent to leave.
    pub end_session_endpoint: Option<String>,
    /// How it signs, of what we accept.
    pub algorithms: Vec<Algorithm>,
    /// How we prove who we are.
    pub client_authentication: ClientAuthentication,
    /// Whether it names itself when the browser comes back (RFC 9207).
    pub names_itself: bool,
    /// Whether it says when somebody left.
    pub backchannel_logout: bool,
}

/// How a client proves who it is at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// In a header.
    Basic,
    /// In the form.
    Post,
}

impl Provider {
    /// Whether a token may name it so.
    pub(crate) fn is_called(&self, issuer: &str) -> bool {
        let google = self.issuer == GOOGLE && GOOGLE.strip_prefix("https://") == Some(issuer);
        issuer == self.issuer || google
    }
}
