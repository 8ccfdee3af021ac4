//! Where assertions and signatures may stand in a response.

use crate::saml::refusal::{Refusal, Signature};
use crate::saml::signature::is_signature;
use crate::saml::uris::{ASSERTION, PROTOCOL};
use crate::saml::xml::{Element, Scope};

/// The one assertion of a response.
pub(super) enum Only<'a> {
    /// To be read.
    Plain(&'a Element),
    /// To be decrypted first.
    Encrypted(&'a Element),
}

fn is_assertion(element: &Element) -> bool {
    element.is(ASSERTION, "Assertion") || element.is(ASSERTION, "EncryptedAssertion")
}

/// The elements that a response may have of its own, beside assertions and a signature.
const OWN: [(&str, &str); 3] =
    [(ASSERTION, "Issuer"), (PROTOCOL, "Extensions"), (PROTOCOL, "Status")];

/// Finds the one assertion, and refuses any other wherever it stands, and signatures anywhere but
/// in the response and in the assertion. Every wrapping attack needs a second of the one or a
/// strange place for the other.
pub(super) fn layout(root: &Element) -> Result<Only<'_>, Refusal> {
    let mut direct = root.elements().filter(|element| is_assertion(element));
    let (Some(only), None) = (direct.next(), direct.next()) else {
        return Err(Refusal::Assertions);
    };
    count(root, 1)?;
    let known = |element: &Element| {
        let own = OWN.iter().any(|(namespace, local)| element.is(namespace, local));
        own || is_assertion(element) || is_signature(element)
    };
    if !root.elements().all(known) {
        return Err(Refusal::Unknown);
    }
    let inside = if only.is(ASSERTION, "Assertion") { signatures(only) } else { 0 };
    if all_signatures(root) != signatures(root) + inside {
        return Err(Signature::Misplaced.into());
    }
    if only.is(ASSERTION, "Assertion") { Ok(Only::Plain(only)) } else { Ok(Only::Encrypted(only)) }
}

/// Checks a decrypted assertion: no other inside, no signature but its own.
pub(super) fn alone(assertion: &Element) -> Result<(), Refusal> {
    count(assertion, 1)?;
    if all_signatures(assertion) != signatures(assertion) {
        return Err(Signature::Misplaced.into());
    }
    Ok(())
}

fn count(element: &Element, wanted: usize) -> Result<(), Refusal> {
    let mut all = 0_usize;
    element.visit(&mut |inside| all += usize::from(is_assertion(inside)));
    if all == wanted { Ok(()) } else { Err(Refusal::AssertionMisplaced) }
}

/// The signatures that stand directly in an element.
fn signatures(element: &Element) -> usize {
    element.elements().filter(|child| is_signature(child)).count()
}

fn all_signatures(element: &Element) -> usize {
    let mut all = 0;
    element.visit(&mut |inside| all += usize::from(is_signature(inside)));
    all
}

/// The namespaces in scope inside these elements, outermost first.
pub(super) fn scope(elements: &[&Element]) -> Scope {
    elements.iter().flat_map(|element| element.declared.iter().cloned()).collect()
}
