//! Bytes as people read them.

use std::fmt::Write as _;

/// Bytes in lower-case hex, two characters each.
pub fn encode<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> String {
    bytes.into_iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// What [`encode`] wrote, in upper case too; none: it is something else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_two_characters() {
        assert_eq!(encode(&[0, 10, 255]), "000aff");
        assert_eq!(encode(&[]), "");
        assert_eq!(decode("000aFf"), Some(vec![0, 10, 255]));
        assert_eq!(decode(""), Some(Vec::new()));
        for other in ["0", "0g", "+1", "é"] {
            assert_eq!(decode(other), None, "{other}");
        }
    }
}
