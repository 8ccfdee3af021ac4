//! Who was erased, told beside the published log: so that no restore brings them back.
//!
//! Entries are commitments and say nothing. So before a checkpoint covers an erasure, a note
//! of it lies in the store: the keyed hash of the person, sealed under the root key of the
//! region. A database that is behind the published log learns from it whom it must forget.
//!
//! INVARIANT: no checkpoint covers an erasure whose note is not in the store.

use access::Scope;
use base::args;
use base::db::DbError;
use serde_json::Value;

use super::Log;
use super::fault::{FaultKind, LogError};
use super::org::{Place, int};
use super::store::StoreError;
use crate::keys::{Found, Source, Tag};
use crate::sql;

/// The folder of notes in the store.
const FOLDER: &str = "erased";

impl Log {
    /// The keyed hashes of whoever was erased in an org, by the notes beside its log, and is not
    /// in its database.
    pub async fn erased(&self, scope: &Scope) -> Result<Vec<String>, LogError> {
        let place = self.place(scope)?;
        let (store, db) = (&place.cell.store, place.db()?);
        let folder = format!("{FOLDER}/{}", scope.org());
        let mut tags = Vec::new();
        for name in store.list(&folder).await.map_err(|error| place.of_store(error))? {
            let path = format!("{folder}/{name}");
            let note = store.get(&path).await.map_err(|error| place.of_store(error))?;
            let opened = note.and_then(|note| place.birth.notes.open(&path, &note).ok());
            let tag = opened.and_then(|tag| Tag::from_utf8(tag).ok());
            let tag = tag.ok_or_else(|| place.fault(FaultKind::NoNote(path)))?;
            let source = Source::Beside(&db, scope.org());
            let found = self.0.record.keys.found(source, scope.region(), &tag).await?;
            if !matches!(found, Some(Found::Destroyed)) {
                tags.push(tag);
            }
        }
        tags.sort_unstable();
        tags.dedup();
        Ok(tags)
    }
}

impl Place<'_> {
    /// Notes the erasures between two positions, before they are published.
    pub(super) async fn note_erasures(&self, from: u64, to: u64) -> Result<(), LogError> {
        let (db, record) = (self.db()?, &self.log.record);
        for row in db.all(sql::ERASED_BETWEEN, args![int(from)?, int(to)?]).await? {
            let opened = record.opened(&db, &self.scope, &row).await?;
            let [_, _, payload] = opened.values;
            let tag = payload.as_ref().and_then(|it| it.pointer("/changes/person"));
            let Some(tag) = tag.and_then(Value::as_str) else { continue };
            let path = format!("{FOLDER}/{}/{:020}", self.org(), row.count("seq")?);
            let note = self.birth.notes.seal(&path, tag.as_bytes());
            let note = note.map_err(|cause| DbError::unreadable("body", cause))?;
            match self.cell.store.put(&path, &note).await {
                // Sealed twice it is other bytes, and says the same.
                Ok(()) | Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(self.of_store(error)),
            }
        }
        Ok(())
    }
}
