//! Seeing campaigns, what they look at, and how far they are.

use access::{Caller, Permission, Scope};
use base::args;
use base::db::Value;
use base::http::{Page, page_limit};
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{Campaign, CampaignId, Decision, Error, Item, Outcome, Reviews, sql};

/// Which campaigns.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Campaigns {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Campaigns on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// Which items: those of whom all that is given holds.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ItemFilter {
    /// `member`, `service`, `grant`, `membership` or `key`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Whose: the id of a member, a service account or a team.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// The role that it gives.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// `elevated` or `usual`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reach: String,
    /// Not used for so many days, or never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unused_days: Option<u16>,
}

/// Which page of items.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct Items {
    /// `member`, `service`, `grant`, `membership` or `key`.
    pub kind: String,
    /// Whose: the id of a member, a service account or a team.
    pub about: String,
    /// The role that it gives.
    pub role: String,
    /// `elevated` or `usual`.
    pub reach: String,
    /// Not used for so many days, or never.
    pub unused_days: Option<u16>,
    /// `undecided`, `keep`, `revoke` or `change`.
    pub decision: String,
    /// `none`, `applied`, `gone` or `refused`.
    pub result: String,
    /// The `next` of the page before.
    pub after: Option<i64>,
    /// Items on a page: 1 to 200, 50 if not given.
    pub limit: Option<u32>,
}

/// How far a campaign is, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    /// Not decided yet.
    pub undecided: i64,
    /// Decided to stay.
    pub keep: i64,
    /// Decided to be taken back.
    pub revoke: i64,
    /// Decided to be another role.
    pub change: i64,
    /// Decided so, and still to be done.
    pub pending: i64,
    /// Done.
    pub applied: i64,
    /// Gone already.
    pub gone: i64,
    /// Refused by a rule.
    pub refused: i64,
}

/// What is still to be done, and whether some of it is about somebody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending {
    /// Kinds of items, each with what was decided.
    pub(crate) kinds: Vec<(String, Decision)>,
    pub(crate) own: bool,
}

impl ItemFilter {
    /// The last five arguments of whatever filters; days are counted back from now.
    pub(crate) fn args(&self, now: At) -> Vec<Value> {
        args![&self.kind, &self.about, &self.role, &self.reach, self.unused_since(now)]
    }

    fn unused_since(&self, now: At) -> Option<At> {
        let days = self.unused_days.filter(|days| *days > 0);
        days.map(|days| now - SignedDuration::from_hours(24 * i64::from(days)))
    }
}

impl Items {
    /// Without what was decided and came of it.
    pub fn filter(&self) -> ItemFilter {
        ItemFilter {
            kind: self.kind.clone(),
            about: self.about.clone(),
            role: self.role.clone(),
            reach: self.reach.clone(),
            unused_days: self.unused_days,
        }
    }
}

impl Reviews {
    /// A page of campaigns, newest first.
    pub async fn campaigns(
        &self,
        caller: &Caller,
        campaigns: &Campaigns,
    ) -> Result<Page<Campaign>, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        let limit = page_limit(campaigns.limit).map_err(Error::Request)?;
        let args = args![campaigns.after.as_deref().unwrap_or_default(), i64::from(limit) + 1];
        let rows = self.0.databases.of(&scope)?.all(sql::CAMPAIGN_PAGE, args).await?;
        let now = self.now();
        let campaigns = rows.iter().map(|row| Campaign::of(row, now)).collect::<Result<_, _>>()?;
        Ok(Page::of(campaigns, limit, |campaign: &Campaign| campaign.id.to_string()))
    }

    /// One campaign.
    pub async fn campaign(&self, caller: &Caller, id: &CampaignId) -> Result<Campaign, Error> {
        self.one(&caller.require(Permission::UsersReview)?, id).await
    }

    pub(crate) async fn one(&self, scope: &Scope, id: &CampaignId) -> Result<Campaign, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::CAMPAIGN_ONE, args![id.as_str()]).await?;
        Ok(Campaign::of(&row.ok_or(Error::NotFound)?, self.now())?)
    }

    /// How far a campaign is.
    pub async fn progress(&self, caller: &Caller, id: &CampaignId) -> Result<Progress, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        self.one(&scope, id).await?;
        Ok(self.counted(&scope, id).await?.0)
    }

    /// A page of what a campaign looks at.
    pub async fn items(
        &self,
        caller: &Caller,
        id: &CampaignId,
        items: &Items,
    ) -> Result<Page<Item>, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        self.one(&scope, id).await?;
        let limit = page_limit(items.limit).map_err(Error::Request)?;
        self.piece(&scope, id, items, limit).await
    }

    pub(crate) async fn piece(
        &self,
        scope: &Scope,
        id: &CampaignId,
        items: &Items,
        limit: u32,
    ) -> Result<Page<Item>, Error> {
        let filter = items.filter();
        let args = args![
            id.as_str(),
            items.after.unwrap_or_default(),
            &filter.kind,
            &filter.about,
            &filter.role,
            &filter.reach,
            &items.decision,
            &items.result,
            filter.unused_since(self.now()),
            i64::from(limit) + 1,
        ];
        let rows = self.0.databases.of(scope)?.all(sql::ITEM_PAGE, args).await?;
        let items = rows.iter().map(Item::of).collect::<Result<_, _>>()?;
        Ok(Page::of(items, limit, |item: &Item| item.position.to_string()))
    }

    /// Decisions and results in numbers, and what is still to be done.
    pub(crate) async fn counted(
        &self,
        scope: &Scope,
        id: &CampaignId,
    ) -> Result<(Progress, Pending), Error> {
        let own = scope.caller().actor.id();
        let db = self.0.databases.of(scope)?;
        let rows = db.all(sql::ITEMS_COUNT, args![id.as_str(), own]).await?;
        let (mut progress, mut pending) = (Progress::default(), Pending::default());
        for row in &rows {
            let (decided, came) = (row.text("decided")?, row.text("came")?);
            let items = row.int("items")?;
            let decision = decided.parse::<Decision>().ok();
            match decision {
                None => progress.undecided += items,
                Some(Decision::Keep) => progress.keep += items,
                Some(Decision::Revoke) => progress.revoke += items,
                Some(Decision::Change) => progress.change += items,
            }
            match came.parse::<Outcome>() {
                Ok(Outcome::Applied) => progress.applied += items,
                Ok(Outcome::Gone) => progress.gone += items,
                Ok(Outcome::Refused) => progress.refused += items,
                Err(_) => {}
            }
            if let Some(decision @ (Decision::Revoke | Decision::Change)) = decision
                && came == "none"
            {
                progress.pending += items;
                pending.kinds.push((row.text("kind")?, decision));
                pending.own |= row.int("own")? > 0;
            }
        }
        Ok((progress, pending))
    }
}
