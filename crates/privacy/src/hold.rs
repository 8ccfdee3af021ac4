//! Legal holds: what must not be erased or deleted, though somebody asks.

use access::{Caller, Permission, Scope};
use audit::Change;
use base::args;
use base::checks::Checks;
use base::db::{DbError, Row};
use base::http::{Page, Paging, page_limit};
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Error, Privacy, events, sql};

/// Holds of an org that are in force at once.
pub(crate) const HOLDS_MAX: i64 = 100;
/// Characters of a reason.
const REASON_CHARS: std::ops::RangeInclusive<usize> = 3..=500;

base::ids! {
    /// A legal hold.
    HoldId = "hld";
}

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hold {
    /// Its id.
    #[schema(value_type = String)]
    pub id: HoldId,
    /// On whom; absent: on everybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub placed_by: String,
    /// When.
    #[schema(value_type = String)]
    pub placed_at: At,
    /// Until when; absent: until it is lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
    /// Whether it still holds.
    pub in_force: bool,
    /// When it was lifted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub lifted_at: Option<At>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted_by: Option<String>,
}

/// A hold to be placed.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHold {
    /// On whom: an id or an e-mail address; absent: on everybody.
    #[serde(default)]
    pub person: Option<String>,
    /// Why: 3 to 500 characters. It stays; name no people.
    pub reason: String,
    /// Until when; absent: until it is lifted.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
}

impl Hold {
    pub(crate) fn read(row: &Row, now: At) -> Result<Self, DbError> {
        let (until, lifted_at) = (row.opt_at("until")?, row.opt_at("lifted_at")?);
        Ok(Self {
            id: row.parse("hold_id")?,
            person: row.opt_text("person_id")?,
            reason: row.text("reason")?,
            placed_by: row.text("placed_by")?,
            placed_at: row.at("placed_at")?,
            until,
            in_force: lifted_at.is_none() && until.is_none_or(|until| until > now),
            lifted_at,
            lifted_by: row.opt_text("lifted_by")?,
        })
    }
}

impl Privacy {
    /// The holds of the org, newest first.
    pub async fn holds(&self, caller: &Caller, paging: &Paging) -> Result<Page<Hold>, Error> {
        let scope = caller.require(Permission::PrivacyRead)?;
        let limit = page_limit(paging.limit).map_err(Error::Request)?;
        let before = paging.after.as_deref().unwrap_or_default();
        let db = self.0.databases.of(&scope)?;
        let rows = db.all(sql::HOLD_PAGE, args![before, i64::from(limit) + 1]).await?;
        let now = self.now();
        let holds = rows.iter().map(|row| Hold::read(row, now)).collect::<Result<_, _>>()?;
        Ok(Page::of(holds, limit, |hold: &Hold| hold.id.to_string()))
    }

    /// Places a hold on a person, or on everybody.
    pub async fn place_hold(&self, caller: &Caller, new: &NewHold) -> Result<Hold, Error> {
        let scope = caller.require(Permission::PrivacyHold)?;
        caller.recent_factor()?;
        let now = self.now();
        let mut checks = Checks::default();
        let reason = new.reason.trim();
        let unfit = |character: char| character.is_control();
        if !REASON_CHARS.contains(&reason.chars().count()) || reason.contains(unfit) {
            checks.refuse("/reason", "must have 3 to 500 characters");
        }
        if new.until.is_some_and(|until| until <= now) {
            checks.refuse("/until", "must lie ahead");
        }
        let asked = new.person.as_deref().map(str::trim).filter(|person| !person.is_empty());
        let person = match asked {
            Some(asked) => match self.somebody(&scope, asked).await {
                Ok(person) => Some(person.id),
                Err(Error::NoSuchPerson) => {
                    checks.refuse("/person", "is nobody of this organization");
                    None
                }
                Err(error) => return Err(error),
            },
            None => None,
        };
        checks.done()?;
        let hold = Hold {
            id: HoldId::new(now),
            person,
            reason: reason.to_owned(),
            placed_by: caller.actor.id().to_owned(),
            placed_at: now,
            until: new.until,
            in_force: true,
            lifted_at: None,
            lifted_by: None,
        };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        change.run(sql::TURN, args![]).await?;
        let row = change.maybe(sql::HOLDS_IN_FORCE, args![now]).await?;
        if row.map(|row| row.int("rows")).transpose()?.unwrap_or_default() >= HOLDS_MAX {
            return Err(Error::TooManyHolds);
        }
        let args = args![
            hold.id.as_str(),
            hold.person.as_deref(),
            &hold.reason,
            &hold.placed_by,
            now,
            hold.until,
        ];
        change.run(sql::HOLD_ADD, args).await?;
        change.commit(events::placed(&hold)).await?;
        Ok(hold)
    }

    /// Lifts a hold. What it alone kept from being erased or deleted goes soon.
    pub async fn lift_hold(&self, caller: &Caller, id: &HoldId) -> Result<Hold, Error> {
        let scope = caller.require(Permission::PrivacyHold)?;
        caller.recent_factor()?;
        let hold = self.hold(&scope, id).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![id.as_str(), self.now(), caller.actor.id()];
        if change.run(sql::HOLD_LIFT, args).await? == 0 {
            return Err(Error::Lifted);
        }
        change.commit(events::lifted(&hold)).await?;
        self.0.wake.notify_one();
        self.hold(&scope, id).await
    }

    async fn hold(&self, scope: &Scope, id: &HoldId) -> Result<Hold, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::HOLD_ONE, args![id.as_str()]).await?;
        let now = self.now();
        row.map(|row| Hold::read(&row, now)).transpose()?.ok_or(Error::NotFound)
    }
}
