//! Random text of letters and digits, and a check over it.

use std::io;

use base::seal;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of 62 that a byte holds: bytes from there on would make
/// some letters more likely than others.
const FAIR: u8 = 248;

/// So many random letters and digits: 5.95 bits each.
pub(crate) fn random(length: usize) -> io::Result<String> {
    let mut text = String::with_capacity(length);
    while text.len() < length {
        for byte in seal::random::<64>()? {
            if byte < FAIR && text.len() < length {
                text.push(letter(u32::from(byte % 62)));
            }
        }
    }
    Ok(text)
}

/// Six letters that change when the text was mistyped: its CRC-32.
pub(crate) fn check(text: &str) -> String {
    let mut rest = crc32(text.as_bytes());
    let mut letters = ['0'; 6];
    for place in letters.iter_mut().rev() {
        *place = letter(rest % 62);
        rest /= 62;
    }
    letters.iter().collect()
}

/// Whether these are the six letters of the text, without making them.
pub(crate) fn is_check(text: &str, letters: &str) -> bool {
    let mut value: u64 = 0;
    for byte in letters.bytes() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return false,
        };
        value = value.wrapping_mul(62).wrapping_add(u64::from(digit));
    }
    letters.len() == 6 && value == u64::from(crc32(text.as_bytes()))
}

/// Whether the text is letters and digits only.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn letter(value: u32) -> char {
    let place = usize::try_from(value).unwrap_or_default();
    LETTERS.get(place).copied().map_or('0', char::from)
}

/// CRC-32 as in ISO 3309, Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        let [low, ..] = (crc ^ u32::from(*byte)).to_le_bytes();
        (crc >> 8) ^ TABLE.get(usize::from(low)).copied().unwrap_or_default()
    })
}

const TABLE: [u32; 256] = table();

#[expect(
    clippy::indexing_slicing,
    reason = "runs in the compiler, where a wrong index is an error"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte: u32 = 0;
    let mut place = 0;
    while place < 256 {
        let mut crc = byte;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[place] = crc;
        place += 1;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_crc_32_in_six_letters() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        for text in ["", "123456789", "pk_eu_x"] {
            let letters = check(text);
            assert_eq!(letters.len(), 6);
            assert!(is_check(text, &letters) && !is_check("other", &letters), "{letters}");
        }
        assert!(!is_check("", "00000") && !is_check("", "00000_") && is_check("", "000000"));
    }

    #[test]
    fn random_text_is_plain_and_never_the_same() {
        let (one, two) = (random(32).unwrap(), random(32).unwrap());
        assert!(one.len() == 32 && is_plain(&one) && one != two);
        let many = random(20_000).unwrap();
        assert!(LETTERS.iter().all(|letter| many.contains(char::from(*letter))));
    }
}
