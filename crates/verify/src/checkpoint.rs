//! What a log signs: C2SP `tlog-checkpoint`.

use crate::hash::Hash;

/// Bytes of the name of a log at most: what an ML-DSA-44 cosignature can name.
const ORIGIN_BYTES_MAX: usize = 255;
/// Entries of a tree at most: JSON has no larger whole numbers that every program reads alike.
pub(crate) const SIZE_MAX: u64 = (1 << 53) - 1;

/// The name, size and root of a log.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: Hash,
    /// Lines follow that no ML-DSA-44 signature covers.
    pub(crate) extended: bool,
}

impl Checkpoint {
    /// Reads the text of a note.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.strip_suffix('\n').ok_or("its last line does not end")?;
        let mut lines = text.split('\n');
        let origin = lines.next().unwrap_or_default();
        if !(1..=ORIGIN_BYTES_MAX).contains(&origin.len()) {
            return Err("it names no log");
        }
        let size = lines.next().unwrap_or_default();
        let number: Option<u64> = size.parse().ok().filter(|number| *number <= SIZE_MAX);
        let number = number.filter(|number| number.to_string() == size).ok_or("it has no size")?;
        let root = Hash::from_base64(lines.next().unwrap_or_default()).ok_or("it has no root")?;
        let mut extended = false;
        for line in lines {
            if line.is_empty() {
                return Err("a line of it is empty");
            }
            extended = true;
        }
        Ok(Self { origin: origin.to_owned(), size: number, root, extended })
    }
}
