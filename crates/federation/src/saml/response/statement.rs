//! How and when the person was authenticated.

use base::time::At;

use super::Check;
use crate::saml::instant;
use crate::saml::refusal::Refusal;
use crate::saml::uris::ASSERTION;
use crate::saml::xml::Element;

/// The longest session index and context.
const TEXT_BYTES_MAX: usize = 1024;

/// How and when the person was authenticated.
pub(super) struct Authn {
    pub(super) at: At,
    pub(super) context: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_ends_at: Option<At>,
}

impl Check<'_> {
    pub(super) fn statement(&self, assertion: &Element) -> Result<Authn, Refusal> {
        let statement = assertion.one(ASSERTION, "AuthnStatement")?;
        let skew = self.policy.skew();
        let text = statement.attribute("AuthnInstant").ok_or(Refusal::Missing("AuthnInstant"))?;
        let at = instant::read(text, "AuthnInstant")?;
        if at.duration_since(self.now) > skew {
            return Err(Refusal::IssuedInFuture);
        }
        let ends = statement.attribute("SessionNotOnOrAfter");
        let session_ends_at =
            ends.map(|text| instant::read(text, "SessionNotOnOrAfter")).transpose()?;
        if session_ends_at.is_some_and(|ends| self.now.duration_since(ends) >= skew) {
            return Err(Refusal::SessionOver);
        }
        let context = match statement.maybe(ASSERTION, "AuthnContext")? {
            Some(context) => {
                context.maybe(ASSERTION, "AuthnContextClassRef")?.map(Element::value).transpose()?
            }
            None => return Err(Refusal::Missing("AuthnContext")),
        };
        let accepted = self.policy.contexts();
        let named = context.as_deref().unwrap_or_default();
        if !accepted.is_empty() && !accepted.contains(&named) {
            return Err(Refusal::AuthnContext);
        }
        let session_index = statement.attribute("SessionIndex").map(str::to_owned);
        let long =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX);
        if long(&session_index) || long(&context) {
            return Err(Refusal::Invalid("AuthnStatement"));
        }
        Ok(Authn { at, context, session_index, session_ends_at })
    }
}
