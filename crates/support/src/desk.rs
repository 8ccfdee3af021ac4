//! The operators' desk: whom they asked, and how they go in.

use access::{Caller, MemberId, OrgId, Region};
use audit::{Change, Event};
use base::args;
use base::db::{DbError, Row};
use base::http::{Page, page_limit};
use base::secret::Secret;
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{Error, Request, RequestId, State, Support, VISIT_SECS_MAX, sql};

/// Whom the operators asked.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Ask {
    /// The id of the request.
    #[schema(value_type = String)]
    pub id: RequestId,
    /// Who of the operators asked.
    #[schema(value_type = String)]
    pub operator: MemberId,
    /// The org.
    #[schema(value_type = String)]
    pub org: OrgId,
    /// Where it is at home.
    #[schema(value_type = String)]
    pub region: Region,
    /// As it was named.
    pub org_name: String,
    /// Since when.
    #[schema(value_type = String)]
    pub asked_at: At,
    /// What became of it; absent, if it did not reach the org.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// Which page of them.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asks {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Requests on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// A visit that begins.
#[derive(Debug)]
pub struct Entered {
    /// For the cookie, and shown nowhere else.
    pub token: Secret,
    /// Until when at most.
    pub until: At,
}

impl Ask {
    fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("request_id")?,
            operator: row.parse("operator_id")?,
            org: row.parse("customer_id")?,
            region: row.parse("customer_region")?,
            org_name: row.text("customer")?,
            asked_at: row.at("asked_at")?,
            request: None,
        })
    }
}

impl Support {
    /// A page of whom the operators asked, newest first.
    pub async fn asks(&self, caller: &Caller, asks: &Asks) -> Result<Page<Ask>, Error> {
        let (desk, _) = self.desk(caller).await?;
        let limit = page_limit(asks.limit).map_err(Error::Request)?;
        let args = args![asks.after.as_deref().unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&desk)?.all(sql::ASK_PAGE, args).await?;
        let asks = rows.iter().map(Ask::of).collect::<Result<_, _>>()?;
        let mut page = Page::of(asks, limit, |ask: &Ask| ask.id.to_string());
        for ask in &mut page.items {
            ask.request = self.of_ask(ask).await?;
        }
        Ok(page)
    }

    /// What became of an ask: its own row and nothing else of that org.
    async fn of_ask(&self, ask: &Ask) -> Result<Option<Request>, Error> {
        if !self.0.databases.serves(ask.region) {
            return Ok(None);
        }
        let node = Caller::node(ask.org.clone(), ask.region, "support").itself();
        match self.read(&node, &ask.id).await {
            Ok(request) => Ok(Some(request)),
            Err(Error::NotFound) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The caller's own ask.
    async fn own_ask(&self, caller: &Caller, id: &RequestId) -> Result<Ask, Error> {
        let (desk, operator) = self.desk(caller).await?;
        let row = self.0.databases.of(&desk)?.maybe(sql::ASK_ONE, args![id.as_str()]).await?;
        let ask = row.as_ref().map(Ask::of).transpose()?;
        ask.filter(|ask| ask.operator == *operator).ok_or(Error::NotFound)
    }

    /// Begins a visit that the org granted. A visit that goes on under the same request
    /// ends: one browser at a time.
    pub async fn enter(&self, caller: &Caller, id: &RequestId) -> Result<Entered, Error> {
        let ask = self.own_ask(caller, id).await?;
        if caller.standing.session.is_none() {
            return Err(Error::SessionOnly);
        }
        caller.factor_shown()?;
        let request = self.of_ask(&ask).await?.filter(|request| request.state == State::Granted);
        let until = request.and_then(|request| request.until).ok_or(Error::NotGranted)?;
        let (token, tag) = self.0.identity.visit_token(&ask.org, ask.region)?;
        let at = self.now();
        let desk = caller.itself();
        let mut change = Change::begin(&self.0.record, &desk).await?;
        change.run(sql::ASK_ENTERED, args![id.as_str(), at]).await?;
        let event = Event::done("support.ask.entered", "support_request", id.as_str());
        change.commit(event).await?;

        let there = self.outsider(caller, &ask).itself();
        let mut change = Change::begin(&self.0.record, &there).await?;
        let args = args![id.as_str(), ask.operator.as_str(), at, tag.as_slice()];
        if change.run(sql::REQUEST_ENTER, args).await? == 0 {
            return Err(Error::NotGranted);
        }
        let event = Event::done("support.visit.entered", "support_request", id.as_str());
        change.commit(event).await?;
        self.0.identity.end_visits(id.as_str());
        let until = until.min(at + SignedDuration::from_secs(VISIT_SECS_MAX));
        Ok(Entered { token, until })
    }

    /// Takes an ask back, or gives back what was granted.
    pub async fn withdraw(&self, caller: &Caller, id: &RequestId) -> Result<(), Error> {
        let ask = self.own_ask(caller, id).await?;
        let at = self.now();
        let desk = caller.itself();
        let mut change = Change::begin(&self.0.record, &desk).await?;
        change.run(sql::ASK_WITHDRAWN, args![id.as_str(), at]).await?;
        let event = Event::done("support.ask.withdrawn", "support_request", id.as_str());
        change.commit(event).await?;

        let there = self.outsider(caller, &ask).itself();
        let mut change = Change::begin(&self.0.record, &there).await?;
        let args = args![id.as_str(), ask.operator.as_str(), at];
        if change.run(sql::REQUEST_END, args).await? == 0 {
            return Err(Error::Decided);
        }
        let event = Event::done("support.request.withdrawn", "support_request", id.as_str());
        change.commit(event).await?;
        self.0.identity.end_visits(id.as_str());
        Ok(())
    }

    /// The operator, as the org's record names them.
    fn outsider(&self, caller: &Caller, ask: &Ask) -> Caller {
        let origin = caller.origin.clone();
        self.0.identity.outsider(&ask.org, ask.region, &ask.operator, ask.id.as_str(), origin)
    }
}
