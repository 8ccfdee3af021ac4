//! Contradictions that are kept for whoever looks into them: the checkpoint that was shown, and
//! the one that we had cosigned, each as a note with the log's own signature.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{fs, io};

use base::seal::make_folder;
use tlog::witness::Head;
use tlog::{Hash, Note};

use crate::contradiction::Contradiction;
use crate::durable;

/// Pieces of one kind and one log at most. The first ones are kept: they say when it began.
pub(crate) const PIECES_MAX: usize = 16;
/// Ends the name of what was shown.
const SHOWN: &str = ".shown";
/// Ends the name of what we had cosigned last.
const SEEN: &str = ".seen";

/// The evidence against one log.
#[derive(Debug)]
pub(crate) struct Evidence {
    folder: PathBuf,
    kept: BTreeSet<String>,
}

/// What became of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    New,
    Known,
    Full,
}

impl Evidence {
    /// What lies in this folder, which is made when there is something to keep.
    pub(crate) fn read(folder: PathBuf) -> io::Result<Self> {
        let mut kept = BTreeSet::new();
        match fs::read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let name = entry?.file_name();
                    let piece = name.to_str().and_then(|name| name.strip_suffix(SHOWN));
                    kept.extend(piece.map(ToOwned::to_owned));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self { folder, kept })
    }

    /// How many pieces of this kind there are.
    pub(crate) fn count(&self, kind: Contradiction) -> usize {
        self.kept.iter().filter(|name| name.starts_with(kind.as_str())).count()
    }

    /// Keeps what was shown beside what we had seen.
    pub(crate) fn keep(
        &mut self,
        kind: Contradiction,
        head: Head,
        shown: &Note,
        seen: Option<&Note>,
    ) -> io::Result<Keeping> {
        let name = name(kind, head);
        if self.kept.contains(&name) {
            return Ok(Keeping::Known);
        }
        if self.count(kind) >= PIECES_MAX {
            return Ok(Keeping::Full);
        }
        make_folder(&self.folder)?;
        if let Some(seen) = seen {
            let file = self.folder.join(format!("{name}{SEEN}"));
            durable::write(&file, seen.to_string().as_bytes())?;
        }
        let file = self.folder.join(format!("{name}{SHOWN}"));
        durable::write(&file, shown.to_string().as_bytes())?;
        self.kept.insert(name);
        Ok(Keeping::New)
    }

    /// Lets go of what could not be proven and now was: it contradicts nothing.
    pub(crate) fn settle(&mut self, head: Head) {
        let name = name(Contradiction::Unproven, head);
        if self.kept.remove(&name) {
            for end in [SHOWN, SEEN] {
                // What stays after a failure is counted again at the next start, no more.
                let _stays = fs::remove_file(self.folder.join(format!("{name}{end}")));
            }
        }
    }
}

fn name(kind: Contradiction, head: Head) -> String {
    format!("{kind}-{}-{}", head.size, hexadecimal(&head.root))
}

/// A hash as a name that every file system takes.
pub(crate) fn hexadecimal(hash: &Hash) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    hash.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
