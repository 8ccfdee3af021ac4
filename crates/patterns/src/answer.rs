//! The embedded engine: what a question gets from the patterns of its org.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Caller, Permission};
use base::problem::Problem;
use gateway::{Answered, Answerer, Engine, Later, Question};
use serde_json::{Map, Value, json};

use crate::Patterns;
use crate::engine::{self, Body, Rendered, Settings, THRESHOLD, Template, Variable};
use crate::error::Error;
use crate::kept::{Kept, Version};

/// The model that answers with the best match.
const BEST: &str = "patterns";
/// What stands before the slug of a pattern that is named.
const NAMED: &str = "pattern/";
/// The score of a pattern that was named.
const CERTAIN: f64 = 1.0;
/// How much of a name that the caller made up is repeated to them.
const NAME_SHOWN_CHARS: usize = 80;

impl Engine for Patterns {
    fn owns(&self, model: &str) -> bool {
        model == BEST || model.starts_with(NAMED)
    }

    fn answer<'a>(&'a self, caller: &'a Caller, question: Question<'a>) -> Later<'a, Answered> {
        Box::pin(async move {
            let answered = match question.model.strip_prefix(NAMED) {
                Some(slug) => self.named(caller, slug, &question).await,
                None => self.best(caller, &question).await,
            };
            answered.map_err(Problem::from)
        })
    }

    fn models<'a>(&'a self, caller: &'a Caller) -> Later<'a, Vec<String>> {
        Box::pin(async move {
            if !caller.may_somewhere(Permission::PatternsRun) {
                return Ok(Vec::new());
            }
            let snapshot = self.snapshots.of(caller).await.map_err(Error::from)?;
            let mut models = vec![BEST.to_owned()];
            for kept in snapshot.patterns() {
                if kept.published.is_some() && kept.allows(caller, Permission::PatternsRun) {
                    models.push(format!("{NAMED}{}", kept.slug()));
                }
            }
            Ok(models)
        })
    }
}

impl Patterns {
    /// Runs the pattern that was named.
    async fn named(
        &self,
        caller: &Caller,
        slug: &str,
        question: &Question<'_>,
    ) -> Result<Answered, Error> {
        let unknown = || Error::NoSuchModel(shown(question.model));
        if !caller.may_somewhere(Permission::PatternsRun) {
            caller.require(Permission::PatternsRun)?;
        }
        let snapshot = self.snapshots.of(caller).await?;
        let kept = snapshot.find(slug).filter(|kept| kept.slug() == slug).ok_or_else(unknown)?;
        let version = kept.published.as_ref().ok_or_else(unknown)?;
        if let Err(denied) = caller.require_on(Permission::PatternsRun, kept.thing()) {
            let known = [Permission::PatternsRun, Permission::PatternsRead];
            let seen = known.into_iter().any(|permission| kept.gives(caller, permission));
            return Err(if seen { denied.into() } else { unknown() });
        }
        self.run(caller, kept, version, CERTAIN, question)
    }

    /// Runs the pattern that matches best, of those that the caller's roles reach. One that
    /// a guardrail forbids makes way for the next, and so does one whose template lacks a
    /// value that nobody gave; when there is no next, the reason is told.
    async fn best(&self, caller: &Caller, question: &Question<'_>) -> Result<Answered, Error> {
        let run = Permission::PatternsRun;
        if caller.access.may(run) || !caller.may_somewhere(run) {
            caller.require(run)?;
        }
        let snapshot = self.snapshots.of(caller).await?;
        let reached = |kept: &Kept| kept.gives(caller, run);
        let mut passed_over = None;
        for (kept, score) in snapshot.answering(question.text, THRESHOLD) {
            let Some(version) = kept.published.as_ref().filter(|_| reached(kept)) else { continue };
            let ran = match caller.require_on(run, kept.thing()) {
                Ok(_) => self.run(caller, kept, version, score, question),
                Err(denied) => Err(denied.into()),
            };
            match ran {
                Err(error @ (Error::MissingVariable { .. } | Error::Denied(_))) => {
                    passed_over.get_or_insert(error);
                }
                answered => return answered,
            }
        }
        if let Some(error) = passed_over {
            return Err(error);
        }
        let mut ranked = snapshot.answering(question.text, 0.0).into_iter();
        Ok(nothing(ranked.find(|(kept, _)| reached(kept)).map_or(0.0, |(_, score)| score)))
    }

