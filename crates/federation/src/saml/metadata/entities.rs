//! Finds the one identity provider in metadata that may describe many entities.

use base::time::At;

use crate::saml::instant;
use crate::saml::refusal::{Metadata, Refusal};
use crate::saml::uris::{METADATA, PROTOCOL};
use crate::saml::xml::Element;

/// The longest entity ID (SAML Metadata, 2.3.2).
const ENTITY_ID_BYTES_MAX: usize = 1024;

/// An entity that is an identity provider.
pub(super) struct Found<'a> {
    pub(super) entity_id: &'a str,
    pub(super) descriptor: &'a Element,
    /// The earliest end of the elements around and of itself.
    pub(super) valid_until: Option<At>,
}

/// The wanted one, or the only one.
pub(super) fn find<'a>(root: &'a Element, wanted: Option<&str>) -> Result<Found<'a>, Refusal> {
    if !root.is(METADATA, "EntityDescriptor") && !root.is(METADATA, "EntitiesDescriptor") {
        return Err(Metadata::NotMetadata.into());
    }
    let mut all = Vec::new();
    gather(root, None, &mut all)?;
    if let Some(wanted) = wanted {
        let mut same = all.into_iter().filter(|found| found.entity_id == wanted);
        let found = same.next().ok_or(Metadata::NotThere)?;
        return if same.next().is_some() { Err(Metadata::EntityId.into()) } else { Ok(found) };
    }
    let mut all = all.into_iter();
    let found = all.next().ok_or(Metadata::NoProvider)?;
    if all.next().is_some() { Err(Metadata::Several.into()) } else { Ok(found) }
}

fn gather<'a>(
    element: &'a Element,
    until: Option<At>,
    all: &mut Vec<Found<'a>>,
) -> Result<(), Refusal> {
    let until = earlier(until, element)?;
    if element.is(METADATA, "EntitiesDescriptor") {
        for inside in element.elements() {
            gather(inside, until, all)?;
        }
        return Ok(());
    }
    if !element.is(METADATA, "EntityDescriptor") {
        return Ok(());
    }
    let mut descriptors =
        element.all(METADATA, "IDPSSODescriptor").filter(|descriptor| speaks(descriptor));
    let Some(descriptor) = descriptors.next() else { return Ok(()) };
    if descriptors.next().is_some() {
        return Err(Refusal::Repeated("IDPSSODescriptor"));
    }
    let entity_id = element.attribute("entityID").ok_or(Refusal::Missing("entityID"))?;
    if entity_id.trim().is_empty() || entity_id.len() > ENTITY_ID_BYTES_MAX {
        return Err(Metadata::EntityId.into());
    }
    let valid_until = earlier(until, descriptor)?;
    all.push(Found { entity_id, descriptor, valid_until });
    Ok(())
}

/// Whether a descriptor is about SAML 2.0.
fn speaks(descriptor: &Element) -> bool {
    descriptor
        .attribute("protocolSupportEnumeration")
        .is_some_and(|all| all.split_ascii_whitespace().any(|one| one == PROTOCOL))
}

fn earlier(until: Option<At>, element: &Element) -> Result<Option<At>, Refusal> {
    let Some(own) = element.attribute("validUntil") else { return Ok(until) };
    let own = instant::read(own, "validUntil")?;
    Ok(Some(until.map_or(own, |until| until.min(own))))
}
