//! The versions of a pattern, and what changed between them.

use access::Caller;
use askama::Template;
use axum::extract::State as Held;
use base::http::{Path, Query};
use base::page::filters;
use base::page::{Post, View, post};
use base::problem::Problem;

use super::May;
use crate::engine::DraftForm;
use crate::{Between, Diff, InVersion, Pattern, Patterns, VersionFilter, VersionView};

#[derive(Template)]
#[template(path = "patterns/versions.html")]
struct VersionsPage<'a> {
    pattern: &'a Pattern,
    items: Vec<VersionView>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "patterns/version.html")]
struct VersionPage<'a> {
    pattern: &'a Pattern,
    version: &'a VersionView,
    content: &'a DraftForm,
    may_publish: bool,
    publish: Post,
}

#[derive(Template)]
#[template(path = "patterns/diff.html")]
struct DiffPage<'a> {
    pattern: &'a Pattern,
    diff: &'a Diff,
}

/// The versions of a pattern, newest first.
#[utoipa::path(get, path = "/patterns/{id}/versions", tag = "console",
    params(("id" = String, Path, description = "id or slug"), VersionFilter),
    security(("key" = ["patterns:read"])), responses((status = 200)))]
pub(super) async fn versions(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
    Query(filter): Query<VersionFilter>,
) -> Result<View, Problem> {
    let pattern = patterns.get(&caller, &id).await?;
    let page = patterns.versions(&caller, &id, &filter).await?;
    let next = page.next.map(|after| format!("/patterns/{}/versions?after={after}", pattern.id));
    let page = VersionsPage { pattern: &pattern, items: page.items, next };
    View::of(format!("Versions of {}", pattern.name), &page)
}

/// One version of a pattern.
#[utoipa::path(get, path = "/patterns/{id}/versions/{version}", tag = "console",
    params(("id" = String, Path, description = "id or slug"),
        ("version" = i64, Path, description = "from 1")),
    security(("key" = ["patterns:read"])), responses((status = 200)))]
pub(super) async fn version(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path((id, number)): Path<(String, i64)>,
) -> Result<View, Problem> {
    let kept = patterns.found(&caller, &id).await?;
    let pattern = patterns.get(&caller, &id).await?;
    let version = patterns.version(&caller, &id, number).await?;
    let content = version.content.as_ref().ok_or_else(Problem::not_found)?;
    let page = VersionPage {
        pattern: &pattern,
        version: &version,
        content,
        may_publish: May::of(&caller, &kept).publish,
        publish: post(format!("/patterns/{}/publish", pattern.id)),
    };
    View::of(format!("Version {number} of {}", pattern.name), &page)
}

/// What changed between two versions.
#[utoipa::path(get, path = "/patterns/{id}/diff", tag = "console",
    params(("id" = String, Path, description = "id or slug"), Between),
    security(("key" = ["patterns:read"])), responses((status = 200)))]
pub(super) async fn diff(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Path(id): Path<String>,
    Query(between): Query<Between>,
) -> Result<View, Problem> {
    let pattern = patterns.get(&caller, &id).await?;
    let diff = patterns.diff(&caller, &id, &between).await?;
    let page = DiffPage { pattern: &pattern, diff: &diff };
    View::of(format!("What changed in {}", pattern.name), &page)
}
