//! One pattern: what it says, and what can be done with it.

use access::{Caller, DataClass, Permission};
use askama::Template;
use axum::extract::State as Held;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base::http::Path;
use base::page::filters;
use base::page::{Faults, Form, Post, View, post, see_other};
use base::problem::Problem;
use serde::Deserialize;

use super::May;
use crate::engine::{Draft, DraftForm};
use crate::{Pattern, Patterns, PublishPattern, State};

/// Which version is to answer.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PublishForm {
    version: i64,
}

/// One thing that can be done with a pattern.
struct Right {
    what: &'static str,
    needs: Permission,
    held: bool,
}

#[derive(Template)]
#[template(path = "patterns/show.html")]
struct ShowPage<'a> {
    pattern: &'a Pattern,
    content: DraftForm,
    /// What guardrails are asked about.
    data_class: Option<DataClass>,
    faults: &'a Faults,
    /// The version that answers, when it is not the latest one.
    older: Option<i64>,
    may_change: bool,
    may_publish: bool,
    /// Whether the latest version could be published.
    waits: bool,
    publish: Post,
    retire: Post,
    rights: [Right; 4],
    /// How a program calls it.
    call: String,
}

/// One pattern.
#[utoipa::path(get, path = "/patterns/{id}", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:read"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
) -> Result<View, Problem> {
    page(&caller, &patterns, &id, &Faults::default()).await
}

/// Lets a version answer.
#[utoipa::path(post, path = "/patterns/{id}/publish", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:publish"])), responses((status = 303), (status = 422)))]
pub(super) async fn publish(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
    Form(form): Form<PublishForm>,
) -> Result<Response, Problem> {
    let publish = PublishPattern { version: Some(form.version) };
    match patterns.publish(&caller, &id, &publish).await {
        Ok(pattern) => {
            let said = format!("{} answers with version {}.", pattern.name, form.version);
            Ok(see_other(format!("/patterns/{}", pattern.id)).said(said).into_response())
        }
        Err(error) => {
            let faults = Faults::of(error)?;
            Ok(page(&caller, &patterns, &id, &faults).await?.into_response())
        }
    }
}

/// Withdraws a pattern.
#[utoipa::path(post, path = "/patterns/{id}/retire", tag = "console",
    params(("id" = String, Path, description = "id or slug")),
    security(("key" = ["patterns:publish"])), responses((status = 303)))]
pub(super) async fn retire(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let pattern = patterns.retire(&caller, &id).await?;
    let said = format!("{} is retired and answers nobody.", pattern.name);
    Ok(see_other(format!("/patterns/{}", pattern.id)).said(said).into_response())
}

async fn page(
    caller: &Caller,
    patterns: &Patterns,
    id: &str,
    faults: &Faults,
) -> Result<View, Problem> {
    let kept = patterns.found(caller, id).await?;
    let pattern = patterns.shown(caller, &kept).await;
    let May { change, publish } = May::of(caller, &kept);
    let right = |what, needs, held| Right { what, needs, held };
    let page = ShowPage {
        content: DraftForm::from(Draft::clone(&kept.latest.draft)),
        data_class: kept.data_class(),
        faults,
        older: pattern.published_version.filter(|version| *version != pattern.version),
        waits: pattern.published_version != Some(pattern.version),
        may_change: change,
        may_publish: publish,
        publish: post(format!("/patterns/{}/publish", kept.id)),
        retire: post(format!("/patterns/{}/retire", kept.id)),
        rights: [
            right("Read it", Permission::PatternsRead, true),
            right("Ask it", Permission::PatternsRun, kept.allows(caller, Permission::PatternsRun)),
            right("Change it and its cases", Permission::PatternsUpdate, change),
            right("Publish and retire it", Permission::PatternsPublish, publish),
        ],
        call: call(&pattern),
        pattern: &pattern,
    };
    let status = if faults.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(View::of(&pattern.name, &page)?.status(status))
}

fn call(pattern: &Pattern) -> String {
    let question = pattern.triggers.first().map(String::as_str).unwrap_or_default();
    let body = serde_json::json!({
        "model": format!("pattern/{}", pattern.slug),
        "messages": [{ "role": "user", "content": question }],
    });
    // A quotation mark of a shell is the only thing that JSON leaves as it is.
    let body = body.to_string().replace('\'', "\\u0027");
    format!(
        "curl \"$PORTICO_URL/v1/chat/completions\" \\\n  -H \"authorization: Bearer $PORTICO_KEY\" \\\n  \
         -H \"content-type: application/json\" \\\n  -d '{body}'"
    )
}
