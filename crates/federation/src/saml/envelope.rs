//! What every message has around it: version, id, time, sender and address.

use base::time::At;
use jiff::SignedDuration;

use super::id;
use super::instant;
use super::policy::Policy;
use super::provider::IdentityProvider;
use super::refusal::Refusal;
use super::uris::{ASSERTION, ENTITY, PROTOCOL};
use super::xml::Element;

/// How long ago a message may have been issued. Browsers carry it at once; what is older was
/// kept by somebody. It also bounds how long a message must be remembered against replay.
pub const AGE_MAX: SignedDuration = SignedDuration::from_mins(60);

/// Checks the version and gives the id.
pub(crate) fn versioned(element: &Element) -> Result<&str, Refusal> {
    if element.attribute("Version") != Some("2.0") {
        return Err(Refusal::Version);
    }
    id::check(element.attribute("ID"))
}

/// Checks when it was issued.
pub(crate) fn issued(element: &Element, policy: &Policy, now: At) -> Result<At, Refusal> {
    let text = element.attribute("IssueInstant").ok_or(Refusal::Missing("IssueInstant"))?;
    let at = instant::read(text, "IssueInstant")?;
    let ago = now.duration_since(at);
    if ago < -policy.skew() {
        return Err(Refusal::IssuedInFuture);
    }
    if ago > AGE_MAX + policy.skew() {
        return Err(Refusal::IssuedLongAgo);
    }
    Ok(at)
}

/// Checks that it was meant for this address.
pub(crate) fn destined(element: &Element, address: &str) -> Result<(), Refusal> {
    let destination = element.attribute("Destination").ok_or(Refusal::Missing("Destination"))?;
    if destination == address { Ok(()) } else { Err(Refusal::Destination) }
}

/// How much the form of an issuer matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Not at all.
    Any,
    /// It may be left out.
    EntityOrNone,
    /// It must be there.
    Entity,
}

/// Checks who sent it. Without an issuer there is nothing to check: `false`.
pub(crate) fn sent_by(
    element: &Element,
    idp: &IdentityProvider,
    form: Form,
) -> Result<bool, Refusal> {
    let Some(issuer) = element.maybe(ASSERTION, "Issuer")? else { return Ok(false) };
    let fine = match (form, issuer.attribute("Format")) {
        (Form::Any, _) | (_, Some(ENTITY)) | (Form::EntityOrNone, None) => true,
        (Form::Entity, None) | (Form::EntityOrNone | Form::Entity, Some(_)) => false,
    };
    if !fine {
        return Err(Refusal::Invalid("the issuer's Format"));
    }
    if issuer.value()? == idp.entity_id { Ok(true) } else { Err(Refusal::Issuer) }
}

/// The status code, and the one inside it.
pub(crate) fn status(element: &Element) -> Result<(&str, Option<&str>), Refusal> {
    let status = element.one(PROTOCOL, "Status")?;
    let code = status.one(PROTOCOL, "StatusCode")?;
    let value = code.attribute("Value").ok_or(Refusal::Missing("StatusCode"))?;
    let inner = code.maybe(PROTOCOL, "StatusCode")?;
    Ok((value, inner.and_then(|inner| inner.attribute("Value"))))
}
