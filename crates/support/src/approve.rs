//! The org decides: who of the operator comes in, to what, until when.

use access::{Caller, Permission, PermissionSet, Scope};
use audit::{Change, Event};
use base::args;
use base::http::{Page, page_limit};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::person::{in_person, person};
use crate::{Error, Kind, Request, RequestId, State, Support, scope, sql};
use base::checks::Checks;

/// Which requests.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Requests {
    /// `waiting`, `current` or `past`; absent: all.
    pub kind: Option<Kind>,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Requests on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// What an approver grants: all that was asked for, or less. They must have it themselves.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grant {
    /// For how many hours from now; absent: as long as was asked for.
    pub hours: Option<u32>,
    /// What for; absent: everything that was asked for.
    pub permissions: Option<Vec<String>>,
    /// Lets the visitor come from outside the org's own address list too.
    pub anywhere: bool,
}

impl Support {
    /// A page of the requests of the caller's org, newest first.
    pub async fn requests(
        &self,
        caller: &Caller,
        requests: &Requests,
    ) -> Result<Page<Request>, Error> {
        let scope = caller.require(Permission::SettingsSupport)?;
        let limit = page_limit(requests.limit).map_err(Error::Request)?;
        let now = self.now();
        let kind = requests.kind.map(Kind::as_str).unwrap_or_default();
        let after = requests.after.as_deref().unwrap_or_default();
        let args = args![after, now, kind, i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::REQUEST_PAGE, args).await?;
        let requests = rows.iter().map(|row| Request::of(row, now)).collect::<Result<_, _>>()?;
        Ok(Page::of(requests, limit, |request: &Request| request.id.to_string()))
    }

    /// One request.
    pub async fn request(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let scope = caller.require(Permission::SettingsSupport)?;
        self.read(&scope, id).await
    }

    /// Grants a request, or less than was asked for: nothing that the caller does not have.
    pub async fn grant(
        &self,
        caller: &Caller,
        id: &RequestId,
        grant: &Grant,
    ) -> Result<Request, Error> {
        let (scope, approver) = self.approver(caller, id).await?;
        caller.recent_factor()?;
        let request = self.read(&scope, id).await?;
        let hours = grant.hours.unwrap_or(request.hours);
        let mut checks = Checks::default();
        if !(1..=request.hours).contains(&hours) {
            let rule = format!("must be 1 to {}: what was asked for", request.hours);
            checks.refuse("/hours", rule);
        }
        let asked = grant.permissions.as_ref().unwrap_or(&request.asked);
        let given = scope::read(&mut checks, "/permissions", asked);
        let most = PermissionSet::exactly(request.asked.iter().map(String::as_str));
        if !most.unwrap_or_default().covers(given) {
            checks.refuse("/permissions", "must not hold more than was asked for");
        }
        checks.done()?;
        identity::covers(caller, given)?;
        let at = self.now();
        let until = at + SignedDuration::from_hours(hours.into());
        let given = scope::names(given);
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![
            id.as_str(),
            approver,
            at,
            json!(given).to_string(),
            until,
            grant.anywhere.then_some(at),
        ];
        if change.run(sql::REQUEST_GRANT, args).await? == 0 {
            return Err(Error::Decided);
        }
        let event = Event::done("support.request.granted", "support_request", id.as_str());
        let changes = json!({
            "operator": {"to": request.operator}, "permissions": {"to": given},
            "until": {"to": until}, "anywhere": {"to": grant.anywhere},
        });
        change.commit(event.changes(changes)).await?;
        self.read(&scope, id).await
    }

    /// Refuses a request.
    pub async fn refuse(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let (scope, approver) = self.approver(caller, id).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![id.as_str(), approver, self.now()];
        if change.run(sql::REQUEST_REFUSE, args).await? == 0 {
            return Err(Error::Decided);
        }
        let event = Event::done("support.request.refused", "support_request", id.as_str());
        change.commit(event).await?;
        self.read(&scope, id).await
    }

    /// Ends what was granted, now: whoever is in is out. Asks for no second factor, and
    /// lets programs do it: nothing may stand between an org and its own door.
    pub async fn end(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let scope = caller.require(Permission::SettingsSupport)?;
        let ender = person(caller)?.as_str();
        let before = self.read(&scope, id).await?;
        if before.state != State::Granted {
            return Err(Error::NotGranted);
        }
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::REQUEST_END, args![id.as_str(), ender, self.now()]).await? == 0 {
            return Err(Error::NotGranted);
        }
        let event = Event::done("support.request.ended", "support_request", id.as_str());
        let changes = json!({"operator": {"from": before.operator}});
        change.commit(event.changes(changes)).await?;
        self.0.identity.end_visits(id.as_str());
        self.read(&scope, id).await
    }

    /// Proof that the caller may decide, and is not who asked: by their place, and by
    /// their address in case they are members here too.
    async fn approver<'a>(
        &self,
        caller: &'a Caller,
        id: &RequestId,
    ) -> Result<(Scope, &'a str), Error> {
        let scope = caller.require(Permission::SettingsSupport)?;
        let approver = in_person(caller)?;
        let request = self.read(&scope, id).await?;
        let own = self.0.identity.viewer(caller).await?.email;
        let same_address = own.is_some_and(|own| own.eq_ignore_ascii_case(&request.operator_email));
        if same_address || *approver == request.operator {
            return Err(Error::OwnRequest);
        }
        if request.home == caller.org {
            return Err(Error::OwnOrg);
        }
        Ok((scope, approver.as_str()))
    }
}
