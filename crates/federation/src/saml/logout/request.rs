//! Asking to end a session.

use std::fmt::Write as _;

use base::time::At;

use super::open::Held;
use crate::saml::authn::issuer;
use crate::saml::binding::{Binding, Incoming, Message, Outgoing, Role, send};
use crate::saml::id;
use crate::saml::instant;
use crate::saml::policy::Policy;
use crate::saml::provider::{IdentityProvider, ServiceProvider};
use crate::saml::query::Query;
use crate::saml::refusal::Refusal;
use crate::saml::response::name;
use crate::saml::uris::{ASSERTION, PROTOCOL, UNSPECIFIED};
use crate::saml::xml::{attribute, text};

/// The most sessions that one request ends.
const SESSIONS_MAX: usize = 64;
/// The longest session index.
const SESSION_BYTES_MAX: usize = 1024;

/// Whose session is to end: as the assertion named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutSubject {
    /// The person's name at the identity provider.
    pub name_id: String,
    /// What kind of name that is.
    pub name_id_format: Option<String>,
    /// Whose names these are.
    pub name_qualifier: Option<String>,
    /// For whom the name was made.
    pub sp_name_qualifier: Option<String>,
    /// The session there.
    pub session_index: Option<String>,
}

/// A verified request of the identity provider to end sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its id: what the answer must name.
    pub id: String,
    /// The person's name at the identity provider.
    pub name_id: String,
    /// What kind of name that is.
    pub name_id_format: Option<String>,
    /// The sessions there that end; none: all of the person.
    pub session_indexes: Vec<String>,
    /// To be given back with the answer.
    pub relay_state: Option<String>,
}

impl ServiceProvider {
    /// A request to end the session of somebody, signed.
    pub fn logout_request(
        &self,
        idp: &IdentityProvider,
        policy: &Policy,
        subject: &LogoutSubject,
        binding: Binding,
        relay_state: Option<&str>,
        now: At,
    ) -> Result<Outgoing, Refusal> {
        let address = match binding {
            Binding::Redirect => idp.slo_redirect.as_deref(),
            Binding::Post => idp.slo_post.as_deref(),
        };
        let address = address.ok_or(Refusal::Unreachable)?;
        let id = id::fresh()?;
        let mut xml = format!(
            "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" \
             ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{}\" Destination=\"",
            instant::write(now)
        );
        attribute(&mut xml, address);
        xml.push_str("\">");
        issuer(&mut xml, &self.entity_id, policy.strict);
        named(&mut xml, subject);
        xml.push_str("</samlp:LogoutRequest>");
        let key = Some(self.signing_key()?);
        let role = Role::Request;
        send(binding, Message { id, xml, role, address, relay_state, key })
    }

    /// Verifies a request of the identity provider. Unsigned ones are refused, over both bindings.
    pub fn verify_logout_request(
        &self,
        idp: &IdentityProvider,
        policy: &Policy,
        incoming: &Incoming<'_>,
        relay_state: Option<&str>,
        now: At,
    ) -> Result<LogoutRequest, Refusal> {
        let held = Held { sp: self, idp, policy, now };
        let root = held.open(incoming, Role::Request, "LogoutRequest")?;
        if let Some(ends) = root.attribute("NotOnOrAfter") {
            let ends = instant::read(ends, "NotOnOrAfter")?;
            if now.duration_since(ends) >= policy.skew() {
                return Err(Refusal::Expired);
            }
        }
        let person = name(&root)?;
        let mut session_indexes = Vec::new();
        for session in root.all(PROTOCOL, "SessionIndex") {
            let session = session.value()?;
            if session_indexes.len() >= SESSIONS_MAX || session.len() > SESSION_BYTES_MAX {
                return Err(Refusal::TooManyValues);
            }
            session_indexes.push(session);
        }
        let relay_state = match incoming {
            Incoming::Redirect { query } => Query::read(query, Role::Request)?.relay_state()?,
            Incoming::Post { .. } => relay_state.map(str::to_owned),
        };
        Ok(LogoutRequest {
            id: id::check(root.attribute("ID"))?.to_owned(),
            name_id: person.name_id,
            name_id_format: person.format,
            session_indexes,
            relay_state,
        })
    }
}

fn named(xml: &mut String, subject: &LogoutSubject) {
    xml.push_str("<saml:NameID");
    let format = subject.name_id_format.as_deref().unwrap_or(UNSPECIFIED);
    let qualifiers = [
        ("Format", Some(format)),
        ("NameQualifier", subject.name_qualifier.as_deref()),
        ("SPNameQualifier", subject.sp_name_qualifier.as_deref()),
    ];
    for (attribute_name, value) in qualifiers {
        if let Some(value) = value {
            let _infallible = write!(xml, " {attribute_name}=\"");
            attribute(xml, value);
            xml.push('"');
        }
    }
    xml.push('>');
    text(xml, &subject.name_id);
    xml.push_str("</saml:NameID>");
    if let Some(session) = &subject.session_index {
        xml.push_str("<samlp:SessionIndex>");
        text(xml, session);
        xml.push_str("</samlp:SessionIndex>");
    }
}
