//! Our side of a SAML connection, as the protocol wants it.

use federation::saml::{Binding, IdentityProvider, Policy as Protocol, ServiceProvider};

use crate::connection::{Known, Provider};
use crate::{Error, Handle, Policy, Refused, Sso};

impl Policy {
    /// As the protocol reads it.
    pub(crate) fn saml(&self) -> Protocol {
        Protocol {
            strict: self.strict,
            idp_initiated: self.idp_initiated,
            clock_skew_secs: self.clock_skew_secs,
            widened_algorithms: self.widened_algorithms,
            sign_requests: self.sign_requests,
            want_assertions_signed: self.assertions_signed,
            name_id_format: Some(self.name_id_format.clone()).filter(|format| !format.is_empty()),
            force_authn: self.force_authn,
            authn_contexts: self.authn_contexts.clone(),
            expired_certificates: self.expired_certificates,
        }
    }

    /// How requests go to a provider: as is wished, if it takes them so.
    pub(crate) fn binding(&self, provider: &IdentityProvider) -> Binding {
        let posts = provider.sso_post.is_some();
        match (self.post_requests && posts, provider.sso_redirect.is_some()) {
            (false, true) => Binding::Redirect,
            (true, _) | (false, false) => Binding::Post,
        }
    }
}

impl Sso {
    /// Who we are in this connection: one service provider for each.
    pub(crate) fn service_provider(&self, handle: &Handle, known: &Known) -> ServiceProvider {
        let ours = self.ours(handle, &known.keys);
        ServiceProvider {
            entity_id: ours.entity_id,
            acs_url: ours.acs_url,
            slo_url: ours.logout_url,
            keys: known.keys.clone(),
        }
    }

    /// Our metadata, for anybody: a provider reads it by itself.
    pub async fn metadata(&self, handle: &Handle) -> Result<String, Error> {
        let scope = self.scope(handle, access::Origin::default()).ok_or(Error::NotFound)?;
        let known = self.one(&scope, &handle.connection).await?;
        if known.keys.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(self.service_provider(handle, &known).metadata(&known.policy.saml()))
    }
}

impl Known {
    /// The SAML provider, if that is what it is.
    pub(crate) fn saml_provider(&self) -> Result<&IdentityProvider, Refused> {
        match &self.provider {
            Some(Provider::Saml(provider)) => Ok(provider),
            Some(Provider::Oidc(_)) | None => Err(Refused::not_active()),
        }
    }
}

/// Where people are sent to sign in.
pub(crate) fn sign_in_url(provider: &IdentityProvider) -> String {
    provider.sso_redirect.clone().or_else(|| provider.sso_post.clone()).unwrap_or_default()
}

/// Whether it can be told that somebody left, and how.
pub(crate) fn logout_binding(provider: &IdentityProvider) -> Option<Binding> {
    match (&provider.slo_redirect, &provider.slo_post) {
        (Some(_), _) => Some(Binding::Redirect),
        (None, Some(_)) => Some(Binding::Post),
        (None, None) => None,
    }
}

impl From<federation::saml::Refusal> for Refused {
    fn from(refusal: federation::saml::Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}

impl From<federation::oidc::Refusal> for Refused {
    fn from(refusal: federation::oidc::Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}
