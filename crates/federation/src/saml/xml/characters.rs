//! Which characters may stand where, and what references mean.

use std::borrow::Cow;

use crate::saml::refusal::Xml;

/// Whether XML 1.0 has this character.
fn allowed(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Refuses text with a character that XML does not have.
pub(super) fn check(text: &str) -> Result<(), Xml> {
    // Only these bytes can begin one: the control characters and U+FFFE, U+FFFF (EF BF BE/BF).
    let suspicious = text.bytes().any(|byte| byte < 0x20 || byte == 0xEF);
    if suspicious && !text.chars().all(allowed) {
        return Err(Xml::Malformed);
    }
    Ok(())
}

/// Every line ends with a line feed alone (XML 1.0, 2.11).
pub(super) fn unify_lines(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What a reference between `&` and `;` stands for: a character by number or one of the five
/// names. There are no others, because there is no document type.
pub(super) fn referred(name: &str) -> Result<char, Xml> {
    let number = match name {
        "amp" => return Ok('&'),
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => name.strip_prefix('#').ok_or(Xml::Entity)?,
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would take a sign.
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(Xml::Malformed);
    }
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .filter(|character| allowed(*character))
        .ok_or(Xml::Malformed)
}

/// The value of an attribute: references resolved, white space as spaces (XML 1.0, 3.3.3).
pub(super) fn attribute_value(raw: &str) -> Result<String, Xml> {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<', '\t', '\n']) {
        let (before, found) = rest.split_at(at);
        value.push_str(before);
        if let Some(reference) = found.strip_prefix('&') {
            let (name, after) = reference.split_once(';').ok_or(Xml::Malformed)?;
            value.push(referred(name)?);
            rest = after;
        } else if found.starts_with('<') {
            return Err(Xml::Malformed);
        } else {
            value.push(' ');
            rest = found.get(1..).unwrap_or_default();
        }
    }
    value.push_str(rest);
    Ok(value)
}

/// Whether this is a name without a colon. Stricter than XML where it is about ASCII,
/// and as wide as needed where it is not.
pub(crate) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let begins = characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first.is_alphabetic());
    begins
        && characters.all(|next| {
            next.is_ascii_alphanumeric()
                || matches!(next, '_' | '-' | '.')
                || next.is_alphanumeric()
        })
}
