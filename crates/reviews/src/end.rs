//! Giving a campaign up, and opening one again that waits for its second signature.

use access::{Caller, Permission};
use audit::{Change, Event};
use base::args;

use crate::{Campaign, CampaignId, Error, Reviews, State, person, sql};

impl Reviews {
    /// Gives a campaign up: nothing is taken back, and what was decided stays to be read.
    pub async fn cancel(&self, caller: &Caller, id: &CampaignId) -> Result<Campaign, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        let by = person(caller)?.as_str();
        let campaign = self.one(&scope, id).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let (open, signed) = (State::Open.as_str(), State::Signed.as_str());
        let args = args![id.as_str(), State::Cancelled.as_str(), by, self.now(), open, signed];
        if change.run(sql::CAMPAIGN_END, args).await? == 0 {
            return Err(Error::NotNow(campaign.state.words()));
        }
        let event = Event::done("reviews.campaign.cancelled", "review", id.as_str());
        change.commit_noting(event, sql::CAMPAIGN_ENDED, args![id.as_str()]).await?;
        self.one(&scope, id).await
    }

    /// Opens a campaign again that one of two has signed: the other one disagrees.
    pub async fn reopen(&self, caller: &Caller, id: &CampaignId) -> Result<Campaign, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        person(caller)?;
        let campaign = self.one(&scope, id).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::CAMPAIGN_REOPEN, args![id.as_str()]).await? == 0 {
            return Err(Error::NotNow(campaign.state.words()));
        }
        let event = Event::done("reviews.campaign.reopened", "review", id.as_str());
        change.commit(event).await?;
        self.one(&scope, id).await
    }
}
