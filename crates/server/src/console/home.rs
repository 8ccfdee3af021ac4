//! The start: an empty org is led to its first answer; one that is in use sees where
//! it stands.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::page::View;
use base::problem::Problem;
use chat::Chat;
use identity::{Identity, ListKeys};
use patterns::Patterns;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::wire::House;

#[derive(Debug, Clone)]
struct Start {
    identity: Identity,
    patterns: Patterns,
    chat: Chat,
}

pub(super) fn routes(house: &House) -> OpenApiRouter {
    let start = Start {
        identity: house.identity.clone(),
        patterns: house.patterns.clone(),
        chat: house.chat.clone(),
    };
    OpenApiRouter::new().routes(routes!(home)).with_state(start)
}

#[derive(Debug, Template)]
#[template(path = "console/home.html")]
struct Home {
    name: String,
    org: String,
    may_teach: bool,
    may_ask: bool,
    /// The steps that are behind this member.
    has_key: bool,
    has_pattern: bool,
    has_asked: bool,
    may_read_events: bool,
    may_settle: bool,
}

impl Home {
    fn is_first_run(&self) -> bool {
        !(self.has_key && self.has_asked && (self.has_pattern || !self.may_teach))
    }
}

/// The start.
#[utoipa::path(get, path = "/", tag = "console",
    security(("key" = ["self"])), responses((status = 200)))]
async fn home(caller: Caller, State(start): State<Start>) -> Result<View, Problem> {
    let viewer = start.identity.viewer(&caller).await?;
    let one_key = ListKeys { limit: Some(1), ..ListKeys::default() };
    let keys = start.identity.keys(&caller, &one_key).await;
    let one = patterns::Filter { limit: Some(1), ..patterns::Filter::default() };
    let has_pattern = if caller.may_somewhere(Permission::PatternsRead) {
        !start.patterns.list(&caller, &one).await?.items.is_empty()
    } else {
        false
    };
    let talks = chat::Filter { limit: Some(1), ..chat::Filter::default() };
    let home = Home {
        may_teach: caller.may_somewhere(Permission::PatternsCreate),
        may_ask: caller.may_somewhere(Permission::PatternsRun)
            || caller.may_somewhere(Permission::ModelsInvoke),
        may_read_events: caller.may_somewhere(Permission::EventsRead),
        may_settle: caller.may_somewhere(Permission::SettingsRead),
        has_key: keys.is_ok_and(|keys| !keys.items.is_empty()),
        has_pattern,
        has_asked: !start.chat.list(&caller, &talks).await?.items.is_empty(),
        name: viewer.name,
        org: viewer.org_name,
    };
    View::of("Start", &home)
}
