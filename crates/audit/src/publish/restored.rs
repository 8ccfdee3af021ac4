//! Going on after a restore: a database that is behind its published log goes on where the log
//! ends, so that the tree never forks.
//!
//! ```text
//! restored database   0 ─────── n
//! published log       0 ─────── n ─ ─ ─ ─ m     entries: commitments, without values
//! afterwards          0 ─────── n lost … m │ audit.record.restored │ …
//! ```
//! The entries between are read from the published bundles, lead from the head in the database
//! to the root that was signed, and take their places in the record as events whose values are
//! lost. The event behind them says so: without it nothing passes for lost.

use access::{OrgId, Region};
use base::args;
use base::db::Row;
use serde_json::{Value, json};
use tlog::tile::{Bundle, TILE_WIDTH};
use tlog::{Frontier, Hash};

use super::Log;
use super::checkpoint::Signers;
use super::fault::{FaultKind, LogError};
use super::opening::Shown;
use super::org::{Place, int};
use crate::describe::text;
use crate::entry::{ENTRY_LEN, Sealed, Stored};
use crate::event::Outcome;
use crate::tiers::Positions;
use crate::{Change, Event, sql};

/// What stands in the place of an event whose values are lost.
const LOST: &str = "audit.event.lost";
/// The event that says which ones.
const RESTORED: &str = "audit.record.restored";
const RESOURCE: &str = "record";

/// A record whose database is behind what was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    /// Whose.
    pub org: OrgId,
    /// Where.
    pub region: Region,
    /// How many events the database has.
    pub found: u64,
    /// How many were published.
    pub published: u64,
}

/// What was published of a record and is not in its database: read before the change begins,
/// which may not wait.
#[derive(Debug)]
pub struct Lacking {
    behind: Behind,
    before: Frontier,
    after: Frontier,
    entries: Vec<[u8; ENTRY_LEN]>,
    note: String,
}

impl Log {
    /// The orgs whose log lies in the store of a region, and that are not known to be at home
    /// elsewhere.
    pub async fn lying(&self, region: Region) -> Result<Vec<OrgId>, LogError> {
        let names = self.0.cell(region)?.store.list("").await?;
        let orgs = names.iter().filter_map(|name| name.parse::<OrgId>().ok());
        Ok(orgs.filter(|org| self.0.record.is_home(org, region)).collect())
    }

    /// The records of a region whose database is behind their published log.
    pub async fn behind(&self, region: Region) -> Result<Vec<Behind>, LogError> {
        let mut behind = Vec::new();
        for org in self.lying(region).await? {
            let place = Place::new(&self.0, region, &org)?;
            let Some((published, _)) = place.outside().await? else { continue };
            let head = place.db()?.maybe(sql::EDGE_OF, args![]).await?;
            let found = head.map_or(Ok(0), |row| row.count("size"))?;
            let published = published.size();
            if found < published {
                behind.push(Behind { org, region, found, published });
            }
        }
        Ok(behind)
    }

    /// Remembers what was published of records whose database has all of it and does not know:
    /// it was restored to a moment before it could note that.
    pub async fn remember_published(&self, region: Region) -> Result<(), LogError> {
        for org in self.lying(region).await? {
            let place = Place::new(&self.0, region, &org)?;
            let Some((published, note)) = place.outside().await? else { continue };
            let known = place.signed().await?.map_or(0, |newest| newest.size);
            let Some(row) = place.db()?.maybe(sql::EDGE_OF, args![]).await? else { continue };
            if known < published.size() && published.size() <= row.count("size")? {
                self.0.check_org(region, &org).await?;
                let note = String::from_utf8(note).map_err(|_| LogError::Unsigned)?;
                let now = self.0.record.clock.now();
                place.remember(published, note, known, now, Signers::PerhapsOthers).await?;
            }
        }
        Ok(())
    }

    /// What such a record lacks. A log that does not continue this database is a fault.
    pub async fn lacking(&self, behind: Behind) -> Result<Lacking, LogError> {
        let org = behind.org.clone();
        Place::new(&self.0, behind.region, &org)?.lacking(behind).await
    }

    /// Destroys the keys of whoever was erased (see [`Log::erased`]), puts the entries that the
    /// database lacks into their places, and records both, in one change. The change may hold
    /// whatever else belongs to it.
    pub async fn go_on(
        &self,
        mut change: Change,
        lacking: Lacking,
        erased: Vec<String>,
    ) -> Result<(), LogError> {
        let people = erased.len();
        change.forget_tags(erased).await?;
        self.place(change.scope())?.regain_head(&mut change, &lacking).await?;
        let Lacking { behind, entries, .. } = lacking;
        let (from, to) = (behind.found, behind.published);
        let at = self.0.record.clock.now();
        let core = json!({
            "action": LOST, "actorKind": "node", "organizationId": behind.org,
            "outcome": Outcome::Unknown, "region": behind.region, "resourceId": to.to_string(),
            "resourceType": RESOURCE, "timestamp": at, "v": 1,
        });
        let core = core.to_string().into_bytes();
        for (piece, first) in entries.chunks(ROWS_AT_ONCE).zip((from..).step_by(ROWS_AT_ONCE)) {
            let mut rows = Vec::with_capacity(piece.len());
            for (entry, seq) in piece.iter().zip(first..) {
                let body = Sealed::lost(*entry, core.clone()).to_bytes();
                let (seq, unknown) = (int(seq)?, Outcome::Unknown.as_str());
                rows.push(args![seq, at, LOST, "", RESOURCE, to.to_string(), unknown, body]);
            }
            change.many(&sql::APPEND, rows).await?;
        }
        let event = Event::done(RESTORED, RESOURCE, behind.org.as_str())
            .changes(json!({ "events": { "from": from, "to": to }, "erased": people }));
        change.commit(event).await?;
        Ok(())
    }
}

