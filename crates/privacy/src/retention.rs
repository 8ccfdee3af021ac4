//! How long the org must keep values, whoever asks.

use access::{Caller, Permission, Scope};
use audit::Change;
use base::args;
use base::checks::Checks;
use base::db::{DbError, Row};
use base::time::At;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Error, Privacy, events, sql};

/// Hours of a day of retention.
const DAY_HOURS: i64 = 24;
/// A hundred years.
const DAYS_MAX: i64 = 36_500;
/// Characters of a law's name.
const LAW_CHARS_MAX: usize = 200;

/// How long values must be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Retention {
    /// Days from a person's last event, and of a conversation from its last message; 0: no
    /// longer than it is asked for.
    pub days: i64,
    /// What says so.
    pub law: String,
    /// Who set it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub set_at: Option<At>,
}

/// How long values shall be kept.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRetention {
    /// Days from a person's last event, and of a conversation from its last message: 0 to
    /// 36,500.
    pub days: i64,
    /// What says so, such as `HGB § 257`: needed with more than 0 days.
    #[serde(default)]
    pub law: String,
}

impl Retention {
    /// That of an org, by its row, if it has one.
    pub(crate) fn of(row: Option<&Row>) -> Result<Self, DbError> {
        row.map(Self::read).transpose().map(Option::unwrap_or_default)
    }

    /// How long that is.
    pub(crate) fn lasts(&self) -> SignedDuration {
        SignedDuration::from_hours(self.days.saturating_mul(DAY_HOURS))
    }

    fn read(row: &Row) -> Result<Self, DbError> {
        let set_by = row.text("set_by")?;
        let set = !set_by.is_empty();
        Ok(Self {
            days: row.int("days")?,
            law: row.text("law")?,
            set_by: set.then_some(set_by),
            set_at: if set { row.opt_at("set_at")? } else { None },
        })
    }
}

impl Privacy {
    /// How long values must be kept.
    pub async fn retention(&self, caller: &Caller) -> Result<Retention, Error> {
        let scope = caller.require(Permission::PrivacyRead)?;
        self.retention_of(&scope).await
    }

    /// Sets it. What waits is judged by it at once.
    pub async fn set_retention(
        &self,
        caller: &Caller,
        set: &SetRetention,
    ) -> Result<Retention, Error> {
        let scope = caller.require(Permission::PrivacyHold)?;
        caller.recent_factor()?;
        let mut checks = Checks::default();
        let law = set.law.trim();
        if !(0..=DAYS_MAX).contains(&set.days) {
            checks.refuse("/days", "must be 0 to 36500");
        }
        if law.chars().count() > LAW_CHARS_MAX || law.contains(char::is_control) {
            checks.refuse("/law", "must have at most 200 characters");
        } else if law.is_empty() && set.days > 0 {
            checks.refuse("/law", "must name what says so");
        }
        checks.done()?;
        let before = self.retention_of(&scope).await?;
        let after = Retention { days: set.days, law: law.to_owned(), ..Retention::default() };
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let args = args![set.days, law, caller.actor.id(), self.now()];
        change.run(sql::RETENTION_SET, args).await?;
        change.commit(events::retention(scope.org().as_str(), &before, &after)).await?;
        self.0.wake.notify_one();
        self.retention_of(&scope).await
    }

    pub(crate) async fn retention_of(&self, scope: &Scope) -> Result<Retention, Error> {
        let row = self.0.databases.of(scope)?.maybe(sql::RETENTION, args![]).await?;
        Ok(Retention::of(row.as_ref())?)
    }
}
