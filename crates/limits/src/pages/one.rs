//! One subject: its limit, what is left of it, and where its spending goes.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::http::Path;
use base::page::View;
use base::page::filters;
use base::problem::Problem;
use base::time::At;

use super::Pages;
use super::chart::Spending;
use super::meter::{Amount, Fill, Meter, bounds, meters};
use super::whose::Whose;
use crate::core::Level;
use crate::forecast::Course;
use crate::view::Amounts;

#[derive(Debug, Template)]
#[template(path = "limits/one.html")]
struct OnePage {
    whose: Whose,
    /// Its own limit: when it was set, and by whom.
    set: Option<(At, String)>,
    /// The limit alone, of what stands for many.
    bounds: Vec<(&'static str, Amount)>,
    /// Of one subject.
    now: Option<Now>,
    may_set: bool,
}

#[derive(Debug)]
struct Now {
    meters: Vec<Meter>,
    used: Amounts,
    spending: Spending,
}

/// One subject and its limit.
#[utoipa::path(get, path = "/limits/{level}/{subject}", tag = "console",
    params(("level" = Level, Path, description = "`org`, `team`, `member`, `key` or `model`"),
        ("subject" = String, Path, description = "an id, the name of a model, `org`, or `*`")),
    security(("key" = ["settings:read"])), responses((status = 200)))]
pub(super) async fn one(
    caller: Caller,
    State(pages): State<Pages>,
    Path((level, subject)): Path<(Level, String)>,
) -> Result<View, Problem> {
    let page = pages.one(&caller, level, &subject).await?;
    View::of(format!("Limit of {}", page.whose.words()), &page)
}

impl Pages {
    async fn one(&self, caller: &Caller, level: Level, subject: &str) -> Result<OnePage, Problem> {
        let limit = self.limits.limit(caller, level, subject).await?;
        let set_by = limit.as_ref().map(|limit| limit.set_by.clone());
        let known = self.known(caller, [subject.to_owned()].into_iter().chain(set_by)).await;
        let whose = known.whose(level, subject);
        let now = if whose.is_each() {
            None
        } else {
            let applies = self.limits.standing(caller, level, subject).await?;
            let spending = Spending::of(self.limits.forecast(caller, level, subject).await?);
            Some(Now { meters: meters(&applies), used: applies.used, spending })
        };
        let each = limit.as_ref().filter(|_| whose.is_each());
        Ok(OnePage {
            bounds: each.map(|limit| bounds(&limit.ceiling)).unwrap_or_default(),
            set: limit.map(|limit| (limit.set_at, known.actor(&limit.set_by))),
            whose,
            now,
            may_set: caller.require(Permission::SettingsUpdate).is_ok(),
        })
    }
}
