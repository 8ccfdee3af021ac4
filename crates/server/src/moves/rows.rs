//! The rows of an org, table by table, from one database into another until they are the same.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use access::{OrgId, Region};
use anyhow::Context as _;
use audit::Record;
use base::db::{Db, DbError, Shape, Value, Values, Writes};
use regions::{Directory, Step};

use super::STAYS;
use crate::wire::House;

/// The table that only grows, and is too long to be looked through behind a closed gate.
pub(super) const EVENTS: &str = "audit_event";
/// Where the key of an org lies, wrapped for its region.
const WRAPPER: (&str, &str) = ("audit_wrapper", "wrapped");
/// Where an org says its region itself.
const REGION: (&str, &str) = ("identity_org", "region");

/// Times that a table is read before a row without what it belongs to is an error.
const READINGS_MAX: u32 = 5;

/// How an org's rows get from one side to the other.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    pub(super) org: &'a OrgId,
    record: &'a Record,
    directory: &'a Directory,
    pub(super) source: (&'a Db, Region),
    pub(super) target: (&'a Db, Region),
    shapes: Vec<Shape>,
    /// What lies at the target, by table.
    there: BTreeMap<String, Table>,
    /// The events that lie there, each the same as at the source.
    events: Events,
}

/// The digests of the rows of a table, by their keys.
type Table = HashMap<[u8; 32], ([u8; 32], Values)>;

#[derive(Debug, Default)]
struct Events {
    after: Option<Values>,
    count: u64,
    digest: [u8; 32],
}

/// What a table holds of the org.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Held {
    pub(crate) store: String,
    pub(crate) rows: u64,
    pub(crate) sha256: String,
}

