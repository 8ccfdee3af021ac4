//! Signing off: from then on what was decided is done.

use access::{Caller, Permission, Scope};
use audit::{Change, Event};
use base::args;
use serde_json::json;

use crate::read::Pending;
use crate::{Campaign, CampaignId, Decision, Error, Reviews, State, person, sql};

impl Reviews {
    /// Signs a campaign off. With the last signature that it needs, what was decided is
    /// done in the background; what was cut off there goes on by signing off again.
    pub async fn sign_off(&self, caller: &Caller, id: &CampaignId) -> Result<Campaign, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        person(caller)?;
        caller.recent_factor()?;
        let campaign = self.one(&scope, id).await?;
        match campaign.state {
            State::Open if campaign.signers == 1 => {
                self.may_apply(&scope, id).await?;
                self.sign(&scope, &campaign, State::Applying).await?;
            }
            State::Open => self.sign(&scope, &campaign, State::Signed).await?,
            State::Signed => {
                self.may_apply(&scope, id).await?;
                self.second(&scope, &campaign).await?;
            }
            State::Applying => self.may_apply(&scope, id).await?,
            State::Closed | State::Cancelled => {
                return Err(Error::NotNow(campaign.state.words()));
            }
        }
        let campaign = self.one(&scope, id).await?;
        if campaign.state == State::Applying {
            self.go_on(caller, id);
        }
        Ok(campaign)
    }

    async fn sign(&self, scope: &Scope, campaign: &Campaign, then: State) -> Result<(), Error> {
        if campaign.undecided() > 0 {
            return Err(Error::Undecided(campaign.undecided()));
        }
        let (id, signer) = (campaign.id.as_str(), scope.caller().actor.id());
        let mut change = Change::begin(&self.0.record, scope).await?;
        let args = args![id, signer, self.now(), then.as_str()];
        if change.run(sql::CAMPAIGN_SIGN, args).await? == 0 {
            return Err(Error::NotNow("signed or changed by somebody else at this moment"));
        }
        let event = Event::done("reviews.campaign.signed", "review", id)
            .changes(json!({"state": {"to": then}}));
        change.commit_noting(event, sql::CAMPAIGN_SIGNED, args![id]).await?;
        Ok(())
    }

    async fn second(&self, scope: &Scope, campaign: &Campaign) -> Result<(), Error> {
        let (id, signer) = (campaign.id.as_str(), scope.caller().actor.id());
        if campaign.signed_by.as_deref() == Some(signer) {
            return Err(Error::SameSigner);
        }
        let mut change = Change::begin(&self.0.record, scope).await?;
        if change.run(sql::CAMPAIGN_SECOND, args![id, signer, self.now()]).await? == 0 {
            return Err(Error::NotNow("signed or changed by somebody else at this moment"));
        }
        let event = Event::done("reviews.campaign.signed", "review", id)
            .changes(json!({"state": {"to": State::Applying}}));
        change.commit_noting(event, sql::CAMPAIGN_SECONDED, args![id]).await?;
        Ok(())
    }

    /// Whoever gives the last signature takes everything back in their own name: they
    /// must be able to, and none of it may be theirs.
    async fn may_apply(&self, scope: &Scope, id: &CampaignId) -> Result<(), Error> {
        let (_, pending) = self.counted(scope, id).await?;
        if pending.own {
            return Err(Error::AboutSigner);
        }
        for permission in pending.needs() {
            scope.caller().require(permission)?;
        }
        Ok(())
    }
}

impl Pending {
    fn needs(&self) -> impl Iterator<Item = Permission> {
        self.kinds.iter().flat_map(|(kind, decision)| match (kind.as_str(), decision) {
            ("grant", _) => vec![Permission::UsersGrant],
            ("key", _) => vec![Permission::UsersKeys],
            ("service", Decision::Revoke) => vec![Permission::UsersDelete],
            (_, Decision::Change) => vec![Permission::UsersUpdate, Permission::UsersGrant],
            (_, Decision::Keep | Decision::Revoke) => vec![Permission::UsersUpdate],
        })
    }
}
