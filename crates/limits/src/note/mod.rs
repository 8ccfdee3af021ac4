//! Notes of what may have been spent, for a start that knows of no ledger.
//!
//! ```text
//! call ─► within the note? ──────────────────────────► reserved as ever
//!               └─ no ─► a note with more room, fsync ─┘
//! start without the ledger ─► what the note says was spent in full ─► calls go on, noted
//! ```
//! A note bounds what an org spent and holds, subject by subject, before it does. It is
//! written when a call would pass it, so seldom: each one has room for many.

mod file;
mod keeping;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{OrgId, Region, Scope};
use base::seal::{RootKey, Sealer};

use self::file::NotUsed;
pub(crate) use self::file::{Note, Place};
pub(crate) use self::keeping::{Keeping, Noted};
use crate::{Error, Limits};

/// What notes are kept with.
#[derive(Debug)]
pub struct NoteNeeds<'a> {
    /// The folder of this node's notes. Nobody else writes there.
    pub folder: PathBuf,
    /// The name of the node.
    pub node: &'a str,
    /// The root key of each region: notes are sealed with a key of it.
    pub roots: &'a BTreeMap<Region, RootKey>,
    /// Whether no other node admits calls under the same limits.
    pub alone: bool,
}

/// Where notes are kept.
#[derive(Debug)]
pub(crate) struct Notes {
    folder: PathBuf,
    node: String,
    sealers: BTreeMap<Region, Arc<Sealer>>,
}

impl Notes {
    fn place(&self, region: Region, org: &OrgId) -> Option<Place> {
        Some(Place {
            path: self.folder.join(format!("{org}.spending")),
            sealer: self.sealers.get(&region)?.clone(),
            purpose: format!("spending/v1 {} {org}", self.node),
        })
    }
}

impl Limits {
    /// Keeps notes from now on of the orgs that [`Limits::note`] is asked for; before the first
    /// call. With a ledger, what an earlier life noted is removed: the ledger says more.
    /// Without one ([`Limits::apart`], as the only node), it is what calls go on from.
    pub fn keep_notes(&self, needs: NoteNeeds<'_>) -> io::Result<()> {
        let NoteNeeds { folder, node, roots, alone } = needs;
        let ledger = self.0.apart.is_none();
        let kept =
            alone && self.0.together.is_none() && self.0.apart.is_none_or(|nodes| nodes == 1);
        if ledger || !kept {
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => settle(folder.parent().filter(|parent| parent.exists()))?,
            }
        }
        if kept {
            let sealer = |(region, root): (&Region, &RootKey)| {
                Ok((*region, Arc::new(root.sealer("limits/spending")?)))
            };
            let sealers = roots.iter().map(sealer).collect::<io::Result<_>>()?;
            let notes = Notes { folder, node: node.to_owned(), sealers };
            let _only_once = self.0.notes.set(notes);
        }
        Ok(())
    }

    /// Notes from now on what this org may have spent, where notes are kept, and says which
    /// change of its limits is known here: another number, another change.
    pub async fn note(&self, scope: &Scope) -> Result<u64, Error> {
        self.ready(scope).await?;
        let org = self.org(scope.org());
        if self.0.apart.is_none()
            && let Some(notes) = self.0.notes.get()
            && let Some(place) = notes.place(scope.region(), scope.org())
        {
            org.keep(place);
            org.note_if_due(self.0.clock.now()).await;
        }
        Ok(org.changes())
    }

    /// What an earlier life noted of an org, if notes are what calls go on from.
    pub(crate) fn noted(&self, scope: &Scope) -> Option<(Place, Note)> {
        let notes = self.0.apart.and(self.0.notes.get())?;
        let place = notes.place(scope.region(), scope.org())?;
        match place.read() {
            Ok(note) => Some((place, note)),
            Err(NotUsed::None) => None,
            Err(why) => {
                let error = &why as &dyn std::error::Error;
                tracing::error!(org.id = %scope.org(), error, "a note of what was spent is not used: {why}");
                None
            }
        }
    }
}

/// Names in a folder are on disk when the folder is.
fn settle(folder: Option<&Path>) -> io::Result<()> {
    folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
