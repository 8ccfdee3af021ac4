//! Trying a draft that is not kept yet: while somebody is still writing it.

use std::collections::BTreeMap;

use access::{Caller, Permission};
use serde::{Deserialize, Serialize};

use crate::Patterns;
use crate::answer::{fill, thousandths};
use crate::engine::{
    Draft, DraftForm, Flaw, NAME_CHARS_MAX, THRESHOLD, TRIGGER_CHARS_MAX, TRIGGERS_MAX, Template,
    Value,
};
use crate::error::Error;
use crate::judge::{Outcome, Rivals, outcome};

/// A draft, and a question to ask of it.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryDraft {
    /// What is being written. It need not be finished.
    pub draft: DraftForm,
    /// What is asked.
    pub question: String,
    /// Values for the variables of a template.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// The id or slug of the pattern whose next version this is to be.
    pub pattern: Option<String>,
}

/// What would happen if the draft were published. No model is called.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Tried {
    /// Whether the draft would answer.
    pub matched: bool,
    /// Its score, from 0 to 1.
    pub score: f64,
    /// The score that a pattern needs to answer.
    pub threshold: f64,
    /// The other pattern that could answer, of those that the caller may read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<Other>,
    /// The approved answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What a model would be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Prompt>,
    /// Why there is no prompt, when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unanswered_because: Option<String>,
    /// What is still wrong with the draft.
    pub flaws: Vec<Flaw>,
}

/// A published pattern beside the draft.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Other {
    /// `pat_…`.
    pub id: String,
    /// Its short name.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Its score, from 0 to 1.
    pub score: f64,
}

/// A template with its values in place.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Prompt {
    /// What the model is told first; empty when the template has nothing.
    pub system: String,
    /// What it is asked.
    pub user: String,
    /// The model; absent when the org's default is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl Patterns {
    /// Asks a question of a draft, among the patterns that the caller may read. Nothing is
    /// kept or recorded of either.
    pub async fn try_draft(&self, caller: &Caller, tried: TryDraft) -> Result<Tried, Error> {
        if !caller.may_somewhere(Permission::PatternsUpdate) {
            caller.require(Permission::PatternsCreate)?;
        }
        let TryDraft { draft, question, variables, pattern } = tried;
        let kept = match &pattern {
            Some(id) => Some(self.found(caller, id).await?),
            None => None,
        };
        let snapshot = self.snapshots.of(caller).await?;
        let id = kept.as_ref().map(|kept| &kept.id);
        // What is beyond the bounds is told as a flaw, and not looked at further.
        let short = |text: &String, most| text.chars().take(most).collect::<String>();
        let triggers = draft.triggers.iter().take(TRIGGERS_MAX);
        let triggers: Vec<_> = triggers.map(|text| short(text, TRIGGER_CHARS_MAX)).collect();
        let name = short(&draft.name, NAME_CHARS_MAX);
        let overlay = snapshot.overlaid(id, &name, &triggers);
        let rivals = Rivals::ReadableBy(caller.clone());
        let Outcome { matched, score, rival } =
            outcome(&snapshot, &overlay, &draft.slug, &rivals, &question);
        let other = rival.map(|(kept, score)| Other {
            id: kept.id.as_str().to_owned(),
            slug: kept.slug().to_owned(),
            name: kept.published.as_ref().unwrap_or(&kept.latest).draft.name.clone(),
            score: shown(score),
        });
        let (prompt, unanswered_because) = match draft.template.as_ref() {
            Some(template) => prompt(&draft.slug, template, &question, &variables),
            None => (None, None),
        };
        Ok(Tried {
            matched,
            score: shown(score),
            threshold: THRESHOLD,
            other,
            answer: draft.answer.clone(),
            prompt,
            unanswered_because,
            flaws: flaws(draft),
        })
    }
}

fn prompt(
    slug: &str,
    template: &Template,
    question: &str,
    variables: &BTreeMap<String, Value>,
) -> (Option<Prompt>, Option<String>) {
    match fill(slug, template, question, variables) {
        Ok(filled) => {
            let (system, user) = (filled.system, filled.user);
            (Some(Prompt { system, user, model: template.model.clone() }), None)
        }
        Err(error) => (None, Some(error.to_string())),
    }
}

/// What would be refused if the draft were taught.
fn flaws(draft: DraftForm) -> Vec<Flaw> {
    match Draft::try_from(draft) {
        Ok(draft) => {
            let flaws = draft.check();
            // A new pattern is named last, and from its name.
            flaws
                .into_iter()
                .filter(|flaw| !(flaw.field == "/slug" && draft.slug.is_empty()))
                .collect()
        }
        Err(message) => vec![Flaw { field: "/answer".into(), message: message.into() }],
    }
}

/// A score as it is shown: rounded down, so that none looks better than it is.
fn shown(score: f64) -> f64 {
    f64::from(thousandths(score)) / 1_000.0
}
