//! The answer of an identity provider: verified, decrypted, read.

mod assertion;
mod attributes;
mod conditions;
mod encryption;
mod layout;
mod statement;
mod subject;

use base::time::At;

pub use assertion::Assertion;

use super::binding::posted;
use super::certificate::Certificate;
use super::envelope::{Form, destined, issued, sent_by, status, versioned};
use super::policy::Policy;
use super::provider::{IdentityProvider, ServiceProvider};
use super::refusal::{Refusal, Signature, Status};
use super::signature::verify;
use super::uris::{PROTOCOL, SUCCESS};
use super::xml::{Element, Limits, read};
use layout::{Only, layout};
pub(super) use subject::name;

/// The most elements and pieces of text of a message. A response has 100; one with a person's
/// 1,000 groups has 4,000.
const NODES_MAX: usize = 12_000;

pub(super) const LIMITS: Limits = Limits { nodes_max: NODES_MAX };

/// What an assertion is held to.
pub(super) struct Check<'a> {
    pub(super) sp: &'a ServiceProvider,
    pub(super) idp: &'a IdentityProvider,
    pub(super) policy: &'a Policy,
    /// The request that must be answered; none if nobody asked.
    pub(super) expected: Option<&'a str>,
    pub(super) now: At,
}

impl ServiceProvider {
    /// Verifies a posted response and gives what it says of whom.
    ///
    /// `posted` is the form's value in base64, `expected` the id of the request that this browser
    /// was sent with; none for a sign-in that begins at the identity provider. What is given back
    /// must still be held against replay: [`Assertion::not_on_or_after`].
    pub fn verify_response(
        &self,
        idp: &IdentityProvider,
        policy: &Policy,
        posted: &[u8],
        expected: Option<&str>,
        now: At,
    ) -> Result<Assertion, Refusal> {
        let message = self::posted(posted)?;
        let root = read(&message, LIMITS)?;
        let check = Check { sp: self, idp, policy, expected, now };
        check.response(&root)
    }
}

impl Check<'_> {
    fn response(&self, root: &Element) -> Result<Assertion, Refusal> {
        if !root.is(PROTOCOL, "Response") {
            return Err(Refusal::WrongMessage);
        }
        let response_id = versioned(root)?;
        issued(root, self.policy, self.now)?;
        self.answers(root.attribute("InResponseTo"))?;
        destined(root, &self.sp.acs_url)?;
        let form = if self.policy.strict { Form::EntityOrNone } else { Form::Any };
        if !sent_by(root, self.idp, form)? && self.policy.strict {
            return Err(Refusal::Missing("Issuer"));
        }
        success(root)?;
        let only = layout(root)?;
        let certificates = self.idp.live(self.policy, self.now)?;
        let signed = self.verify(root, &[], &certificates)?;
        match only {
            Only::Plain(assertion) => {
                let own = self.verify(assertion, &[root], &certificates)?;
                self.enough(signed, own)?;
                self.assertion(assertion, response_id, false)
            }
            Only::Encrypted(encrypted) => {
                let scope = layout::scope(&[root, encrypted]);
                let assertion = self.decrypt(encrypted, scope, signed)?;
                let own = self.verify(&assertion, &[root, encrypted], &certificates)?;
                self.enough(signed, own)?;
                self.assertion(&assertion, response_id, true)
            }
        }
    }

    fn verify(
        &self,
        element: &Element,
        ancestors: &[&Element],
        certificates: &[&Certificate],
    ) -> Result<bool, Refusal> {
        verify(element, ancestors, certificates, self.policy.widened_algorithms)
    }

    /// Whether what was signed covers the assertion, and as this connection wants it.
    fn enough(&self, response: bool, assertion: bool) -> Result<(), Refusal> {
        if !response && !assertion {
            return Err(Signature::Missing.into());
        }
        let wanted = self.policy.want_assertions_signed || self.policy.strict;
        if wanted && !assertion {
            return Err(Signature::AssertionUnsigned.into());
        }
        Ok(())
    }

    /// Whether it answers what was asked, or nothing if nobody asked.
    pub(super) fn answers(&self, in_response_to: Option<&str>) -> Result<(), Refusal> {
        if self.expected.is_none() && !self.policy.idp_initiated {
            return Err(Refusal::Unsolicited);
        }
        // An answer to somebody else's request is not one that nobody asked for.
        if in_response_to == self.expected { Ok(()) } else { Err(Refusal::InResponseTo) }
    }
}

/// Checks that the identity provider said yes.
fn success(root: &Element) -> Result<(), Refusal> {
    let (outer, inner) = status(root)?;
    if outer == SUCCESS {
        return Ok(());
    }
    Err(Refusal::Status(Status::of(inner.unwrap_or(outer))))
}
