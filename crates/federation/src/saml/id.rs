//! Ids of messages.

use aws_lc_rs::rand;

use super::refusal::Refusal;
use super::xml::is_name;

/// The longest id that is read. SAML asks for 128 bits, some write 200 characters.
const ID_BYTES_MAX: usize = 256;

/// A fresh one: 160 random bits. It begins with `_`, because a digit must not come first.
pub(crate) fn fresh() -> Result<String, Refusal> {
    let mut bytes = [0; 20];
    rand::fill(&mut bytes).map_err(|_| Refusal::Key)?;
    Ok(format!("_{}", hex(&bytes)))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Checks an id that somebody else made: a name without a colon, as xs:ID wants.
pub(crate) fn check(id: Option<&str>) -> Result<&str, Refusal> {
    let id = id.ok_or(Refusal::Missing("ID"))?;
    let fine = id.len() <= ID_BYTES_MAX && is_name(id);
    if fine { Ok(id) } else { Err(Refusal::Invalid("ID")) }
}
