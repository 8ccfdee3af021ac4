//! Reading the record. Every reading is itself an event, durable before the answer.

use access::{Caller, Denied, OrgDb, Permission};
use base::args;
use base::db::{DbError, Row, Statement};
use base::http::{Page, page_limit};
use base::problem::Problem;
use base::time::At;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::durable::NotDurable;
use crate::event::{Event, Outcome};
use crate::{Record, sql};

/// Which events; all that is given must hold.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Not before this instant (RFC 3339).
    #[param(value_type = Option<String>)]
    pub from: Option<At>,
    /// Before this instant (RFC 3339).
    #[param(value_type = Option<String>)]
    pub to: Option<At>,
    /// Exactly this action: `limits.limit.set`.
    #[serde(default)]
    pub action: String,
    /// Exactly this actor: the id of a member or service account.
    #[serde(default)]
    pub user: String,
    /// Exactly this kind of resource: `key`.
    #[serde(default)]
    pub resource_type: String,
    /// Exactly this resource.
    #[serde(default)]
    pub resource: String,
    /// Exactly this outcome: `started`, `success`, `denied`, `failed`, `aborted`, `unknown`.
    pub outcome: Option<Outcome>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Events on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// What can go wrong when reading the record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Not a position of a page.
    #[error("`after` must be the `next` of an earlier page")]
    BadPosition,
    /// More items than a page can have.
    #[error(transparent)]
    BadLimit(Problem),
    /// No such event in this org.
    #[error("no such event")]
    NoSuchEvent,
    /// The reading could not be recorded.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denied) => denied.into(),
            Error::BadPosition => {
                Self::bad_request("invalid_query", error.to_string()).param("after")
            }
            Error::BadLimit(problem) => problem,
            Error::NoSuchEvent => Self::not_found(),
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => cause.into(),
        }
    }
}

impl From<NotDurable> for Problem {
    fn from(cause: NotDurable) -> Self {
        Self::unavailable("record_unavailable", "the record is not available", &cause)
    }
}

impl Record {
    /// A page of events, newest first.
    pub async fn events(&self, caller: &Caller, filter: &Filter) -> Result<Page<Value>, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let limit = page_limit(filter.limit).map_err(Error::BadLimit)?;
        let before = match &filter.after {
            Some(after) => after.parse().map_err(|_| Error::BadPosition)?,
            None => i64::MAX,
        };
        let db = self.databases().of(&scope)?;
        let events = page(&db, filter, before, limit + 1).await?;
        self.read(caller, "audit.events.read", filter).await?;
        Ok(Page::of(events, limit, |event| event["sequence"].to_string()))
    }

    /// One event.
    pub async fn event(&self, caller: &Caller, seq: i64) -> Result<Value, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let row = self.databases().of(&scope)?.maybe(sql::ONE, args![seq]).await?;
        let event = row.as_ref().map(shown).transpose()?.ok_or(Error::NoSuchEvent)?;
        let reading = Event::done("audit.event.read", "event", seq.to_string());
        self.note(caller, &reading).await?;
        Ok(event)
    }

    /// The next page of an export; the first one is recorded by [`Record::export`].
    pub(crate) async fn export_page(
        &self,
        caller: &Caller,
        filter: &Filter,
        before: i64,
    ) -> Result<Vec<Value>, Error> {
        let scope = caller.require(Permission::EventsExport)?;
        let db = self.databases().of(&scope)?;
        page(&db, filter, before, base::http::PAGE_MAX).await
    }

    /// Checks and records an export before its first byte.
    pub(crate) async fn export(&self, caller: &Caller, filter: &Filter) -> Result<(), Error> {
        caller.require(Permission::EventsExport)?;
        self.read(caller, "audit.events.exported", filter).await
    }

    async fn read(
        &self,
        caller: &Caller,
        action: &'static str,
        filter: &Filter,
    ) -> Result<(), Error> {
        let event = Event::done(action, "record", caller.org.as_str()).changes(json!({
            "filter": {
                "from": filter.from, "to": filter.to, "action": filter.action,
                "user": filter.user, "resource_type": filter.resource_type,
                "resource": filter.resource, "outcome": filter.outcome, "after": filter.after,
            }
        }));
        self.note(caller, &event).await?;
        Ok(())
    }
}

async fn page(
    db: &OrgDb<'_>,
    filter: &Filter,
    before: i64,
    limit: u32,
) -> Result<Vec<Value>, Error> {
    // The engine plans a statement once, whatever is bound: the selective filters
    // have statements of their own.
    let statement: Statement = if !filter.resource.is_empty() {
        sql::PAGE_OF_RESOURCE
    } else if !filter.user.is_empty() {
        sql::PAGE_OF_USER
    } else {
        sql::PAGE
    };
    let rows = db
        .all(
            statement,
            args![
                before,
                filter.from.map_or(i64::MIN, At::as_microsecond),
                filter.to.map_or(i64::MAX, At::as_microsecond),
                filter.action.as_str(),
                filter.user.as_str(),
                filter.resource_type.as_str(),
                filter.resource.as_str(),
                filter.outcome.map_or("", Outcome::as_str),
                i64::from(limit),
            ],
        )
        .await?;
    Ok(rows.iter().map(shown).collect::<Result<_, _>>()?)
}

/// The event as people see it: what was stored, and its position.
fn shown(row: &Row) -> Result<Value, DbError> {
    let seq = row.int("seq")?;
    let mut event: Value = row.json("body")?;
    if let Some(members) = event.as_object_mut() {
        members.insert("sequence".into(), seq.into());
    }
    Ok(event)
}
