//! Whom an assertion is about, and whether it may be brought to us.

use super::Check;
use crate::saml::instant;
use crate::saml::refusal::Refusal;
use crate::saml::uris::{ASSERTION, BEARER, TRANSIENT};
use crate::saml::xml::Element;

/// The longest name identifier and qualifier.
const NAME_BYTES_MAX: usize = 1024;
/// The most confirmations of one subject.
const CONFIRMATIONS_MAX: usize = 8;

/// Whom an assertion is about.
pub(in crate::saml) struct Subject {
    pub(in crate::saml) name_id: String,
    pub(in crate::saml) format: Option<String>,
    pub(in crate::saml) name_qualifier: Option<String>,
    pub(in crate::saml) sp_name_qualifier: Option<String>,
}

impl Check<'_> {
    pub(super) fn subject(&self, assertion: &Element) -> Result<Subject, Refusal> {
        let subject = assertion.one(ASSERTION, "Subject")?;
        self.confirmed(subject)?;
        let name = name(subject)?;
        if self.policy.strict {
            if name.format.as_deref() != Some(TRANSIENT) {
                return Err(Refusal::Invalid("the name identifier's Format"));
            }
            if name.name_qualifier.as_deref().is_none_or(str::is_empty) {
                return Err(Refusal::Missing("NameQualifier of the name identifier"));
            }
        }
        Ok(name)
    }

    /// One confirmation as bearer must hold. Others may say what they like.
    fn confirmed(&self, subject: &Element) -> Result<(), Refusal> {
        let mut refusal = Refusal::Confirmation;
        let confirmations = subject.all(ASSERTION, "SubjectConfirmation");
        for (nth, confirmation) in confirmations.enumerate() {
            if nth >= CONFIRMATIONS_MAX {
                return Err(Refusal::TooManyValues);
            }
            if confirmation.attribute("Method") != Some(BEARER) {
                continue;
            }
            match self.bearer(confirmation) {
                Ok(()) => return Ok(()),
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn bearer(&self, confirmation: &Element) -> Result<(), Refusal> {
        let data = confirmation.one(ASSERTION, "SubjectConfirmationData")?;
        let recipient = data.attribute("Recipient").ok_or(Refusal::Missing("Recipient"))?;
        if recipient != self.sp.acs_url {
            return Err(Refusal::Recipient);
        }
        self.answers(data.attribute("InResponseTo"))?;
        let skew = self.policy.skew();
        let text = data.attribute("NotOnOrAfter");
        let text = text.ok_or(Refusal::Missing("NotOnOrAfter of the confirmation"))?;
        let not_on_or_after = instant::read(text, "NotOnOrAfter of the confirmation")?;
        if self.now.duration_since(not_on_or_after) >= skew {
            return Err(Refusal::ConfirmationExpired);
        }
        if let Some(text) = data.attribute("NotBefore") {
            let not_before = instant::read(text, "NotBefore of the confirmation")?;
            if not_before.duration_since(self.now) > skew {
                return Err(Refusal::NotYetValid);
            }
        }
        Ok(())
    }
}

/// The one name identifier in an element.
pub(in crate::saml) fn name(element: &Element) -> Result<Subject, Refusal> {
    if element.all(ASSERTION, "EncryptedID").next().is_some() {
        return Err(Refusal::EncryptedPart);
    }
    let name = element.one(ASSERTION, "NameID")?;
    let name_id = name.value()?;
    if name_id.is_empty() {
        return Err(Refusal::Missing("NameID"));
    }
    let kept = |attribute: &str| name.attribute(attribute).map(str::to_owned);
    let subject = Subject {
        name_id,
        format: kept("Format"),
        name_qualifier: kept("NameQualifier"),
        sp_name_qualifier: kept("SPNameQualifier"),
    };
    let parts = [&subject.format, &subject.name_qualifier, &subject.sp_name_qualifier];
    let long = |text: &String| text.len() > NAME_BYTES_MAX;
    if long(&subject.name_id) || parts.into_iter().flatten().any(long) {
        return Err(Refusal::Invalid("NameID"));
    }
    Ok(subject)
}
