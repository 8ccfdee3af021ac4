//! Events of version 0 are taken over before a node serves: the same events at the same
//! positions, now committed to and sealed.

use access::{Caller, OrgId, Region};
use base::args;
use base::db::{Db, DbError, Row, Within};
use serde_json::{Map, Value};
use tlog::{Frontier, Hash};

use crate::append::{Prepared, keys_of};
use crate::entry::Draft;
use crate::heads::edge_of;
use crate::{Record, sql};

impl Record {
    /// Takes over what an earlier version wrote, and says how many events that were. A start
    /// that is cut off goes on where it was.
    pub async fn take_over(&self) -> Result<usize, DbError> {
        let mut taken = 0;
        for (region, db) in self.databases.iter() {
            let mut after = String::new();
            loop {
                let rows = db.all(&Within::node(), sql::OLD_ORGS, args![after.as_str()]).await?;
                let Some(last) = rows.last() else { break };
                after = last.text("org_id")?;
                for row in &rows {
                    let org: OrgId = row.parse("org_id")?;
                    loop {
                        let piece = self.take_over_piece(db, region, &org).await?;
                        taken += piece;
                        if piece == 0 {
                            break;
                        }
                    }
                }
            }
        }
        Ok(taken)
    }

    #[expect(clippy::disallowed_methods, reason = "events move, none is added")]
    async fn take_over_piece(
        &self,
        db: &Db,
        region: Region,
        org: &OrgId,
    ) -> Result<usize, DbError> {
        let scope = Caller::node(org.clone(), region, &self.node).itself();
        let mut tx = db.begin(&Within::org(org.as_str())).await?;
        let rows = tx.all(sql::OLD, args![org.as_str()]).await?;
        let Some(last) = rows.last() else { return Ok(0) };
        let last = last.int("seq")?;
        let head = tx.maybe(sql::EDGE_OF, scope.args(args![])).await?;
        let mut frontier = head.as_ref().map_or_else(|| Ok(Frontier::new()), edge_of)?;
        let entry = |row: &Row| {
            let event: Map<String, Value> = row.json("body")?;
            let draft = Draft::of_version_0((org.clone(), region), row.at("at")?, event)?;
            Prepared::of(&self.keys, draft)
        };
        let entries = rows.iter().map(entry).collect::<Result<Vec<_>, DbError>>()?;
        let keys = keys_of(&mut tx, &self.keys, &entries.iter().collect::<Vec<_>>()).await?;
        let mut moved = Vec::with_capacity(rows.len());
        for (row, entry) in rows.iter().zip(&entries) {
            let (seq, at) = (row.int("seq")?, row.at("at")?);
            let sealed = entry.sealed(&keys)?;
            let place = frontier.append(Hash::of_leaf(&sealed.entry), |_, _| {});
            if place.ok().and_then(|place| i64::try_from(place).ok()) != Some(seq) {
                return Err(DbError::says("take over the record", MISSING.to_owned()));
            }
            moved.push(entry.row(seq, at.as_microsecond(), &sealed));
        }
        tx.many(&sql::APPEND, moved).await?;
        let edge = args![org.as_str(), 0, 0, frontier.to_bytes()];
        tx.many(&sql::EDGE, [edge]).await?;
        tx.run(sql::OLD_DONE, scope.args(args![last])).await?;
        tx.commit().await?;
        Ok(rows.len())
    }
}

/// Fails closed: what is not contiguous was not written by a node.
const MISSING: &str = "an event of an earlier version is missing";
