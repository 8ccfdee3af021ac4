//! How long an org keeps conversations.

use access::{Caller, Permission, Scope};
use audit::Change;
use base::args;
use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::{Chat, events, sql};

/// Days that conversations are kept when the org has said nothing.
pub(crate) const DAYS_DEFAULT: i64 = 90;
/// Days that an org can choose at most: ten years.
pub(crate) const DAYS_MAX: i64 = 3_650;

/// How long conversations are kept behind their last message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Retention {
    /// Days, 1 to 3,650.
    pub days: i64,
    /// When it was set; absent while it is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub set_at: Option<At>,
}

/// What to set.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRetention {
    /// Days, 1 to 3,650.
    pub days: i64,
}

impl Chat {
    /// How long conversations of the org are kept.
    pub async fn retention(&self, caller: &Caller) -> Result<Retention, Error> {
        let scope = caller.require(Permission::SettingsRead)?;
        Ok(self.retention_of(&scope).await?)
    }

    /// Decides how long conversations of the org are kept. What is older is deleted with the
    /// next sweep.
    pub async fn set_retention(
        &self,
        caller: &Caller,
        set: SetRetention,
    ) -> Result<Retention, Error> {
        let scope = caller.require(Permission::SettingsUpdate)?;
        if !(1..=DAYS_MAX).contains(&set.days) {
            let detail = format!("must be 1 to {DAYS_MAX} days");
            return Err(Error::field("days", detail));
        }
        let now = self.clock.now();
        let mut change = Change::begin(&self.record, &scope).await?;
        let before = setting(change.maybe(sql::SETTING, args![]).await?.as_ref())?;
        change.run(sql::SET, args![set.days, now]).await?;
        change.commit(events::retention_set(scope.org().as_str(), before.days, set.days)).await?;
        Ok(Retention { days: set.days, set_at: Some(now) })
    }

    /// For pages that tell a member how long their own conversations are kept.
    pub(crate) async fn retention_of(&self, scope: &Scope) -> Result<Retention, DbError> {
        setting(self.databases.of(scope)?.maybe(sql::SETTING, args![]).await?.as_ref())
    }
}

fn setting(row: Option<&Row>) -> Result<Retention, DbError> {
    let Some(row) = row else { return Ok(Retention { days: DAYS_DEFAULT, set_at: None }) };
    let days = row.opt_int("retention_days")?.unwrap_or(DAYS_DEFAULT);
    Ok(Retention { days, set_at: row.opt_at("set_at")? })
}
