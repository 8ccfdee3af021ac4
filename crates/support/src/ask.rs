//! An operator asks an org for access.

use access::{Caller, MemberId, OrgId, Permission, Region, Scope};
use audit::{Change, Event};
use base::args;
use identity::Hearers;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::person::{in_person, person};
use crate::{Error, Request, RequestId, Support, scope, sql};
use base::checks::Checks;

/// Characters of a reason.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 10..=500;
/// Hours that can be asked for.
pub(crate) const HOURS: std::ops::RangeInclusive<u32> = 1..=72;
/// A request that nobody decides lapses: what was urgent a week ago is asked anew.
const LAPSES_HOURS: i64 = 7 * 24;
/// Requests that wait in one org at most.
pub(crate) const WAITING_MAX: i64 = 20;
/// Letters of an org's name or id at most.
const NAME_MAX: usize = 100;

/// Access to be asked for.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAsk {
    /// The id or short name of the org.
    pub org: String,
    /// Why: 10 to 500 characters. It goes into the org's record; name no people in it.
    pub reason: String,
    /// What for, each permission by its name.
    pub permissions: Vec<String>,
    /// For how long: 1 to 72 hours from when it is granted.
    pub hours: u32,
}

impl Support {
    /// Asks an org for access. Its approvers decide.
    pub async fn ask(&self, caller: &Caller, new: &NewAsk) -> Result<Request, Error> {
        let (desk, _) = self.desk(caller).await?;
        let operator = in_person(caller)?;
        caller.factor_shown()?;
        let mut checks = Checks::default();
        let reason = new.reason.trim();
        if !REASON_CHARS.contains(&reason.chars().count()) || reason.contains(is_unfit) {
            checks.refuse("/reason", "must have 10 to 500 characters");
        }
        if !HOURS.contains(&new.hours) {
            checks.refuse("/hours", "must be 1 to 72");
        }
        if new.org.trim().is_empty() || new.org.len() > NAME_MAX {
            checks.refuse("/org", "must be the id or the short name of an organization");
        }
        let asked = scope::names(scope::read(&mut checks, "/permissions", &new.permissions));
        checks.done()?;
        let (org, region) = self.customer(desk.org(), new.org.trim()).await?;
        let viewer = self.0.identity.viewer(caller).await?;
        let (at, id) = (self.now(), RequestId::new(self.now()));
        let origin = caller.origin.clone();
        let outsider = self.0.identity.outsider(&org, region, operator, id.as_str(), origin);
        let there = outsider.itself();
        let waiting = self.0.databases.of(&there)?.maybe(sql::REQUESTS_WAITING, args![at]).await?;
        if waiting.map(|row| row.int("waiting")).transpose()?.unwrap_or_default() >= WAITING_MAX {
            return Err(Error::TooMany);
        }
        let hearers = self.0.identity.hearers(&outsider, Permission::SettingsSupport).await?;
        // The operators' own record first: whom they asked is known there, come what may.
        let mut change = Change::begin(&self.0.record, &desk).await?;
        let args = args![
            id.as_str(),
            operator.as_str(),
            org.as_str(),
            region.as_str(),
            new.org.trim(),
            at,
        ];
        change.run(sql::ASK_ADD, args).await?;
        let event = Event::done("support.ask.made", "support_request", id.as_str());
        let changes = json!({"customer": {"to": org}, "permissions": {"to": asked}});
        change.commit(event.changes(changes)).await?;

        let mut change = Change::begin(&self.0.record, &there).await?;
        let args = args![
            id.as_str(),
            operator.as_str(),
            viewer.name,
            viewer.email.unwrap_or_default(),
            desk.org().as_str(),
            desk.region().as_str(),
            reason,
            json!(asked).to_string(),
            i64::from(new.hours),
            at,
            at + SignedDuration::from_hours(LAPSES_HOURS),
        ];
        change.run(sql::REQUEST_ADD, args).await?;
        let event = Event::done("support.request.asked", "support_request", id.as_str());
        let changes = json!({
            "reason": {"to": reason}, "permissions": {"to": asked}, "hours": {"to": new.hours},
            "letters": {"to": hearers.as_ref().map(Hearers::ids).unwrap_or_default()},
        });
        change.commit(event.changes(changes)).await?;
        // What was asked stands on the page alone: a letter repeats no words of a stranger.
        if let Some(hearers) = hearers {
            hearers.write(about, text, "/support");
        }
        self.read(&there, &id).await
    }

    /// Proof that the caller is a member of the operators' org who may support, and who
    /// that is. Nobody else learns that there is a desk.
    pub(crate) async fn desk<'a>(
        &self,
        caller: &'a Caller,
    ) -> Result<(Scope, &'a MemberId), Error> {
        let operators = self.operators().await.map_err(Error::Request)?;
        if operators.is_none_or(|(org, _)| org != caller.org) {
            return Err(Error::NotFound);
        }
        let scope = caller.require(Permission::SettingsSupport)?;
        Ok((scope, person(caller)?))
    }

    /// The org that is asked.
    async fn customer(&self, own: &OrgId, name: &str) -> Result<(OrgId, Region), Error> {
        let found = self.0.find_org.find(name).await.map_err(Error::Request)?;
        let Some((org, region)) = found else {
            let mut checks = Checks::default();
            checks.refuse("/org", "names no organization");
            checks.done()?;
            return Err(Error::NotFound);
        };
        if org == *own {
            return Err(Error::OwnOrg);
        }
        if !self.0.databases.serves(region) {
            return Err(Error::WrongRegion(region));
        }
        Ok((org, region))
    }

    /// A request of an org, as it stands now.
    pub(crate) async fn read(&self, scope: &Scope, id: &RequestId) -> Result<Request, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::REQUEST_ONE, args![id.as_str()]).await?;
        let row = row.ok_or(Error::NotFound)?;
        Ok(Request::of(&row, self.now())?)
    }
}

fn about(org: &str) -> String {
    format!("Support asks for access to {org} on Portico")
}

fn text(org: &str) -> String {
    format!(
        "Somebody of the support of this Portico asks to see something of {org}. Why, what, and\n\
         for how long stands on the page below. There you grant it, give less, or refuse it.\n\
         Until then nobody sees anything, and if nobody decides within seven days, the request\n\
         lapses."
    )
}

fn is_unfit(c: char) -> bool {
    c.is_control() && c != '\n'
}
