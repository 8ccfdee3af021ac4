//! After a crash: calls that began and never ended are closed as unknown.

use std::collections::HashMap;

use access::{Caller, OrgId};
use base::args;
use base::db::{DbError, Within};
use serde::Deserialize;

use crate::event::{CallFacts, Event, Outcome};
use crate::look_back::READ_ON_MAX;
use crate::tiers::Positions;
use crate::{Record, sql};

/// What the sweep reads of an intent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent {
    outcome: Outcome,
    call: Option<CallFacts>,
    node: Option<String>,
}

impl Record {
    /// Closes what an earlier life of this node left open, and says how many calls
    /// that were. To be called once, before the node takes calls.
    pub async fn sweep(&self) -> Result<usize, DbError> {
        let mut closed = 0;
        for (region, db) in self.databases.iter() {
            let mut after = String::new();
            loop {
                let args = args![after.as_str(), &*self.node];
                let rows = db.all(&Within::node(), sql::OPEN_OF_NODE, args).await?;
                let Some(last) = rows.last() else { break };
                after = last.text("org_id")?;
                for row in &rows {
                    let org: OrgId = row.parse("org_id")?;
                    let caller = Caller::node(org, region, &self.node);
                    closed += self.sweep_org(&caller, row.int("first")?).await?;
                }
            }
        }
        Ok(closed)
    }

    async fn sweep_org(&self, caller: &Caller, first: i64) -> Result<usize, DbError> {
        let scope = caller.itself();
        let db = self.databases.of(&scope)?;
        let mut open: HashMap<String, CallFacts> = HashMap::new();
        let mut from = first;
        loop {
            let positions = Positions::all(from, i64::MAX).at_most(READ_ON_MAX);
            let rows = self.rows((&db, &scope), (sql::FROM, args![from]), positions).await?;
            for row in &rows {
                from = row.int("seq")? + 1;
                let event = self.opened(&db, &scope, row).await?.into_event();
                let event = Intent::deserialize(event);
                let event = event.map_err(|cause| DbError::unreadable("body", cause))?;
                let Some(call) = event.call else { continue };
                // Another node's calls are its own to close.
                if event.node.as_deref().is_some_and(|node| *node != *self.node) {
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
                break;
            }
        }
        let count = open.len();
        for (id, call) in open {
            let event = Event::done("gateway.call.ended", "call", id)
                .outcome(Outcome::Unknown)
                .reason(serde_json::json!({ "code": "crash" }))
                .call(call);
            // What a lost call used is unknown; it is charged nothing.
            if self.close_call(caller, &event).await.is_err() {
                return Ok(0);
            }
        }
        Ok(count)
    }
}