    fn run(
        &self,
        caller: &Caller,
        kept: &Arc<Kept>,
        version: &Version,
        score: f64,
        question: &Question<'_>,
    ) -> Result<Answered, Error> {
        let by = Answerer {
            id: kept.id.as_str().to_owned(),
            slug: kept.slug().to_owned(),
            version: u64::try_from(version.number).unwrap_or_default(),
            score_thousandths: thousandths(score),
            data_class: kept.data_class(),
        };
        let answered = match &version.draft.body {
            Body::Answer(text) => Answered::Text { by, text: text.clone() },
            Body::Template(template) => {
                let rendered = render(kept.slug(), template, question.text, question.variables)?;
                let request = request(&rendered, &template.settings);
                Answered::Ask { by, model: template.model.clone(), request }
            }
        };
        self.uses.count(caller, &kept.id, self.clock.now());
        Ok(answered)
    }
}

/// Says honestly that no pattern answers.
fn nothing(nearest: f64) -> Answered {
    // Rounded down: a score just below the threshold must not look like one that reaches it.
    let nearest = f64::from(thousandths(nearest) / 10) / 100.0;
    Answered::Nothing {
        text: format!(
            "No approved pattern of your organization matches this question (best score \
             {nearest:.2}, needed {THRESHOLD:.2}). Ask an administrator to teach one, or call a \
             model."
        ),
    }
}

/// Fills in a template with what the caller sent.
fn render(
    slug: &str,
    template: &Template,
    question: &str,
    variables: &Map<String, Value>,
) -> Result<Rendered, Error> {
    let mut values = BTreeMap::new();
    for (name, value) in variables {
        let value = match value {
            Value::String(text) => engine::Value::Text(text.clone()),
            Value::Number(number) => engine::Value::Number(number.clone()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                let message = "must be a text or a number".to_owned();
                return Err(Error::InvalidVariable {
                    name: shown(name),
                    slug: slug.into(),
                    message,
                });
            }
        };
        values.insert(name.clone(), value);
    }
    fill(slug, template, question, &values)
}

/// Fills in a template with these values.
pub(crate) fn fill(
    slug: &str,
    template: &Template,
    question: &str,
    values: &BTreeMap<String, engine::Value>,
) -> Result<Rendered, Error> {
    let slug = || slug.to_owned();
    let known = |name: &String| template.variables.iter().any(|variable| variable.name == *name);
    if let Some(unknown) = values.keys().find(|name| !known(name)) {
        return Err(Error::UnknownVariable { name: shown(unknown), slug: slug() });
    }
    let lacks =
        |variable: &&Variable| variable.default.is_none() && !values.contains_key(&variable.name);
    if let Some(variable) = template.variables.iter().find(lacks) {
        return Err(Error::MissingVariable { name: variable.name.clone(), slug: slug() });
    }
    template.render(question, values).map_err(|error| Error::InvalidVariable {
        name: error.variable,
        slug: slug(),
        message: error.message,
    })
}

/// As much of a name as is repeated.
fn shown(name: &str) -> String {
    name.chars().take(NAME_SHOWN_CHARS).collect()
}

/// A chat completion's messages and settings.
fn request(rendered: &Rendered, settings: &Settings) -> Map<String, Value> {
    let mut messages = Vec::new();
    if !rendered.system.is_empty() {
        messages.push(json!({ "role": "system", "content": rendered.system }));
    }
    messages.push(json!({ "role": "user", "content": rendered.user }));
    // The settings are named as in OpenAI's interface, and the absent ones are left out.
    let mut request = match serde_json::to_value(settings) {
        Ok(Value::Object(settings)) => settings,
        Ok(_) | Err(_) => Map::new(),
    };
    request.insert("messages".into(), Value::Array(messages));
    request
}

/// A score from 0 to 1 in thousandths, rounded down.
pub(crate) fn thousandths(score: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1,000"
    )]
    let thousandths = (score.clamp(0.0, 1.0) * 1_000.0) as u32;
    thousandths
}
