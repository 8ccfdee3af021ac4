//! The rows of an org, table by table, from one database into another until they are the same.

use std::collections::{BTreeMap, HashMap};

use access::{OrgId, Region};
use anyhow::Context as _;
use audit::Record;
use base::db::{Db, DbError, Noted, Run, Shape, Value, Values, Writes};
use regions::{Directory, Step};

use super::STAYS;
use super::erase::forget_notes;
use super::mover::ELSEWHERE;
use crate::wire::House;

/// The table that only grows, and is too long to be looked through behind a closed gate.
pub(super) const EVENTS: &str = "audit_event";
/// Where the key of an org lies, wrapped for its region.
pub(super) const WRAPPER: (&str, &str) = ("audit_wrapper", "wrapped");
/// Where an org says its region itself.
const REGION: (&str, &str) = ("identity_org", "region");

/// Which run writes or erases the rows of an org, and where the source notes what changes.
pub(super) const TURNS: &str = "audit_mover";
pub(super) const NOTES: &str = "audit_changed";

/// Times that a table is read before a row without what it belongs to is an error.
pub(super) const READINGS_MAX: u32 = 5;

/// How an org's rows get from one side to the other.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    pub(super) org: &'a OrgId,
    pub(super) record: &'a Record,
    directory: &'a Directory,
    pub(super) source: (&'a Db, Region),
    pub(super) target: (&'a Db, Region),
    pub(super) shapes: Vec<Shape>,
    run: String,
    /// What both sides hold, as it was read from both and found the same, by table.
    pub(super) held: BTreeMap<String, Table>,
    /// The events that lie there, each the same as at the source.
    pub(super) events: Events,
    /// What was noted and followed, and is to be forgotten.
    pub(super) followed: Vec<Noted>,
}

/// The digests of the rows of a table, by those of their keys.
pub(super) type Table = HashMap<[u8; 32], [u8; 32]>;

#[derive(Debug, Default)]
pub(super) struct Events {
    pub(super) after: Option<Values>,
    pub(super) count: u64,
    pub(super) digest: [u8; 32],
}

impl<'a> Rows<'a> {
    /// Both sides must have the same tables. From now on it is the turn of this run to write at
    /// the target, and the source notes what changes.
    pub(crate) async fn open(
        org: &'a OrgId,
        house: &'a House,
        source: (&'a Db, Region),
        target: (&'a Db, Region),
    ) -> anyhow::Result<Self> {
        let shapes = shapes_of(source.0).await?;
        anyhow::ensure!(
            shapes == shapes_of(target.0).await?,
            "the databases of `{}` and `{}` differ in their tables: run `portico migrate`",
            source.1,
            target.1
        );
        let House { record, directory, .. } = house;
        let run = base::hex::encode(&base::seal::random::<6>()?);
        let (held, events, followed) = (BTreeMap::new(), Events::default(), Vec::new());
        let rows =
            Self { org, record, directory, source, target, shapes, run, held, events, followed };
        let begun = rows.begin().await;
        if begun.is_err() {
            // What of it stands already is of no use.
            let _of_no_use = rows.close().await;
        }
        begun.map(|()| rows)
    }

    async fn begin(&self) -> anyhow::Result<()> {
        let (run, source) = (self.run(), self.source.0);
        // Whoever forgets notes there has to have the turn there as well.
        source.take_turn(&run).await?;
        self.target.0.take_turn(&run).await?;
        // Behind it: whoever fences later finds that its turn is over, and whoever fenced before
        // goes on alone.
        let found = self.directory.move_of(self.org).await?;
        anyhow::ensure!(found.is_some_and(|found| found.step == Step::Copying), ELSEWHERE);
        // What a run noted that was cut off.
        forget_notes(source, &run).await?;
        Ok(source.note_changes(&run, &self.noting()).await?)
    }

    /// The tables of which is noted what changes.
    fn noting(&self) -> Vec<Shape> {
        self.shapes.iter().filter(|shape| shape.name != EVENTS).cloned().collect()
    }

    /// Whether whatever changed since this run began was noted, and nobody else forgot it.
    pub(crate) async fn is_noting(&self) -> anyhow::Result<()> {
        Ok(self.source.0.must_note(&self.run(), &self.noting()).await?)
    }

    pub(super) fn run(&self) -> Run<'_> {
        Run { org: self.org.as_str(), name: &self.run, turns: TURNS, notes: NOTES }
    }

    /// Whether nobody else moves it by now.
    pub(crate) async fn is_its_turn(&self) -> anyhow::Result<()> {
        Ok(self.target.0.must_have_turn(&self.run()).await?)
    }

    /// Notes nothing more for this run, and ends its turn.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        self.target.0.end_turn(&self.run()).await?;
        self.source.0.end_turn(&self.run()).await?;
        Ok(self.source.0.note_no_more(&self.run()).await?)
    }

    /// Copies what is new or other, and takes away what is no more; says how many rows.
    pub(crate) async fn copy(&mut self) -> anyhow::Result<u64> {
        let (run, mut written) = (self.run(), 0);
        // Whatever was noted before it is read with all the others.
        let noted = self.source.0.noted(&run, &self.shapes).await?;
        for shape in self.shapes.clone() {
            written += self.copy_up_to(&shape).await?;
        }
        self.source.0.forget_noted(&self.run(), &noted).await?;
        Ok(written)
    }

    /// Tables are read one after the other while the org is used. Where a row came with one that
    /// it belongs to, behind the reading of that one's table, those before are read again.
    pub(super) async fn copy_up_to(&mut self, shape: &Shape) -> anyhow::Result<u64> {
        let mut written = 0;
        for _ in 1..READINGS_MAX {
            match self.copy_one(shape).await {
                Err(error) if is(&error, DbError::is_orphan) => {}
                copied => return Ok(written + copied?),
            }
            let all = self.shapes.clone();
            for before in all.iter().take_while(|before| before.name != shape.name) {
                written += self.copy_one(before).await?;
            }
        }
        Ok(written + self.copy_one(shape).await?)
    }

    async fn copy_one(&mut self, shape: &Shape) -> anyhow::Result<u64> {
        let copied = match shape.name.as_str() {
            EVENTS => self.copy_events(shape).await,
            _ => self.copy_table(shape).await,
        };
        let copied = match copied {
            // A row has a value that another one at the target still has.
            Err(error) if is(&error, DbError::is_conflict) => self.copy_apart(shape).await,
            copied => copied,
        };
        copied.with_context(|| format!("the rows of `{}`", shape.name))
    }

    /// First everything that is no more or other, then everything that is new.
    async fn copy_apart(&mut self, shape: &Shape) -> anyhow::Result<u64> {
        let here = self.read(shape, self.source.0).await?;
        let same = |key: &[u8; 32], digest: &[u8; 32]| here.get(key) == Some(digest);
        let written = self.take_away(shape, |key, digest| !same(key, digest)).await?;
        Ok(written + self.copy_table(shape).await?)
    }

    async fn copy_table(&mut self, shape: &Shape) -> anyhow::Result<u64> {
        let mut there = self.read(shape, self.target.0).await?;
        let (mut written, mut after) = (0, None);
        loop {
            let (rows, more) = self.source.0.rows_of(shape, self.org.as_str(), after).await?;
            let mut writes = Writes::default();
            for row in rows {
                let (key, digest) = Self::digests(shape, &row);
                let known = there.remove(&key);
                if known == Some(digest) {
                    continue;
                }
                let row = self.changed(shape, row).await?;
                if known.is_some() { writes.other.push(row) } else { writes.fresh.push(row) }
            }
            written += self.put(shape, writes).await?;
            after = more;
            if after.is_none() {
                break;
            }
        }
        if !there.is_empty() {
            written += self.take_away(shape, |key, _| there.contains_key(key)).await?;
        }
        Ok(written)
    }

    /// Takes such rows away at the target.
    async fn take_away(
        &self,
        shape: &Shape,
        such: impl Fn(&[u8; 32], &[u8; 32]) -> bool,
    ) -> anyhow::Result<u64> {
        let (mut written, mut after) = (0, None);
        loop {
            let (rows, more) = self.target.0.rows_of(shape, self.org.as_str(), after).await?;
            let gone = rows.iter().filter(|row| {
                let (key, digest) = Self::digests(shape, row);
                such(&key, &digest)
            });
            let gone = gone.map(|row| shape.key_of(row)).collect();
            written += self.put(shape, Writes { gone, ..Writes::default() }).await?;
            after = more;
            if after.is_none() {
                return Ok(written);
            }
        }
    }

    /// Behind what was copied and found the same; each piece is read back.
    pub(super) async fn copy_events(&mut self, shape: &Shape) -> anyhow::Result<u64> {
        let (org, mut written) = (self.org.as_str(), 0);
        loop {
            let after = self.events.after.clone();
            let (rows, _) = self.source.0.rows_of(shape, org, after.clone()).await?;
            let Some(last) = rows.last().cloned() else { return Ok(written) };
            let fresh = rows.clone();
            self.put(shape, Writes { fresh, ..Writes::default() }).await?;
            let (there, _) = self.target.0.rows_of(shape, org, after).await?;
            anyhow::ensure!(there.starts_with(&rows), "another record lies at the target");
            for row in &rows {
                let digests = [self.events.digest, shape.digest(row, &[])];
                self.events.digest = Shape::chained(digests);
            }
            let count = u64::try_from(rows.len()).unwrap_or_default();
            (self.events.count, written) = (self.events.count + count, written + count);
            let behind = |value: Option<&Value>| value.cloned().into_iter().collect();
            let seq = shape.place("seq").context("positions")?;
            self.events.after = Some(behind(last.get(seq)));
        }
    }

    pub(super) async fn put(&self, shape: &Shape, writes: Writes) -> anyhow::Result<u64> {
        if writes.is_empty() {
            return Ok(0);
        }
        self.is_still_copied().await?;
        let count = writes.fresh.len() + writes.other.len() + writes.gone.len();
        self.target.0.put_rows(shape, self.org.as_str(), writes, Some(&self.run())).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Looked for before each writing: where somebody gave the move up, or it has moved, what
    /// lies at the target is no longer of this run. Between this and the writing the turn holds.
    pub(super) async fn is_still_copied(&self) -> anyhow::Result<()> {
        let found = self.directory.move_of(self.org).await?;
        let still = found.is_some_and(|found| {
            found.to == self.target.1 && matches!(found.step, Step::Copying | Step::Fenced)
        });
        anyhow::ensure!(still, "the move was given up, or somebody else made the switch");
        Ok(())
    }

    /// A row as it stands at the target.
    pub(super) async fn changed(&self, shape: &Shape, mut row: Values) -> anyhow::Result<Values> {
        let regions = (self.source.1, self.target.1);
        if shape.name == WRAPPER.0 {
            let (epoch, place) = (shape.place("epoch"), shape.place(WRAPPER.1));
            let (epoch, place) = (epoch.context("epoch")?, place.context("wrapped")?);
            if let (Some(Value::Int(Some(epoch))), Some(Value::Bytes(Some(wrapped)))) =
                (row.get(epoch).cloned(), row.get_mut(place))
            {
                *wrapped = self.record.rewrapped((self.org, epoch), wrapped, regions).await?;
            }
        }
        if shape.name == REGION.0
            && let Some(region) = shape.place(REGION.1).and_then(|place| row.get_mut(place))
        {
            *region = Value::from(self.target.1.as_str());
        }
        Ok(row)
    }

    /// Of the key of a row, and of the row without what differs from region to region.
    pub(super) fn digests(shape: &Shape, row: &Values) -> ([u8; 32], [u8; 32]) {
        let without: &[&str] = match shape.name.as_str() {
            name if name == WRAPPER.0 => &[WRAPPER.1],
            name if name == REGION.0 => &[REGION.1],
            _ => &[],
        };
        (Shape::key_digest(&shape.key_of(row)), shape.digest(row, without))
    }
}

pub(super) fn is(error: &anyhow::Error, such: fn(&DbError) -> bool) -> bool {
    error.chain().filter_map(<dyn std::error::Error>::downcast_ref).any(such)
}

/// Every table whose rows move with an org: all that there are, but those that stay.
pub(crate) async fn shapes_of(db: &Db) -> anyhow::Result<Vec<Shape>> {
    let mut shapes = db.shapes().await?;
    shapes.retain(|shape| !STAYS.iter().any(|(name, _)| *name == shape.name));
    Ok(shapes)
}

#[cfg(test)]
mod tests {
    use base::testing::Bench;

    use super::*;
    use crate::storage;

    #[tokio::test]
    async fn every_table_moves_with_its_org_or_says_why_it_stays() {
        let mut first = None;
        for bench in Bench::on_each_engine(&storage::region_steps(), &[]).await {
            let all = bench.db.shapes().await.unwrap();
            for (name, why) in STAYS {
                assert!(all.iter().any(|shape| shape.name == name), "`{name}` is no table: {why}");
            }
            let moving = shapes_of(&bench.db).await.unwrap();
            assert_eq!(moving.len() + STAYS.len(), all.len());
            assert!(moving.len() > 50, "{}", moving.len());
            let engine = bench.db.engine();
            assert_eq!(first.get_or_insert(moving.clone()), &moving, "{engine:?} has others");
        }
    }
}
