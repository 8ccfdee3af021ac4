//! Listing, searching and reading patterns and their versions.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Caller, DataClass, Permission};
use base::args;
use base::db::{DbError, Row, Value};
use base::http::{Page, page_limit};
use base::problem::Problem;
use serde::Deserialize;

use crate::error::Error;
use crate::kept::{Kept, State};
use crate::view::{Pattern, VersionView};
use crate::{PatternId, Patterns, sql};

/// Which patterns.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Words to search for: the best matches come first, on one page.
    pub q: Option<String>,
    /// Only `draft`, `published` or `retired` ones.
    pub state: Option<State>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Patterns on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// Which versions.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VersionFilter {
    /// The `next` of the page before.
    pub after: Option<i64>,
    /// Versions on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

impl Patterns {
    /// A page of patterns in the order of their slugs, or the best matches of a search.
    pub async fn list(&self, caller: &Caller, filter: &Filter) -> Result<Page<Pattern>, Error> {
        may_list(caller)?;
        let limit = page_limit(filter.limit).map_err(Error::Request)?;
        let snapshot = self.snapshots.of(caller).await?;
        let wanted = |kept: &&Arc<Kept>| {
            filter.state.is_none_or(|state| state == kept.state)
                && kept.allows(caller, Permission::PatternsRead)
        };
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        let (found, more): (Vec<_>, usize) = match (&filter.q, &filter.after) {
            (Some(_), Some(_)) => {
                let problem = Problem::bad_request("invalid_query", "a search has one page");
                return Err(Error::Request(problem.param("after")));
            }
            (Some(q), None) => (snapshot.search(q), 0),
            (None, after) => (snapshot.behind(after.as_deref().unwrap_or("")).iter().collect(), 1),
        };
        let found: Vec<_> = found.into_iter().filter(wanted).take(size + more).collect();
        let ids: Vec<_> = found.iter().map(|kept| &kept.id).collect();
        let uses = self.uses_of(caller, &ids).await;
        let shown = found.iter().map(|kept| Pattern::of(kept, uses_in(uses.as_ref(), kept)));
        Ok(Page::of(shown.collect(), limit, |pattern| pattern.slug.clone()))
    }

    /// One pattern, by its id or slug.
    pub async fn get(&self, caller: &Caller, id: &str) -> Result<Pattern, Error> {
        let kept = self.found(caller, id).await?;
        Ok(self.shown(caller, &kept).await)
    }

    /// The versions of a pattern, newest first.
    pub async fn versions(
        &self,
        caller: &Caller,
        id: &str,
        filter: &VersionFilter,
    ) -> Result<Page<VersionView>, Error> {
        let kept = self.found(caller, id).await?;
        let scope = caller.require_on(Permission::PatternsRead, kept.thing())?;
        let limit = page_limit(filter.limit).map_err(Error::Request)?;
        let before = filter.after.unwrap_or(i64::MAX);
        let args = args![kept.id.as_str(), before, i64::from(limit) + 1];
        let rows = self.databases.of(&scope)?.all(sql::VERSIONS, args).await?;
        let versions = rows.iter().map(|row| version_of(&kept, row));
        let versions = versions.collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(versions, limit, |version| version.version.to_string()))
    }

    /// One version of a pattern, with its content.
    pub async fn version(
        &self,
        caller: &Caller,
        id: &str,
        number: i64,
    ) -> Result<VersionView, Error> {
        let kept = self.found(caller, id).await?;
        let scope = caller.require_on(Permission::PatternsRead, kept.thing())?;
        let args = args![kept.id.as_str(), number];
        let row = self.databases.of(&scope)?.maybe(sql::VERSION, args).await?;
        let row = row.ok_or(Error::NoSuchVersion)?;
        let draft = self.seals.draft(caller, &kept.id, number, &row)?;
        // It may have been more sensitive then.
        let class = kept.data_class().max(draft.data_class);
        caller.require_on(Permission::PatternsRead, kept.thing().classed(class))?;
        Ok(VersionView { content: Some(draft.into()), ..version_of(&kept, &row)? })
    }

    /// The pattern of this id or slug, if the caller may see it.
    pub(crate) async fn found(&self, caller: &Caller, id: &str) -> Result<Arc<Kept>, Error> {
        let read = Permission::PatternsRead;
        if !caller.may_somewhere(read) {
            caller.require(read)?;
        }
        let snapshot = self.snapshots.of(caller).await?;
        let kept = snapshot.find(id).filter(|kept| kept.gives(caller, read));
        let kept = kept.cloned().ok_or(Error::NoSuchPattern)?;
        caller.require_on(read, kept.thing())?;
        Ok(kept)
    }

    /// How sensitive a pattern is, by its id or slug: what guardrails are asked about. Whether the
    /// caller may know it is for whoever asks.
    pub async fn class_of(&self, caller: &Caller, id: &str) -> Result<Option<DataClass>, DbError> {
        let snapshot = self.snapshots.of(caller).await?;
        Ok(snapshot.find(id).and_then(|kept| kept.data_class()))
    }

    pub(crate) async fn shown(&self, caller: &Caller, kept: &Kept) -> Pattern {
        let uses = self.uses_of(caller, &[&kept.id]).await;
        Pattern::of(kept, uses_in(uses.as_ref(), kept))
    }

    /// How often these patterns of the caller's org answered. A pattern can be read while
    /// this cannot: it is the only part that is not in memory.
    async fn uses_of(
        &self,
        caller: &Caller,
        shown: &[&PatternId],
    ) -> Option<HashMap<PatternId, i64>> {
        let read = async {
            let scope = caller.itself();
            let db = self.databases.of(&scope)?;
            let mut uses = self.uses.waiting(&caller.org);
            for ids in shown.chunks(sql::USES_AT_ONCE) {
                let rows = match ids {
                    [only] => db.all(sql::USES_OF_ONE, args![only.as_str()]).await?,
                    several => db.all(sql::USES, filled(several)).await?,
                };
                for row in &rows {
                    *uses.entry(row.parse("pattern_id")?).or_default() += row.int("uses")?;
                }
            }
            Ok::<_, DbError>(uses)
        };
        let unread = |error: DbError| {
            tracing::warn!(org.id = %caller.org, error = &error as &dyn std::error::Error,
                "use counts could not be read");
        };
        read.await.map_err(unread).ok()
    }
}

/// As many arguments as the statement has; no pattern has an empty id.
fn filled(ids: &[&PatternId]) -> Vec<Value> {
    let given = ids.iter().map(|id| id.as_str()).chain(std::iter::repeat(""));
    given.take(sql::USES_AT_ONCE).map(Value::from).collect()
}

fn uses_in(uses: Option<&HashMap<PatternId, i64>>, kept: &Kept) -> Option<i64> {
    uses.map(|uses| uses.get(&kept.id).copied().unwrap_or(0))
}

fn version_of(kept: &Kept, row: &Row) -> Result<VersionView, DbError> {
    let version = row.int("version")?;
    Ok(VersionView {
        version,
        taught_by: row.text("taught_by")?,
        taught_at: row.at("taught_at")?,
        published: kept.published_number() == Some(version),
        content: None,
    })
}

/// A caller who may see no pattern at all is told so, and why; others are told which exist.
/// Whose roles reach single patterns alone is asked about each.
pub(crate) fn may_list(caller: &Caller) -> Result<(), Error> {
    let read = Permission::PatternsRead;
    if caller.access.may(read) || !caller.may_somewhere(read) {
        caller.require(read)?;
    }
    Ok(())
}
