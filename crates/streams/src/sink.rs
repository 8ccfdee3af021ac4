//! A sink as it is kept, and as it is shown.

use access::OrgId;
use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::format::Format;
use crate::target::Target;

base::ids! {
    /// A sink of an org.
    SinkId = "sink";
}

/// How a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It takes what it is given.
    Delivering,
    /// The last delivery failed; it is tried again.
    Failing,
    /// It refused an item: nothing goes past it until somebody decides.
    Blocked,
    /// An admin keeps it still.
    Paused,
}

/// A sink, and how far the record has flowed into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sink {
    /// The sink.
    #[schema(value_type = String)]
    pub id: SinkId,
    /// What people call it.
    pub name: String,
    /// What is sent.
    pub format: Format,
    /// Where to.
    pub target: Target,
    /// How it is.
    pub state: State,
    /// The position of the first event that it has not acknowledged.
    pub next: i64,
    /// The size of the last checkpoint that it has acknowledged.
    pub checkpoint: i64,
    /// Events that it lacks.
    pub lag_events: i64,
    /// Age of the oldest event that it lacks, in seconds. Of one in the archive, the age of the
    /// first event that lies in the same file.
    pub lag_secs: i64,
    /// When it last acknowledged something.
    #[schema(value_type = Option<String>)]
    pub delivered_at: Option<At>,
    /// The item that it refused: an index of an event, `checkpoint-N` or `gap-N`.
    pub blocked_at: Option<String>,
    /// What went wrong last, if it has not been mended since.
    pub error: Option<String>,
    /// When.
    #[schema(value_type = Option<String>)]
    pub error_at: Option<At>,
    /// Deliveries that failed in a row.
    pub failures: i64,
    /// When it is tried again.
    #[schema(value_type = Option<String>)]
    pub try_at: Option<At>,
    /// Since when it is there.
    #[schema(value_type = String)]
    pub created_at: At,
    /// When it was last changed.
    #[schema(value_type = String)]
    pub changed_at: At,
}

/// How far a sink has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) next: i64,
    pub(crate) checkpoint: i64,
    pub(crate) delivered_at: Option<At>,
    pub(crate) failures: i64,
    pub(crate) try_at: At,
    pub(crate) why: Option<String>,
    pub(crate) failed_at: Option<At>,
    pub(crate) blocked: Option<String>,
    pub(crate) aside: Option<String>,
}

/// A sink as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) org: OrgId,
    pub(crate) id: SinkId,
    pub(crate) name: String,
    pub(crate) format: Format,
    pub(crate) target: Target,
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) paused_at: Option<At>,
    pub(crate) created_at: At,
    pub(crate) changed_at: At,
    pub(crate) position: Position,
}

impl State {
    /// For people.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Delivering => "Delivering",
            Self::Failing => "Failing",
            Self::Blocked => "Blocked",
            Self::Paused => "Paused",
        }
    }

    /// The look of its badge.
    pub(crate) const fn look(self) -> &'static str {
        match self {
            Self::Delivering => "ok",
            Self::Failing => "warn",
            Self::Blocked => "bad",
            Self::Paused => "",
        }
    }
}

impl Known {
    pub(crate) fn of(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            org: row.parse("org_id")?,
            id: row.parse("sink_id")?,
            name: row.text("name")?,
            format: row.parse("format")?,
            target: row.json("target")?,
            sealed: row.opt_bytes("sealed")?,
            paused_at: row.opt_at("paused_at")?,
            created_at: row.at("created_at")?,
            changed_at: row.at("changed_at")?,
            position: Position {
                next: row.int("next")?,
                checkpoint: row.int("checkpoint")?,
                delivered_at: row.opt_at("delivered_at")?,
                failures: row.int("failures")?,
                try_at: row.at("try_at")?,
                why: row.opt_text("why")?,
                failed_at: row.opt_at("failed_at")?,
                blocked: row.opt_text("blocked")?,
                aside: row.opt_text("aside")?,
            },
        })
    }

    pub(crate) const fn state(&self) -> State {
        let Position { failures, blocked, .. } = &self.position;
        if self.paused_at.is_some() {
            State::Paused
        } else if blocked.is_some() {
            State::Blocked
        } else if *failures > 0 {
            State::Failing
        } else {
            State::Delivering
        }
    }

    /// Whether it is to be tried now.
    pub(crate) fn is_due(&self, now: At) -> bool {
        match self.state() {
            State::Paused | State::Blocked => false,
            State::Delivering | State::Failing => self.position.try_at <= now,
        }
    }

    /// As it is shown, beside a record of this size whose next event is this old.
    pub(crate) fn shown(self, size: i64, lag_secs: i64) -> Sink {
        let state = self.state();
        let Position {
            next,
            checkpoint,
            delivered_at,
            failures,
            try_at,
            why,
            failed_at,
            blocked,
            ..
        } = self.position;
        Sink {
            id: self.id,
            name: self.name,
            format: self.format,
            target: self.target,
            state,
            next,
            checkpoint,
            lag_events: (size - next).max(0),
            lag_secs,
            delivered_at,
            blocked_at: blocked,
            error: why,
            error_at: failed_at,
            failures,
            try_at: (failures > 0).then_some(try_at),
            created_at: self.created_at,
            changed_at: self.changed_at,
        }
    }
}

/// A target as it is kept.
pub(crate) fn target_json(target: &Target) -> Result<String, DbError> {
    serde_json::to_string(target).map_err(|cause| DbError::unreadable("target", cause))
}
