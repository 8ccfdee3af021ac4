//! The editor: the fields of a pattern, and beside them a question to try it with.

use access::{Caller, DataClass, Permission};
use askama::Template;
use axum::http::StatusCode;
use base::page::{Faults, Post, View, post};
use base::problem::Problem;

use super::form::PatternForm;
use crate::{Diff, InVersion, Pattern, Patterns, Tried};

/// What the editor is opened with.
#[derive(Debug, Default)]
pub(super) struct Editor {
    pub(super) form: PatternForm,
    pub(super) faults: Faults,
    /// The pattern that is edited; none: a new one.
    pub(super) of: Option<Pattern>,
    pub(super) tried: Option<Tried>,
    /// What somebody else changed meanwhile.
    pub(super) since: Option<Diff>,
    /// The field because of which nothing could be tried.
    pub(super) untried: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "patterns/editor.html")]
struct EditorPage<'a> {
    title: &'a str,
    button: &'a str,
    action: Post,
    form: &'a PatternForm,
    faults: &'a Faults,
    of: Option<&'a Pattern>,
    since: Option<&'a Diff>,
    tried: Option<&'a Tried>,
    untried: Option<&'a (String, String)>,
    kinds: [&'static str; 3],
    classes: [DataClass; 4],
    may_publish: bool,
}

impl Editor {
    /// The page. One that was refused says so with its status.
    pub(super) async fn page(self, caller: &Caller, patterns: &Patterns) -> Result<View, Problem> {
        let may_publish = match &self.of {
            Some(pattern) => {
                let kept = patterns.found(caller, &pattern.id).await?;
                kept.allows(caller, Permission::PatternsPublish)
            }
            None => caller.access.may(Permission::PatternsPublish),
        };
        let (title, button, action) = match &self.of {
            Some(pattern) => (
                format!("Edit {}", pattern.name),
                "Save as a new version",
                post(format!("/patterns/{}", pattern.id)),
            ),
            None => ("Teach a pattern".to_owned(), "Teach it", post("/patterns")),
        };
        let status = match (self.since.is_some(), self.faults.any()) {
            (true, _) => StatusCode::CONFLICT,
            (false, true) => StatusCode::UNPROCESSABLE_ENTITY,
            (false, false) => StatusCode::OK,
        };
        let page = EditorPage {
            title: &title,
            button,
            action,
            form: &self.form,
            faults: &self.faults,
            of: self.of.as_ref(),
            since: self.since.as_ref(),
            tried: self.tried.as_ref(),
            untried: self.untried.as_ref(),
            kinds: ["text", "number", "choice"],
            classes: DataClass::ALL,
            may_publish,
        };
        Ok(View::of(&title, &page)?.status(status))
    }
}