impl<'a> Rows<'a> {
    /// Both sides must have the same tables.
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
        let (there, events) = (BTreeMap::new(), Events::default());
        let House { record, directory, .. } = house;
        Ok(Self { org, record, directory, source, target, shapes, there, events })
    }

    /// Copies what is new or other, and takes away what is no more; says how many rows.
    pub(crate) async fn copy(&mut self) -> anyhow::Result<u64> {
        let mut written = 0;
        for shape in self.shapes.clone() {
            written += self.copy_up_to(&shape).await?;
        }
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
        let mut there = self.read(shape, self.target.0).await?;
        let same = |key: &[u8; 32], digest: &[u8; 32]| {
            here.get(key).is_some_and(|(digest_here, _)| digest_here == digest)
        };
        let (stay, gone): (Table, Table) =
            there.drain().partition(|(key, (digest, _))| same(key, digest));
        let gone = gone.into_values().map(|(_, key)| key).collect();
        let written = self.put(shape, Writes { gone, ..Writes::default() }).await?;
        self.there.insert(shape.name.clone(), stay);
        Ok(written + self.copy_table(shape).await?)
    }

    async fn copy_table(&mut self, shape: &Shape) -> anyhow::Result<u64> {
        let mut there = match self.there.remove(&shape.name) {
            Some(there) => there,
            None => self.read(shape, self.target.0).await?,
        };
        let (mut now, mut written, mut after) = (Table::new(), 0, None);
        loop {
            let (rows, more) = self.source.0.rows_of(shape, self.org.as_str(), after).await?;
            let mut writes = Writes::default();
            for row in rows {
                let (key, digest) = Self::digests(shape, &row);
                let known = there.remove(&key).map(|(digest, _)| digest);
                now.insert(key, (digest, shape.key_of(&row)));
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
        let gone = there.into_values().map(|(_, key)| key).collect();
        written += self.put(shape, Writes { gone, ..Writes::default() }).await?;
        self.there.insert(shape.name.clone(), now);
        Ok(written)
    }

    /// Behind what was copied and found the same; each piece is read back.
    async fn copy_events(&mut self, shape: &Shape) -> anyhow::Result<u64> {
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

    async fn put(&self, shape: &Shape, writes: Writes) -> anyhow::Result<u64> {
        if writes.is_empty() {
            return Ok(0);
        }
        self.is_still_copied().await?;
        let count = writes.fresh.len() + writes.other.len() + writes.gone.len();
        self.target.0.put_rows(shape, self.org.as_str(), writes).await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Looked for before each writing: where somebody gave the move up, or it has moved, what
    /// lies at the target is no longer of this run.
    pub(super) async fn is_still_copied(&self) -> anyhow::Result<()> {
        let found = self.directory.move_of(self.org).await?;
        let still = found.is_some_and(|found| {
            found.to == self.target.1 && matches!(found.step, Step::Copying | Step::Fenced)
        });
        anyhow::ensure!(still, "the move was given up, or somebody else made the switch");
        Ok(())
    }

    /// A row as it stands at the target.
    async fn changed(&self, shape: &Shape, mut row: Values) -> anyhow::Result<Values> {
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

    fn digests(shape: &Shape, row: &Values) -> ([u8; 32], [u8; 32]) {
        let without: &[&str] = match shape.name.as_str() {
            name if name == WRAPPER.0 => &[WRAPPER.1],
            name if name == REGION.0 => &[REGION.1],
            _ => &[],
        };
        let others: Vec<&str> = shape.columns().filter(|name| !shape.is_key(name)).collect();
        (shape.digest(row, &others), shape.digest(row, without))
    }

    async fn read(&self, shape: &Shape, db: &Db) -> anyhow::Result<Table> {
        let (mut table, mut after) = (Table::new(), None);
        loop {
            let (rows, more) = db.rows_of(shape, self.org.as_str(), after).await?;
            for row in rows {
                let (key, digest) = Self::digests(shape, &row);
                table.insert(key, (digest, shape.key_of(&row)));
            }
            after = more;
            if after.is_none() {
                return Ok(table);
            }
        }
    }

    /// Compares both sides, read anew; gives what each table holds. Behind a closed gate.
    pub(crate) async fn compare(&self) -> anyhow::Result<Vec<Held>> {
        let mut held = Vec::with_capacity(self.shapes.len());
        for shape in &self.shapes {
            let store = shape.name.clone();
            if store == EVENTS {
                let sha256 = base::hex::encode(&self.events.digest);
                held.push(Held { store, rows: self.events.count, sha256 });
                continue;
            }
            let there = self.read(shape, self.target.0).await?;
            let digest = |table: &Table| Shape::digest_of_all(table.values().map(|(one, _)| *one));
            let here = self.there.get(&store).map(digest);
            let sha256 = digest(&there);
            anyhow::ensure!(here == Some(sha256), "`{store}` differs between the two regions");
            let rows = u64::try_from(there.len()).unwrap_or_default();
            held.push(Held { store, rows, sha256: base::hex::encode(&sha256) });
        }
        self.same_keys().await?;
        Ok(held)
    }

    /// What [`Rows::copy`] and [`Rows::compare`] read behind a closed gate, read while it is
    /// open: says how long that took.
    pub(crate) async fn rehearse(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.copy().await?;
        for shape in self.shapes.iter().filter(|shape| shape.name != EVENTS) {
            self.read(shape, self.target.0).await?;
        }
        Ok(begun.elapsed())
    }

    /// Whether the source is what was compared: somebody at another command line knows of no
    /// gate. What was written there behind the fence is not erased unseen.
    pub(crate) async fn is_left_alone(&self) -> anyhow::Result<()> {
        for shape in &self.shapes {
            let (name, org) = (&shape.name, self.org.as_str());
            let alone = if name == EVENTS {
                let after = self.events.after.clone();
                self.source.0.rows_of(shape, org, after).await?.0.is_empty()
            } else {
                let digest =
                    |table: &Table| Shape::digest_of_all(table.values().map(|(one, _)| *one));
                let now = self.read(shape, self.source.0).await?;
                self.there.get(name).map(digest) == Some(digest(&now))
            };
            anyhow::ensure!(
                alone,
                "it has moved, and somebody wrote into `{name}` of `{}` behind the fence: look \
                 what that was. Run again with `--erase-unseen`, this command erases it",
                self.source.1
            );
        }
        Ok(())
    }

    /// What wraps the org's keys differs from region to region; what is wrapped does not.
    async fn same_keys(&self) -> anyhow::Result<()> {
        let shape = self.shapes.iter().find(|shape| shape.name == WRAPPER.0);
        let shape = shape.context("no table of keys")?;
        let (epoch, wrapped) = (shape.place("epoch"), shape.place(WRAPPER.1));
        let (epoch, wrapped) = (epoch.context("epoch")?, wrapped.context("wrapped")?);
        let org = self.org.as_str();
        let (here, _) = self.source.0.rows_of(shape, org, None).await?;
        let (there, _) = self.target.0.rows_of(shape, org, None).await?;
        anyhow::ensure!(here.len() == there.len(), "keys are missing");
        for (here, there) in here.iter().zip(&there) {
            let (Some(Value::Int(Some(epoch))), Some(Value::Bytes(Some(one)))) =
                (here.get(epoch), here.get(wrapped))
            else {
                continue;
            };
            let Some(Value::Bytes(Some(other))) = there.get(wrapped) else { continue };
            let sides = [(self.source.1, one.as_slice()), (self.target.1, other.as_slice())];
            let same = self.record.wraps_the_same((self.org, *epoch), sides).await?;
            anyhow::ensure!(same, "the key of the organization was wrapped wrongly");
        }
        Ok(())
    }
}

fn is(error: &anyhow::Error, such: fn(&DbError) -> bool) -> bool {
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
