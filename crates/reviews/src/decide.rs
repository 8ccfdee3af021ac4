//! Deciding: one by one, or everything undecided that matches.

use std::collections::HashSet;

use access::{Caller, Permission, TeamId};
use audit::{Change, Event};
use base::args;
use base::db::Value;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{CampaignId, Decision, Error, Item, ItemFilter, Reviews, State, person, sql};
use base::checks::Checks;

base::ids! {
    /// One deciding, of one item or of many.
    DecisionId = "rvd";
}

/// Items that are named one by one at most.
const NAMED_MAX: usize = 200;
/// Characters of a reason.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 3..=500;

/// A decision.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    /// What is decided.
    pub decision: Decision,
    /// The role to change to.
    #[serde(default)]
    pub role: Option<String>,
    /// Why: 3 to 500 characters; name no people in it.
    pub reason: String,
    /// About these, by their positions; also those that were decided already.
    #[serde(default)]
    pub items: Option<Vec<i64>>,
    /// Or about everything undecided that matches. What is the reviewer's own is passed over.
    #[serde(default)]
    pub filter: Option<ItemFilter>,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Decided {
    /// Names the deciding in the record.
    #[schema(value_type = String)]
    pub id: DecisionId,
    /// About how many items.
    pub items: u64,
    /// How many matched and were passed over: nobody decides about themselves.
    pub own: u64,
}

impl Reviews {
    /// Decides about items of an open campaign.
    pub async fn decide(
        &self,
        caller: &Caller,
        id: &CampaignId,
        decide: &Decide,
    ) -> Result<Decided, Error> {
        let scope = caller.require(Permission::UsersReview)?;
        let reviewer = person(caller)?.as_str();
        self.check(caller, decide).await?;
        let campaign = self.one(&scope, id).await?;
        if campaign.state != State::Open {
            return Err(Error::NotNow(campaign.state.words()));
        }
        let at = self.now();
        let decision = DecisionId::new(at);
        let own: HashSet<&str> =
            caller.teams.iter().map(TeamId::as_str).chain([reviewer]).collect();
        let decided = args![
            decide.decision.as_str(),
            decide.role.as_deref(),
            decide.reason.trim(),
            reviewer,
            at,
            decision.as_str(),
        ];
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::CAMPAIGN_HOLD, args![id.as_str()]).await? == 0 {
            return Err(Error::NotNow("signed off"));
        }
        let mut told = Told { fresh: 0, all: 0, own: 0, stretches: Vec::new() };
        if let Some(filter) = &decide.filter {
            many(&mut change, id, &filter.args(at), &own, &decided, &mut told).await?;
        } else {
            for position in named(decide) {
                let item = change.maybe(sql::ITEM_ONE, args![id.as_str(), position]).await?;
                let item = Item::of(&item.ok_or(Error::NotFound)?)?;
                may_decide(decide, &item, &own)?;
                let mut args = args![id.as_str(), position];
                args.extend_from_slice(&decided);
                change.run(sql::ITEM_DECIDE, args).await?;
                told.all += 1;
                told.fresh += u64::from(item.decision.is_none());
                told.add(position);
            }
        }
        if told.all == 0 {
            return Ok(Decided { id: decision, items: 0, own: told.own });
        }
        let fresh = i64::try_from(told.fresh).unwrap_or(i64::MAX);
        change.run(sql::CAMPAIGN_DECIDED, args![id.as_str(), fresh]).await?;
        let event = Event::done("reviews.items.decided", "review", id.as_str());
        let changes = json!({
            "decision": {"to": decide.decision}, "role": {"to": decide.role},
            "reason": {"to": decide.reason.trim()}, "items": {"to": told.all},
            "positions": {"to": told.positions()}, "filter": {"to": decide.filter},
            "deciding": {"to": decision},
        });
        let note = args![id.as_str(), decision.as_str()];
        change.commit_noting(event.changes(changes), sql::ITEMS_DECIDED, note).await?;
        Ok(Decided { id: decision, items: told.all, own: told.own })
    }

    async fn check(&self, caller: &Caller, decide: &Decide) -> Result<(), Error> {
        let mut checks = Checks::default();
        let reason = decide.reason.trim();
        let unfit = |c: char| c.is_control() && c != '\n';
        if !REASON_CHARS.contains(&reason.chars().count()) || reason.contains(unfit) {
            checks.refuse("/reason", "must have 3 to 500 characters");
        }
        match (&decide.items, &decide.filter) {
            (Some(items), None) if (1..=NAMED_MAX).contains(&items.len()) => {}
            (None, Some(_)) => {}
            (Some(_), None) => checks.refuse("/items", "must name 1 to 200 items"),
            (Some(_), Some(_)) | (None, None) => {
                checks.refuse("/items", "or a filter must be given, and not both");
            }
        }
        match (decide.decision, &decide.role) {
            (Decision::Change, Some(role)) => {
                if !self.0.identity.knows_role(caller, role).await? {
                    checks.refuse("/role", "names no role of this org");
                }
                let kind = decide.filter.as_ref().map(|filter| filter.kind.as_str());
                if !matches!(kind, None | Some("member" | "service")) {
                    let only = "must be `member` or `service`: nothing else has a role to change";
                    checks.refuse("/filter/kind", only);
                }
            }
            (Decision::Change, None) => checks.refuse("/role", "is required to change a role"),
            (Decision::Keep | Decision::Revoke, Some(_)) => {
                checks.refuse("/role", "is given to change a role only");
            }
            (Decision::Keep | Decision::Revoke, None) => {}
        }
        Ok(checks.done()?)
    }
}

