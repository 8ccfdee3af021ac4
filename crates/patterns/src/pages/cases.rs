//! The cases of a pattern as a table to fill in.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State as Held;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::{Faults, Form, Post, View, post, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::May;
use super::form::named_values;
use crate::engine::{CASES_MAX, Case, Expected};
use crate::{CaseVerdict, Pattern, PatternCases, Patterns, SetCases, Verdict};

/// Empty rows for cases that are still to come.
const ROWS_SPARE: usize = 3;

/// The table: its columns, row by row.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CasesForm {
    #[serde(default)]
    ask: Vec<String>,
    #[serde(default)]
    expect: Vec<Expected>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
}

/// A case as a row.
#[derive(Debug)]
struct Row {
    ask: String,
    no_match: bool,
    contains: String,
    values: String,
    fault: Option<String>,
    result: Option<CaseVerdict>,
}

#[derive(Template)]
#[template(path = "patterns/cases.html")]
struct CasesPage<'a> {
    pattern: &'a Pattern,
    is_template: bool,
    rows: Vec<Row>,
    /// The numbers of the rows that are empty.
    spare: Vec<usize>,
    verdict: Option<&'a Verdict>,
    faults: &'a Faults,
    may_change: bool,
    action: Post,
}

/// The cases of a pattern, and how the latest version fares.
#[utoipa::path(get, path = "/patterns/{id}/cases", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
) -> Result<View, Problem> {
    let PatternCases { cases, verdict, .. } = patterns.cases(&caller, &id).await?;
    let results = verdict.cases.iter().cloned().map(Some);
    let rows = cases.iter().zip(results).map(|(case, result)| Row::of(case, result)).collect();
    page(&caller, &patterns, &id, rows, Some(&verdict), &Faults::default()).await
}

/// Gives a pattern its cases, and asks them all.
#[utoipa::path(post, path = "/patterns/{id}/cases", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:update"]), ("key" = ["patterns:create"])),
    responses((status = 303), (status = 422)))]
pub(super) async fn set(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
    Form(form): Form<CasesForm>,
) -> Result<Response, Problem> {
    let mut rows = form.rows();
    let faults = match rows.iter().map(Row::case).collect::<Result<Vec<_>, _>>() {
        Ok(cases) => match patterns.set_cases(&caller, &id, SetCases { cases }).await {
            Ok(kept) => {
                let said = said(&kept.verdict);
                return Ok(see_other(format!("/patterns/{id}/cases")).said(said).into_response());
            }
            Err(error) => Faults::of(error)?,
        },
        Err(faults) => {
            // Told only to whoever may give cases at all.
            let kept = patterns.found(&caller, &id).await?;
            if !May::of(&caller, &kept).change {
                caller.require_on(Permission::PatternsUpdate, kept.thing())?;
            }
            faults
        }
    };
    for (place, row) in rows.iter_mut().enumerate() {
        row.fault = faults.within(&format!("cases.{place}")).map(ToOwned::to_owned);
    }
    let page = page(&caller, &patterns, &id, rows, None, &faults).await?;
    Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
}

async fn page(
    caller: &Caller,
    patterns: &Patterns,
    id: &str,
    rows: Vec<Row>,
    verdict: Option<&Verdict>,
    faults: &Faults,
) -> Result<View, Problem> {
    let kept = patterns.found(caller, id).await?;
    let pattern = patterns.shown(caller, &kept).await;
    let room = CASES_MAX.saturating_sub(rows.len()).min(ROWS_SPARE);
    let page = CasesPage {
        is_template: pattern.template.is_some(),
        spare: (rows.len() + 1..=rows.len() + room).collect(),
        rows,
        verdict,
        faults,
        may_change: May::of(caller, &kept).change,
        action: post(format!("/patterns/{}/cases", pattern.id)),
        pattern: &pattern,
    };
    View::of(format!("Cases of {}", pattern.name), &page)
}

fn said(verdict: &Verdict) -> String {
    match (verdict.cases.len(), verdict.passed_cases()) {
        (0, _) => "There are no cases: every version may be published.".to_owned(),
        (all, passed) if all == passed => format!("All {all} cases pass."),
        (all, passed) => format!("{} of {all} cases fail.", all - passed),
    }
}

impl CasesForm {
    /// The rows that ask something.
    fn rows(self) -> Vec<Row> {
        let text = |list: &[String], row: usize| list.get(row).cloned().unwrap_or_default();
        let rows = self.ask.iter().enumerate().map(|(row, ask)| Row {
            ask: ask.trim().to_owned(),
            no_match: self.expect.get(row) == Some(&Expected::NoMatch),
            contains: text(&self.contains, row),
            values: text(&self.values, row),
            fault: None,
            result: None,
        });
        rows.filter(|row| !row.ask.is_empty()).collect()
    }
}

impl Row {
    fn of(case: &Case, result: Option<CaseVerdict>) -> Self {
        let value =
            |(name, value): (&String, &crate::engine::Value)| format!("{name}: {}", value.text());
        Self {
            ask: case.ask.clone(),
            no_match: case.expect == Expected::NoMatch,
            contains: case.contains.clone().unwrap_or_default(),
            values: case.variables.iter().map(value).collect::<Vec<_>>().join("\n"),
            fault: None,
            result,
        }
    }

    fn case(&self) -> Result<Case, Faults> {
        let variables = named_values(&self.values).map_err(|line| {
            Faults::general(format!("The values of a case have “{line}”: write name: value."))
        })?;
        Ok(Case {
            ask: self.ask.clone(),
            expect: if self.no_match { Expected::NoMatch } else { Expected::Match },
            contains: (!self.contains.is_empty()).then(|| self.contains.clone()),
            variables,
        })
    }
}
