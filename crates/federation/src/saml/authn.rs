//! Asks an identity provider to authenticate somebody.

use std::fmt::Write as _;

use base::time::At;

use super::binding::{Binding, Message, Outgoing, Role, send};
use super::id;
use super::instant;
use super::policy::Policy;
use super::provider::{IdentityProvider, ServiceProvider};
use super::refusal::Refusal;
use super::uris::{ASSERTION, ENTITY, POST, PROTOCOL, TRANSIENT};
use super::xml::{attribute, text};

impl ServiceProvider {
    /// A request to authenticate. Its id must be kept until the answer comes.
    pub fn authn_request(
        &self,
        idp: &IdentityProvider,
        policy: &Policy,
        binding: Binding,
        relay_state: Option<&str>,
        now: At,
    ) -> Result<Outgoing, Refusal> {
        let address = match binding {
            Binding::Redirect => idp.sso_redirect.as_deref(),
            Binding::Post => idp.sso_post.as_deref(),
        };
        let address = address.ok_or(Refusal::Unreachable)?;
        let id = id::fresh()?;
        let signs = policy.sign_requests || policy.strict || idp.wants_signed_requests;
        let key = if signs { Some(self.signing_key()?) } else { None };
        let xml = self.request(policy, &id, address, now);
        let role = Role::Request;
        send(binding, Message { id, xml, role, address, relay_state, key })
    }

    fn request(&self, policy: &Policy, id: &str, address: &str, now: At) -> String {
        let mut out = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" \
             ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" ProtocolBinding=\"{POST}\"",
            instant::write(now)
        );
        for (name, value) in
            [("Destination", address), ("AssertionConsumerServiceURL", &self.acs_url)]
        {
            let _infallible = write!(out, " {name}=\"");
            attribute(&mut out, value);
            out.push('"');
        }
        if policy.force_authn || policy.strict {
            out.push_str(" ForceAuthn=\"true\"");
        }
        out.push('>');
        issuer(&mut out, &self.entity_id, policy.strict);
        // SPID wants transient names and forbids to ask for new ones.
        let format = if policy.strict { Some(TRANSIENT) } else { policy.name_id_format.as_deref() };
        if let Some(format) = format {
            out.push_str("<samlp:NameIDPolicy Format=\"");
            attribute(&mut out, format);
            out.push_str(if policy.strict { "\"/>" } else { "\" AllowCreate=\"true\"/>" });
        }
        if let Some(context) = policy.contexts().first() {
            out.push_str(
                "<samlp:RequestedAuthnContext Comparison=\"minimum\"><saml:AuthnContextClassRef>",
            );
            text(&mut out, context);
            out.push_str("</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>");
        }
        out.push_str("</samlp:AuthnRequest>");
        out
    }
}

/// Who sends a message; with the strict switch as SPID wants it.
pub(super) fn issuer(out: &mut String, entity_id: &str, strict: bool) {
    out.push_str("<saml:Issuer");
    if strict {
        let _infallible = write!(out, " Format=\"{ENTITY}\" NameQualifier=\"");
        attribute(out, entity_id);
        out.push('"');
    }
    out.push('>');
    text(out, entity_id);
    out.push_str("</saml:Issuer>");
}
