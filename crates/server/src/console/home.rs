//! The start: an empty org is led to its first answer; one that is in use sees what it
//! used, and the ways on.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::page::{View, filters};
use base::problem::Problem;
use chat::Chat;
use identity::{Identity, ListKeys};
use patterns::Patterns;
use usage::{Amounts, SeriesFilter, Usage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::wire::House;

#[derive(Debug, Clone)]
struct Start {
    identity: Identity,
    patterns: Patterns,
    chat: Chat,
    usage: Usage,
}

pub(super) fn routes(house: &House) -> OpenApiRouter {
    let start = Start {
        identity: house.identity.clone(),
        patterns: house.patterns.clone(),
        chat: house.chat.clone(),
        usage: house.usage.clone(),
    };
    OpenApiRouter::new().routes(routes!(home)).with_state(start)
}

/// One step to the first answer.
#[derive(Debug)]
struct Step {
    which: Which,
    done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Key,
    Pattern,
    Ask,
}

#[derive(Debug, Template)]
#[template(path = "console/home.html")]
struct Home<'a> {
    name: String,
    org: String,
    steps: Vec<Step>,
    /// Of the last 30 days: of the org, or of a caller who may see no more their own.
    used: Amounts,
    caller: &'a Caller,
}

impl Home<'_> {
    /// The steps are shown until all are done.
    fn is_first_run(&self) -> bool {
        self.steps.iter().any(|step| !step.done)
    }

    /// The step to take now.
    fn is_next(&self, step: &Step) -> bool {
        self.steps.iter().find(|step| !step.done).is_some_and(|next| next.which == step.which)
    }

    fn has_used(&self) -> bool {
        self.used.calls + self.used.refused > 0
    }

    fn tokens(&self) -> i64 {
        self.used.tokens_in.saturating_add(self.used.tokens_out)
    }

    fn may(&self, permission: Permission) -> bool {
        self.caller.may_somewhere(permission)
    }

    fn may_ask(&self) -> bool {
        self.may(Permission::PatternsRun) || self.may(Permission::ModelsInvoke)
    }
}

/// The start.
#[utoipa::path(get, path = "/", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn home(caller: Caller, State(start): State<Start>) -> Result<View, Problem> {
    let viewer = start.identity.viewer(&caller).await?;
    let used = start.usage.series(&caller, &SeriesFilter::default()).await?.total;
    let (name, org) = (viewer.name, viewer.org_name);
    let mut home = Home { name, org, steps: Vec::new(), used, caller: &caller };
    home.steps = start.steps(&caller, &home).await?;
    View::of("Start", &home)
}

impl Start {
    /// What leads to the first answer, for this caller, and what of it is behind them.
    async fn steps(&self, caller: &Caller, home: &Home<'_>) -> Result<Vec<Step>, Problem> {
        let one = ListKeys { limit: Some(1), ..ListKeys::default() };
        let keys = self.identity.keys(caller, &one).await?;
        let mut steps = vec![Step { which: Which::Key, done: !keys.items.is_empty() }];
        if home.may(Permission::PatternsCreate) {
            let one = patterns::Filter { limit: Some(1), ..patterns::Filter::default() };
            let patterns = self.patterns.list(caller, &one).await?;
            steps.push(Step { which: Which::Pattern, done: !patterns.items.is_empty() });
        }
        if home.may_ask() {
            let one = chat::Filter { limit: Some(1), ..chat::Filter::default() };
            let talks = self.chat.list(caller, &one).await?;
            steps.push(Step { which: Which::Ask, done: !talks.items.is_empty() });
        }
        Ok(steps)
    }
}
