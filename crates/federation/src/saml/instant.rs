//! Times as SAML writes them (xs:dateTime).

use base::time::At;

use super::refusal::Refusal;

/// Reads a time. It must name its zone: SAML's times are in UTC.
pub(crate) fn read(text: &str, name: &'static str) -> Result<At, Refusal> {
    let invalid = Refusal::Invalid(name);
    let shaped = text.len() <= 40
        && text.as_bytes().get(10) == Some(&b'T')
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+".contains(&byte));
    if !shaped {
        return Err(invalid);
    }
    // .NET writes seven digits, some write more than a time can hold.
    let zone = text
        .char_indices()
        .skip(11)
        .find(|(_, character)| matches!(character, 'Z' | '+' | '-'))
        .map(|(at, _)| at)
        .ok_or(invalid)?;
    let (clock, zone) = text.split_at(zone);
    let clock = match clock.split_once('.') {
        Some((_, "")) => return Err(invalid),
        Some((whole, fraction)) => format!("{whole}.{}", fraction.get(..9).unwrap_or(fraction)),
        None => clock.to_owned(),
    };
    format!("{clock}{zone}").parse().map_err(|_| invalid)
}

/// Writes a time, to the second.
pub(crate) fn write(at: At) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
