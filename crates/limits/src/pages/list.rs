//! What the caller is under, and every limit of the org.

use access::{Caller, Permission};
use askama::Template;
use axum::extract::State;
use base::http::Query;
use base::page::View;
use base::page::filters;
use base::page::filters::percent_encoded;
use base::problem::Problem;
use base::time::At;
use serde::Deserialize;

use super::meter::{Amount, Fill, Meter, bounds, meters};
use super::whose::Whose;
use super::{Known, Pages};
use crate::core::Level;
use crate::foresee::Which;
use crate::view::{Applies, Limit};

/// Limits on one page.
const ROWS_MAX: u32 = 100;

/// Which limits are shown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    level: Option<Level>,
    after: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "limits/list.html")]
struct ListPage {
    mine: Vec<Block>,
    org: Option<OrgPart>,
    may_set: bool,
}

/// What only who may read settings sees.
#[derive(Debug)]
struct OrgPart {
    near: Vec<Block>,
    filters: Vec<Filter>,
    groups: Vec<Group>,
    next: Option<String>,
    /// Whether the org has no limit at all.
    bare: bool,
}

/// A subject with what is used of its limits.
#[derive(Debug)]
struct Block {
    title: String,
    path: Option<String>,
    meters: Vec<Meter>,
}

#[derive(Debug)]
struct Filter {
    label: &'static str,
    href: String,
    current: bool,
}

/// The limits of one level.
#[derive(Debug)]
struct Group {
    level: Level,
    rows: Vec<LimitRow>,
}

#[derive(Debug)]
struct LimitRow {
    whose: Whose,
    meters: Vec<Meter>,
    /// The limit alone, of rows that stand for many.
    bounds: Vec<(&'static str, Amount)>,
    set_at: At,
    set_by: String,
}

impl Group {
    fn title(&self) -> &'static str {
        levels(self.level)
    }
}

/// The subjects of a level, as a heading.
const fn levels(level: Level) -> &'static str {
    match level {
        Level::Org => "Organization",
        Level::Team => "Teams",
        Level::Member => "Members and service accounts",
        Level::Key => "Keys",
        Level::Model => "Models",
    }
}

/// The limits that apply to whoever asks; with `settings:read`, all of the org.
#[utoipa::path(get, path = "/limits", tag = "console",
    params(("level" = Option<Level>, Query, description = "only this level"),
        ("after" = Option<String>, Query, description = "the place behind which the page begins")),
    security(("key" = ["self"])), responses((status = 200)))]
pub(super) async fn list(
    caller: Caller,
    State(pages): State<Pages>,
    Query(asked): Query<Asked>,
) -> Result<View, Problem> {
    View::of("Limits", &pages.list(&caller, &asked).await?)
}

impl Pages {
    async fn list(&self, caller: &Caller, asked: &Asked) -> Result<ListPage, Problem> {
        let may_read = caller.require(Permission::SettingsRead).is_ok();
        let mine = self.limits.mine(caller).await?;
        let (near, limits) = if may_read {
            let which = asked.level.map_or(Which::All, Which::Of);
            let limits = self.limits.some(caller, which, asked.after.as_deref(), ROWS_MAX).await?;
            (self.limits.near(caller).await?, Some(limits))
        } else {
            (Vec::new(), None)
        };
        let shown = limits.iter().flat_map(|page| &page.items);
        let ids = mine.iter().chain(&near).map(|applies| applies.subject.clone());
        let ids = ids.chain(shown.flat_map(|one| [one.subject.clone(), one.set_by.clone()]));
        let known = self.known(caller, ids.collect::<Vec<_>>()).await;
        let org = match limits {
            Some(limits) => {
                let first = asked.level.is_none() && asked.after.is_none();
                let bare = first && limits.items.is_empty();
                let next = limits.next.map(|after| next(asked.level, &after));
                let near = near.iter().map(|applies| known.near(applies)).collect();
                let groups = self.groups(caller, &known, limits.items).await?;
                Some(OrgPart { near, filters: level_filters(asked.level), groups, next, bare })
            }
            None => None,
        };
        let mine = mine.iter().map(|applies| {
            let mut block = known.block(applies, may_read);
            if applies.subject == caller.actor.id() {
                "You".clone_into(&mut block.title);
            }
            block
        });
        let may_set = caller.require(Permission::SettingsUpdate).is_ok();
        Ok(ListPage { mine: mine.collect(), org, may_set })
    }

    async fn groups(
        &self,
        caller: &Caller,
        known: &Known,
        limits: Vec<Limit>,
    ) -> Result<Vec<Group>, Problem> {
        let standings = self.limits.standings(caller, &limits).await?;
        let mut groups: Vec<Group> = Vec::new();
        for (limit, standing) in limits.into_iter().zip(standings) {
            let whose = known.whose(limit.level, &limit.subject);
            let each = whose.is_each();
            let row = LimitRow {
                meters: if each { Vec::new() } else { meters(&standing) },
                bounds: if each { bounds(&limit.ceiling) } else { Vec::new() },
                whose,
                set_at: limit.set_at,
                set_by: known.actor(&limit.set_by),
            };
            match groups.last_mut().filter(|group| group.level == limit.level) {
                Some(group) => group.rows.push(row),
                None => groups.push(Group { level: limit.level, rows: vec![row] }),
            }
        }
        Ok(groups)
    }
}

impl Known {
    fn block(&self, applies: &Applies, linked: bool) -> Block {
        let whose = self.whose(applies.level, &applies.subject);
        let path = linked.then(|| whose.path());
        Block { title: whose.title(), path, meters: meters(applies) }
    }

    /// With those limits alone that are near their ceiling.
    fn near(&self, applies: &Applies) -> Block {
        let mut block = self.block(applies, true);
        block.meters.retain(|meter| meter.fill != Fill::Calm);
        block
    }
}

fn level_filters(current: Option<Level>) -> Vec<Filter> {
    let all = Filter { label: "All", href: "/limits#all".to_owned(), current: current.is_none() };
    let levels = Level::ALL.into_iter().map(|level| Filter {
        label: levels(level),
        href: format!("/limits?level={}#all", level.as_str()),
        current: current == Some(level),
    });
    std::iter::once(all).chain(levels).collect()
}

fn next(level: Option<Level>, after: &str) -> String {
    let level = level.map(|level| format!("level={}&", level.as_str())).unwrap_or_default();
    format!("/limits?{level}after={}#all", percent_encoded(after))
}
