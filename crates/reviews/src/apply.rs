//! What was decided is done, item by item, each together with its note. What a crash cuts
//! off has no note, and nothing with a note is done again.

use std::sync::PoisonError;

use access::{Caller, Permission, Scope};
use audit::{Change, Event, Outcome as Ended};
use base::args;
use base::problem::Problem;
use identity::Noting;
use serde_json::json;

use crate::{CampaignId, Error, Item, Outcome, Reviews, State, sql};

impl Reviews {
    /// Goes on with a campaign in the background, unless this process does already.
    pub(crate) fn go_on(&self, caller: &Caller, id: &CampaignId) {
        let mut applying = self.0.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if !applying.insert(id.clone()) {
            return;
        }
        drop(applying);
        let (room, caller, id) = (self.clone(), caller.clone(), id.clone());
        self.0.tasks.spawn(async move {
            if let Err(error) = room.apply(&caller, &id).await {
                tracing::warn!(
                    review.id = %id,
                    error = &error as &dyn std::error::Error,
                    "an access review stopped in the middle: a reviewer lets it go on"
                );
            }
            let applying = room.0.applying.lock();
            applying.unwrap_or_else(PoisonError::into_inner).remove(&id);
        });
    }

    /// Whether this process is applying a campaign.
    pub(crate) fn is_applying(&self, id: &CampaignId) -> bool {
        self.0.applying.lock().unwrap_or_else(PoisonError::into_inner).contains(id)
    }

    async fn apply(&self, caller: &Caller, id: &CampaignId) -> Result<(), Error> {
        let scope = caller.require(Permission::UsersReview)?;
        let mut behind = 0;
        loop {
            let db = self.0.databases.of(&scope)?;
            let rows = db.all(sql::ITEMS_PENDING, args![id.as_str(), behind]).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                // Whoever signs loses their place in the middle: somebody else goes on.
                if self.0.tasks.is_stopping() || caller.standing.life.is_over() {
                    return Ok(());
                }
                let item = Item::of(row)?;
                behind = item.position;
                self.apply_one(caller, &scope, id, &item).await?;
            }
        }
        self.close(&scope, id).await
    }

    async fn apply_one(
        &self,
        caller: &Caller,
        scope: &Scope,
        id: &CampaignId,
        item: &Item,
    ) -> Result<(), Error> {
        let Some(what) = item.withdrawal() else {
            let detail = "this decision cannot be carried out";
            return self.note(scope, id, item, Outcome::Refused, Some(("unknown", detail))).await;
        };
        let noting = Noting {
            reason: json!({
                "review": id, "item": item.position, "decided_by": item.decided_by,
                "detail": item.reason,
            }),
            statement: sql::ITEM_APPLIED,
            args: args![id.as_str(), item.position, self.now()],
        };
        match self.0.identity.withdraw(caller, &what, noting).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) => self.note(scope, id, item, Outcome::Gone, None).await,
            // They may less than when they signed. Whoever signs off again goes on.
            Err(error @ identity::Error::NoLonger) => Err(error.into()),
            Err(error) => {
                let problem = Problem::from(error);
                // A rule that stands against it is a result; a machine that fails is none.
                if problem.status().is_server_error() {
                    return Err(Error::Request(problem));
                }
                let why = (problem.code(), problem.detail());
                self.note(scope, id, item, Outcome::Refused, Some(why)).await
            }
        }
    }

    /// Notes what was not done, and why.
    async fn note(
        &self,
        scope: &Scope,
        id: &CampaignId,
        item: &Item,
        outcome: Outcome,
        why: Option<(&str, &str)>,
    ) -> Result<(), Error> {
        let change = Change::begin(&self.0.record, scope).await?;
        let event = Event::done("reviews.item.not_applied", "review", id.as_str());
        let (code, detail) = why.unwrap_or(("gone", "there was nothing to take any more"));
        let event = event
            .outcome(Ended::Failed)
            .changes(json!({"item": item.position, "of": item.about}))
            .reason(json!({"code": code, "detail": detail}));
        let note = args![
            id.as_str(),
            item.position,
            outcome.as_str(),
            why.map(|(code, detail)| format!("{code}: {detail}")),
            self.now(),
        ];
        change.commit_noting(event, sql::ITEM_NOT_APPLIED, note).await?;
        Ok(())
    }

    /// Closes for good what is done.
    async fn close(&self, scope: &Scope, id: &CampaignId) -> Result<(), Error> {
        let (progress, _) = self.counted(scope, id).await?;
        let mut change = Change::begin(&self.0.record, scope).await?;
        let (applying, by) = (State::Applying.as_str(), scope.caller().actor.id());
        let args = args![id.as_str(), State::Closed.as_str(), by, self.now(), applying, applying];
        if change.run(sql::CAMPAIGN_END, args).await? == 0 {
            return Ok(());
        }
        let event = Event::done("reviews.campaign.closed", "review", id.as_str());
        let changes = json!({
            "kept": {"to": progress.keep}, "applied": {"to": progress.applied},
            "gone": {"to": progress.gone}, "refused": {"to": progress.refused},
        });
        change
            .commit_noting(event.changes(changes), sql::CAMPAIGN_ENDED, args![id.as_str()])
            .await?;
        Ok(())
    }
}
