//! Trying a pattern on questions before people rely on it.

use std::sync::Arc;

use access::{Caller, Permission};
use base::db::DbError;
use base::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::answer::render;
use crate::engine::{Body, Draft, Index, THRESHOLD};
use crate::error::Error;
use crate::kept::Kept;
use crate::snapshot::index;
use crate::{Patterns, told};

/// Cases of one trial at most.
const CASES_MAX: usize = 100;

/// Questions, and what is expected of the pattern.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// 1 to 100 questions.
    pub cases: Vec<Case>,
}

/// One question.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is asked.
    pub ask: String,
    /// Whether this pattern is to answer it.
    pub expect: Expected,
    /// What the approved answer, or the rendered user text, has to contain.
    pub contains: Option<String>,
    /// Values for the variables of a template.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
}

/// What is expected of the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// It answers.
    Match,
    /// It does not.
    NoMatch,
}

/// How a trial went. No model is called.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Verdict {
    /// Whether every case went as expected.
    pub passed: bool,
    /// The version that was tried: the latest one.
    pub version: i64,
    /// The score that a pattern needs to answer.
    pub threshold: f64,
    /// The cases in their order.
    pub cases: Vec<CaseVerdict>,
}

/// How a case went.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CaseVerdict {
    /// What was asked.
    pub ask: String,
    /// What was expected.
    pub expect: Expected,
    /// Whether it went so.
    pub passed: bool,
    /// Whether this pattern would answer among all that answer.
    pub matched: bool,
    /// How well this pattern fits, from 0 to 1.
    pub score: f64,
    /// The slug of the pattern that would answer, if one would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// Why it did not go as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Patterns {
    /// Tries the latest version of a pattern, published or not, among the patterns that
    /// the caller may read. Recorded: it shows that a pattern was tried before it was published.
    pub async fn try_on(&self, caller: &Caller, id: &str, trial: Trial) -> Result<Verdict, Error> {
        let kept = self.found(caller, id).await?;
        if trial.cases.is_empty() || trial.cases.len() > CASES_MAX {
            let problem = Problem::invalid("cases", format!("must hold 1 to {CASES_MAX} cases"));
            return Err(Error::Request(problem));
        }
        let snapshot = self.snapshots.of(caller).await?;
        let mut drafts: Vec<Arc<Draft>> = vec![kept.latest.draft.clone()];
        for other in snapshot.patterns().iter().filter(|other| other.id != kept.id) {
            if let Some(published) = &other.published
                && other.allows(caller, Permission::PatternsRead)
            {
                drafts.push(published.draft.clone());
            }
        }
        let tried = kept.clone();
        let cases = tokio::task::spawn_blocking(move || judge_all(&tried, &drafts, trial.cases))
            .await
            .map_err(|cause| DbError::unreadable("patterns", cause))?;
        let passed = cases.iter().filter(|case| case.passed).count();
        self.record.note(caller, &told::tried(&kept, cases.len(), passed)).await?;
        Ok(Verdict {
            passed: passed == cases.len(),
            version: kept.latest.number,
            threshold: THRESHOLD,
            cases,
        })
    }
}

fn judge_all(kept: &Kept, drafts: &[Arc<Draft>], cases: Vec<Case>) -> Vec<CaseVerdict> {
    // Keyed by slug, so that equal scores are decided as they are in a call.
    let index = index(drafts.iter().map(|draft| (draft.slug.as_str(), &**draft)));
    cases.into_iter().map(|case| judge(kept, &index, case)).collect()
}

fn judge(kept: &Kept, index: &Index<&str>, case: Case) -> CaseVerdict {
    let ranked = index.rank(&case.ask, 0.0, usize::MAX);
    let score = ranked.iter().find(|(slug, _)| **slug == kept.slug()).map_or(0.0, |(_, it)| *it);
    let best = ranked.first().filter(|(_, score)| *score >= THRESHOLD);
    let answered_by = best.map(|(slug, _)| (**slug).to_owned());
    let matched = answered_by.as_deref() == Some(kept.slug());
    let reason = match (case.expect, matched) {
        (Expected::Match, true) => unlike(kept, &case).err(),
        (Expected::NoMatch, false) => None,
        (Expected::NoMatch, true) => Some("it matches".to_owned()),
        (Expected::Match, false) => Some(match &answered_by {
            Some(other) => format!("`{other}` matches better"),
            None => format!("its score is below {THRESHOLD}"),
        }),
    };
    CaseVerdict {
        passed: reason.is_none(),
        matched,
        score: (score * 1_000.0).floor() / 1_000.0,
        answered_by,
        reason,
        ask: case.ask,
        expect: case.expect,
    }
}

/// Whether what the pattern says is as expected; the error says why not.
fn unlike(kept: &Kept, case: &Case) -> Result<(), String> {
    let said = match &kept.latest.draft.body {
        Body::Answer(answer) => answer.clone(),
        Body::Template(template) => {
            let rendered = render(kept.slug(), template, &case.ask, &case.variables);
            rendered.map_err(|error| error.to_string())?.user
        }
    };
    match &case.contains {
        Some(part) if !said.contains(part) => Err("it does not contain the expected text".into()),
        Some(_) | None => Ok(()),
    }
}
