//! Importing a file of patterns.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State as Held;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::page::{Faults, Form, Post, View, post, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::must_teach;
use crate::{Imported, Patterns};

const EXAMPLE: &str = "patterns:
  - slug: reset-password
    name: Reset a password
    triggers:
      - How do I reset my password?
      - I forgot my password
    answer: Open the portal and choose “Forgot password”.
    cases:
      - ask: my password does not work
        expect: match
        contains: portal
      - ask: Where can I park?
        expect: no_match";

const CURL: &str = "curl \"$PORTICO_URL/api/patterns/import\" \\
  -H \"authorization: Bearer $PORTICO_KEY\" \\
  -H \"content-type: application/yaml\" \\
  --data-binary @patterns.yaml";

/// A file, as text.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportForm {
    yaml: String,
}

#[derive(Template)]
#[template(path = "patterns/import.html")]
struct ImportPage<'a> {
    yaml: &'a str,
    faults: &'a Faults,
    action: Post,
    may_publish: bool,
    example: &'static str,
    curl: &'static str,
}

/// Where a file is pasted.
#[utoipa::path(get, path = "/patterns/import", tag = "console",
    security(("key" = ["patterns:create"])), responses((status = 200)))]
pub(super) async fn form(caller: Caller) -> Result<View, Problem> {
    must_teach(&caller)?;
    page(&caller, "", &Faults::default())
}

/// Teaches every pattern of a file, or none.
#[utoipa::path(post, path = "/patterns/import", tag = "console",
    security(("key" = ["patterns:create"])), responses((status = 303), (status = 422)))]
pub(super) async fn import(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Form(form): Form<ImportForm>,
) -> Result<Response, Problem> {
    match patterns.import(&caller, &form.yaml).await {
        Ok(imported) => Ok(see_other("/patterns").said(said(&imported)).into_response()),
        Err(error) => {
            let page = page(&caller, &form.yaml, &Faults::of(error)?)?;
            Ok(page.status(StatusCode::UNPROCESSABLE_ENTITY).into_response())
        }
    }
}

fn page(caller: &Caller, yaml: &str, faults: &Faults) -> Result<View, Problem> {
    let page = ImportPage {
        yaml,
        faults,
        action: post("/patterns/import"),
        may_publish: caller.access.may(Permission::PatternsPublish),
        example: EXAMPLE,
        curl: CURL,
    };
    View::of("Import patterns", &page)
}

fn said(imported: &Imported) -> String {
    let Imported { created, updated, unchanged } = imported;
    format!(
        "{} patterns are new, {} changed, {} stayed as they were.",
        created.len(),
        updated.len(),
        unchanged.len()
    )
}
