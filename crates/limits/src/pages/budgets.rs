//! The org's budgets, and where each of them goes.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::http::Query;
use base::page::View;
use base::page::filters;
use base::page::filters::percent_encoded;
use base::problem::Problem;
use serde::Deserialize;

use super::Pages;
use super::chart::Spending;
use super::meter::{Amount, bounds};
use super::whose::Whose;
use crate::core::Ceiling;
use crate::forecast::Course;
use crate::foresee::Which;

/// Budgets on one page: each is drawn.
const BUDGETS_MAX: u32 = 10;

/// Where the page begins.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    after: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "limits/budgets.html")]
struct BudgetsPage {
    budgets: Vec<Budget>,
    next: Option<String>,
    may_set: bool,
}

#[derive(Debug)]
struct Budget {
    whose: Whose,
    /// The money alone, of what stands for many.
    bounds: Vec<(&'static str, Amount)>,
    spending: Option<Spending>,
}

/// Every limit in money, with where it goes at the pace of the last days.
#[utoipa::path(get, path = "/limits/budgets", tag = "console",
    params(("after" = Option<String>, Query, description = "the place behind which the page begins")),
    security(("key" = ["settings:read"])), responses((status = 200)))]
pub(super) async fn budgets(
    caller: Caller,
    State(pages): State<Pages>,
    Query(asked): Query<Asked>,
) -> Result<View, Problem> {
    View::of("Budgets", &pages.budgets(&caller, asked.after.as_deref()).await?)
}

impl Pages {
    async fn budgets(&self, caller: &Caller, after: Option<&str>) -> Result<BudgetsPage, Problem> {
        let page = self.limits.some(caller, Which::Budgets, after, BUDGETS_MAX).await?;
        let known = self.known(caller, page.items.iter().map(|one| one.subject.clone())).await;
        let mut budgets = Vec::with_capacity(page.items.len());
        for limit in page.items {
            let whose = known.whose(limit.level, &limit.subject);
            let (bounds, spending) = if whose.is_each() {
                let Ceiling { money_per_day, money_per_month, .. } = limit.ceiling;
                let money = Ceiling { money_per_day, money_per_month, ..Ceiling::default() };
                (bounds(&money), None)
            } else {
                let forecast = self.limits.forecast(caller, limit.level, &limit.subject).await?;
                (Vec::new(), Some(Spending::of(forecast)))
            };
            budgets.push(Budget { whose, bounds, spending });
        }
        let next =
            page.next.map(|after| format!("/limits/budgets?after={}", percent_encoded(&after)));
        let may_set = caller.require(Permission::SettingsUpdate).is_ok();
        Ok(BudgetsPage { budgets, next, may_set })
    }
}
