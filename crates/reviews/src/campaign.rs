//! A campaign: who looks at what, until when, and how far it is.

use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};

base::ids! {
    /// One access review.
    CampaignId = "rvw";
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reviewed {
    /// Members, service accounts, grants, teams that give something, keys.
    Everything,
    /// Of these, what gives more than every member has.
    Elevated,
    /// Keys alone.
    Keys,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being decided.
    Open,
    /// Signed by one of two.
    Signed,
    /// Signed off; what was decided is being done.
    Applying,
    /// Done, for good.
    Closed,
    /// Given up; nothing was taken back.
    Cancelled,
}

/// The text is none of the names that it should be.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not a name that is known here")]
pub struct Unknown;

/// A campaign.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Campaign {
    /// Its id.
    #[schema(value_type = String)]
    pub id: CampaignId,
    /// What people call it.
    pub name: String,
    /// What is looked at.
    pub scope: Reviewed,
    /// How many sign it off: one, or two.
    pub signers: u8,
    /// When it should be signed off.
    #[schema(value_type = String)]
    pub due_at: At,
    /// Not signed off, though it should be.
    pub overdue: bool,
    /// How far it is.
    pub state: State,
    /// How many things are looked at.
    pub items: i64,
    /// How many of them are decided.
    pub decided: i64,
    /// Which member began it.
    pub created_by: String,
    /// The moment that it shows.
    #[schema(value_type = String)]
    pub created_at: At,
    /// The event of that, by its position in the record.
    pub created_event: Option<i64>,
    /// Who signed.
    pub signed_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    pub signed_at: Option<At>,
    /// The event of that.
    pub signed_event: Option<i64>,
    /// Who signed as the second.
    pub seconded_by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    pub seconded_at: Option<At>,
    /// The event of that.
    pub seconded_event: Option<i64>,
    /// When it was closed or cancelled.
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<At>,
    /// By whom.
    pub ended_by: Option<String>,
    /// The event of that.
    pub ended_event: Option<i64>,
}

macro_rules! names {
    ($kind:ty: $($variant:ident = $name:literal),+) => {
        impl $kind {
            /// As stored.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::str::FromStr for $kind {
            type Err = $crate::campaign::Unknown;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text { $($name => Ok(Self::$variant),)+ _ => Err($crate::campaign::Unknown) }
            }
        }
    };
}
pub(crate) use names;

names!(Reviewed: Everything = "everything", Elevated = "elevated", Keys = "keys");
names!(State: Open = "open", Signed = "signed", Applying = "applying", Closed = "closed",
    Cancelled = "cancelled");

impl Reviewed {
    /// In words, for pages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::Elevated => "what gives more than every member has",
            Self::Keys => "keys",
        }
    }
}

impl State {
    /// In words, for pages and refusals.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Signed => "waiting for its second signature",
            Self::Applying => "being applied",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    const fn is_under_way(self) -> bool {
        matches!(self, Self::Open | Self::Signed)
    }
}

impl Campaign {
    pub(crate) fn of(row: &Row, now: At) -> Result<Self, DbError> {
        let (state, due_at): (State, _) = (row.parse("state")?, row.at("due_at")?);
        Ok(Self {
            id: row.parse("campaign_id")?,
            name: row.text("name")?,
            scope: row.parse("scope")?,
            signers: u8::try_from(row.int("signers")?)
                .map_err(|cause| DbError::unreadable("signers", cause))?,
            due_at,
            overdue: state.is_under_way() && due_at <= now,
            state,
            items: row.int("items")?,
            decided: row.int("decided")?,
            created_by: row.text("created_by")?,
            created_at: row.at("created_at")?,
            created_event: row.opt_int("created_event")?,
            signed_by: row.opt_text("signed_by")?,
            signed_at: row.opt_at("signed_at")?,
            signed_event: row.opt_int("signed_event")?,
            seconded_by: row.opt_text("seconded_by")?,
            seconded_at: row.opt_at("seconded_at")?,
            seconded_event: row.opt_int("seconded_event")?,
            ended_at: row.opt_at("ended_at")?,
            ended_by: row.opt_text("ended_by")?,
            ended_event: row.opt_int("ended_event")?,
        })
    }

    /// How many are not decided yet.
    pub const fn undecided(&self) -> i64 {
        self.items - self.decided
    }
}
