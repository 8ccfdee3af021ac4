//! Verifies the signature of an element, on the tree that its values are read from.

use crate::saml::base64;
use crate::saml::certificate::Certificate;
use crate::saml::refusal::{Refusal, Signature};
use crate::saml::signature::algorithm::{accepted, digest_of, verify_bytes};
use crate::saml::uris::{DSIG, ENVELOPED, EXC_C14N};
use crate::saml::xml::{Element, Node, canonical};

/// The most prefixes of an `InclusiveNamespaces` list.
const PREFIXES_MAX: usize = 16;

/// Whether this is the signature element.
pub(crate) fn is_signature(element: &Element) -> bool {
    element.is(DSIG, "Signature")
}

/// Verifies the signature that stands in an element, about that element. False if none does.
///
/// A signature that is there must hold: there is no "signed, but never mind". It must be about
/// the element that it stands in, and nothing else, so what was verified is what its caller reads.
/// What it says of its own key is not read at all.
pub(crate) fn verify(
    element: &Element,
    ancestors: &[&Element],
    certificates: &[&Certificate],
    widened: bool,
) -> Result<bool, Refusal> {
    let mut found = element.elements().filter(|child| is_signature(child));
    let Some(signature) = found.next() else { return Ok(false) };
    if found.next().is_some() {
        return Err(Signature::Several.into());
    }
    let parts = parts(signature)?;
    let (method, reference) = signed_info(parts.info)?;
    let canonicalization = child(parts.info, 0)?;
    let prefixes = exclusive(canonicalization, Signature::Canonicalization)?;
    let algorithm = method.attribute("Algorithm").ok_or(Signature::Malformed)?;
    accepted(algorithm, widened)?;
    if method.elements().next().is_some() {
        // A length of an HMAC, or parameters of another scheme.
        return Err(Signature::Algorithm.into());
    }
    about(reference, element)?;
    let expected = digest(reference, element, ancestors, signature, widened)?;
    if !expected {
        return Err(Signature::Digest.into());
    }
    let mut above = ancestors.to_vec();
    above.extend([element, signature]);
    let signed = canonical(parts.info, &above, None, &prefixes);
    let value = base64::decode(parts.value.value()?.as_bytes())?;
    verify_bytes(algorithm, widened, certificates, signed.as_bytes(), &value)?;
    Ok(true)
}

struct Parts<'a> {
    info: &'a Element,
    value: &'a Element,
}

/// `SignedInfo`, `SignatureValue` and perhaps `KeyInfo`: no objects, which could hide a second
/// document.
fn parts(signature: &Element) -> Result<Parts<'_>, Refusal> {
    let all: Vec<&Element> = signature.elements().collect();
    let (info, value) = match all.as_slice() {
        [info, value] => (*info, *value),
        [info, value, key] if key.is(DSIG, "KeyInfo") => (*info, *value),
        _ => return Err(Signature::Malformed.into()),
    };
    if !info.is(DSIG, "SignedInfo") || !value.is(DSIG, "SignatureValue") || !bare(signature) {
        return Err(Signature::Malformed.into());
    }
    Ok(Parts { info, value })
}

/// The method and the one reference.
fn signed_info(info: &Element) -> Result<(&Element, &Element), Refusal> {
    let all: Vec<&Element> = info.elements().collect();
    if all.iter().filter(|element| element.is(DSIG, "Reference")).count() != 1 {
        return Err(Signature::References.into());
    }
    match all.as_slice() {
        [canonicalization, method, reference]
            if canonicalization.is(DSIG, "CanonicalizationMethod")
                && method.is(DSIG, "SignatureMethod")
                && reference.is(DSIG, "Reference")
                && bare(info) =>
        {
            Ok((*method, *reference))
        }
        _ => Err(Signature::Malformed.into()),
    }
}

fn child(element: &Element, at: usize) -> Result<&Element, Refusal> {
    element.elements().nth(at).ok_or_else(|| Signature::Malformed.into())
}

/// Whether an element has no text of its own between its children.
fn bare(element: &Element) -> bool {
    element.children.iter().all(|node| match node {
        Node::Element(_) => true,
        Node::Text(text) => text.trim().is_empty(),
    })
}

/// The reference must name the element by its `ID`, as SAML demands (Core, 5.4.2).
fn about(reference: &Element, element: &Element) -> Result<(), Refusal> {
    let uri = reference.attribute("URI").ok_or(Signature::Elsewhere)?;
    let id = element.attribute("ID").ok_or(Refusal::Missing("ID"))?;
    if id.is_empty() || uri.strip_prefix('#') != Some(id) {
        return Err(Signature::Elsewhere.into());
    }
    Ok(())
}

/// Exclusive canonicalization without comments; its prefixes.
fn exclusive(method: &Element, refusal: Signature) -> Result<Vec<&str>, Refusal> {
    if method.attribute("Algorithm") != Some(EXC_C14N) {
        return Err(refusal.into());
    }
    let mut inside = method.elements();
    let Some(list) = inside.next() else { return Ok(Vec::new()) };
    if inside.next().is_some() || !list.is(EXC_C14N, "InclusiveNamespaces") {
        return Err(refusal.into());
    }
    let prefixes: Vec<&str> = list
        .attribute("PrefixList")
        .unwrap_or_default()
        .split_ascii_whitespace()
        .map(|prefix| if prefix == "#default" { "" } else { prefix })
        .collect();
    if prefixes.len() > PREFIXES_MAX { Err(refusal.into()) } else { Ok(prefixes) }
}

/// Whether what is signed is what the signature says: the element without the signature itself.
fn digest(
    reference: &Element,
    element: &Element,
    ancestors: &[&Element],
    signature: &Element,
    widened: bool,
) -> Result<bool, Refusal> {
    let all: Vec<&Element> = reference.elements().collect();
    let (transforms, method, value) = match all.as_slice() {
        [transforms, method, value]
            if transforms.is(DSIG, "Transforms")
                && method.is(DSIG, "DigestMethod")
                && value.is(DSIG, "DigestValue") =>
        {
            (*transforms, *method, *value)
        }
        _ => return Err(Signature::Malformed.into()),
    };
    let all: Vec<&Element> = transforms.elements().collect();
    let [enveloped, canonicalization] = all.as_slice() else {
        return Err(Signature::Transform.into());
    };
    if !all.iter().all(|transform| transform.is(DSIG, "Transform"))
        || enveloped.attribute("Algorithm") != Some(ENVELOPED)
        || enveloped.elements().next().is_some()
    {
        return Err(Signature::Transform.into());
    }
    let prefixes = exclusive(canonicalization, Signature::Transform)?;
    let algorithm = method.attribute("Algorithm").ok_or(Signature::Malformed)?;
    let bytes = canonical(element, ancestors, Some(signature), &prefixes);
    let digest = digest_of(algorithm, widened, bytes.as_bytes())?;
    let named = base64::decode(value.value()?.as_bytes())?;
    Ok(aws_lc_rs::constant_time::verify_slices_are_equal(digest.as_ref(), &named).is_ok())
}
