//! One request for support access, from asking to its end.

use std::str::FromStr;

use access::{MemberId, OrgId};
use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};

base::ids! {
    /// One request for support access.
    RequestId = "sup";
}

/// How a request stands at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// An approver can decide.
    Waiting,
    /// Nobody decided in time.
    Lapsed,
    /// Taken back before anybody decided.
    Withdrawn,
    /// An approver said no.
    Refused,
    /// The operator may enter.
    Granted,
    /// Ended before its time, by the org or by who asked.
    Ended,
    /// Its time is up.
    Over,
}

/// Which requests are listed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Those that an approver can decide.
    Waiting,
    /// Those that somebody may enter.
    Current,
    /// All others.
    Past,
}

/// The text names no kind of requests.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("not a kind of support requests")]
pub struct NotAKind;

/// A request, as the org sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Request {
    /// Its id: every act of the visit names it.
    #[schema(value_type = String)]
    pub id: RequestId,
    /// Who asks.
    #[schema(value_type = String)]
    pub operator: MemberId,
    /// What they are called.
    pub operator_name: String,
    /// Their address.
    pub operator_email: String,
    #[serde(skip)]
    #[schema(ignore)]
    pub(crate) home: OrgId,
    /// Why.
    pub reason: String,
    /// What they want to do.
    pub asked: Vec<String>,
    /// For how many hours.
    pub hours: u32,
    /// Since when it is asked.
    #[schema(value_type = String)]
    pub asked_at: At,
    /// From when on it cannot be granted.
    #[schema(value_type = String)]
    pub lapses_at: At,
    /// How it stands.
    pub state: State,
    /// Which member decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub decided_at: Option<At>,
    /// What was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Vec<String>>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub until: Option<At>,
    /// Whether the visitor may come from outside the org's address list.
    pub anywhere: bool,
    /// When it was last entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub entered_at: Option<At>,
    /// When it was left behind that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub left_at: Option<At>,
    /// When it was ended before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub ended_at: Option<At>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
}

impl State {
    /// In words, for pages.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::Granted => "granted",
            Self::Ended => "ended early",
            Self::Over => "over",
        }
    }
}

impl Kind {
    /// As asked for.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Current => "current",
            Self::Past => "past",
        }
    }
}

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        let all = [Self::Waiting, Self::Current, Self::Past];
        all.into_iter().find(|kind| kind.as_str() == text).ok_or(NotAKind)
    }
}

impl Request {
    pub(crate) fn of(row: &Row, now: At) -> Result<Self, DbError> {
        let decision = row.opt_text("decision")?;
        let (lapses_at, until) = (row.at("lapses_at")?, row.opt_at("until")?);
        let ended_at = row.opt_at("ended_at")?;
        let state = match decision.as_deref() {
            Some("refused") => State::Refused,
            Some(_) if ended_at.is_some() => State::Ended,
            Some(_) if until.is_some_and(|until| until > now) => State::Granted,
            Some(_) => State::Over,
            None if ended_at.is_some() => State::Withdrawn,
            None if lapses_at > now => State::Waiting,
            None => State::Lapsed,
        };
        Ok(Self {
            id: row.parse("request_id")?,
            operator: row.parse("operator_id")?,
            operator_name: row.text("operator_name")?,
            operator_email: row.text("operator_email")?,
            home: row.parse("home_id")?,
            reason: row.text("reason")?,
            asked: row.json("asked")?,
            hours: u32::try_from(row.int("hours")?)
                .map_err(|cause| DbError::unreadable("hours", cause))?,
            asked_at: row.at("asked_at")?,
            lapses_at,
            state,
            decided_by: row.opt_text("decided_by")?,
            decided_at: row.opt_at("decided_at")?,
            granted: row.opt_text("granted")?.map(|_| row.json("granted")).transpose()?,
            until,
            anywhere: row.opt_at("anywhere_at")?.is_some(),
            entered_at: row.opt_at("entered_at")?,
            left_at: row.opt_at("left_at")?,
            ended_at,
            ended_by: row.opt_text("ended_by")?,
        })
    }
}
