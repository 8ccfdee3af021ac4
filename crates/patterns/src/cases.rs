//! The cases of a pattern: what must go as expected before one of its versions answers.

use access::{Caller, Permission};
use base::args;
use base::time::At;
use serde::{Deserialize, Serialize};

use crate::engine::{Case, check_cases};
use crate::error::Error;
use crate::judge::{Judged, Rivals};
use crate::kept::Kept;
use crate::teach::may_change;
use crate::trial::Verdict;
use crate::{Patterns, sql, told};

/// The cases of a pattern, and how its latest version fares.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PatternCases {
    /// In the order in which they were given.
    pub cases: Vec<Case>,
    /// Who gave them; absent when there never were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub set_at: Option<At>,
    /// How the latest version fares, among the patterns that the caller may read.
    pub verdict: Verdict,
}

/// The cases that a pattern is to have, in the place of those that it has.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCases {
    /// At most 100. None: every version may answer.
    pub cases: Vec<Case>,
}

impl Patterns {
    /// The cases of a pattern, tried on its latest version. No model is called.
    pub async fn cases(&self, caller: &Caller, id: &str) -> Result<PatternCases, Error> {
        let kept = self.found(caller, id).await?;
        let scope = caller.require_on(Permission::PatternsRead, kept.thing())?;
        let row = self.databases.of(&scope)?.maybe(sql::CASES, args![kept.id.as_str()]).await?;
        let Some(row) = row else { return self.fares(caller, &kept, Vec::new()).await };
        let cases = self.seals.cases(caller, &kept.id, &row)?;
        Ok(PatternCases {
            set_by: Some(row.text("set_by")?),
            set_at: Some(row.at("set_at")?),
            ..self.fares(caller, &kept, cases).await?
        })
    }

    /// Gives a pattern its cases. What answers now goes on answering; the next version
    /// that is published must pass them.
    #[tracing::instrument(skip_all, fields(org.id = %caller.org, pattern.id = id))]
    pub async fn set_cases(
        &self,
        caller: &Caller,
        id: &str,
        set: SetCases,
    ) -> Result<PatternCases, Error> {
        let found = self.found(caller, id).await?;
        let scope = may_change(caller, &found)?;
        let cases = checked(set.cases)?;
        let mut work = self.begin(&scope).await?;
        let before = work.one(&found.id).await?;
        may_change(caller, &before)?;
        let held = work.cases(&before).await?;
        if held == cases {
            drop(work);
            return self.cases(caller, found.id.as_str()).await;
        }
        work.set_cases(&before, &cases, self.clock.now()).await?;
        work.commit(told::cases_set(&before, cases.len())).await?;
        self.cases(caller, found.id.as_str()).await
    }

    /// The cases of a pattern, for a change that has yet to begin.
    pub(crate) async fn cases_of(&self, caller: &Caller, kept: &Kept) -> Result<Vec<Case>, Error> {
        if kept.cases == 0 {
            return Ok(Vec::new());
        }
        let scope = caller.itself();
        let row = self.databases.of(&scope)?.maybe(sql::CASES, args![kept.id.as_str()]).await?;
        let Some(row) = row else { return Ok(Vec::new()) };
        Ok(self.seals.cases(caller, &kept.id, &row)?)
    }

    async fn fares(
        &self,
        caller: &Caller,
        kept: &Kept,
        cases: Vec<Case>,
    ) -> Result<PatternCases, Error> {
        let snapshot = self.snapshots.of(caller).await?;
        let judged = Judged::new(kept, &kept.latest, cases.clone());
        let verdicts = self.judge(snapshot, judged, Rivals::ReadableBy(caller.clone())).await?;
        let verdict = Verdict::of(kept.latest.number, verdicts);
        Ok(PatternCases { cases, set_by: None, set_at: None, verdict })
    }
}

/// The cases, if they can be kept.
pub(crate) fn checked(cases: Vec<Case>) -> Result<Vec<Case>, Error> {
    let flaws = check_cases(&cases);
    if flaws.is_empty() { Ok(cases) } else { Err(Error::Flaws(flaws)) }
}
