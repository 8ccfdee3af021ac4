//! The list of keys.

use access::Caller;
use askama::Template;
use axum::extract::State;
use base::http::Query;
use base::page::filters::percent_encoded;
use base::page::{View, filters};
use base::problem::Problem;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Standing, narrowed, sees_others};
use crate::{Identity, Key, ListKeys};

pub(super) fn routes() -> OpenApiRouter<Identity> {
    OpenApiRouter::new().routes(routes!(page))
}

/// Which keys.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// `all`: those of the org; absent: one's own.
    of: Option<String>,
    /// Those of this member or service account only.
    owner: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "identity/keys.html")]
struct KeysPage {
    keys: Vec<Line>,
    shown: Shown,
    /// The one whose keys these are, if they were asked for.
    owner_name: Option<String>,
    may_see_others: bool,
    next: Option<String>,
}

/// Whose keys are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Own,
    All,
    OfOne,
}

impl Shown {
    const fn is_own(self) -> bool {
        matches!(self, Self::Own)
    }

    const fn is_all(self) -> bool {
        matches!(self, Self::All)
    }
}

#[derive(Debug)]
struct Line {
    key: Key,
    owner_name: String,
    standing: Standing,
    narrowed: Vec<String>,
}

/// One's own keys, or those of the org.
#[utoipa::path(get, path = "/keys", tag = "console",
    params(("of" = Option<String>, Query, description = "`all`: those of the org"),
        ("owner" = Option<String>, Query, description = "those of this member or service account"),
        ("after" = Option<String>, Query, description = "the `next` of the page before")),
    security(("key" = ["self"])), responses((status = 200)))]
async fn page(
    caller: Caller,
    State(identity): State<Identity>,
    Query(which): Query<Which>,
) -> Result<View, Problem> {
    let (shown, owner, path) = match (&which.owner, which.of.as_deref()) {
        (Some(owner), _) => {
            (Shown::OfOne, Some(owner.clone()), format!("owner={}", percent_encoded(owner)))
        }
        (None, Some("all")) => (Shown::All, Some("*".to_owned()), "of=all".to_owned()),
        (None, _) => (Shown::Own, None, String::new()),
    };
    let list = ListKeys { owner: owner.clone(), after: which.after, limit: None };
    let page = identity.keys(&caller, &list).await?;
    let owners = page.items.iter().map(|key| key.owner.as_str());
    let ids: Vec<_> = owners.chain(owner.as_deref()).collect();
    let names = identity.names(&caller, &ids).await?;
    let now = identity.now();
    let line = |key: Key| Line {
        owner_name: names.get(&key.owner).unwrap_or(&key.owner).clone(),
        standing: Standing::of(&key, now),
        narrowed: narrowed(&key),
        key,
    };
    let owner_name = owner.filter(|_| shown == Shown::OfOne);
    let view = KeysPage {
        owner_name: owner_name.map(|id| names.get(&id).cloned().unwrap_or(id)),
        next: page.next.map(|after| format!("/keys?{path}&after={}", percent_encoded(&after))),
        keys: page.items.into_iter().map(line).collect(),
        shown,
        may_see_others: sees_others(&caller),
    };
    View::of("Keys", &view)
}
