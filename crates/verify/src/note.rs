//! Text with signatures under it: C2SP `signed-note`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a note at most.
pub(crate) const NOTE_BYTES_MAX: u64 = 256 * 1024;
/// Signatures under a note at most.
const SIGNATURES_MAX: usize = 64;

/// A text and the signatures under it.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) text: String,
    pub(crate) signatures: Vec<Signature>,
}

/// A signature that nobody verified yet.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) id: [u8; 4],
    pub(crate) bytes: Vec<u8>,
}

/// Whether this may be the name of a key.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && !name.contains(|c: char| c.is_whitespace() || c == '+')
}

impl Note {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let note = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        if note.contains(|c: char| c < ' ' && c != '\n') {
            return Err("it holds control characters");
        }
        let end = note.rfind("\n\n").ok_or("no empty line divides text and signatures")?;
        let (text, lines) = note.split_at_checked(end + 1).ok_or("it has no text")?;
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or("its last line does not end")?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() >= SIGNATURES_MAX {
                return Err("it has too many signatures");
            }
            signatures.push(Signature::parse(line).ok_or("a line under it is no signature")?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let decoded = STANDARD.decode(base64).ok()?;
        let (id, bytes) = decoded.split_first_chunk()?;
        let whole = is_name(name) && !bytes.is_empty();
        whole.then(|| Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}
