//! Leaving the provider too (RP-Initiated Logout 1.0).

use base::secret::Secret;

use crate::oidc::authorization::with_query;
use crate::oidc::{Client, Provider, Refusal};

/// How somebody leaves.
#[derive(Debug, Clone, Copy)]
pub struct Farewell<'a> {
    /// Where the browser goes afterwards, as it was registered.
    pub post_logout_redirect_uri: &'a str,
    /// Comes back with it.
    pub state: &'a str,
    /// The ID token they came with, if it was kept. Some providers ask "really?" without it.
    pub id_token: Option<&'a Secret>,
}

/// Where the browser goes to leave the provider; none: it has no such place.
pub fn logout_url(
    provider: &Provider,
    client: &Client,
    farewell: &Farewell<'_>,
) -> Result<Option<String>, Refusal> {
    let Some(endpoint) = &provider.end_session_endpoint else { return Ok(None) };
    let mut fields = vec![
        ("client_id", client.client_id.as_str()),
        ("post_logout_redirect_uri", farewell.post_logout_redirect_uri),
        ("state", farewell.state),
    ];
    fields.extend(farewell.id_token.map(|token| ("id_token_hint", token.reveal())));
    with_query(endpoint, &fields).map(Some)
}
