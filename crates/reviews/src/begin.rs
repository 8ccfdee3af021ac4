//! A campaign begins: everything that gives access is taken down as it is at this moment.

use access::{Caller, Permission};
use audit::{Change, Event};
use base::args;
use base::db::Value;
use base::time::At;
use identity::Holding;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;

use crate::{Campaign, CampaignId, Error, Reviewed, Reviews, person, sql};
use base::checks::Checks;

/// Things that one campaign looks at, at most: one change writes them all, so that they
/// are of one moment. On SQLite that takes the writers' turn for about a second.
pub const ITEMS_MAX: usize = 50_000;
/// Campaigns of an org under way at most.
pub(crate) const OPEN_MAX: i64 = 20;
/// A campaign is due within a year.
const DUE_DAYS_MAX: i64 = 366;

/// A campaign to be begun.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// What people call it: 1 to 120 characters.
    pub name: String,
    /// When it should be signed off: within a year.
    #[schema(value_type = String)]
    pub due_at: At,
    /// What is looked at.
    pub scope: Reviewed,
    /// How many sign it off: 1 or 2.
    #[serde(default = "one")]
    pub signers: u8,
}

const fn one() -> u8 {
    1
}

impl Reviews {
    /// Begins a campaign.
    pub async fn begin(&self, caller: &Caller, new: &NewCampaign) -> Result<Campaign, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        let by = person(caller)?;
        let at = self.now();
        let mut checks = Checks::default();
        let name = checks.name("/name", &new.name);
        if new.due_at <= at || new.due_at > at + SignedDuration::from_hours(24 * DUE_DAYS_MAX) {
            checks.refuse("/due_at", "must be in the future, and within a year");
        }
        if !(1..=2).contains(&new.signers) {
            checks.refuse("/signers", "must be 1 or 2");
        }
        checks.done()?;
        let mut held = self.0.identity.inventory(caller).await?;
        held.retain(|one| match new.scope {
            Reviewed::Everything => true,
            Reviewed::Elevated => one.elevated,
            Reviewed::Keys => one.holds.kind() == "key",
        });
        within_bounds(held.len())?;
        let id = CampaignId::new(at);
        // Before the change begins: on SQLite it takes the writers' turn.
        let rows = held.iter().zip(1_i64..).map(|(one, position)| row(&id, position, one));
        let rows: Vec<_> = rows.collect();
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let open = change.maybe(sql::CAMPAIGNS_OPEN, args![]).await?;
        if open.map(|row| row.int("open")).transpose()?.unwrap_or_default() >= OPEN_MAX {
            return Err(Error::TooMany);
        }
        let count = i64::try_from(held.len()).unwrap_or(i64::MAX);
        let args = args![
            id.as_str(),
            &name,
            new.scope.as_str(),
            i64::from(new.signers),
            new.due_at,
            count,
            by.as_str(),
            at,
        ];
        change.run(sql::CAMPAIGN_ADD, args).await?;
        change.many(&sql::ITEMS_ADD, rows).await?;
        let event = Event::done("reviews.campaign.begun", "review", id.as_str());
        let changes = json!({
            "name": {"to": name}, "scope": {"to": new.scope}, "items": {"to": count},
            "due_at": {"to": new.due_at}, "signers": {"to": new.signers},
        });
        let note = args![id.as_str()];
        change.commit_noting(event.changes(changes), sql::CAMPAIGN_CREATED, note).await?;
        self.one(&scope, &id).await
    }
}

/// Whether a campaign can look at so many things.
fn within_bounds(held: usize) -> Result<(), Error> {
    match held {
        0 => Err(Error::Empty),
        1..=ITEMS_MAX => Ok(()),
        more => Err(Error::TooLarge(more)),
    }
}

fn row(campaign: &CampaignId, position: i64, one: &Holding) -> Vec<Value> {
    args![
        campaign.as_str(),
        position,
        one.holds.kind(),
        one.holds.id(),
        &one.about,
        one.role.as_deref(),
        if one.elevated { "elevated" } else { "usual" },
        one.last_used_at,
        one.facts.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_holds_fifty_thousand_items_and_no_more() {
        assert!(within_bounds(1).is_ok() && within_bounds(50_000).is_ok());
        assert!(matches!(within_bounds(50_001), Err(Error::TooLarge(50_001))));
        assert!(matches!(within_bounds(0), Err(Error::Empty)));
    }
}
