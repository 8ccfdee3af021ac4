//! How a word may be written in the bytes of a store.

use crate::canary::{LETTERS, MARK, Word};

/// One way of writing letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Writing {
    /// As it is: ASCII, UTF-8, Latin-1.
    Plain,
    /// In capitals.
    Capitals,
    /// UTF-16, the low byte first.
    Utf16Le,
    /// UTF-16, the high byte first.
    Utf16Be,
    /// Two digits for each byte.
    Hex,
    /// The same with capitals.
    HexCapitals,
    /// `\u0071`, as JSON may write any letter.
    Json,
    /// The same with capitals.
    JsonCapitals,
    /// `%71`, as an address may.
    Percent,
    /// The same with capitals.
    PercentCapitals,
    /// Base64 of either alphabet, the word at the beginning of a group of three bytes.
    Base64,
    /// The same one byte later.
    Base64After1,
    /// The same two bytes later.
    Base64After2,
}

impl Writing {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Plain,
        Self::Capitals,
        Self::Utf16Le,
        Self::Utf16Be,
        Self::Hex,
        Self::HexCapitals,
        Self::Json,
        Self::JsonCapitals,
        Self::Percent,
        Self::PercentCapitals,
        Self::Base64,
        Self::Base64After1,
        Self::Base64After2,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Capitals => "capitals",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Hex => "hex",
            Self::HexCapitals => "hex in capitals",
            Self::Json => "json escapes",
            Self::JsonCapitals => "json escapes in capitals",
            Self::Percent => "percent escapes",
            Self::PercentCapitals => "percent escapes in capitals",
            Self::Base64 => "base64",
            Self::Base64After1 => "base64 after one byte",
            Self::Base64After2 => "base64 after two bytes",
        }
    }

    /// A text of letters, so written. The bytes before it in its group of base64 are `=`'s
    /// neighbours of nobody: zeros.
    pub fn write(self, text: &str) -> Vec<u8> {
        let each = |write: &dyn Fn(u8) -> String| text.bytes().map(write).collect::<String>();
        match self {
            Self::Plain => text.as_bytes().to_vec(),
            Self::Capitals => text.to_ascii_uppercase().into_bytes(),
            Self::Utf16Le => text.bytes().flat_map(|letter| [letter, 0]).collect(),
            Self::Utf16Be => text.bytes().flat_map(|letter| [0, letter]).collect(),
            Self::Hex => each(&|letter| format!("{letter:02x}")).into_bytes(),
            Self::HexCapitals => each(&|letter| format!("{letter:02X}")).into_bytes(),
            Self::Json => each(&|letter| format!("\\u{letter:04x}")).into_bytes(),
            Self::JsonCapitals => each(&|letter| format!("\\u{letter:04X}")).into_bytes(),
            Self::Percent => each(&|letter| format!("%{letter:02x}")).into_bytes(),
            Self::PercentCapitals => each(&|letter| format!("%{letter:02X}")).into_bytes(),
            Self::Base64 => base64(0, text.as_bytes()),
            Self::Base64After1 => base64(1, text.as_bytes()),
            Self::Base64After2 => base64(2, text.as_bytes()),
        }
    }

    /// What a scan looks for: the mark, so written, as far as its neighbours do not change it.
    pub(crate) fn needle(self) -> Vec<u8> {
        let mark: String = MARK.iter().copied().map(char::from).collect();
        let written = self.write(&mark);
        match self.bytes_before() {
            None => written,
            // Six whole letters of base64 are the mark's alone.
            Some(before) => {
                let first = (before * 8).div_ceil(6);
                written.into_iter().skip(first).take(6).collect()
            }
        }
    }

    /// The word behind a needle, if there is one.
    pub(crate) fn word(self, behind: &[u8]) -> Option<Word> {
        let mut word = [0; LETTERS];
        let mut bytes = behind.iter().copied();
        match self {
            Self::Plain => fill(&mut word, || bytes.next())?,
            Self::Capitals => fill(&mut word, || {
                bytes
                    .next()
                    .filter(u8::is_ascii_uppercase)
                    .map(|letter| letter.to_ascii_lowercase())
            })?,
            Self::Utf16Le | Self::Utf16Be => fill(&mut word, || {
                let pair = (bytes.next()?, bytes.next()?);
                let (high, low) = if self == Self::Utf16Le { (pair.1, pair.0) } else { pair };
                (high == 0).then_some(low)
            })?,
            Self::Hex | Self::HexCapitals => {
                fill(&mut word, || Some(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?))?;
            }
            Self::Percent | Self::PercentCapitals => fill(&mut word, || {
                (bytes.next()? == b'%').then_some(())?;
                Some(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?)
            })?,
            Self::Json | Self::JsonCapitals => fill(&mut word, || {
                for expected in *b"\\u00" {
                    (bytes.next()? == expected).then_some(())?;
                }
                Some(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?)
            })?,
            Self::Base64 | Self::Base64After1 | Self::Base64After2 => {
                let before = self.bytes_before()?;
                let mut bits = Bits::new(behind);
                // Where the first letter begins in the first sextet behind the needle.
                bits.skip((before + MARK.len()) * 8 % 6)?;
                fill(&mut word, || bits.byte())?;
            }
        }
        word.iter().all(u8::is_ascii_lowercase).then_some(word)
    }

    fn bytes_before(self) -> Option<usize> {
        match self {
            Self::Base64 => Some(0),
            Self::Base64After1 => Some(1),
            Self::Base64After2 => Some(2),
            Self::Plain
            | Self::Capitals
            | Self::Utf16Le
            | Self::Utf16Be
            | Self::Hex
            | Self::HexCapitals
            | Self::Json
            | Self::JsonCapitals
            | Self::Percent
            | Self::PercentCapitals => None,
        }
    }
}

