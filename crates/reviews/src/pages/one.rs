//! One access review: what it looks at, and what is decided about it.

use std::collections::HashMap;

use access::{Caller, TeamId};
use askama::Template;
use axum::extract::State;
use base::http::{Path, Query};
use base::page::filters::{self, percent_encoded};
use base::page::{Faults, View};
use base::problem::Problem;

use crate::{Campaign, CampaignId, Item, Items, Progress, Reviews, State as Standing};

/// The kinds of things, in the order in which they are offered.
const KINDS: [(&str, &str); 5] = [
    ("member", "Members"),
    ("service", "Service accounts"),
    ("grant", "Grants"),
    ("membership", "Teams"),
    ("key", "Keys"),
];

#[derive(Template)]
#[template(path = "reviews/one.html")]
struct OnePage<'a> {
    campaign: Campaign,
    progress: Progress,
    items: Vec<Item>,
    next: Option<String>,
    asked: Items,
    names: HashMap<String, String>,
    reason: String,
    /// What was decided does not go on by itself.
    stalled: bool,
    faults: Faults,
    caller: &'a Caller,
}

impl OnePage<'_> {
    fn name<'a>(&'a self, id: &'a str) -> &'a str {
        self.names.get(id).map_or(id, String::as_str)
    }

    fn is_open(&self) -> bool {
        self.campaign.state == Standing::Open
    }

    /// Nobody decides about themselves.
    fn is_own(&self, item: &Item) -> bool {
        let teams = self.caller.teams.iter().map(TeamId::as_str);
        teams.chain([self.caller.actor.id()]).any(|own| own == item.about)
    }

    /// What is searched for, as the fields of a form.
    fn filter(&self) -> [(&'static str, String); 5] {
        let Items { kind, about, role, reach, unused_days, .. } = &self.asked;
        let days = unused_days.map(|days| days.to_string()).unwrap_or_default();
        [
            ("kind", kind.clone()),
            ("about", about.clone()),
            ("role", role.clone()),
            ("reach", reach.clone()),
            ("unused_days", days),
        ]
    }

    fn may_sign(&self) -> bool {
        let second = self.campaign.signed_by.as_deref() != Some(self.caller.actor.id());
        match self.campaign.state {
            Standing::Open => self.campaign.undecided() == 0,
            Standing::Signed => second,
            Standing::Applying => self.stalled,
            Standing::Closed | Standing::Cancelled => false,
        }
    }

    fn may_cancel(&self) -> bool {
        matches!(self.campaign.state, Standing::Open | Standing::Signed)
    }

    fn takes_back(&self) -> i64 {
        self.progress.revoke + self.progress.change
    }
}

/// An access review.
#[utoipa::path(get, path = "/reviews/{id}", tag = "console",
    params(Items, ("id" = String, Path, description = "the review")),
    security(("key" = ["users:review"])), responses((status = 200)))]
pub(super) async fn show(
    caller: Caller,
    State(reviews): State<Reviews>,
    Path(id): Path<CampaignId>,
    Query(items): Query<Items>,
) -> Result<View, Problem> {
    page(&reviews, &caller, &id, items, String::new(), Faults::default()).await
}

pub(super) async fn page(
    reviews: &Reviews,
    caller: &Caller,
    id: &CampaignId,
    asked: Items,
    reason: String,
    faults: Faults,
) -> Result<View, Problem> {
    let campaign = reviews.campaign(caller, id).await?;
    let progress = reviews.progress(caller, id).await?;
    let items = reviews.items(caller, id, &asked).await?;
    let next = items.next.map(|next| address(id, &asked, &next));
    let people = [&campaign.signed_by, &campaign.seconded_by, &campaign.ended_by];
    let people = people.into_iter().flatten().chain([&campaign.created_by]).cloned();
    let ids: Vec<String> = items.items.iter().flat_map(Item::ids).chain(people).collect();
    let names = reviews.0.identity.names(caller, &ids).await?;
    let stalled = campaign.state == Standing::Applying && !reviews.is_applying(id);
    let title = campaign.name.clone();
    let items = items.items;
    let page =
        OnePage { campaign, progress, items, next, asked, names, reason, stalled, faults, caller };
    View::of(title, &page)
}

/// Where the list goes on.
fn address(id: &CampaignId, asked: &Items, after: &str) -> String {
    let Items { kind, about, role, reach, decision, result, .. } = asked;
    let mut parts = vec![format!("after={after}")];
    for (name, value) in [
        ("kind", kind),
        ("about", about),
        ("role", role),
        ("reach", reach),
        ("decision", decision),
        ("result", result),
    ] {
        if !value.is_empty() {
            parts.push(format!("{name}={}", percent_encoded(value)));
        }
    }
    parts.extend(asked.unused_days.map(|days| format!("unused_days={days}")));
    format!("/reviews/{id}?{}", parts.join("&"))
}
