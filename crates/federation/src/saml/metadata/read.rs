//! Reads an identity provider from its metadata.

use base::time::At;

use super::entities::{Found, find};
use crate::saml::certificate::Certificate;
use crate::saml::provider::IdentityProvider;
use crate::saml::refusal::{Metadata, Refusal};
use crate::saml::uris::{DSIG, METADATA, POST, REDIRECT};
use crate::saml::xml::{Element, Limits, read};

/// The largest metadata that is read. One identity provider has 2 to 100 KiB.
pub const METADATA_BYTES_MAX: usize = 1024 * 1024;
/// The most elements of metadata.
const NODES_MAX: usize = 50_000;
/// The most certificates of one identity provider. Two are live while one follows the other.
const CERTIFICATES_MAX: usize = 8;
/// The longest address.
const ADDRESS_BYTES_MAX: usize = 2048;
/// The most formats of name identifiers that are kept, and the longest.
const FORMATS_MAX: usize = 16;
const FORMAT_BYTES_MAX: usize = 256;

impl IdentityProvider {
    /// Reads metadata: of one entity, or of many of which the wanted one is taken.
    ///
    /// A signature on the metadata is not looked at. Metadata is trusted because an administrator
    /// brought it, or because it came from the address that they named.
    pub fn read(metadata_xml: &[u8], wanted: Option<&str>, now: At) -> Result<Self, Refusal> {
        if metadata_xml.len() > METADATA_BYTES_MAX {
            return Err(Refusal::TooLarge);
        }
        let root = read(metadata_xml, Limits { nodes_max: NODES_MAX })?;
        let Found { entity_id, descriptor, valid_until } = find(&root, wanted)?;
        if valid_until.is_some_and(|until| until <= now) {
            return Err(Metadata::Expired.into());
        }
        let sso_redirect = address(descriptor, "SingleSignOnService", REDIRECT, "Location")?;
        let sso_post = address(descriptor, "SingleSignOnService", POST, "Location")?;
        if sso_redirect.is_none() && sso_post.is_none() {
            return Err(Metadata::NoService.into());
        }
        let logout = "SingleLogoutService";
        Ok(Self {
            entity_id: entity_id.to_owned(),
            sso_redirect,
            sso_post,
            slo_redirect: address(descriptor, logout, REDIRECT, "Location")?,
            slo_post: address(descriptor, logout, POST, "Location")?,
            slo_response_redirect: address(descriptor, logout, REDIRECT, "ResponseLocation")?,
            slo_response_post: address(descriptor, logout, POST, "ResponseLocation")?,
            certificates: certificates(descriptor)?,
            wants_signed_requests: matches!(
                descriptor.attribute("WantAuthnRequestsSigned"),
                Some("true" | "1")
            ),
            name_id_formats: formats(descriptor)?,
            valid_until,
        })
    }
}

/// The address of the first service with this binding.
fn address(
    descriptor: &Element,
    service: &str,
    binding: &str,
    attribute: &str,
) -> Result<Option<String>, Refusal> {
    let found = descriptor
        .all(METADATA, service)
        .find(|element| element.attribute("Binding") == Some(binding))
        .and_then(|element| element.attribute(attribute));
    let Some(address) = found else { return Ok(None) };
    let address = address.trim();
    check_address(address)?;
    Ok(Some(address.to_owned()))
}

/// A browser is sent there: only to the web, and without anything that could end a header.
pub(crate) fn check_address(address: &str) -> Result<(), Refusal> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let fine = !host.is_empty()
        && address.len() <= ADDRESS_BYTES_MAX
        && !address.contains('#')
        && address.bytes().all(|byte| byte.is_ascii_graphic())
        && !address.contains(['"', '<', '>', '\\', '^', '`', '{', '|', '}']);
    if fine { Ok(()) } else { Err(Metadata::Address.into()) }
}

/// The signing certificates: of key descriptors for signing, or for any use.
///
/// One that cannot be used does not spoil the others; if none is left, it is the reason.
fn certificates(descriptor: &Element) -> Result<Vec<Certificate>, Refusal> {
    let mut kept: Vec<Certificate> = Vec::new();
    let mut unusable = Refusal::Metadata(Metadata::NoCertificate);
    let keys = descriptor
        .all(METADATA, "KeyDescriptor")
        .filter(|key| matches!(key.attribute("use"), None | Some("signing")));
    for key in keys {
        for info in key.all(DSIG, "KeyInfo") {
            for data in info.all(DSIG, "X509Data") {
                for element in data.all(DSIG, "X509Certificate") {
                    match Certificate::from_pem(&element.value()?) {
                        Ok(certificate) if kept.contains(&certificate) => {}
                        Ok(certificate) => kept.push(certificate),
                        Err(refusal) => unusable = refusal,
                    }
                    if kept.len() > CERTIFICATES_MAX {
                        return Err(Metadata::TooManyCertificates.into());
                    }
                }
            }
        }
    }
    if kept.is_empty() { Err(unusable) } else { Ok(kept) }
}

fn formats(descriptor: &Element) -> Result<Vec<String>, Refusal> {
    descriptor
        .all(METADATA, "NameIDFormat")
        .take(FORMATS_MAX)
        .map(Element::value)
        .filter(|format| format.as_ref().map_or(true, |text| text.len() <= FORMAT_BYTES_MAX))
        .collect()
}
