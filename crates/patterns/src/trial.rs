//! Trying a pattern on questions before people rely on it.

use access::Caller;
use base::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::cases::checked;
use crate::engine::{CASES_MAX, Case, THRESHOLD};
use crate::error::Error;
use crate::judge::{CaseVerdict, Judged, Rivals};
use crate::{Patterns, told};

/// Questions, and what is expected of the pattern.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// 1 to 100 questions.
    pub cases: Vec<Case>,
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

impl Verdict {
    pub(crate) fn of(version: i64, cases: Vec<CaseVerdict>) -> Self {
        let passed = cases.iter().all(|case| case.passed);
        Self { passed, version, threshold: THRESHOLD, cases }
    }

    /// How many cases went as expected.
    pub fn passed_cases(&self) -> usize {
        self.cases.iter().filter(|case| case.passed).count()
    }
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
        let cases = checked(trial.cases)?;
        let snapshot = self.snapshots.of(caller).await?;
        let judged = Judged::new(&kept, &kept.latest, cases);
        let cases = self.judge(snapshot, judged, Rivals::ReadableBy(caller.clone())).await?;
        let verdict = Verdict::of(kept.latest.number, cases);
        let event = told::tried(&kept, verdict.cases.len(), verdict.passed_cases());
        self.record.note(caller, &event).await?;
        Ok(verdict)
    }
}
