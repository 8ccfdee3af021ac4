//! The parties.

use base::secret::Secret;
use base::time::At;
use federation::saml::{IdentityProvider, Keypair, ServiceProvider};

use super::Signer;

pub(crate) const NOW: &str = "2026-11-25T12:00:00Z";
pub(crate) const IDP: &str = "https://idp.example/metadata";
pub(crate) const SP: &str = "https://portico.example/saml/c1";
pub(crate) const ACS: &str = "https://portico.example/saml/c1/acs";
pub(crate) const SLO: &str = "https://portico.example/saml/c1/slo";
/// The request that the honest messages answer.
pub(crate) const REQUEST: &str = "_request";
/// The person that they are about.
pub(crate) const NAME: &str = "alice@example.com";

/// Everybody's keys, and the two parties.
pub(crate) struct World {
    pub(crate) idp: Signer,
    /// The certificate that follows the identity provider's first.
    pub(crate) next: Signer,
    pub(crate) elliptic: Signer,
    /// Of another identity provider, that another connection trusts.
    pub(crate) other: Signer,
    pub(crate) attacker: Signer,
    pub(crate) expired: Signer,
    pub(crate) sp: ServiceProvider,
    pub(crate) provider: IdentityProvider,
    /// The service provider's key, as its own signer.
    pub(crate) ours: Signer,
}

pub(crate) fn at(text: &str) -> At {
    text.parse().expect("a time")
}

impl World {
    pub(crate) fn new() -> Self {
        let ours = Signer::rsa();
        let (idp, next, elliptic) = (Signer::rsa(), Signer::large(), Signer::elliptic());
        let pem = format!("{}\n{}", ours.pem, ours.certificate().to_pem());
        let keypair = Keypair::from_pem(&Secret::new(pem)).expect("a key pair");
        let service = |name: &str| Some(format!("https://idp.example/{name}"));
        let provider = IdentityProvider {
            entity_id: IDP.to_owned(),
            sso_redirect: service("sso"),
            sso_post: service("sso"),
            slo_redirect: service("slo"),
            slo_post: service("slo"),
            slo_response_redirect: None,
            slo_response_post: None,
            certificates: vec![idp.certificate(), next.certificate(), elliptic.certificate()],
            wants_signed_requests: false,
            name_id_formats: Vec::new(),
            valid_until: None,
        };
        let sp = ServiceProvider {
            entity_id: SP.to_owned(),
            acs_url: ACS.to_owned(),
            slo_url: SLO.to_owned(),
            keys: vec![keypair],
        };
        let (other, attacker, expired) = (Signer::elliptic(), Signer::rsa(), Signer::expired());
        Self { idp, next, elliptic, other, attacker, expired, sp, provider, ours }
    }
}
