//! A note on the disk: `spending/v1`.
//!
//! ```text
//! file   = "portico-spending/v1\n" │ sealed under a key of the region's root key, for this node and org
//! sealed = packed tables (`base::db::Packed`): `about`, `limits`, `spending`
//! ```

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use base::args;
use base::db::{Packed, Value};
use base::seal::{Sealer, write_settled};
use base::time::At;

use crate::ceilings::SetAt;
use crate::core::{Bounds, Most};

/// What every note begins with.
const MAGIC: &[u8] = b"portico-spending/v1\n";

/// What an org may have spent at most, under which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) limits: SetAt,
    pub(crate) bounds: Bounds,
}

/// Why a note is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotUsed {
    #[error("there is none")]
    None,
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("it was altered, or is of another node, org, key or version")]
    Altered,
}

/// Where the note of an org lies, and what it is sealed with.
#[derive(Debug)]
pub(crate) struct Place {
    pub(super) path: PathBuf,
    pub(super) sealer: Arc<Sealer>,
    pub(super) purpose: String,
}

impl Place {
    /// Replaces what is there, whole or not at all, and is on disk when this returns.
    pub(crate) fn write(&self, note: &Note) -> io::Result<()> {
        let bytes = packed(note).map_err(io::Error::other)?;
        let sealed = self.sealer.seal(&self.purpose, &bytes).map_err(io::Error::other)?;
        write_settled(&self.path, &[MAGIC, &sealed].concat())
    }

    /// What is there says too little from now on.
    pub(crate) fn remove(&self) -> io::Result<()> {
        use io::ErrorKind::{NotADirectory, NotFound};
        match std::fs::remove_file(&self.path) {
            Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(()),
            Ok(()) => super::settle(self.path.parent()),
            failed => failed,
        }
    }

    pub(crate) fn read(&self) -> Result<Note, NotUsed> {
        let file = match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NotUsed::None),
            read => read.map_err(NotUsed::Unreadable)?,
        };
        let sealed = file.strip_prefix(MAGIC).ok_or(NotUsed::Altered)?;
        let inner = self.sealer.open(&self.purpose, sealed).map_err(|_| NotUsed::Altered)?;
        unpacked(&inner).ok_or(NotUsed::Altered)
    }
}

fn packed(note: &Note) -> Result<Vec<u8>, base::db::NotPacked> {
    let int = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let limits = note.limits.iter().map(|(target, at)| args![&**target, *at]);
    let spending = note.bounds.iter();
    let spending = spending.map(|(name, most)| args![name, int(most.day), int(most.month)]);
    let mut bytes = Vec::new();
    for (table, columns, rows) in [
        ("about", &["at"][..], vec![args![note.bounds.at()]]),
        ("limits", &["target", "set_at"], limits.collect()),
        ("spending", &["subject", "day", "month"], spending.collect()),
    ] {
        let columns = columns.iter().map(|&name| name.to_owned()).collect();
        Packed { table: table.to_owned(), columns, rows }.pack(&mut bytes)?;
    }
    Ok(bytes)
}

fn unpacked(bytes: &[u8]) -> Option<Note> {
    let tables: [Packed; 3] = Packed::unpack(bytes).ok()?.try_into().ok()?;
    let [about, limits, spending] = tables.map(|table| table.rows);
    let [Value::Int(Some(at))] = about.first()?.as_slice() else { return None };
    let limits = limits.iter().map(|row| match row.as_slice() {
        [Value::Text(Some(target)), Value::Int(Some(at))] => Some((target.as_str().into(), *at)),
        _ => None,
    });
    let spending = spending.iter().map(|row| match row.as_slice() {
        [Value::Text(Some(name)), Value::Int(Some(day)), Value::Int(Some(month))] => {
            let (day, month) = (u64::try_from(*day).ok()?, u64::try_from(*month).ok()?);
            Some((name.as_str().into(), Most { day, month }))
        }
        _ => None,
    });
    let most = spending.collect::<Option<_>>()?;
    let bounds = Bounds::new(At::from_microsecond(*at).ok()?, most);
    Some(Note { limits: limits.collect::<Option<_>>()?, bounds })
}

#[cfg(test)]
mod tests {
    use base::seal::RootKey;

    use super::*;

    fn place(folder: &std::path::Path, key: u8, org: &str) -> Place {
        let sealer = RootKey::from_bytes(&[key; 32]).unwrap().sealer("limits/spending").unwrap();
        let path = folder.join("node/note.spending");
        Place { path, sealer: Arc::new(sealer), purpose: format!("spending/v1 node {org}") }
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_not_if_it_was_altered() {
        let folder = tempfile::tempdir().unwrap();
        let own = place(folder.path(), 1, "a");
        assert!(matches!(own.read(), Err(NotUsed::None)));
        let most = Most { day: 7, month: 1 << 60 };
        let at = "2026-05-05T10:00:00.000001Z".parse().unwrap();
        let note = Note {
            limits: SetAt::from([("key:*".into(), 5), ("org".into(), -1)]),
            bounds: Bounds::new(at, [("org".into(), most)].into()),
        };
        own.write(&note).unwrap();
        assert_eq!(own.read().unwrap(), note);
        for other in [place(folder.path(), 2, "a"), place(folder.path(), 1, "b")] {
            assert!(matches!(other.read(), Err(NotUsed::Altered)));
        }
        let bytes = std::fs::read(&own.path).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            std::fs::write(&own.path, &altered).unwrap();
            assert!(matches!(own.read(), Err(NotUsed::Altered)), "{at}");
        }
        own.remove().unwrap();
        own.remove().unwrap();
        assert!(matches!(own.read(), Err(NotUsed::None)));
    }
}
