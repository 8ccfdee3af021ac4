//! After a crash: calls that began and never ended are closed as unknown.
//!
//! ```text
//! whoever closes                        the node that is taken for dead
//! locks the head of the org, appends    locks the head of the org, appends
//! is it still dead? is this the only    am I taken for dead? (Rider::fence)
//!   end of each call?                     then nothing is written
//! commits                               commits
//! ```
//! Both ask behind the lock, so whichever comes second sees the first, and no call has two
//! ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use access::{Caller, OrgId, Region};
use base::args;
use base::db::{Db, DbError, Statement, Value, Within};
use serde::Deserialize;

use crate::append::{Appended, Prepared, append};
use crate::event::{CallFacts, Event, Outcome};
use crate::look_back::READ_ON_MAX;
use crate::rider::Passed;
use crate::tiers::Positions;
use crate::told_calls::CALL_ENDED;
use crate::{Record, sql};

/// Calls that one transaction closes at most.
const TOGETHER_MAX: usize = 64;
/// Attempts at a transaction that collided with another one.
const ATTEMPTS_MAX: u32 = 5;

/// What must hold while the calls of another node are closed: a statement of another room
/// that gives a row as long as that node is dead and not buried.
#[derive(Debug, Clone)]
pub struct Still {
    /// What is asked, in the transaction that closes.
    pub statement: Statement,
    /// Its arguments, from `$1` on.
    pub args: Vec<Value>,
}

/// What the sweep reads of an intent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    outcome: Outcome,
    call: Option<CallFacts>,
    node: Option<String>,
}

/// Closes calls of one node in one org.
struct Sweep<'a> {
    record: &'a Record,
    by: Caller,
    node: &'a str,
    still: Option<&'a Still>,
}

type Open = Vec<(String, CallFacts)>;

/// What became of some calls.
enum Closed {
    All,
    /// These have an end already; none was closed.
    Ended(BTreeSet<String>),
    /// It is not for us any more.
    Over,
}

impl Record {
    /// Closes what an earlier life of this node left open, and says how many calls
    /// that were. To be called once, before the node takes calls.
    pub async fn sweep(&self) -> Result<usize, DbError> {
        let mut closed = 0;
        for (region, _) in self.databases.iter() {
            closed += self.sweep_region(region, &self.node, None).await?;
        }
        Ok(closed)
    }

    /// Closes in a region what another node left open when it died, as long as `still`
    /// holds. Any number of nodes may do it at once, and again.
    pub async fn sweep_dead(
        &self,
        region: Region,
        node: &str,
        still: &Still,
    ) -> Result<usize, DbError> {
        self.sweep_region(region, node, Some(still)).await
    }

    async fn sweep_region(
        &self,
        region: Region,
        node: &str,
        still: Option<&Still>,
    ) -> Result<usize, DbError> {
        let db = self.databases.region(region)?;
        let mut closed = 0;
        let mut after = String::new();
        loop {
            let rows = db.all(&Within::node(), sql::OPEN_OF_NODE, args![after, node]).await?;
            let Some(last) = rows.last() else { return Ok(closed) };
            after = last.text("org_id")?;
            let mut swept = Vec::with_capacity(rows.len());
            for row in &rows {
                let org: OrgId = row.parse("org_id")?;
                if !self.is_home(&org, region) {
                    continue;
                }
                let by = Caller::node(org.clone(), region, &self.node);
                let sweep = Sweep { record: self, by, node, still };
                let first = row.int("first")?;
                let open = sweep.open(first).await?;
                let (count, all) = sweep.close(open).await?;
                closed += count;
                if all {
                    swept.push((org, first));
                }
            }
            if let Some(still) = still {
                forget(db, node, still, &swept).await?;
            }
        }
    }
}

