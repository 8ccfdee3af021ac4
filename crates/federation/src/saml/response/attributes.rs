//! The attributes of a person.

use std::collections::BTreeMap;

use super::Check;
use crate::saml::refusal::Refusal;
use crate::saml::uris::ASSERTION;
use crate::saml::xml::Element;

/// The most values of all attributes together: groups are the many ones.
const VALUES_MAX: usize = 4_000;
/// The longest name and value.
const NAME_BYTES_MAX: usize = 1024;
const VALUE_BYTES_MAX: usize = 16 * 1024;

impl Check<'_> {
    /// The attributes by name. One that is there twice has the values of both.
    pub(super) fn attributes(
        &self,
        assertion: &Element,
    ) -> Result<BTreeMap<String, Vec<String>>, Refusal> {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut room = VALUES_MAX;
        for statement in assertion.all(ASSERTION, "AttributeStatement") {
            if statement.all(ASSERTION, "EncryptedAttribute").next().is_some() {
                return Err(Refusal::EncryptedPart);
            }
            if self.policy.strict && statement.all(ASSERTION, "Attribute").next().is_none() {
                return Err(Refusal::Missing("Attribute"));
            }
            for attribute in statement.all(ASSERTION, "Attribute") {
                let name = attribute.attribute("Name").ok_or(Refusal::Missing("Name"))?;
                if name.is_empty() || name.len() > NAME_BYTES_MAX {
                    return Err(Refusal::Invalid("Name"));
                }
                let values = values(attribute)?;
                if self.policy.strict && values.is_empty() {
                    return Err(Refusal::Missing("AttributeValue"));
                }
                room = room.checked_sub(values.len().max(1)).ok_or(Refusal::TooManyValues)?;
                all.entry(name.to_owned()).or_default().extend(values);
            }
        }
        Ok(all)
    }
}

fn values(attribute: &Element) -> Result<Vec<String>, Refusal> {
    let mut values = Vec::new();
    for value in attribute.all(ASSERTION, "AttributeValue") {
        // A name identifier as a value (eduPersonTargetedID) is its text; other XML is no value
        // that could be mapped.
        let text = match value.elements().next() {
            None => value.value()?,
            Some(_) => match value.maybe(ASSERTION, "NameID")? {
                Some(name) => name.value()?,
                None => continue,
            },
        };
        if text.len() > VALUE_BYTES_MAX {
            return Err(Refusal::TooManyValues);
        }
        values.push(text);
    }
    Ok(values)
}
