//! How often patterns answer: counted in memory, written every few seconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::{Caller, Databases, OrgId, Region};
use base::args;
use base::db::{Db, DbError, Value, Within};
use base::time::At;

use crate::{PatternId, sql};

const DAY_SECS: i64 = 24 * 60 * 60;

/// What was counted and is not written yet. A crash loses a few seconds of it: it is
/// a help for people, not an account; the record holds every call.
#[derive(Debug, Default)]
pub(crate) struct Uses(Mutex<Counted>);

type Counted = BTreeMap<(Region, OrgId, i64, PatternId), i64>;

impl Uses {
    /// Counts one answer.
    pub(crate) fn count(&self, caller: &Caller, pattern: &PatternId, at: At) {
        let day = at.as_second().div_euclid(DAY_SECS);
        let key = (caller.region, caller.org.clone(), day, pattern.clone());
        *self.counted().entry(key).or_default() += 1;
    }

    /// What is not written yet of one pattern.
    pub(crate) fn waiting(&self, org: &OrgId) -> HashMap<PatternId, i64> {
        let mut waiting = HashMap::new();
        for ((_, of, _, pattern), uses) in &*self.counted() {
            if of == org {
                *waiting.entry(pattern.clone()).or_default() += *uses;
            }
        }
        waiting
    }

    /// Writes what was counted. What cannot be written is kept for the next time.
    pub(crate) async fn flush(&self, databases: &Databases) -> Result<(), DbError> {
        let mut first_error = Ok(());
        for (region, db) in databases.iter() {
            let mut passes = Vec::new();
            let counted: Counted = {
                let mut all = self.counted();
                // What is moving is written where it arrives.
                let mut here = |of: &Region, org: &OrgId| {
                    let pass = databases.homes().try_enter(org);
                    let home = databases.homes().home(org, *of) == region && pass.is_some();
                    passes.extend(pass.filter(|_| home));
                    home
                };
                let (now, rest) = std::mem::take(&mut *all)
                    .into_iter()
                    .partition(|((of, org, ..), _)| here(of, org));
                *all = rest;
                now
            };
            let written = write(db, &counted).await;
            drop(passes);
            if let Err(error) = written {
                let mut all = self.counted();
                for (key, uses) in counted {
                    *all.entry(key).or_default() += uses;
                }
                first_error = first_error.and(Err(error));
            }
        }
        first_error
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::disallowed_methods, reason = "bookkeeping: the record has an event of each call")]
async fn write(db: &Db, counted: &Counted) -> Result<(), DbError> {
    let mut rows: BTreeMap<(&str, String, &str), i64> = BTreeMap::new();
    for ((_, org, day, pattern), uses) in counted {
        let start = At::from_second(day * DAY_SECS);
        let start = start.map_err(|cause| DbError::unreadable("day", cause))?;
        for day in [base::time::day(start), "total".to_owned()] {
            *rows.entry((org.as_str(), day, pattern.as_str())).or_default() += uses;
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let mut orgs: Vec<&str> = rows.keys().map(|(org, ..)| *org).collect();
    orgs.dedup();
    let mut tx = db.begin(&Within::orgs(orgs)).await?;
    let row = |((org, day, pattern), uses)| args![org, day, pattern, uses];
    let rows: Vec<Vec<Value>> = rows.into_iter().map(row).collect();
    tx.many(&sql::USE, rows).await?;
    tx.commit().await
}
