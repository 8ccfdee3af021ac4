//! Teaching and changing patterns.

use access::{Caller, Permission};
use axum::extract::State as Held;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, SeeOther, View, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::editor::Editor;
use super::form::{PatternForm, by_input};
use super::{May, must_teach};
use crate::error::Error;
use crate::{Between, ChangePattern, Pattern, Patterns, State, TeachPattern, TryDraft};

/// A question and its answer, of which a pattern is to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prefill {
    trigger: String,
    answer: String,
}

/// The editor of a new pattern.
#[utoipa::path(get, path = "/patterns/new", tag = "console",
    security(("key" = ["patterns:create"])), responses((status = 200)))]
pub(super) async fn new(caller: Caller, Held(patterns): Held<Patterns>) -> Result<View, Problem> {
    must_teach(&caller)?;
    let form = PatternForm::fresh();
    Editor { form, ..Editor::default() }.page(&caller, &patterns).await
}

/// The editor of a new pattern, with a question and its answer. Nothing is kept.
#[utoipa::path(post, path = "/patterns/draft", tag = "console",
    security(("key" = ["patterns:create"])), responses((status = 200)))]
pub(super) async fn prefilled(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Form(prefill): Form<Prefill>,
) -> Result<View, Problem> {
    must_teach(&caller)?;
    let form = PatternForm::answering(&prefill.trigger, prefill.answer);
    Editor { form, ..Editor::default() }.page(&caller, &patterns).await
}

/// Teaches a pattern.
#[utoipa::path(post, path = "/patterns", tag = "console",
    security(("key" = ["patterns:create"])), responses((status = 303), (status = 422)))]
pub(super) async fn teach(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Form(form): Form<PatternForm>,
) -> Result<Response, Problem> {
    must_teach(&caller)?;
    let faults = match taught(&caller, &patterns, &form).await {
        Ok(pattern) => return Ok(gone_to(&pattern).into_response()),
        Err(refused) => refused.faults()?,
    };
    let editor = Editor { form, faults, ..Editor::default() };
    Ok(editor.page(&caller, &patterns).await?.into_response())
}

/// The editor of a pattern.
#[utoipa::path(get, path = "/patterns/{id}/edit", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:update"]), ("key" = ["patterns:create"])),
    responses((status = 200)))]
pub(super) async fn edit(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
) -> Result<View, Problem> {
    let kept = patterns.found(&caller, &id).await?;
    if !May::of(&caller, &kept).change {
        caller.require_on(Permission::PatternsUpdate, kept.thing())?;
    }
    let pattern = patterns.get(&caller, &id).await?;
    let form = PatternForm::of(&pattern);
    Editor { form, of: Some(pattern), ..Editor::default() }.page(&caller, &patterns).await
}

/// Teaches the next version of a pattern.
#[utoipa::path(post, path = "/patterns/{id}", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:update"]), ("key" = ["patterns:create"])),
    responses((status = 303), (status = 409), (status = 422)))]
pub(super) async fn change(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
    Form(mut form): Form<PatternForm>,
) -> Result<Response, Problem> {
    let held = patterns.get(&caller, &id).await?;
    let mut since = None;
    let faults = match changed(&caller, &patterns, &held, &form).await {
        Ok(pattern) => return Ok(gone_to(&pattern).into_response()),
        Err(Refused::Verb(Error::Changed(latest))) => {
            let between = Between { from: form.version, to: Some(latest) };
            since = Some(patterns.diff(&caller, &id, &between).await?);
            form.version = Some(latest);
            Faults::default()
        }
        Err(refused) => refused.faults()?,
    };
    let editor = Editor { form, faults, of: Some(held), since, ..Editor::default() };
    Ok(editor.page(&caller, &patterns).await?.into_response())
}

/// Asks a question of what is being written. Nothing is kept.
#[utoipa::path(post, path = "/patterns/try", tag = "console",
    security(("key" = ["patterns:create"]), ("key" = ["patterns:update"])),
    responses((status = 200)))]
pub(super) async fn try_out(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Form(form): Form<PatternForm>,
) -> Result<View, Problem> {
    let of = match &form.pattern {
        Some(id) => Some(patterns.get(&caller, id).await?),
        None => None,
    };
    let held = of.as_ref().and_then(|pattern| pattern.template.as_ref());
    let (mut tried, mut faults, mut untried) = (None, Faults::default(), None);
    match form.draft(held).and_then(|draft| Ok((draft, form.values()?))) {
        Ok((draft, variables)) => {
            let question = form.question.clone();
            let draft = TryDraft { draft, question, variables, pattern: form.pattern.clone() };
            tried = Some(patterns.try_draft(&caller, draft).await?);
        }
        Err(wrong) => {
            untried = wrong.fields().first().cloned();
            faults = wrong;
        }
    }
    // Also half a draft is tried: nothing was refused, whatever it lacks.
    let editor = Editor { form, faults, of, tried, untried, since: None };
    Ok(editor.page(&caller, &patterns).await?.status(StatusCode::OK))
}

/// Why nothing was taught.
enum Refused {
    /// What was typed cannot be read.
    Form(Faults),
    /// The room refused it.
    Verb(Error),
}

impl Refused {
    /// What to say beside the fields; the problem itself when no filling in mends it.
    fn faults(self) -> Result<Faults, Problem> {
        match self {
            Self::Form(faults) => Ok(faults),
            Self::Verb(error) => Faults::of(by_input(error.into())),
        }
    }
}

async fn taught(
    caller: &Caller,
    patterns: &Patterns,
    form: &PatternForm,
) -> Result<Pattern, Refused> {
    let draft = form.draft(None).map_err(Refused::Form)?;
    let teach = TeachPattern {
        slug: draft.slug,
        name: draft.name,
        triggers: draft.triggers,
        data_class: draft.data_class,
        answer: draft.answer,
        template: draft.template,
        cases: Vec::new(),
        publish: Some(form.publish.is_some()),
    };
    patterns.teach(caller, teach).await.map_err(Refused::Verb)
}

async fn changed(
    caller: &Caller,
    patterns: &Patterns,
    held: &Pattern,
    form: &PatternForm,
) -> Result<Pattern, Refused> {
    let draft = form.draft(held.template.as_ref()).map_err(Refused::Form)?;
    let change = ChangePattern {
        slug: None,
        name: draft.name,
        triggers: draft.triggers,
        data_class: draft.data_class,
        answer: draft.answer,
        template: draft.template,
        version: form.version,
        // Left to the verb, a version whose cases fail is kept and waits.
        publish: match (form.publish.is_some(), held.state) {
            (false, _) => Some(false),
            (true, State::Retired) => Some(true),
            (true, State::Draft | State::Published) => None,
        },
    };
    patterns.change(caller, &held.id, change).await.map_err(Refused::Verb)
}

fn gone_to(pattern: &Pattern) -> SeeOther {
    let Pattern { name, version, .. } = pattern;
    let said = match &pattern.unpublished_because {
        Some(why) => format!("Version {version} of {name} is kept and does not answer yet: {why}."),
        None if pattern.published_version == Some(*version) => {
            format!("{name} answers with version {version}.")
        }
        None => format!("Version {version} of {name} is kept and does not answer yet."),
    };
    see_other(format!("/patterns/{}", pattern.id)).said(said)
}
