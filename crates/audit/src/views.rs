//! Saved views: a filter that somebody wants to come back to, under a name.

use access::{Caller, Permission, Scope};
use base::args;
use base::db::{DbError, Row};
use base::http::Page;
use base::problem::Problem;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::change::Change;
use crate::event::Event;
use crate::explore::Error;
use crate::{Filter, Record, sql};

/// Views of one person at most.
pub const VIEWS_MAX: i64 = 50;
/// Views that a list shows at most: one's own, and of the shared ones the first.
const LISTED_MAX: i64 = 200;
/// Characters of a name at most.
const NAME_MAX: usize = 60;

base::ids! {
    /// Names a saved view.
    ViewId = "view";
}

/// A filter under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct View {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ViewId,
    /// Whose it is.
    pub user_id: String,
    /// What its owner calls it.
    pub name: String,
    /// The filter, as the query of an address: `action=identity.%2A&last=24h`.
    pub query: String,
    /// Whether all who may read the record see it.
    pub shared: bool,
    /// Since when.
    #[schema(value_type = String)]
    pub created_at: At,
}

/// A filter to be kept under a name.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// 1 to 60 characters; one's own views have different names.
    pub name: String,
    /// The filter, as the query of an address: `action=identity.*&last=24h`.
    pub query: String,
    /// Show it to all who may read the record.
    #[serde(default)]
    pub shared: bool,
}

impl View {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("view_id")?,
            user_id: row.text("user_id")?,
            name: row.text("name")?,
            query: row.text("query")?,
            shared: row.opt_at("shared_at")?.is_some(),
            created_at: row.at("created_at")?,
        })
    }
}

impl Record {
    /// The caller's views by name, and behind them what others share.
    pub async fn views(&self, caller: &Caller) -> Result<Page<View>, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let args = args![caller.actor.id(), LISTED_MAX];
        let rows = self.databases().of(&scope)?.all(sql::VIEWS, args).await?;
        let items = rows.iter().map(View::of).collect::<Result<_, _>>()?;
        Ok(Page { items, next: None })
    }

    /// Keeps a filter under a name.
    pub async fn save_view(&self, caller: &Caller, new: &NewView) -> Result<View, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let name = new.name.trim();
        if !(1..=NAME_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            let rule = "must have 1 to 60 characters";
            return Err(Error::BadView(Problem::invalid("name", rule)));
        }
        let filter = Filter::parse(&new.query)
            .await
            .map_err(|problem| Error::BadView(Problem::invalid("query", problem.detail())))?;
        filter.check()?;
        let at = self.clock.now();
        let view = View {
            id: ViewId::new(at),
            user_id: caller.actor.id().to_owned(),
            name: name.to_owned(),
            query: filter.query(),
            shared: new.shared,
            created_at: at,
        };
        self.keep(&scope, &view).await?;
        Ok(view)
    }

    async fn keep(&self, scope: &Scope, view: &View) -> Result<(), Error> {
        let mut change = Change::begin(self, scope).await?;
        let row = change.maybe(sql::VIEWS_COUNT, args![&view.user_id]).await?;
        let count = row.map(|row| row.int("views")).transpose()?.unwrap_or_default();
        if count >= VIEWS_MAX {
            return Err(Error::TooManyViews);
        }
        let shared_at = view.shared.then_some(view.created_at);
        let args = args![
            view.id.as_str(),
            &view.user_id,
            &view.name,
            &view.query,
            shared_at,
            view.created_at
        ];
        let saved = change.run(sql::VIEW_SAVE, args).await;
        saved.map_err(
            |error| {
                if error.is_conflict() { Error::ViewExists } else { Error::Db(error) }
            },
        )?;
        let event = Event::done("audit.view.saved", "view", view.id.as_str());
        let event = event.changes(json!({
            "name": {"to": view.name}, "query": {"to": view.query}, "shared": {"to": view.shared},
        }));
        change.commit(event).await?;
        Ok(())
    }

    /// Removes one of the caller's own views.
    pub async fn remove_view(&self, caller: &Caller, id: &ViewId) -> Result<View, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let mut change = Change::begin(self, &scope).await?;
        let key = || args![id.as_str(), caller.actor.id()];
        let row = change.maybe(sql::VIEW_OF, key()).await?;
        let view = row.as_ref().map(View::of).transpose()?.ok_or(Error::NoSuchView)?;
        change.run(sql::VIEW_REMOVE, key()).await?;
        let event = Event::done("audit.view.removed", "view", id.as_str());
        let event = event.changes(json!({
            "name": {"from": view.name}, "query": {"from": view.query},
            "shared": {"from": view.shared},
        }));
        change.commit(event).await?;
        Ok(view)
    }
}