impl Sweep<'_> {
    /// The calls of the node that began at this position or later and have no end.
    async fn open(&self, first: i64) -> Result<Open, DbError> {
        let scope = self.by.itself();
        let db = self.record.databases.of(&scope)?;
        let mut open = BTreeMap::new();
        let mut from = first;
        loop {
            let positions = Positions::all(from, i64::MAX).at_most(READ_ON_MAX);
            let rows = self.record.rows((&db, &scope), (sql::FROM, args![from]), positions).await?;
            for row in &rows {
                from = row.int("seq")? + 1;
                let event = self.record.opened(&db, &scope, row).await?.into_event();
                let event = Intent::deserialize(event);
                let event = event.map_err(|cause| DbError::unreadable("body", cause))?;
                let Some(call) = event.call else { continue };
                // Another node's calls are its own to close.
                if event.node.as_deref().is_some_and(|node| node != self.node) {
                    continue;
                }
                let id = row.text("resource_id")?;
                if event.outcome == Outcome::Started {
                    open.insert(id, call);
                } else {
                    open.remove(&id);
                }
            }
            if rows.len() < READ_ON_MAX {
                return Ok(open.into_iter().collect());
            }
        }
    }

    /// Closes them, and says how many that were, and whether those are all. What a lost call used
    /// is unknown; it is charged nothing.
    async fn close(&self, mut open: Open) -> Result<(usize, bool), DbError> {
        let mut closed = 0;
        while !open.is_empty() {
            let rest = open.split_off(open.len().min(TOGETHER_MAX));
            let mut some = std::mem::replace(&mut open, rest);
            while !some.is_empty() {
                match self.stubbornly(&some).await? {
                    Closed::All => {
                        closed += some.len();
                        break;
                    }
                    Closed::Ended(ended) => some.retain(|(id, _)| !ended.contains(id)),
                    Closed::Over => return Ok((closed, false)),
                }
            }
        }
        Ok((closed, true))
    }

    async fn stubbornly(&self, some: &[(String, CallFacts)]) -> Result<Closed, DbError> {
        let mut attempt = 1;
        loop {
            match self.together(some).await {
                Err(error) if error.is_passing() && attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(Duration::from_millis(5 << attempt)).await;
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "writes events alone, as the line does")]
    async fn together(&self, some: &[(String, CallFacts)]) -> Result<Closed, DbError> {
        let (record, by) = (self.record, &self.by);
        record.keys.warm(record.databases.whole(&by.itself())?, by.region, &by.org).await?;
        let now = record.clock.now();
        let mut entries = Vec::with_capacity(some.len());
        for (id, call) in some {
            let event = Event::done(CALL_ENDED, "call", id.as_str())
                .outcome(Outcome::Unknown)
                .reason(serde_json::json!({ "code": "crash" }))
                .call(call.clone());
            entries.push(Prepared::new(&record.keys, by, &event, Some(self.node), now)?);
        }
        let entries: Vec<&Prepared> = entries.iter().collect();
        let mut tx = record.databases.of(&by.itself())?.begin().await?;
        let Appended { heads, .. } = append(&mut tx, &record.keys, &record.heads, &entries).await?;
        if let Some(Still { statement, args }) = self.still
            && tx.maybe(*statement, args.clone()).await?.is_none()
        {
            return Ok(Closed::Over);
        }
        let mut ended = BTreeSet::new();
        for (id, _) in some {
            let row = tx.maybe(sql::ENDS, args![by.org.as_str(), id.as_str()]).await?;
            if row.map(|row| row.int("ends")).transpose()?.is_some_and(|ends| ends > 1) {
                ended.insert(id.clone());
            }
        }
        if !ended.is_empty() {
            return Ok(Closed::Ended(ended));
        }
        let passed =
            |(_, call): &(String, CallFacts)| Passed { payer: by.into(), call: call.clone() };
        let passed: Vec<Passed> = some.iter().map(passed).collect();
        let passed: Vec<&Passed> = passed.iter().collect();
        for rider in record.riders.iter() {
            rider.ride(&mut tx, &passed).await?;
        }
        tx.commit().await?;
        record.heads.remember(heads);
        Ok(Closed::All)
    }
}

/// Nobody needs to look again for calls of this node in these orgs, from where they began.
#[expect(clippy::disallowed_methods, reason = "where open calls begin is no change of an org")]
async fn forget(db: &Db, node: &str, still: &Still, swept: &[(OrgId, i64)]) -> Result<(), DbError> {
    let mut tx = db.begin(&Within::node()).await?;
    if tx.maybe(still.statement, still.args.clone()).await?.is_some() {
        for (org, first) in swept {
            tx.run(sql::OPEN_SWEPT, args![org.as_str(), node, *first]).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