/// Rows of one statement.
const ROWS_AT_ONCE: usize = 500;

impl Place<'_> {
    async fn lacking(&self, behind: Behind) -> Result<Lacking, LogError> {
        let (found, size) = (behind.found, behind.published);
        let other = || self.fault(FaultKind::OtherRoot(size));
        let (checkpoint, note) =
            self.outside().await?.filter(|(it, _)| it.size() == size).ok_or(LogError::Moved)?;
        let before = match self.db()?.maybe(sql::EDGE_OF, args![]).await? {
            Some(row) => self.head(&row)?.frontier,
            None => Frontier::new(),
        };
        if before.size() != found {
            return Err(LogError::Moved);
        }
        let (mut after, mut entries) = (before.clone(), Vec::new());
        let width = u64::from(TILE_WIDTH);
        for index in found / width..size.div_ceil(width) {
            let bundle = Bundle::within(index, size).ok_or_else(other)?;
            let bytes = self.bundle(bundle).await?;
            let published = bundle.decode(&bytes).map_err(|_| other())?;
            for (seq, entry) in (index * width..).zip(published) {
                if seq >= found {
                    after.append(Hash::of_leaf(entry), |_, _| {}).map_err(|_| other())?;
                    entries.push(entry.try_into().map_err(|_| other())?);
                }
            }
        }
        if after.size() != size || after.root() != *checkpoint.root() {
            return Err(other());
        }
        let note = String::from_utf8(note).map_err(|_| LogError::Unsigned)?;
        Ok(Lacking { behind, before, after, entries, note })
    }

    /// Moves the head to where the log ends, and remembers the checkpoint that says so.
    async fn regain_head(&self, change: &mut Change, lacking: &Lacking) -> Result<(), LogError> {
        let Lacking { before, after, note, .. } = lacking;
        change.run(sql::HEAD_HOLD, args![]).await?;
        let now = match change.maybe(sql::EDGE_OF, args![]).await? {
            Some(row) => self.head(&row)?.frontier,
            None => Frontier::new(),
        };
        if now != *before {
            return Err(LogError::Moved);
        }
        let (size, at) = (int(after.size())?, self.log.record.clock.now());
        change.many(&sql::HEAD_REGAIN, vec![args![size, at, after.to_bytes()]]).await?;
        let root = after.root().0.to_vec();
        let row = args![size, root, at, note.as_str()];
        change.many(&sql::CHECKPOINT_ADD, vec![row]).await?;
        Ok(())
    }

    /// What is wrong with an event that is said to be lost: the one behind it must say so.
    pub(super) async fn fault_of_lost(
        &self,
        row: &Row,
        sealed: &Sealed,
    ) -> Result<Option<FaultKind>, LogError> {
        let seq = row.count("seq")?;
        let core: Value = serde_json::from_slice(&sealed.core).unwrap_or_default();
        for column in ["action", "outcome", "resource_type", "resource_id"] {
            let field = match column {
                "resource_type" => "resourceType",
                "resource_id" => "resourceId",
                same => same,
            };
            if row.text(column)? != text(&core, field) {
                return Ok(Some(FaultKind::Column(column)));
            }
        }
        let Ok(at) = text(&core, "resourceId").parse::<u64>() else {
            return Ok(Some(FaultKind::NotLost));
        };
        let (from, to) = (int(at)?, int(at.saturating_add(1))?);
        let asked = (sql::BODIES, args![from, to]);
        let (db, record) = (self.db()?, &self.log.record);
        let found = record.rows((&db, &self.scope), asked, Positions::all(from, to)).await?;
        let Some(Ok(restored)) = found.first().map(Stored::of) else {
            return Ok(Some(FaultKind::NotLost));
        };
        let [core, _, payload] = self.shown(at, &restored.sealed).await?;
        let said = |shown: Option<Shown>| shown.as_ref().map(Shown::value).unwrap_or_default();
        let (core, payload) = (said(core), said(payload));
        let first = payload.pointer("/changes/events/from").and_then(Value::as_u64);
        let lost = text(&core, "action") == RESTORED
            && first.is_some_and(|first| (first..at).contains(&seq));
        Ok((!lost).then_some(FaultKind::NotLost))
    }
}
