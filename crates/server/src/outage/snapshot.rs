//! What a node keeps on its disk of the orgs of a region whose calls go on without the
//! database: `snapshot/v1`.
//!
//! ```text
//! file = "portico-snapshot/v1\n" │ sealed under a key of the region's root key, for this node
//! sealed = packed tables (`base::db::Packed`): `about`, `moved`, and rows of the database
//! ```

use std::io;
use std::path::{Path, PathBuf};

use access::{OrgId, Region};
use base::args;
use base::db::{Packed, Value};
use base::seal::{RootKey, Sealer, settle, write_settled};
use base::time::At;

/// What every snapshot begins with.
const MAGIC: &[u8] = b"portico-snapshot/v1\n";
/// Bytes of one at most: of what is larger nothing is kept.
const BYTES_MAX: usize = 256 << 20;
const ABOUT: &str = "about";
const MOVED: &str = "moved";

/// An org that is not where it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) org: OrgId,
    pub(super) born: Region,
    pub(super) home: Region,
}

/// What is known of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct About {
    /// What was read was so then, or became so later.
    pub(super) taken_at: At,
    /// How many nodes served the region.
    pub(super) nodes: u32,
    pub(super) moved: Vec<Moved>,
}

/// Why a snapshot is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotUsed {
    #[error("there is none")]
    None,
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("it was altered, or is of another node, key or version")]
    Altered,
    #[error("it is {age_secs} seconds old, and {max_secs} are allowed")]
    TooOld { age_secs: i64, max_secs: u64 },
    #[error("it is of the future: {0}")]
    OfTheFuture(At),
}

/// Where the snapshot of a region lies, and what it is sealed with.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    sealer: Sealer,
    purpose: String,
    bytes_max: usize,
}

impl Place {
    /// Of this node.
    pub(super) fn of(data: &Path, node: &str, region: Region, root: &RootKey) -> io::Result<Self> {
        let name = format!("{node}-{region}");
        Ok(Self {
            path: data.join("snapshot").join(format!("{name}.snapshot")),
            sealer: root.sealer("server/snapshot")?,
            purpose: format!("snapshot/v1 {name}"),
            bytes_max: BYTES_MAX,
        })
    }

    /// It takes no more than so much.
    #[cfg(test)]
    pub(super) fn holds(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces what is there, whole or not at all. `tables` are packed.
    pub(super) fn write(&self, about: &About, tables: &[u8]) -> io::Result<()> {
        let packed = |table: &str, columns: &[&str], rows| Packed {
            table: table.to_owned(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows,
        };
        let moved = about
            .moved
            .iter()
            .map(|one| args![one.org.as_str(), one.born.as_str(), one.home.as_str()]);
        let all = [
            packed(
                ABOUT,
                &["taken_at", "nodes"],
                vec![args![about.taken_at, i64::from(about.nodes)]],
            ),
            packed(MOVED, &["org_id", "born", "home"], moved.collect()),
        ];
        let mut inner = Vec::new();
        for table in &all {
            table.pack(&mut inner).map_err(io::Error::other)?;
        }
        inner.extend_from_slice(tables);
        if inner.len() > self.bytes_max {
            let large = format!("it has {} bytes, and {} are allowed", inner.len(), self.bytes_max);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, large));
        }
        let sealed = self.sealer.seal(&self.purpose, &inner).map_err(io::Error::other)?;
        write_settled(&self.path, &[MAGIC, &sealed].concat())
    }

