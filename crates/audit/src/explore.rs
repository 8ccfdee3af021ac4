//! Reading the record. Every reading is itself an event, durable before the answer.

use access::{Caller, CredentialsEnded, Denied, NeedsFactor, Permission};
use axum::http::StatusCode;
use base::args;
use base::db::DbError;
use base::http::page_limit;
use base::problem::Problem;
use base::time::At;
use serde::Serialize;
use serde_json::{Value, json};

use crate::durable::NotDurable;
use crate::event::Event;
use crate::tiers::NotRead;
use crate::{Filter, Record, sql};

/// A page of the record.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Events {
    /// The events, newest first.
    pub items: Vec<Value>,
    /// Give this as `after` to go on; absent when there is nothing more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The page is not full because looking further would take long: nothing else matches
    /// since this instant, and what is older was not looked at. Go on with `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub searched_to: Option<At>,
    /// The position behind the newest event that was looked at.
    #[serde(skip)]
    pub(crate) seen_to: i64,
}

/// A piece of an export.
pub(crate) struct Piece {
    pub(crate) events: Vec<Value>,
    /// Where the next piece begins.
    pub(crate) next: Option<i64>,
}

/// What can go wrong when reading the record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A second factor is to be shown first.
    #[error(transparent)]
    NeedsFactor(#[from] NeedsFactor),
    /// Not a position of a page.
    #[error("`after` must be the `next` of an earlier page")]
    BadPosition,
    /// More items than a page can have.
    #[error(transparent)]
    BadLimit(Problem),
    /// A filter that asks for what cannot be.
    #[error("`{0}` is longer than anything it could name")]
    BadFilter(&'static str),
    /// No such event in this org.
    #[error("no such event")]
    NoSuchEvent,
    /// A view that cannot be kept as it is.
    #[error(transparent)]
    BadView(Problem),
    /// The caller has a view of this name.
    #[error("you have a view of this name; choose another name or remove that view first")]
    ViewExists,
    /// The caller has as many views as one can have.
    #[error("you have 50 views; remove one that you no longer need first")]
    TooManyViews,
    /// No such view of the caller.
    #[error("no such view")]
    NoSuchView,
    /// Too many follow the record of this org already.
    #[error("20 people follow this record already; try again when one of them has stopped")]
    TooManyTails,
    /// The credentials of the reader ended in the middle of an export.
    #[error(transparent)]
    CredentialsEnded(#[from] CredentialsEnded),
    /// The log has no checkpoint yet.
    #[error("nothing of this record is published yet; try again in some seconds")]
    NothingPublished,
    /// Not the path of a tile.
    #[error("not the path of a tile or of an entry bundle, as C2SP `tlog-tiles` writes them")]
    BadTile,
    /// Beyond the published tree.
    #[error("the published tree has no such tile")]
    NoSuchTile,
    /// A period of which no bundle is made.
    #[error(transparent)]
    BadPeriod(Problem),
    /// Nothing stands that a witness said.
    #[error("no contradiction of such a witness stands")]
    NoContradiction,
    /// What was recorded is not published yet, and publishing it takes longer than an answer.
    #[error("the log of this record is behind; try again in some seconds")]
    Behind,
    /// The record and what was published of it do not agree: somebody must look.
    #[error("{0}; nothing more of this record is proven until the operator has looked")]
    Faulty(Box<crate::publish::Fault>),
    /// A bundle could not be packed.
    #[error("a bundle could not be packed")]
    Unpacked(#[source] std::io::Error),
    /// The store of the log does not answer.
    #[error(transparent)]
    LogUnavailable(Box<crate::publish::LogError>),
    /// The reading could not be recorded.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Error {
    /// Trying again in some seconds may succeed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Db(cause) => cause.is_passing(),
            other => matches!(other, Self::Behind),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Denied(denied) => denied.into(),
            Error::NeedsFactor(needs) => needs.into(),
            Error::BadPosition => {
                Self::bad_request("invalid_query", error.to_string()).param("after")
            }
            Error::BadLimit(problem) | Error::BadView(problem) | Error::BadPeriod(problem) => {
                problem
            }
            Error::BadFilter(field) => {
                Self::bad_request("invalid_query", error.to_string()).param(field)
            }
            Error::NoSuchEvent | Error::NoSuchView => Self::not_found(),
            Error::ViewExists => {
                Self::new(StatusCode::CONFLICT, "exists", error.to_string()).param("name")
            }
            Error::TooManyViews => {
                Self::new(StatusCode::CONFLICT, "too_many_views", error.to_string())
            }
            Error::TooManyTails => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "too_many_tails", error.to_string()).retry_after(60)
            }
            Error::NothingPublished | Error::NoSuchTile | Error::NoContradiction => {
                Self::new(StatusCode::NOT_FOUND, "not_published", error.to_string())
            }
            Error::BadTile => Self::bad_request("invalid_path", error.to_string()).param("path"),
            Error::Behind => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "log_behind", error.to_string()).retry_after(5)
            }
            // It was told to the operator when it was found.
            Error::Faulty(_) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Self::new(status, "record_faulty", error.to_string())
            }
            Error::Unpacked(cause) => Self::internal(&cause),
            Error::LogUnavailable(cause) => Self::unavailable(
                "log_unavailable",
                "the log of the record is not available",
                &*cause,
            ),
            Error::CredentialsEnded(ended) => ended.into(),
            Error::NotDurable(cause) => cause.into(),
            Error::Db(cause) => match cause.of_archive() {
                Some(NotRead::Faulty(fault)) => Error::Faulty(Box::new(fault.clone())).into(),
                Some(NotRead::Away(_) | NotRead::NotHere) | None => cause.into(),
            },
        }
    }
}