/// What a deciding came to.
struct Told {
    /// Items that were undecided before.
    fresh: u64,
    all: u64,
    own: u64,
    stretches: Vec<(i64, i64)>,
}

/// Stretches of positions that are told in an event at most: the rows know all.
const STRETCHES_TOLD_MAX: usize = 200;

impl Told {
    /// `1-40,42`.
    fn positions(&self) -> String {
        let told = self.stretches.iter().take(STRETCHES_TOLD_MAX);
        let told =
            told.map(
                |(first, last)| {
                    if first == last { first.to_string() } else { format!("{first}-{last}") }
                },
            );
        told.collect::<Vec<_>>().join(",")
    }

    fn add(&mut self, position: i64) {
        match self.stretches.last_mut() {
            Some((_, last)) if *last + 1 == position => *last = position,
            Some(_) | None => self.stretches.push((position, position)),
        }
    }
}

fn named(decide: &Decide) -> Vec<i64> {
    let mut named = decide.items.clone().unwrap_or_default();
    named.sort_unstable();
    named.dedup();
    named
}

/// Whether this can be decided about an item, by somebody to whom these belong.
fn may_decide(decide: &Decide, item: &Item, own: &HashSet<&str>) -> Result<(), Error> {
    if own.contains(item.about.as_str()) {
        return Err(Error::OwnAccess);
    }
    let mut checks = Checks::default();
    if decide.decision == Decision::Change && !item.has_role() {
        let rule =
            format!("cannot be made about item {}: it has no role of its own", item.position);
        checks.refuse("/decision", rule);
    }
    Ok(checks.done()?)
}

/// Everything undecided that matches, stretch by stretch: what is the reviewer's own lies
/// between two of them.
async fn many(
    change: &mut Change,
    campaign: &CampaignId,
    filtered: &[Value],
    own: &HashSet<&str>,
    decided: &[Value],
    told: &mut Told,
) -> Result<(), Error> {
    let mut args = args![campaign.as_str()];
    args.extend_from_slice(filtered);
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    let mut goes_on = false;
    for row in change.all(sql::ITEMS_MATCHING, args).await? {
        let (position, about) = (row.int("position")?, row.text("about_id")?);
        if own.contains(about.as_str()) {
            told.own += 1;
            goes_on = false;
            continue;
        }
        told.add(position);
        match stretches.last_mut() {
            Some((_, last)) if goes_on => *last = position,
            Some(_) | None => stretches.push((position, position)),
        }
        goes_on = true;
    }
    for (first, last) in stretches {
        let mut args = args![campaign.as_str(), first, last];
        args.extend_from_slice(decided);
        args.extend_from_slice(filtered);
        let changed = change.run(sql::ITEMS_DECIDE, args).await?;
        told.all += changed;
        told.fresh += changed;
    }
    Ok(())
}
