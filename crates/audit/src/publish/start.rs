//! Before a node serves: is what was published still in the database?

use std::collections::BTreeSet;

use access::{OrgId, Region};
use base::args;
use base::db::Within;
use futures_util::{StreamExt as _, stream};

use super::edge::{self, Edge};
use super::fault::{FaultKind, LogError};
use super::org::Place;
use super::{Inner, Log};
use crate::sql;

/// Orgs that are checked at once.
const ORGS_AT_ONCE: usize = 16;
/// Orgs that a page of the database names.
const PAGE: usize = 500;
/// Orgs that are checked before a node serves: a start must not take longer the more there
/// are. Where there are more, a database that was set back is found by its directory, which
/// lists the heads of all; and one record by whoever publishes or verifies it next.
const CHECKED_MAX: i64 = 2_000;
/// Entries behind a checkpoint that are read at a start; a longer tail is compared when it
/// is published, before anything of it is signed.
const TAIL_MAX: u64 = 16_384;

impl Log {
    /// That the last published checkpoint of every org, or of two thousand where there are
    /// more, is contained in the tree of the database, and the directory of all is the one
    /// that was published: it was not rolled back, and is not another one. A node whose record
    /// fails this, or whose store cannot be read, must not serve.
    pub async fn check(&self) -> Result<(), LogError> {
        for region in self.0.cells.keys() {
            let checked = match self.0.check(*region).await {
                Ok(()) => self.0.check_directory(*region).await,
                failed @ Err(_) => failed,
            };
            if let Err(LogError::Fault(fault)) = &checked {
                self.0.counts.faults.inc();
                fault.tell();
            }
            checked?;
        }
        Ok(())
    }
}

impl Inner {
    async fn check(&self, region: Region) -> Result<(), LogError> {
        let db = self.record.databases().region(region)?;
        let Some(cell) = self.cells.get(&region) else { return Ok(()) };
        let few = db.maybe(&Within::node(), sql::HEADS_FEW, args!["", CHECKED_MAX + 1]).await?;
        let all = few.map_or(Ok(0), |row| row.int("records"))? <= CHECKED_MAX;
        let outside = if all { cell.store.list("").await? } else { Vec::new() };
        let mut outside: BTreeSet<String> = outside.into_iter().collect();
        let (mut after, mut checked) = (String::new(), 0);
        while all || checked < CHECKED_MAX {
            let rows = db.all(&Within::node(), sql::HEADS, args![after.as_str()]).await?;
            let (Some(last), full) = (rows.last(), rows.len() >= PAGE) else { break };
            after = last.text("org_id")?;
            checked += i64::try_from(rows.len()).unwrap_or(i64::MAX);
            for row in &rows {
                outside.remove(&row.text("org_id")?);
            }
            let orgs =
                rows.iter().map(async |row| self.check_org(region, &row.parse("org_id")?).await);
            let mut orgs = stream::iter(orgs.collect::<Vec<_>>()).buffer_unordered(ORGS_AT_ONCE);
            while let Some(one) = orgs.next().await {
                one?;
            }
            if !full {
                break;
            }
        }
        // What else lies there and was signed by us is of orgs that the database has lost.
        for org in outside {
            let Ok(org) = org.parse::<OrgId>() else { continue };
            if !self.record.is_home(&org, region) {
                continue;
            }
            let place = Place::new(self, region, &org)?;
            if let Some((published, _)) = place.outside().await? {
                let published = published.size();
                return Err(place.fault(FaultKind::RolledBack { published, found: 0 }));
            }
        }
        Ok(())
    }

    pub(super) async fn check_org(&self, region: Region, org: &OrgId) -> Result<(), LogError> {
        if !self.record.is_home(org, region) {
            return Ok(());
        }
        let place = Place::new(self, region, org)?;
        place.at_rest(async || self.check_place(&place).await).await
    }

    async fn check_place(&self, place: &Place<'_>) -> Result<(), LogError> {
        let found = place.outside().await?;
        let outside = found.as_ref().map(|(checkpoint, _)| checkpoint);
        let inside = place.signed().await?;
        // Read behind what was published of it: other nodes may serve, and publish, meanwhile.
        let Some(row) = place.db()?.maybe(sql::EDGE_OF, args![]).await? else { return Ok(()) };
        let head = place.head(&row)?;
        let known = inside.as_ref().map(|it| (it.size, it.root));
        let published = outside.map(|it| (it.size(), *it.root())).max(known);
        let Some((size, root)) = published else { return Ok(()) };
        if size > head.size {
            let (published, found) = (size, head.size);
            return Err(place.fault(FaultKind::RolledBack { published, found }));
        }
        if known.is_some_and(|(known, other)| known == size && other != root) {
            return Err(place.fault(FaultKind::OtherRoot(size)));
        }
        let tiles = place.tiles(Edge::tiles(size)).await?;
        let mut frontier = edge::frontier(size, &tiles)
            .filter(|frontier| frontier.root() == root)
            .ok_or_else(|| place.fault(FaultKind::OtherRoot(size)))?;
        if head.size - size <= TAIL_MAX {
            for entry in place.entries(size, head.size).await? {
                let appended = frontier.append(tlog::Hash::of_leaf(&entry), |_, _| {});
                appended.map_err(|_| place.fault(FaultKind::HeadRoot(head.size)))?;
            }
            if frontier != head.frontier {
                return Err(place.fault(FaultKind::HeadRoot(head.size)));
            }
        }
        // A store that was itself set back gets what the database remembers.
        if let Some(inside) = inside.filter(|it| outside.is_none_or(|out| out.size() < it.size)) {
            place.replace(found.as_ref(), inside.note.as_bytes()).await?;
        }
        Ok(())
    }
}