impl From<NotDurable> for Problem {
    fn from(cause: NotDurable) -> Self {
        Self::unavailable("record_unavailable", "the record is not available", &cause)
    }
}

impl Filter {
    /// Refuses what cannot match anything.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.too_long().map_or(Ok(()), |field| Err(Error::BadFilter(field)))
    }

    /// The position that a page begins behind.
    fn before(&self) -> Result<i64, Error> {
        match &self.after {
            Some(after) => after.parse().map_err(|_| Error::BadPosition),
            None => Ok(i64::MAX),
        }
    }
}

impl Record {
    /// A page of events, newest first.
    pub async fn events(&self, caller: &Caller, filter: &Filter) -> Result<Events, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let limit = page_limit(filter.limit).map_err(Error::BadLimit)?;
        filter.check()?;
        let db = self.databases().of(&scope)?;
        let stored = self.as_stored(&scope, filter)?;
        let found = self.page((&db, &scope), &stored, filter.before()?, limit + 1).await?;
        let mut items = self.shown(&db, &scope, &found.rows).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut next, mut searched_to) = (None, None);
        if items.len() > limit {
            items.truncate(limit);
            next = items.last().map(|event| sequence(event).to_string());
        } else if let Some(floor) = found.floor {
            next = Some(floor.to_string());
            let row = db.maybe(sql::ABOUT, args![floor]).await?;
            searched_to = row.map(|row| row.opt_at("at")).transpose()?.flatten();
        }
        self.read(caller, "audit.events.read", filter).await?;
        Ok(Events { items, next, searched_to, seen_to: found.before })
    }

    /// One event.
    pub async fn event(&self, caller: &Caller, seq: i64) -> Result<Value, Error> {
        let scope = caller.require(Permission::EventsRead)?;
        let db = self.databases().of(&scope)?;
        let row = self.row_at((&db, &scope), sql::ONE, seq).await?.ok_or(Error::NoSuchEvent)?;
        let shown = self.shown(&db, &scope, std::slice::from_ref(&row)).await?;
        let event = shown.into_iter().next().ok_or(Error::NoSuchEvent)?;
        let reading = Event::done("audit.event.read", "event", seq.to_string());
        self.note(caller, &reading).await?;
        Ok(event)
    }

    /// The next piece of an export, which [`Record::export`] recorded.
    pub(crate) async fn export_piece(
        &self,
        caller: &Caller,
        filter: &Filter,
        before: i64,
    ) -> Result<Piece, Error> {
        let scope = caller.require(Permission::EventsExport)?;
        let db = self.databases().of(&scope)?;
        let limit = base::http::PAGE_MAX;
        let filter = self.as_stored(&scope, filter)?;
        let found = self.page((&db, &scope), &filter, before, limit).await?;
        let events = self.shown(&db, &scope, &found.rows).await?;
        let full = events.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        let last = events.last().map(sequence).filter(|seq| full && *seq > 0);
        Ok(Piece { next: last.or(found.floor), events })
    }

    /// Checks and records an export before its first byte.
    pub(crate) async fn export(&self, caller: &Caller, filter: &Filter) -> Result<(), Error> {
        caller.require(Permission::EventsExport)?;
        caller.recent_factor()?;
        filter.check()?;
        self.read(caller, "audit.events.exported", filter).await
    }

    pub(crate) async fn read(
        &self,
        caller: &Caller,
        action: &'static str,
        filter: &Filter,
    ) -> Result<(), Error> {
        let event = Event::done(action, "record", caller.org.as_str()).changes(json!({
            "filter": {
                "last": filter.last, "from": filter.from, "to": filter.to,
                "action": filter.action, "user": filter.user,
                "resource_type": filter.resource_type, "resource": filter.resource,
                "outcome": filter.outcome, "after": filter.after,
            }
        }));
        self.note(caller, &event).await?;
        Ok(())
    }
}

/// The position of a shown event.
pub(crate) fn sequence(event: &Value) -> i64 {
    event.get("sequence").and_then(Value::as_i64).unwrap_or_default()
}
