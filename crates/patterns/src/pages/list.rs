//! The list of patterns.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State as Held;
use base::http::Query;
use base::page::View;
use base::page::filters::{self, percent_encoded};
use base::problem::Problem;
use serde::Deserialize;

use crate::{Filter, Pattern, Patterns, State};

/// Patterns on a page of the list.
const ROWS: u32 = 50;

/// The address of the list. A field of a form that is empty says nothing.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Words to search for.
    q: String,
    /// `draft`, `published` or `retired`.
    state: String,
    /// The slug behind which the page begins.
    after: String,
}

#[derive(Template)]
#[template(path = "patterns/list.html")]
struct ListPage<'a> {
    q: &'a str,
    state: &'a str,
    items: Vec<Pattern>,
    /// There are more matches than are shown.
    cut: bool,
    next: Option<String>,
    /// The org has no pattern that the caller may read.
    bare: bool,
    may_teach: bool,
}

/// The patterns of the org.
#[utoipa::path(get, path = "/patterns", tag = "console", params(Asked),
    security(("key" = ["patterns:read"])), responses((status = 200)))]
pub(super) async fn list(
    caller: Caller,
    Held(patterns): Held<Patterns>,
    Query(asked): Query<Asked>,
) -> Result<View, Problem> {
    let given = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
    let q = given(&asked.q);
    let after = if q.is_some() { None } else { given(&asked.after) };
    let state = asked.state.parse::<State>().ok();
    let plain = q.is_none() && state.is_none() && after.is_none();
    let searched = q.is_some();
    let page = patterns.list(&caller, &Filter { q, state, after, limit: Some(ROWS) }).await?;
    let next = page.next.map(|after| {
        let (state, after) = (percent_encoded(&asked.state), percent_encoded(&after));
        format!("/patterns?state={state}&after={after}")
    });
    let page = ListPage {
        q: &asked.q,
        state: &asked.state,
        cut: searched && u32::try_from(page.items.len()) == Ok(ROWS),
        bare: plain && page.items.is_empty(),
        items: page.items,
        next,
        may_teach: caller.access.may(Permission::PatternsCreate),
    };
    View::of("Patterns", &page)
}
