//! Bytes as people read them.

use std::fmt::Write as _;

/// Bytes in lower-case hex, two characters each.
pub fn encode<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    bytes.into_iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_characters() {
        assert_eq!(encode(&[0, 10, 255]), "000aff");
        assert_eq!(encode(&[]), "");
    }
}
