//! Takes a logout message from its binding, and verifies its signature before anything is read.

use base::time::At;

use crate::saml::binding::{Incoming, Role, posted};
use crate::saml::envelope::{Form, destined, issued, sent_by, versioned};
use crate::saml::policy::Policy;
use crate::saml::provider::{IdentityProvider, ServiceProvider};
use crate::saml::query::Query;
use crate::saml::refusal::{Refusal, Signature};
use crate::saml::response::LIMITS;
use crate::saml::signature::{is_signature, verify};
use crate::saml::uris::PROTOCOL;
use crate::saml::xml::{Element, read};

/// What a logout message is held to.
pub(super) struct Held<'a> {
    pub(super) sp: &'a ServiceProvider,
    pub(super) idp: &'a IdentityProvider,
    pub(super) policy: &'a Policy,
    pub(super) now: At,
}

impl Held<'_> {
    /// The message's tree: signed, from the identity provider, sent to us, now.
    pub(super) fn open(
        &self,
        incoming: &Incoming<'_>,
        role: Role,
        name: &str,
    ) -> Result<Element, Refusal> {
        let certificates = self.idp.live(self.policy, self.now)?;
        let widened = self.policy.widened_algorithms;
        let root = match incoming {
            Incoming::Redirect { query } => {
                let query = Query::read(query, role)?;
                query.verify(role, &certificates, widened)?;
                let root = read(&query.message()?, LIMITS)?;
                // The address is signed; a signature inside would be a second opinion.
                if signatures(&root) > 0 {
                    return Err(Signature::Misplaced.into());
                }
                root
            }
            Incoming::Post { message } => {
                let root = read(&posted(message)?, LIMITS)?;
                if !verify(&root, &[], &certificates, widened)? {
                    return Err(Signature::Missing.into());
                }
                if signatures(&root) > 1 {
                    return Err(Signature::Misplaced.into());
                }
                root
            }
        };
        if !root.is(PROTOCOL, name) {
            return Err(Refusal::WrongMessage);
        }
        versioned(&root)?;
        issued(&root, self.policy, self.now)?;
        destined(&root, &self.sp.slo_url)?;
        if sent_by(&root, self.idp, Form::Any)? {
            Ok(root)
        } else {
            Err(Refusal::Missing("Issuer"))
        }
    }
}

fn signatures(root: &Element) -> usize {
    let mut all = 0;
    root.visit(&mut |inside| all += usize::from(is_signature(inside)));
    all
}
