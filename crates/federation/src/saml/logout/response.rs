//! Answering that a session has ended.

use base::time::At;

use super::open::Held;
use crate::saml::authn::issuer;
use crate::saml::binding::{Binding, Incoming, Message, Outgoing, Role, send};
use crate::saml::envelope::status;
use crate::saml::id;
use crate::saml::instant;
use crate::saml::policy::Policy;
use crate::saml::provider::{IdentityProvider, ServiceProvider};
use crate::saml::refusal::{Refusal, Status};
use crate::saml::uris::{ASSERTION, PARTIAL_LOGOUT, PROTOCOL, RESPONDER, SUCCESS};
use crate::saml::xml::attribute;

/// What the identity provider answered about a logout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutOutcome {
    /// Everywhere.
    Everywhere,
    /// Not everywhere.
    Partial,
    /// It refused.
    Refused(Status),
}

impl ServiceProvider {
    /// The answer to a request of the identity provider, signed.
    #[expect(clippy::too_many_arguments, reason = "like its siblings, with what it answers")]
    pub fn logout_response(
        &self,
        idp: &IdentityProvider,
        policy: &Policy,
        in_response_to: &str,
        success: bool,
        binding: Binding,
        relay_state: Option<&str>,
        now: At,
    ) -> Result<Outgoing, Refusal> {
        let address = match binding {
            Binding::Redirect => idp.slo_response_redirect.as_ref().or(idp.slo_redirect.as_ref()),
            Binding::Post => idp.slo_response_post.as_ref().or(idp.slo_post.as_ref()),
        };
        let address = address.ok_or(Refusal::Unreachable)?;
        let id = id::fresh()?;
        let mut xml = format!(
            "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" \
             ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\"",
            instant::write(now)
        );
        for (name, value) in [("Destination", address.as_str()), ("InResponseTo", in_response_to)] {
            xml.push(' ');
            xml.push_str(name);
            xml.push_str("=\"");
            attribute(&mut xml, value);
            xml.push('"');
        }
        xml.push('>');
        issuer(&mut xml, &self.entity_id, policy.strict);
        xml.push_str("<samlp:Status><samlp:StatusCode Value=\"");
        xml.push_str(if success { SUCCESS } else { RESPONDER });
        xml.push_str("\"/></samlp:Status></samlp:LogoutResponse>");
        let key = Some(self.signing_key()?);
        let role = Role::Response;
        send(binding, Message { id, xml, role, address, relay_state, key })
    }

    /// Verifies the answer to our own request. Unsigned ones are refused, over both bindings.
    pub fn verify_logout_response(
        &self,
        idp: &IdentityProvider,
        policy: &Policy,
        incoming: &Incoming<'_>,
        expected: &str,
        now: At,
    ) -> Result<LogoutOutcome, Refusal> {
        let held = Held { sp: self, idp, policy, now };
        let root = held.open(incoming, Role::Response, "LogoutResponse")?;
        if root.attribute("InResponseTo") != Some(expected) {
            return Err(Refusal::InResponseTo);
        }
        Ok(match status(&root)? {
            (_, Some(PARTIAL_LOGOUT)) => LogoutOutcome::Partial,
            (SUCCESS, _) => LogoutOutcome::Everywhere,
            (outer, inner) => LogoutOutcome::Refused(Status::of(inner.unwrap_or(outer))),
        })
    }
}
