//! What changed of an org since its rows were copied and compared: brought over and compared, row
//! by row, again and again while the org is used, and a last time behind its gate.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use base::db::{Db, DbError, Shape, Values, Writes};

use super::rows::{EVENTS, READINGS_MAX, Rows, Table, is};

/// Rows that are read and written at once.
const PIECE: usize = 500;

impl Rows<'_> {
    /// Brings over what changed since it was last looked at, and compares it as both sides have
    /// it then; says how many rows that were, events included. Whatever changes meanwhile stays
    /// noted: behind a closed gate, once is all.
    pub(crate) async fn follow(&mut self) -> anyhow::Result<u64> {
        for _ in 1..READINGS_MAX {
            match self.follow_once().await {
                // A row changed once more since it was noted, and has a value that another one had,
                // or belongs to one that is newer: that one is noted by now.
                Err(error)
                    if is(&error, DbError::is_conflict) || is(&error, DbError::is_orphan) => {}
                followed => return followed,
            }
        }
        self.follow_once().await
    }

    async fn follow_once(&mut self) -> anyhow::Result<u64> {
        let noted = self.source.0.noted(&self.run(), &self.shapes).await?;
        let mut changed: BTreeMap<&str, Vec<Values>> = BTreeMap::new();
        for one in &noted {
            changed.entry(&one.store).or_default().push(one.key.clone());
        }
        let mut looked_at = u64::try_from(noted.len()).unwrap_or(u64::MAX);
        for shape in self.shapes.clone() {
            if shape.name == EVENTS {
                looked_at += self.copy_events(&shape).await?;
            } else if let Some(keys) = changed.get(shape.name.as_str()) {
                let level = self.level(&shape, keys).await;
                level.with_context(|| format!("the rows of `{}`", shape.name))?;
            }
        }
        self.followed = noted;
        Ok(looked_at)
    }

    /// Takes away the notes of what was followed last, of which none changed again. Without it
    /// the same is followed once more: it is not for the time in which writes wait.
    pub(crate) async fn forget(&mut self) -> anyhow::Result<()> {
        let followed = std::mem::take(&mut self.followed);
        Ok(self.source.0.forget_noted(&self.run(), &followed).await?)
    }

    /// Makes these rows the same on both sides.
    async fn level(&mut self, shape: &Shape, keys: &[Values]) -> anyhow::Result<()> {
        match self.level_all(shape, keys).await {
            Err(error) if is(&error, DbError::is_conflict) => {}
            done => return done,
        }
        // First everything that is no more or other goes, then everything that is new comes.
        for piece in keys.chunks(PIECE) {
            let here = self.some(shape, self.source.0, piece).await?;
            let there = self.some(shape, self.target.0, piece).await?;
            let other = |(key, (digest, _)): &(&[u8; 32], &(_, Values))| {
                here.get(*key).is_none_or(|(one, _)| one != digest)
            };
            let gone = there.iter().filter(other).map(|(_, (_, row))| shape.key_of(row)).collect();
            self.put(shape, Writes { gone, ..Writes::default() }).await?;
        }
        self.level_all(shape, keys).await
    }

    async fn level_all(&mut self, shape: &Shape, keys: &[Values]) -> anyhow::Result<()> {
        for piece in keys.chunks(PIECE) {
            self.level_some(shape, piece).await?;
        }
        Ok(())
    }

    async fn level_some(&mut self, shape: &Shape, keys: &[Values]) -> anyhow::Result<()> {
        let here = self.some(shape, self.source.0, keys).await?;
        let there = self.some(shape, self.target.0, keys).await?;
        let mut now = Table::new();
        let mut writes = Writes::default();
        for (key, (_, row)) in &there {
            if !here.contains_key(key) {
                writes.gone.push(shape.key_of(row));
            }
        }
        for (key, (digest, row)) in here {
            now.insert(key, digest);
            match there.get(&key) {
                Some((one, _)) if *one == digest => {}
                Some(_) => writes.other.push(self.changed(shape, row).await?),
                None => writes.fresh.push(self.changed(shape, row).await?),
            }
        }
        if !writes.is_empty() {
            self.put(shape, writes).await?;
            let there = self.some(shape, self.target.0, keys).await?;
            let there: Table = there.into_iter().map(|(key, (digest, _))| (key, digest)).collect();
            anyhow::ensure!(there == now, "`{}` differs between the two regions", shape.name);
        }
        let held = self.held.entry(shape.name.clone()).or_default();
        for key in keys {
            held.remove(&Shape::key_digest(key));
        }
        held.extend(now);
        Ok(())
    }

    /// The rows with these keys, by the digests of them, with their own.
    async fn some(
        &self,
        shape: &Shape,
        db: &Db,
        keys: &[Values],
    ) -> anyhow::Result<HashMap<[u8; 32], ([u8; 32], Values)>> {
        let rows = db.rows_with(shape, self.org.as_str(), keys).await?;
        let rows = rows.into_iter().map(|row| {
            let (key, digest) = Self::digests(shape, &row);
            (key, (digest, row))
        });
        Ok(rows.collect())
    }
}
