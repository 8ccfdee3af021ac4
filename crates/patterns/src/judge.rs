//! Whether a draft answers as its cases expect, among the patterns that answer now.

use std::sync::Arc;

use access::{Caller, Permission};
use base::db::DbError;
use serde::Serialize;

use crate::answer::{fill, thousandths};
use crate::engine::{Body, Case, Draft, Expected, Overlay, THRESHOLD};
use crate::error::Error;
use crate::kept::{Kept, Version};
use crate::snapshot::Snapshot;
use crate::{PatternId, Patterns};

/// How a case went.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CaseVerdict {
    /// What was asked.
    pub ask: String,
    /// What was expected.
    pub expect: Expected,
    /// Whether it went as expected.
    pub passed: bool,
    /// Whether the pattern answers.
    pub matched: bool,
    /// Its score, from 0 to 1.
    pub score: f64,
    /// The slug of the pattern that answers, if one would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// Why it did not go as expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A case that stands between a version and its publication.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FailedCase {
    /// The slug of the pattern whose case it is.
    pub slug: String,
    /// Where it stands among the cases, from 1.
    pub number: usize,
    /// What is asked.
    pub ask: String,
    /// Why it does not go as expected.
    pub reason: String,
}

/// A version that is judged, in the place of what its pattern has published.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) id: PatternId,
    pub(crate) draft: Arc<Draft>,
    pub(crate) cases: Vec<Case>,
}

/// Which patterns count, and who is told of them.
#[derive(Debug, Clone)]
pub(crate) enum Rivals {
    /// Those that the caller may read.
    ReadableBy(Caller),
    /// Every published one: what decides for the whole org. Those that the caller may not
    /// read are not named.
    AllFor(Caller),
}

/// Who answers a question when a draft is published.
#[derive(Debug)]
pub(crate) struct Outcome<'a> {
    /// Whether the draft does.
    pub(crate) matched: bool,
    /// The draft's score, from 0 to 1.
    pub(crate) score: f64,
    /// The best of the other patterns that could answer, and its score.
    pub(crate) rival: Option<(&'a Arc<Kept>, f64)>,
}

impl Judged {
    pub(crate) fn new(kept: &Kept, version: &Version, cases: Vec<Case>) -> Self {
        Self { id: kept.id.clone(), draft: version.draft.clone(), cases }
    }
}

impl Rivals {
    fn caller(&self) -> &Caller {
        let (Self::ReadableBy(caller) | Self::AllFor(caller)) = self;
        caller
    }

    fn count(&self, kept: &Kept) -> bool {
        match self {
            Self::ReadableBy(caller) => kept.allows(caller, Permission::PatternsRead),
            Self::AllFor(_) => true,
        }
    }

    fn name<'a>(&self, kept: &'a Kept) -> Option<&'a str> {
        kept.allows(self.caller(), Permission::PatternsRead).then(|| kept.slug())
    }
}

/// Asks a question of a draft in an overlay.
pub(crate) fn outcome<'a>(
    snapshot: &'a Snapshot,
    overlay: &Overlay<'_, usize>,
    slug: &str,
    rivals: &Rivals,
    question: &str,
) -> Outcome<'a> {
    let standing = overlay.standing(question, THRESHOLD);
    let others = standing.others.iter();
    let mut others = others.filter_map(|(place, score)| Some((snapshot.at(**place)?, *score)));
    let rival = others.find(|(kept, _)| rivals.count(kept));
    let own = standing.score;
    // Equal scores are decided by the slugs, as they are in a call.
    let ahead =
        rival.is_none_or(|(kept, score)| own > score || (own >= score && slug < kept.slug()));
    Outcome { matched: own >= THRESHOLD && ahead, score: own, rival }
}

impl Patterns {
    /// Judges every case, beside the async workers: those of one org one pattern after the
    /// other, and of all orgs a few at once, in the order in which they came.
    pub(crate) async fn judge(
        &self,
        snapshot: Arc<Snapshot>,
        judged: Judged,
        rivals: Rivals,
    ) -> Result<Vec<CaseVerdict>, Error> {
        if judged.cases.is_empty() {
            return Ok(Vec::new());
        }
        let org = &rivals.caller().org;
        // Who only tries keeps nobody waiting who changes something.
        let whose = match &rivals {
            Rivals::ReadableBy(_) => format!("{org} tries"),
            Rivals::AllFor(_) => org.to_string(),
        };
        let place = self.turns.judging.place(Some(&whose)).await;
        let place = place.ok_or(Error::Busy)?;
        let judging = tokio::task::spawn_blocking(move || {
            // Whoever leaves does not make room for another before it ends.
            let _place = place;
            judge_all(&snapshot, &judged, &rivals)
        });
        Ok(judging.await.map_err(|cause| DbError::unreadable("patterns", cause))?)
    }
}

/// Those of the verdicts that stand in the way.
pub(crate) fn failed(slug: &str, verdicts: Vec<CaseVerdict>) -> Vec<FailedCase> {
    let numbered = verdicts.into_iter().zip(1..);
    let failing = numbered.filter_map(|(verdict, number)| {
        let reason = verdict.reason?;
        Some(FailedCase { slug: slug.to_owned(), number, ask: verdict.ask, reason })
    });
    failing.collect()
}

fn judge_all(snapshot: &Snapshot, judged: &Judged, rivals: &Rivals) -> Vec<CaseVerdict> {
    let draft = &judged.draft;
    let overlay = snapshot.overlaid(Some(&judged.id), &draft.name, &draft.triggers);
    let each = judged.cases.iter();
    each.map(|case| judge_one(snapshot, &overlay, draft, rivals, case)).collect()
}

fn judge_one(
    snapshot: &Snapshot,
    overlay: &Overlay<'_, usize>,
    draft: &Draft,
    rivals: &Rivals,
    case: &Case,
) -> CaseVerdict {
    let Outcome { matched, score, rival } =
        outcome(snapshot, overlay, &draft.slug, rivals, &case.ask);
    let named = rival.map(|(kept, _)| rivals.name(kept));
    let reason = match (case.expect, matched) {
        (Expected::Match, true) => unlike(draft, case).err(),
        (Expected::NoMatch, false) => None,
        (Expected::NoMatch, true) => Some("it matches".to_owned()),
        (Expected::Match, false) => Some(match named {
            Some(Some(other)) => format!("`{other}` matches better"),
            Some(None) => "another pattern matches better".to_owned(),
            None => format!("its score is below {THRESHOLD}"),
        }),
    };
    let answered_by = if matched { Some(draft.slug.as_str()) } else { named.flatten() };
    CaseVerdict {
        passed: reason.is_none(),
        matched,
        score: f64::from(thousandths(score)) / 1_000.0,
        answered_by: answered_by.map(ToOwned::to_owned),
        reason,
        ask: case.ask.clone(),
        expect: case.expect,
    }
}

/// Whether what the pattern says is as expected; the error says why not.
fn unlike(draft: &Draft, case: &Case) -> Result<(), String> {
    let said = match &draft.body {
        Body::Answer(answer) => answer.clone(),
        Body::Template(template) => {
            let rendered = fill(&draft.slug, template, &case.ask, &case.variables);
            rendered.map_err(|error| error.to_string())?.user
        }
    };
    match &case.contains {
        Some(part) if !said.contains(part) => Err("it does not contain the expected text".into()),
        Some(_) | None => Ok(()),
    }
}
