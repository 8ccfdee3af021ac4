//! The editor: a policy, beside it what is to be said about it, and below the words that
//! policies are made of.

use access::{DataClass, Permission};
use askama::Template;
use axum::http::StatusCode;
use base::page::{Faults, Post, View, filters, post};
use base::problem::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::tried::Tried;
use crate::template::{About, Answers, DAYS};
use crate::{Finding, Guardrail, Severity, asked, schema};

/// A guardrail as it is typed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PolicyForm {
    /// The id of the one that is edited; none: a new one.
    pub(super) guardrail: Option<String>,
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) on: Option<String>,
}

/// What the editor is opened with.
#[derive(Debug, Default)]
pub(super) struct Editor {
    pub(super) form: PolicyForm,
    pub(super) faults: Faults,
    /// The guardrail that is edited; none: a new one.
    pub(super) of: Option<Guardrail>,
    pub(super) findings: Vec<Finding>,
    pub(super) tried: Option<Tried>,
    /// Why it could not be tried.
    pub(super) untried: Option<String>,
    /// The answers of a template, and what is wrong with them.
    pub(super) answers: Answers,
    pub(super) unanswered: Faults,
}

#[derive(Template)]
#[template(path = "guardrails/editor.html")]
struct EditorPage<'a> {
    title: &'a str,
    action: Post,
    with: &'a Editor,
    kinds: [About; 4],
    groups: Vec<Group>,
    days: [&'static str; 7],
    classes: [DataClass; 4],
    schema: String,
}

/// Permissions that can be chosen together.
#[derive(Debug)]
struct Group {
    name: &'static str,
    permissions: Vec<&'static str>,
}

impl Group {
    fn of(name: &'static str) -> Self {
        let within = Permission::ALL.iter().filter(|one| schema::group(**one) == name);
        Self { name, permissions: within.map(|one| one.as_str()).collect() }
    }
}

impl PolicyForm {
    pub(super) fn of(one: &Guardrail) -> Self {
        Self {
            guardrail: Some(one.id.to_string()),
            name: one.name.clone(),
            policy: one.policy.clone(),
            on: one.on.then(|| "yes".to_owned()),
        }
    }
}

impl Editor {
    /// The page. One that was refused says so with its status.
    pub(super) fn page(&self) -> Result<View, Problem> {
        let (title, action) = match &self.of {
            Some(one) => (one.name.as_str(), post(format!("/guardrails/{}", one.id))),
            None => ("A new guardrail", post("/guardrails")),
        };
        let wrong = self.faults.any() || self.unanswered.any();
        let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let page = EditorPage {
            title,
            action,
            with: self,
            kinds: About::ALL,
            groups: schema::groups().into_iter().map(Group::of).collect(),
            days: DAYS.map(asked::day_name),
            classes: DataClass::ALL,
            schema: schema::text(),
        };
        Ok(View::of(title, &page)?.status(status))
    }
}

impl Editor {
    /// Whether a day is ticked: at first Monday to Friday.
    fn ticks(&self, day: &str) -> bool {
        let fresh = self.answers.about.is_empty();
        self.answers.days.iter().any(|one| one == day) || (fresh && !day.starts_with('s'))
    }
}

impl EditorPage<'_> {
    fn is_error(finding: &Finding) -> bool {
        finding.severity == Severity::Error
    }
}
