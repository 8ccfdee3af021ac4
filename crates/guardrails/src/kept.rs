//! Guardrails as they are kept.

use base::db::{DbError, Row};
use base::time::At;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::guard::Named;
use crate::policy;

base::ids! {
    /// One guardrail.
    GuardrailId = "grl";
}

/// What hours are read by when the org has named no zone.
pub(crate) const ZONE_DEFAULT: &str = "UTC";

/// A policy that narrows what roles give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Guardrail {
    /// Its id, as in refusals.
    #[schema(value_type = String)]
    pub id: GuardrailId,
    /// What people call it.
    pub name: String,
    /// One `forbid` policy in Cedar.
    pub policy: String,
    /// Whether it holds.
    pub on: bool,
    /// When it was made.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it was changed last.
    #[schema(value_type = String)]
    pub changed_at: At,
}

/// A guardrail to be made.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGuardrail {
    /// What people call it: 1 to 120 characters.
    pub name: String,
    /// One `forbid` policy in Cedar, at most 4 KiB.
    pub policy: String,
    /// Whether it holds at once; absent: it does.
    #[serde(default)]
    pub on: Option<bool>,
}

/// What shall be changed of a guardrail; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GuardrailPatch {
    /// What people call it: 1 to 120 characters.
    pub name: Option<String>,
    /// One `forbid` policy in Cedar, at most 4 KiB.
    pub policy: Option<String>,
    /// Whether it holds.
    pub on: Option<bool>,
}

/// All guardrails of an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// The time zone in which policies read hours and days.
    pub zone: String,
    /// Each of them, the oldest first.
    pub items: Vec<Guardrail>,
}

/// The time zone in which policies read hours and days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// As the IANA calls it: `Europe/Berlin`.
    pub zone: String,
}

impl Guardrail {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.parse("policy_id")?,
            name: row.text("name")?,
            policy: row.text("policy")?,
            on: row.opt_at("off_at")?.is_none(),
            created_at: row.at("created_at")?,
            changed_at: row.at("changed_at")?,
        })
    }

    /// Ready to be judged by. One that cannot be read is an error, not a guess.
    pub(crate) fn ready(&self) -> Result<Named, DbError> {
        let policy = policy::read(self.id.as_str(), &self.policy).map_err(|findings| {
            let what = findings.first().map(|finding| finding.message.clone());
            DbError::unreadable("policy", std::io::Error::other(what.unwrap_or_default()))
        })?;
        Ok(Named { name: self.name.clone(), policy })
    }
}

/// The zone that stands in the table.
pub(crate) fn zone_of(row: Option<&Row>) -> Result<String, DbError> {
    row.map_or_else(|| Ok(ZONE_DEFAULT.to_owned()), |row| row.text("zone"))
}

/// The zone of this name, as the tables that are built in know it.
pub(crate) fn zone_named(name: &str) -> Result<TimeZone, jiff::Error> {
    TimeZone::get(name)
}
