//! C2SP `tlog-proof`: that an entry is in a tree that was signed.

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::Note;

/// Hashes of a path at most.
const PATH_MAX: usize = 63;
const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// A proof, taken apart.
pub(crate) struct Proof {
    pub(crate) index: u64,
    path: Vec<Hash>,
    pub(crate) note: Note,
    pub(crate) checkpoint: Checkpoint,
}

impl Proof {
    /// Reads C2SP `tlog-proof`, without extra data.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(TITLE)?.strip_prefix("\nindex ")?;
        let (index, mut rest) = rest.split_once('\n')?;
        let number: u64 = index.parse().ok().filter(|number: &u64| number.to_string() == index)?;
        let mut path = Vec::new();
        loop {
            let (line, behind) = rest.split_once('\n')?;
            rest = behind;
            if line.is_empty() {
                break;
            }
            if path.len() >= PATH_MAX {
                return None;
            }
            path.push(Hash::from_base64(line)?);
        }
        let note = Note::parse(rest.as_bytes()).ok()?;
        let checkpoint = Checkpoint::parse(&note.text).ok()?;
        Some(Self { index: number, path, note, checkpoint })
    }

    /// Whether a leaf leads to the root of the checkpoint.
    pub(crate) fn leads_from(&self, leaf: Hash) -> bool {
        root_of(leaf, self.index, self.checkpoint.size, &self.path) == Some(self.checkpoint.root)
    }
}

/// Where a leaf and its path lead, as RFC 9162 says (2.1.3.2); nothing if the path is too short
/// or too long.
fn root_of(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    let (mut node, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut root = leaf;
    for hash in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = Hash::node(hash, &root);
            while node & 1 == 0 && node > 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            root = Hash::node(&root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}
