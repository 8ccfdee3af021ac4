//! The side that signs people in by what a provider says.

use std::sync::Arc;

use base::fetch::Fetch;
use base::time::At;

use crate::oidc::jose::Jws;
use crate::oidc::key_cache::{KeyCache, Needed};
use crate::oidc::{
    Expected, IdToken, KeySet, LogoutToken, Pending, Provider, Refusal, Registration, Returned,
    discovery, id_token, logout_token, token_endpoint, userinfo,
};

/// Talks with providers and keeps their keys. One for the whole product; cheap to clone.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    fetch: Fetch,
    keys: Arc<KeyCache>,
}

impl RelyingParty {
    /// One that asks by `fetch`.
    pub fn new(fetch: Fetch) -> Self {
        Self { fetch, keys: Arc::default() }
    }

    /// The same, on behalf of somebody whose slow providers keep nobody else waiting.
    #[must_use]
    pub fn on_behalf_of(&self, whose: &str) -> Self {
        Self { fetch: self.fetch.on_behalf_of(whose), keys: self.keys.clone() }
    }

    /// Asks a provider what it is.
    pub async fn discover(&self, issuer: &str) -> Result<Provider, Refusal> {
        discovery::discover(&self.fetch, issuer).await
    }

    /// Ends a sign-in that [`begin`](crate::oidc::begin) began: somebody came back with
    /// `returned`. `pending` must be what this browser left with, and be used once.
    pub async fn finish(
        &self,
        on: &Registration<'_>,
        pending: &Pending,
        returned: &Returned,
        now: At,
    ) -> Result<IdToken, Refusal> {
        let code = pending.code(on.provider, returned)?;
        let ends = (on.provider, on.client);
        let got = token_endpoint::redeem(&self.fetch, ends, code, &pending.verifier).await?;
        let keys = self.keys_for(on.provider, got.id_token.reveal(), now).await?;
        let nonce = pending.nonce.reveal();
        let expected = Expected { nonce, max_age_secs: pending.max_age_secs };
        let mut token =
            id_token::verify_id_token(got.id_token.reveal(), &keys, on, &expected, now)?;
        let wanted = |name: &String| token.lacks(name) && !token.left_out(name);
        if on.claims_wanted.iter().any(wanted)
            && let (Some(endpoint), Some(access)) =
                (&on.provider.userinfo_endpoint, &got.access_token)
        {
            userinfo::complete(&self.fetch, endpoint, access, &mut token).await?;
        }
        Ok(token)
    }

    /// Somebody left at the provider, which says so with `token`. The caller accepts each
    /// `jti` once.
    pub async fn verify_logout_token(
        &self,
        on: &Registration<'_>,
        token: &str,
        now: At,
    ) -> Result<LogoutToken, Refusal> {
        let keys = self.keys_for(on.provider, token, now).await?;
        logout_token::verify_logout_token(token, &keys, on, now)
    }

    /// The keys that a token needs; one that could never be accepted asks nobody.
    async fn keys_for(
        &self,
        provider: &Provider,
        token: &str,
        now: At,
    ) -> Result<Arc<KeySet>, Refusal> {
        let jws = Jws::read(token)?;
        let needed = Needed { kid: jws.kid.as_deref(), algorithm: jws.algorithm };
        self.keys.keys(&self.fetch, &provider.jwks_uri, needed, now).await
    }
}
