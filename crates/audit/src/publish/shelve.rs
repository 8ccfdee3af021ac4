//! Putting events into the archive: read once more, verified, cut into chunks, written, and
//! read back.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base::args;
use tlog::tile::TILE_WIDTH;

use super::checkpoint::Newest;
use super::fault::{FaultKind, LogError};
use super::org::{Place, int};
use super::verify::Verified;
use crate::keys::Key;
use crate::sql;
use crate::tiers::{Archive, CHUNK_BYTES_MAX, CHUNK_ROWS_MAX, Chunk, Filed, Kept, Summary};

/// Events that one piece moves at most, and their bytes: a transaction of some hundred
/// milliseconds.
const PIECE_ROWS_MAX: usize = 4 * CHUNK_ROWS_MAX;
const PIECE_BYTES_MAX: usize = 8 * CHUNK_BYTES_MAX;

/// Cuts rows into chunks.
#[derive(Debug, Default)]
struct Cutter {
    chunks: Vec<Chunk>,
    rows: Vec<Kept>,
    bytes: usize,
    all_rows: usize,
    all_bytes: usize,
}

/// What a piece of moving is about.
pub(super) struct Cut {
    pub(super) chunks: Vec<Chunk>,
    /// The position of an event that no chunk can hold; those before it are in the chunks.
    pub(super) too_large: Option<u64>,
}

impl Cutter {
    fn is_full(&self) -> bool {
        self.all_rows >= PIECE_ROWS_MAX || self.all_bytes >= PIECE_BYTES_MAX
    }

    fn add(&mut self, row: Kept) {
        let bytes = row.bytes();
        if self.rows.len() >= CHUNK_ROWS_MAX || self.bytes + bytes > CHUNK_BYTES_MAX {
            self.close();
        }
        self.bytes += bytes;
        self.all_bytes += bytes;
        self.all_rows += 1;
        self.rows.push(row);
    }

    fn close(&mut self) {
        self.chunks.extend(Chunk::new(std::mem::take(&mut self.rows)));
        self.bytes = 0;
    }

    fn cut(mut self, too_large: Option<u64>) -> Cut {
        self.close();
        Cut { chunks: self.chunks, too_large }
    }
}

impl Place<'_> {
    /// The next events from a position on, each of which is what was published, in chunks.
    pub(super) async fn cut(
        &self,
        from: u64,
        until: u64,
        newest: &Newest,
    ) -> Result<Cut, LogError> {
        let (width, mut next, mut cutter) = (u64::from(TILE_WIDTH), from, Cutter::default());
        while next < until && !cutter.is_full() {
            let index = next / width;
            let (leaves, bundle) = self.published_bundle(index, newest).await?;
            let behind = until.min((index + 1) * width);
            let rows = self.db()?.all(sql::WHOLE, args![int(next)?, int(behind)?]).await?;
            let mut rows = rows.into_iter();
            for ((seq, leaf), entry) in (index * width..behind).zip(leaves).zip(bundle) {
                if seq < next {
                    continue;
                }
                let row = rows.next().filter(|row| row.count("seq").is_ok_and(|at| at == seq));
                let row = row.ok_or_else(|| self.fault_at(seq, FaultKind::Missing))?;
                if let Some(kind) = self.row(&row, leaf, &entry).await? {
                    return Err(self.fault_at(seq, kind));
                }
                let row = Kept::of(&row)?;
                if row.bytes() > CHUNK_BYTES_MAX {
                    return Ok(cutter.cut(Some(seq)));
                }
                cutter.add(row);
            }
            next = behind;
        }
        Ok(cutter.cut(None))
    }

    /// Writes a chunk, unless it is there, and reads it back.
    pub(super) async fn keep_chunk(&self, chunk: &Chunk) -> Result<Filed, LogError> {
        let key = self.chunk_key().await?;
        let no_chunk = |path: &str| self.fault(FaultKind::NoChunk(path.to_owned()));
        let file = chunk.file(&key).map_err(|_| no_chunk("not named"))?;
        let path = Archive::path(self.org(), &file);
        let store = &self.cell.store;
        let there = store.get(&path).await.map_err(|error| self.of_store(error))?;
        if there.is_none() {
            let bytes = chunk.seal(&key, self.org()).map_err(|_| no_chunk(&path))?;
            store.put(&path, &bytes).await.map_err(|error| self.of_store(error))?;
        }
        let back = store.get(&path).await.map_err(|error| self.of_store(error))?;
        let back = back.ok_or_else(|| no_chunk(&path))?;
        let same = Chunk::open(&key, self.org(), chunk.first(), &back);
        if same.as_ref() != Ok(chunk) {
            return Err(no_chunk(&path));
        }
        let sha256 = digest(&SHA256, &back).as_ref().to_vec();
        Ok(Summary::of(chunk).filed(chunk, file, sha256))
    }

    async fn chunk_key(&self) -> Result<Arc<Key>, LogError> {
        Ok(self.log.record.chunk_key(&self.db()?, &self.scope).await?)
    }

    /// That each chunk that begins between two positions is the one that was put there, and
    /// is told of as it is.
    pub(super) async fn verify_chunks(
        &self,
        from: u64,
        before: u64,
        to: &mut Verified,
    ) -> Result<(), LogError> {
        let (db, record) = (self.db()?, &self.log.record);
        for row in db.all(sql::COLD_BEGUN, args![int(from)?, int(before)?]).await? {
            let filed = Filed::of(&row)?;
            let chunk = record.chunk_anew(&db, &self.scope, &filed).await?;
            if let Some(what) = self.other_summary(&filed, &chunk).await? {
                let first = u64::try_from(filed.first).unwrap_or_default();
                let LogError::Fault(fault) = self.fault_at(first, FaultKind::OtherSummary(what))
                else {
                    continue;
                };
                to.faults.push(fault);
            }
        }
        Ok(())
    }

    /// What of a chunk is told otherwise than it is.
    async fn other_summary(
        &self,
        filed: &Filed,
        chunk: &Chunk,
    ) -> Result<Option<&'static str>, LogError> {
        let (db, summary) = (self.db()?, Summary::of(chunk));
        if (filed.at, filed.bytes) != (summary.at, summary.bytes) {
            return Ok(Some("times and sizes"));
        }
        if filed.names != summary.names {
            return Ok(Some("names"));
        }
        for (person, told) in &summary.people {
            let row = db.maybe(sql::COLD_PERSON_IN, args![*person, filed.first]).await?;
            let found =
                row.map(|row| Ok::<_, LogError>((row.int("events")?, row.opt_int("last_at")?)));
            if found.transpose()?.as_ref() != Some(told) {
                return Ok(Some("people"));
            }
        }
        for (person, thing) in &summary.things {
            if db.maybe(sql::COLD_THING_IN, args![*person, *thing]).await?.is_none() {
                return Ok(Some("things"));
            }
        }
        Ok(None)
    }
}