    /// What is there may not be used any more; on disk when this returns.
    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.and_then(|()| settle(&self.path)),
        }
    }

    /// What is there, if it is ours and no older than `max_secs`.
    pub(super) fn read(&self, now: At, max_secs: u64) -> Result<(About, Vec<Packed>), NotUsed> {
        let file = match std::fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NotUsed::None),
            read => read.map_err(NotUsed::Unreadable)?,
        };
        let sealed = file.strip_prefix(MAGIC).ok_or(NotUsed::Altered)?;
        let inner = self.sealer.open(&self.purpose, sealed).map_err(|_| NotUsed::Altered)?;
        let tables = Packed::unpack(&inner).map_err(|_| NotUsed::Altered)?;
        let (about, tables) = about(tables).ok_or(NotUsed::Altered)?;
        let age_secs = now.as_second() - about.taken_at.as_second();
        if age_secs < 0 {
            return Err(NotUsed::OfTheFuture(about.taken_at));
        }
        if u64::try_from(age_secs).is_ok_and(|age| age > max_secs) {
            return Err(NotUsed::TooOld { age_secs, max_secs });
        }
        Ok((about, tables))
    }
}

fn about(tables: Vec<Packed>) -> Option<(About, Vec<Packed>)> {
    let mut tables = tables.into_iter();
    let (first, second) = (tables.next()?, tables.next()?);
    if first.table != ABOUT || second.table != MOVED {
        return None;
    }
    let [Value::Int(Some(taken_at)), Value::Int(Some(nodes))] = first.rows.first()?.as_slice()
    else {
        return None;
    };
    let moved = second.rows.iter().map(|row| {
        let [Value::Text(Some(org)), Value::Text(Some(born)), Value::Text(Some(home))] =
            row.as_slice()
        else {
            return None;
        };
        Some(Moved { org: org.parse().ok()?, born: born.parse().ok()?, home: home.parse().ok()? })
    });
    let about = About {
        taken_at: At::from_microsecond(*taken_at).ok()?,
        nodes: u32::try_from(*nodes).ok()?,
        moved: moved.collect::<Option<_>>()?,
    };
    Some((about, tables.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        text.parse().unwrap()
    }

    fn place(folder: &Path, node: &str, key: u8) -> Place {
        let root = RootKey::from_bytes(&[key; 32]).unwrap();
        Place::of(folder, node, Region::Eu, &root).unwrap()
    }

    fn written(folder: &Path) -> (Place, About) {
        let (place, taken_at) = (place(folder, "portico-1", 1), at("2026-01-01T00:00:00Z"));
        let org = OrgId::new(taken_at);
        let moved = vec![Moved { org, born: Region::Us, home: Region::Eu }];
        let about = About { taken_at, nodes: 3, moved };
        place.write(&about, &[]).unwrap();
        (place, about)
    }

    #[test]
    fn a_snapshot_is_read_as_it_was_written_until_it_is_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let (place, about) = written(folder.path());
        let read = |now: &str| place.read(at(now), 60).map(|(about, _)| about);
        assert_eq!(read("2026-01-01T00:01:00Z").unwrap(), about);
        let old = read("2026-01-01T00:01:01Z").unwrap_err().to_string();
        assert_eq!(old, "it is 61 seconds old, and 60 are allowed");
        assert!(matches!(read("2025-12-31T23:59:59Z"), Err(NotUsed::OfTheFuture(_))));
        place.remove().unwrap();
        place.remove().unwrap();
        assert!(matches!(read("2026-01-01T00:00:00Z"), Err(NotUsed::None)));
    }

    #[test]
    fn a_snapshot_that_was_altered_or_is_of_another_node_or_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (own, about) = written(folder.path());
        let bytes = std::fs::read(own.path()).unwrap();
        for (one, other) in [("portico-1", 2), ("portico-2", 1)] {
            let other = place(folder.path(), one, other);
            std::fs::write(other.path(), &bytes).unwrap();
            assert!(matches!(other.read(about.taken_at, 60), Err(NotUsed::Altered)), "{one}");
        }
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            std::fs::write(own.path(), &altered).unwrap();
            assert!(matches!(own.read(about.taken_at, 60), Err(NotUsed::Altered)), "{at}");
            std::fs::write(own.path(), &bytes[..at]).unwrap();
            assert!(matches!(own.read(about.taken_at, 60), Err(NotUsed::Altered)), "{at}");
        }
    }
}
