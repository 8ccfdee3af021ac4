//! Erasures: asked, waiting, done.

use std::str::FromStr;

use access::{Caller, Permission, Scope};
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, Paging, page_limit};
use base::time::At;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Blocked, Error, Privacy, events, sql};

base::ids! {
    /// An erasure that was asked for.
    RequestId = "prq";
}

/// How far an erasure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Within the change that decides.
    Asked,
    /// Something blocks it: values are withheld, and erased when nothing does any more.
    Restricted,
    /// Done.
    Erased,
    /// Taken back before it was done.
    Withdrawn,
}

impl State {
    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Asked => "under way",
            Self::Restricted => "waiting, and restricted meanwhile",
            Self::Erased => "done",
            Self::Withdrawn => "taken back",
        }
    }
}

/// The text is no state of an erasure.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not a state of an erasure")]
pub struct NotAState;

impl FromStr for State {
    type Err = NotAState;

    fn from_str(text: &str) -> Result<Self, NotAState> {
        match text {
            "asked" => Ok(Self::Asked),
            "restricted" => Ok(Self::Restricted),
            "erased" => Ok(Self::Erased),
            "withdrawn" => Ok(Self::Withdrawn),
            _ => Err(NotAState),
        }
    }
}

/// An erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Request {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RequestId,
    /// Whom it is about: an id, which names nobody once it is done.
    pub person: String,
    /// How far it is.
    pub state: State,
    /// Who asked.
    pub asked_by: String,
    /// When.
    #[schema(value_type = String)]
    pub asked_at: At,
    /// What blocks it now, while it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<Blocked>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub erased_at: Option<At>,
    /// The event of it in the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<i64>,
    #[serde(skip)]
    pub(crate) last_event_at: Option<At>,
    #[serde(skip)]
    pub(crate) statement: Option<String>,
}

impl Request {
    pub(crate) fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("request_id")?,
            person: row.text("person_id")?,
            state: row.parse("state")?,
            asked_by: row.text("asked_by")?,
            asked_at: row.at("asked_at")?,
            blocked: None,
            erased_at: row.opt_at("erased_at")?,
            event: row.opt_int("erased_event")?,
            last_event_at: row.opt_at("last_event_at")?,
            statement: row.opt_text("statement")?,
        })
    }
}

impl Privacy {
    /// The erasures of the org, newest first.
    pub async fn requests(&self, caller: &Caller, paging: &Paging) -> Result<Page<Request>, Error> {
        let scope = caller.require(Permission::PrivacyRead)?;
        let limit = page_limit(paging.limit).map_err(Error::Request)?;
        let before = paging.after.as_deref().unwrap_or_default();
        let db = self.0.databases.of(&scope)?;
        let rows = db.all(sql::REQUEST_PAGE, args![before, i64::from(limit) + 1]).await?;
        let (mut requests, retention) =
            (Vec::with_capacity(rows.len()), self.retention_of(&scope).await?);
        for row in &rows {
            let mut request = Request::read(row)?;
            if request.state == State::Restricted {
                let (person, last) = (request.person.as_str(), request.last_event_at);
                let blocked = self.blocked_beside(&db, &retention, person, last).await?;
                request.blocked = Some(blocked);
            }
            requests.push(request);
        }
        Ok(Page::of(requests, limit, |request: &Request| request.id.to_string()))
    }

    /// One erasure.
    pub async fn request(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let scope = caller.require(Permission::PrivacyRead)?;
        self.one(&scope, id).await
    }

    /// Takes an erasure back that waits: what was withheld is shown again.
    pub async fn withdraw(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let scope = caller.require(Permission::PrivacyErase)?;
        caller.factor_shown()?;
        let request = self.one(&scope, id).await?;
        let ids = self.ids_of(&scope, &request.person).await?;
        let mut change = audit::Change::begin(&self.0.record, &scope).await?;
        let args = args![id.as_str(), self.now(), caller.actor.id()];
        if change.run(sql::REQUEST_WITHDRAW, args).await? == 0 {
            return Err(Error::NotNow(request.state.words()));
        }
        change.release(&ids).await?;
        let pseudonym = self.0.record.pseudonym(&scope, &request.person)?;
        change.commit(events::withdrawn(id, &pseudonym)).await?;
        self.one(&scope, id).await
    }

    pub(crate) async fn one(&self, scope: &Scope, id: &RequestId) -> Result<Request, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::REQUEST_ONE, args![id.as_str()]).await?;
        let request = row.as_ref().map(Request::read).transpose()?.ok_or(Error::NotFound)?;
        self.told(scope, request).await
    }

    /// With what blocks it now.
    pub(crate) async fn told(&self, scope: &Scope, request: Request) -> Result<Request, Error> {
        if request.state != State::Restricted {
            return Ok(request);
        }
        let db = self.0.databases.of(scope)?;
        let blocked = self.blocked(&db, &request.person, request.last_event_at).await?;
        Ok(Request { blocked: Some(blocked), ..request })
    }
}
