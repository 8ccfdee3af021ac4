//! The two parties: our service provider, and the identity provider it trusts.

use base::time::At;
use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
use super::keypair::Keypair;
use super::policy::Policy;
use super::refusal::{Refusal, Signature};

/// Our side of one connection.
#[derive(Debug, Clone)]
pub struct ServiceProvider {
    /// Our name.
    pub entity_id: String,
    /// Where responses are posted to.
    pub acs_url: String,
    /// Where single logout is answered, by redirect and by POST.
    pub slo_url: String,
    /// The first signs; all decrypt and all are published, so that a key can be changed without
    /// a moment in which it fails.
    pub keys: Vec<Keypair>,
}

/// Their side of one connection, as its metadata says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityProvider {
    /// Its name.
    pub entity_id: String,
    /// Where requests go by redirect.
    pub sso_redirect: Option<String>,
    /// Where requests go by POST.
    pub sso_post: Option<String>,
    /// Single logout by redirect.
    pub slo_redirect: Option<String>,
    /// Single logout by POST.
    pub slo_post: Option<String>,
    /// Where answers about single logout go, if elsewhere: by redirect.
    #[serde(default)]
    pub slo_response_redirect: Option<String>,
    /// Where answers about single logout go, if elsewhere: by POST.
    #[serde(default)]
    pub slo_response_post: Option<String>,
    /// What its signatures are verified with: any of them.
    pub certificates: Vec<Certificate>,
    /// It takes signed requests alone.
    pub wants_signed_requests: bool,
    /// The formats of name identifiers that it offers.
    #[serde(default)]
    pub name_id_formats: Vec<String>,
    /// Until when the metadata is valid.
    #[serde(default)]
    pub valid_until: Option<At>,
}

impl ServiceProvider {
    /// The key that signs.
    pub(crate) fn signing_key(&self) -> Result<&Keypair, Refusal> {
        self.keys.first().ok_or(Refusal::Key)
    }
}

impl IdentityProvider {
    /// The certificates that count at this time.
    pub(crate) fn live(&self, policy: &Policy, now: At) -> Result<Vec<&Certificate>, Refusal> {
        if self.certificates.is_empty() {
            // Without a certificate nothing can be verified, so nothing is.
            return Err(Signature::Invalid.into());
        }
        let live: Vec<&Certificate> = self
            .certificates
            .iter()
            .filter(|one| policy.expired_certificates || one.is_valid_at(now))
            .collect();
        if live.is_empty() { Err(Refusal::CertificateExpired) } else { Ok(live) }
    }
}