fn fill(word: &mut Word, mut next: impl FnMut() -> Option<u8>) -> Option<()> {
    for letter in word {
        *letter = next()?;
    }
    Some(())
}

/// A hexadecimal digit of either case.
pub(crate) fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Base64 without padding, behind some zeros.
pub(crate) fn base64(zeros: usize, bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let all: Vec<u8> = vec![0; zeros].into_iter().chain(bytes.iter().copied()).collect();
    let mut written = Vec::new();
    for group in all.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let sextet = bits >> (18 - 6 * place) & 63;
            let letter = usize::try_from(sextet).ok().and_then(|at| LETTERS.get(at));
            written.extend(letter);
        }
    }
    written
}

/// The six bits of a letter of base64, of either alphabet.
pub(crate) fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// Bits of a text of base64, past the ends of its lines.
struct Bits<'a> {
    letters: std::slice::Iter<'a, u8>,
    held: u32,
    count: usize,
}

impl<'a> Bits<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self { letters: text.iter(), held: 0, count: 0 }
    }

    fn more(&mut self) -> Option<()> {
        let letter = self.letters.find(|letter| !matches!(letter, b'\r' | b'\n'))?;
        self.held = (self.held << 6 | u32::from(sextet(*letter)?)) & 0xffff;
        self.count += 6;
        Some(())
    }

    fn skip(&mut self, bits: usize) -> Option<()> {
        while self.count < bits {
            self.more()?;
        }
        self.count -= bits;
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        while self.count < 8 {
            self.more()?;
        }
        self.count -= 8;
        u8::try_from(self.held >> self.count & 0xff).ok()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn a_word_is_read_behind_its_mark_however_it_is_written() {
        let text = "qzxvkabcdefghijklqzxvkmnopqrstuvwx";
        for writing in Writing::ALL {
            let (written, needle) = (writing.write(text), writing.needle());
            assert!(needle.len() >= 5, "{writing:?}");
            let found: Vec<_> = (0..written.len())
                .filter(|&at| written[at..].starts_with(&needle))
                .filter_map(|at| writing.word(&written[at + needle.len()..]))
                .collect();
            // The second word stands at another place of its group of base64.
            assert_eq!(found.first(), Some(b"abcdefghijkl"), "{writing:?}");
        }
    }

    #[test]
    fn our_base64_is_that_of_everybody() {
        for zeros in 0..3 {
            let all = [vec![0; zeros], b"qzxvkabcdefghijkl".to_vec()].concat();
            let theirs = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&all);
            assert_eq!(base64(zeros, b"qzxvkabcdefghijkl"), theirs.as_bytes());
        }
    }

    #[test]
    fn a_line_may_end_in_the_middle_of_a_word_of_base64() {
        let written = Writing::Base64.write("qzxvkabcdefghijkl");
        let broken = [&written[6..12], b"\r\n", &written[12..]].concat();
        assert_eq!(Writing::Base64.word(&broken).as_ref(), Some(b"abcdefghijkl"));
        assert_eq!(Writing::Base64.word(b"\xff\xff\xff"), None);
    }
}
