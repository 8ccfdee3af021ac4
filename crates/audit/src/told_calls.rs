//! What calls came to, in the order of the record: for rooms that add numbers up.
//!
//! This is the node reading for itself, not somebody reading the record: only numbers
//! come out of it, so it leaves no event.

use std::collections::BTreeSet;

use access::{OrgDb, OrgId, Region, Scope};
use base::args;
use base::db::{DbError, Row, Within};
use base::time::At;
use serde::Deserialize;

use crate::entry::{NotWhole, Stored, said};
use crate::event::{CallFacts, Outcome};
use crate::tiers::{Kept, Positions};
use crate::{Record, sql};

/// Positions that one reading looks at, at most.
pub const POSITIONS_MAX: i64 = 5_000;
/// How far before a refusal the end of its own call can stand. The door notes the refusal
/// as soon as the call has ended: between the two are only events of other callers.
const BEFORE_A_REFUSAL: i64 = 1_000;

/// The action by which a call that began ends.
pub const CALL_ENDED: &str = "gateway.call.ended";
/// The action by which the door refuses a call.
pub const CALL_REFUSED: &str = "gateway.call.refused";

/// What one call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCall {
    /// Its position in the record.
    pub seq: i64,
    /// When it ended, or was refused.
    pub at: At,
    /// The member or service account; the operator and a node are nobody's.
    pub member: Option<String>,
    /// The key, if one was shown.
    pub key: Option<String>,
    /// The teams of whoever called.
    pub teams: Vec<String>,
    /// How it ended. A refused one never began, whatever its outcome says.
    pub outcome: Outcome,
    /// Whether it was turned away before it began.
    pub refused: bool,
    /// What it was made of; a refused one was nothing yet.
    pub call: Option<CallFacts>,
    /// The code of what went wrong.
    pub code: Option<String>,
}

/// A stretch of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCalls {
    /// The calls in it, oldest first.
    pub calls: Vec<ToldCall>,
    /// The position behind the stretch: where the next one begins.
    pub next: i64,
    /// The size of the record: the stretch ends there if it reaches the end.
    pub size: i64,
}

/// What is read of a stored event, class by class: as it is written, not as people see it,
/// for this reads every call there is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Core {
    actor_kind: String,
    request_id: String,
    call: Option<CallFacts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subject {
    user_id: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    team_ids: Vec<String>,
}

#[derive(Deserialize)]
struct Payload {
    reason: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    code: Option<String>,
}

struct Body {
    core: Core,
    /// None: whoever it was is forgotten.
    subject: Option<Subject>,
    payload: Option<Payload>,
}

impl Record {
    /// The calls that ended or were refused from a position on, of `positions` events at
    /// most. A call that failed after it began is told once, by its end, though the door
    /// noted the refusal of its request as well.
    pub async fn told_calls(
        &self,
        scope: &Scope,
        from: i64,
        positions: i64,
    ) -> Result<ToldCalls, DbError> {
        let db = self.databases().of(scope)?;
        // The size first: what it counts is on disk, and stays.
        let size = db.maybe(sql::SIZE, args![]).await?;
        let size = size.map(|row| row.int("size")).transpose()?.unwrap_or_default();
        let next = size.min(from.saturating_add(positions.min(POSITIONS_MAX))).max(from);
        let mut calls = Vec::new();
        if next > from {
            let rows = self.rows_of_calls((&db, scope), from, next).await?;
            let mut ended = BTreeSet::new();
            for (row, refused) in rows.iter().map(|row| (row, is_refusal(row))) {
                let body = self.body(&db, scope, row).await?;
                if !refused? {
                    ended.insert(body.core.request_id.clone());
                    calls.push((body.core.request_id.clone(), told(row, body, false)?));
                } else if !ended.contains(&body.core.request_id) {
                    calls.push((body.core.request_id.clone(), told(row, body, true)?));
                }
            }
            if let Some((_, first)) = calls.iter().find(|(_, one)| one.refused) {
                let back = (first.seq - BEFORE_A_REFUSAL).max(0);
                if back < from {
                    for row in self.rows_of_calls((&db, scope), back, from).await? {
                        if !is_refusal(&row)? {
                            ended.insert(self.body(&db, scope, &row).await?.core.request_id);
                        }
                    }
                    calls.retain(|(request, one)| !one.refused || !ended.contains(request));
                }
            }
        }
        let calls = calls.into_iter().map(|(_, one)| one).collect();
        Ok(ToldCalls { calls, next, size })
    }

    async fn rows_of_calls(
        &self,
        at: (&OrgDb<'_>, &Scope),
        from: i64,
        before: i64,
    ) -> Result<Vec<Row>, DbError> {
        let of_call = |row: &Kept| [CALL_ENDED, CALL_REFUSED].contains(&row.action.as_str());
        let asked = (sql::TOLD_CALLS, args![from, before]);
        self.rows_that(at, asked, Positions::all(from, before), &of_call).await
    }

    async fn body(&self, db: &OrgDb<'_>, scope: &Scope, row: &Row) -> Result<Body, DbError> {
        let stored = Stored::of(row)?;
        let keys = self.keys_of(db, scope, &stored).await?;
        let [core, subject, payload] = stored.json(&keys.each_ref().map(Option::as_deref))?;
        let core = core.ok_or_else(|| DbError::unreadable("body", NotWhole))?;
        Ok(Body {
            core: said(&core)?,
            subject: subject.map(|json| said(&json)).transpose()?,
            payload: payload.map(|json| said(&json)).transpose()?,
        })
    }

    /// How large the records of a region's orgs are: 500 orgs behind `after`, in the order
    /// of their ids.
    pub async fn sizes(&self, region: Region, after: &str) -> Result<Vec<(OrgId, i64)>, DbError> {
        let db = self.databases().region(region)?;
        let rows = db.all(&Within::node(), sql::SIZES, args![after]).await?;
        rows.iter().map(|row| Ok((row.parse("org_id")?, row.int("size")?))).collect()
    }
}

fn is_refusal(row: &Row) -> Result<bool, DbError> {
    Ok(row.text("action")? != CALL_ENDED)
}

fn told(row: &Row, body: Body, refused: bool) -> Result<ToldCall, DbError> {
    let outcome = Outcome::of(&row.text("outcome")?);
    let Body { core, subject, payload } = body;
    let (member, key, teams) =
        subject.map(|who| (who.user_id, who.key_id, who.team_ids)).unwrap_or_default();
    Ok(ToldCall {
        seq: row.int("seq")?,
        at: row.at("at")?,
        member: member.filter(|_| matches!(core.actor_kind.as_str(), "member" | "service_account")),
        key,
        teams,
        outcome: outcome.ok_or_else(|| DbError::unreadable("outcome", NotWhole))?,
        refused,
        call: core.call,
        code: payload.and_then(|said| said.reason).and_then(|reason| reason.code),
    })
}
