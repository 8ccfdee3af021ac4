//! Who we are at a provider.

use base::secret::Secret;

use crate::oidc::Provider;

/// What a provider may be ahead or behind at most, whatever a connection asks for.
const SKEW_SECS_MAX: u32 = 300;

/// What the provider's admin registered for us.
#[derive(Debug, Clone)]
pub struct Client {
    /// The id that the provider gave.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Secret,
    /// Where the browser comes back to, as it was registered.
    pub redirect_uri: String,
}

/// A provider, who we are there, and what is expected of its tokens.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// Who we are there.
    pub client: &'a Client,
    /// How far its clock may be from ours, 300 at most.
    pub clock_skew_secs: u32,
    /// Claims without which nobody can be mapped. One that is not in the ID token is asked
    /// for at the provider's userinfo endpoint.
    pub claims_wanted: &'a [String],
}

impl Registration<'_> {
    pub(crate) fn skew_secs(&self) -> i64 {
        self.clock_skew_secs.min(SKEW_SECS_MAX).into()
    }
}
