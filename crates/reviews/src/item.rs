//! One thing that gives access, what was decided about it, and what came of that.

use base::db::{DbError, Row};
use base::time::At;
use identity::{Owner, Withdrawal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::campaign::names;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It stays.
    Keep,
    /// It is taken back: a member is suspended, a service account removed, a key revoked, a
    /// grant removed, a team left.
    Revoke,
    /// A member or service account gets another role.
    Change,
}

/// What came of a decision that takes something back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Done.
    Applied,
    /// There was nothing to take any more.
    Gone,
    /// A rule stood against it, such as that an org keeps an owner.
    Refused,
}

/// One thing that is looked at.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Item {
    /// Its place in the campaign, from 1.
    pub position: i64,
    /// `member`, `service`, `grant`, `membership` or `key`.
    pub kind: String,
    /// Its id; that of a membership is the team's.
    pub id: String,
    /// Whose it is: a member, a service account or a team.
    pub about: String,
    /// The role that it gives, if it gives one.
    pub role: Option<String>,
    /// Whether it gives more than every member has.
    pub elevated: bool,
    /// When it was last used, or its member last signed in; absent: not in a month, or never.
    #[schema(value_type = Option<String>)]
    pub last_used_at: Option<At>,
    /// What else was known of it at that moment.
    pub facts: Value,
    /// What was decided.
    pub decision: Option<Decision>,
    /// The role to change to.
    pub new_role: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Which member decided.
    pub decided_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    pub decided_at: Option<At>,
    /// The event of that, by its position in the record.
    pub decision_event: Option<i64>,
    /// What came of it.
    pub result: Option<Outcome>,
    /// Why it was refused.
    pub result_detail: Option<String>,
    /// When it was done.
    #[schema(value_type = Option<String>)]
    pub result_at: Option<At>,
    /// The event of that.
    pub result_event: Option<i64>,
}

names!(Decision: Keep = "keep", Revoke = "revoke", Change = "change");
names!(Outcome: Applied = "applied", Gone = "gone", Refused = "refused");

impl Decision {
    /// In words, for pages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Revoke => "revoke",
            Self::Change => "change role",
        }
    }
}

impl Item {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            position: row.int("position")?,
            kind: row.text("kind")?,
            id: row.text("held_id")?,
            about: row.text("about_id")?,
            role: row.opt_text("role")?,
            elevated: row.text("reach")? == "elevated",
            last_used_at: row.opt_at("last_used_at")?,
            facts: row.json("facts")?,
            decision: row.opt_text("decision")?.map(|_| row.parse("decision")).transpose()?,
            new_role: row.opt_text("new_role")?,
            reason: row.opt_text("reason")?,
            decided_by: row.opt_text("decided_by")?,
            decided_at: row.opt_at("decided_at")?,
            decision_event: row.opt_int("decision_event")?,
            result: row.opt_text("result")?.map(|_| row.parse("result")).transpose()?,
            result_detail: row.opt_text("result_detail")?,
            result_at: row.opt_at("result_at")?,
            result_event: row.opt_int("result_event")?,
        })
    }

    /// Whether it has a role of its own that can be another.
    pub fn has_role(&self) -> bool {
        matches!(self.kind.as_str(), "member" | "service")
    }

    /// The permissions that it gave.
    pub fn permissions(&self) -> Vec<&str> {
        let list = self.facts.get("permissions").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// What is to be taken back; none: nothing, or the row cannot be understood.
    pub(crate) fn withdrawal(&self) -> Option<Withdrawal> {
        match (self.decision?, self.kind.as_str()) {
            (Decision::Revoke, "member") => Some(Withdrawal::Member(self.id.parse().ok()?)),
            (Decision::Revoke, "service") => Some(Withdrawal::Service(self.id.parse().ok()?)),
            (Decision::Revoke, "grant") => Some(Withdrawal::Grant(self.id.parse().ok()?)),
            (Decision::Revoke, "key") => Some(Withdrawal::Key(self.id.parse().ok()?)),
            (Decision::Revoke, "membership") => {
                Some(Withdrawal::Membership(self.id.parse().ok()?, self.about.parse().ok()?))
            }
            (Decision::Change, "member" | "service") => {
                let owner: Owner = self.id.parse().ok()?;
                Some(Withdrawal::Role(owner, self.new_role.clone()?))
            }
            (Decision::Keep | Decision::Revoke | Decision::Change, _) => None,
        }
    }
}
