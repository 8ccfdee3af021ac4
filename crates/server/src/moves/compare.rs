//! Whether both sides hold the same: all of it, read anew from both.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context as _;
use base::db::{Db, Shape, Value, Values};

use super::rows::{EVENTS, Rows, Table, WRAPPER};

/// What a table holds of the org.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Held {
    pub(crate) store: String,
    pub(crate) rows: u64,
    pub(crate) sha256: String,
}

impl Rows<'_> {
    pub(super) async fn read(&self, shape: &Shape, db: &Db) -> anyhow::Result<Table> {
        let (mut table, mut after) = (Table::new(), None);
        loop {
            let (rows, more) = db.rows_of(shape, self.org.as_str(), after).await?;
            table.extend(rows.iter().map(|row| Self::digests(shape, row)));
            after = more;
            if after.is_none() {
                return Ok(table);
            }
        }
    }

    /// Reads every table but events on both sides and compares them, while the org is used: what
    /// differs must have been noted as changed. Events were compared as they were copied.
    pub(crate) async fn compare(&mut self) -> anyhow::Result<()> {
        self.is_noting().await?;
        let mut differs: BTreeMap<&str, HashSet<[u8; 32]>> = BTreeMap::new();
        for shape in self.shapes.iter().filter(|shape| shape.name != EVENTS) {
            let (mut held, mut other) = (self.read(shape, self.target.0).await?, HashSet::new());
            let here = self.read(shape, self.source.0).await?;
            other.extend(
                here.iter().filter(|(key, one)| held.get(*key) != Some(*one)).map(|it| *it.0),
            );
            other.extend(held.extract_if(|key, one| here.get(key) != Some(one)).map(|it| it.0));
            self.held.insert(shape.name.clone(), held);
            if !other.is_empty() {
                differs.insert(&shape.name, other);
            }
        }
        if !differs.is_empty() {
            for noted in self.source.0.noted(&self.run(), &self.shapes).await? {
                if let Some(other) = differs.get_mut(noted.store.as_str()) {
                    other.remove(&Shape::key_digest(&noted.key));
                }
            }
        }
        let unnoted = differs.into_iter().find(|(_, other)| !other.is_empty());
        let store = unnoted.map(|(store, _)| store).unwrap_or_default();
        anyhow::ensure!(store.is_empty(), "`{store}` differs between the two regions");
        self.same_keys(false).await
    }

    /// What each table holds, on both sides.
    pub(crate) fn held(&self) -> Vec<Held> {
        let held = |shape: &Shape| {
            let none = Table::new();
            let table = self.held.get(&shape.name).unwrap_or(&none);
            let (rows, digest) = if shape.name == EVENTS {
                (self.events.count, self.events.digest)
            } else {
                (u64::try_from(table.len()).unwrap_or_default(), digest_of(table))
            };
            Held { store: shape.name.clone(), rows, sha256: base::hex::encode(&digest) }
        };
        self.shapes.iter().map(held).collect()
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
                self.held.get(name) == Some(&self.read(shape, self.source.0).await?)
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
    /// While the org is used one may be on one side only; behind the fence, `all` of them are on both.
    pub(super) async fn same_keys(&self, all: bool) -> anyhow::Result<()> {
        let shape = self.shapes.iter().find(|shape| shape.name == WRAPPER.0);
        let shape = shape.context("no table of keys")?;
        let (epoch, wrapped) = (shape.place("epoch"), shape.place(WRAPPER.1));
        let (epoch, wrapped) = (epoch.context("epoch")?, wrapped.context("wrapped")?);
        let org = self.org.as_str();
        let (here, _) = self.source.0.rows_of(shape, org, None).await?;
        let (there, _) = self.target.0.rows_of(shape, org, None).await?;
        let epochs = |rows: &[Values]| -> HashSet<Option<i64>> {
            let epoch = |row: &Values| match row.get(epoch) {
                Some(Value::Int(epoch)) => *epoch,
                _ => None,
            };
            rows.iter().map(epoch).collect()
        };
        anyhow::ensure!(
            !all || epochs(&here) == epochs(&there),
            "keys of the organization are missing, or superfluous"
        );
        for row in &here {
            let (Some(Value::Int(Some(of))), Some(Value::Bytes(Some(one)))) =
                (row.get(epoch), row.get(wrapped))
            else {
                continue;
            };
            // One that is new is noted, and comes over with what changed.
            let Some(there) = there.iter().find(|there| there.get(epoch) == row.get(epoch)) else {
                continue;
            };
            let Some(Value::Bytes(Some(other))) = there.get(wrapped) else { continue };
            let sides = [(self.source.1, one.as_slice()), (self.target.1, other.as_slice())];
            let same = self.record.wraps_the_same((self.org, *of), sides).await?;
            anyhow::ensure!(same, "the key of the organization was wrapped wrongly");
        }
        Ok(())
    }
}

fn digest_of(table: &Table) -> [u8; 32] {
    Shape::digest_of_all(table.values().copied())
}
