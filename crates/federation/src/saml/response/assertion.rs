//! What an assertion says, after everything was checked.

use std::collections::BTreeMap;

use base::time::At;

use super::Check;
use crate::saml::envelope::{AGE_MAX, Form, issued, sent_by, versioned};
use crate::saml::refusal::Refusal;
use crate::saml::xml::Element;

/// What an identity provider says of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The identity provider.
    pub issuer: String,
    /// The person's name there.
    pub name_id: String,
    /// What kind of name that is.
    pub name_id_format: Option<String>,
    /// Whose names these are; needed to ask for logout.
    pub name_qualifier: Option<String>,
    /// For whom the name was made; needed to ask for logout.
    pub sp_name_qualifier: Option<String>,
    /// The session there.
    pub session_index: Option<String>,
    /// Until when that session lasts, if it is said.
    pub session_ends_at: Option<At>,
    /// The attributes, by their names.
    pub attributes: BTreeMap<String, Vec<String>>,
    /// The assertion's id: the same must not be accepted twice.
    pub assertion_id: String,
    /// The response's id: the same must not be accepted twice.
    pub response_id: String,
    /// The request that it answers.
    pub in_response_to: Option<String>,
    /// Until when the ids must be remembered against replay: from then on it is refused anyway.
    pub not_on_or_after: At,
    /// By what means the person was authenticated.
    pub authn_context: Option<String>,
    /// When the person was authenticated.
    pub authn_instant: At,
    /// It was encrypted.
    pub was_encrypted: bool,
}

impl Check<'_> {
    /// Checks a verified assertion and reads it.
    pub(super) fn assertion(
        &self,
        assertion: &Element,
        response_id: &str,
        was_encrypted: bool,
    ) -> Result<Assertion, Refusal> {
        let assertion_id = versioned(assertion)?;
        let issued_at = issued(assertion, self.policy, self.now)?;
        let form = if self.policy.strict { Form::Entity } else { Form::Any };
        if !sent_by(assertion, self.idp, form)? {
            return Err(Refusal::Missing("Issuer of the assertion"));
        }
        self.conditions(assertion)?;
        let subject = self.subject(assertion)?;
        let authn = self.statement(assertion)?;
        let attributes = self.attributes(assertion)?;
        // It is refused for its age after this, whatever its conditions say.
        let age_max = AGE_MAX + self.policy.skew() + self.policy.skew();
        let not_on_or_after = issued_at.saturating_add(age_max).map_err(|_| Refusal::Expired)?;
        Ok(Assertion {
            issuer: self.idp.entity_id.clone(),
            name_id: subject.name_id,
            name_id_format: subject.format,
            name_qualifier: subject.name_qualifier,
            sp_name_qualifier: subject.sp_name_qualifier,
            session_index: authn.session_index,
            session_ends_at: authn.session_ends_at,
            attributes,
            assertion_id: assertion_id.to_owned(),
            response_id: response_id.to_owned(),
            in_response_to: self.expected.map(str::to_owned),
            not_on_or_after,
            authn_context: authn.context,
            authn_instant: authn.at,
            was_encrypted,
        })
    }
}
