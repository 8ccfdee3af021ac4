//! A pattern as it is kept: its state, and the versions that count.

use std::str::FromStr;
use std::sync::Arc;

use access::{Caller, DataClass, OrgId, Permission, Region, Thing};
use base::db::{DbError, Row};
use base::time::At;
use serde::{Deserialize, Serialize};

use crate::engine::Draft;
use crate::seals::{Part, Place, Seals};

base::ids! {
    /// Names a pattern.
    PatternId = "pat";
}

/// Where a pattern is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Taught, not approved: it does not answer.
    Draft,
    /// Approved: one of its versions answers.
    Published,
    /// Withdrawn: it does not answer any more.
    Retired,
}

/// The text names no state.
#[derive(Debug, thiserror::Error)]
#[error("not a state of a pattern")]
pub struct UnknownState;

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Retired => "retired",
        }
    }
}

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        [Self::Draft, Self::Published, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownState)
    }
}

/// One version. It never changes.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) number: i64,
    pub(crate) draft: Arc<Draft>,
}

/// A pattern, its latest version, and the one that answers.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) id: PatternId,
    pub(crate) state: State,
    pub(crate) latest: Version,
    pub(crate) published: Option<Version>,
    /// How many cases must pass before a version is published.
    pub(crate) cases: i64,
    pub(crate) created_by: String,
    pub(crate) created_at: At,
    pub(crate) updated_at: At,
}

impl Kept {
    pub(crate) fn new(draft: Draft, caller: &Caller, at: At) -> Self {
        Self {
            id: PatternId::new(at),
            state: State::Draft,
            latest: Version { number: 1, draft: Arc::new(draft) },
            published: None,
            cases: 0,
            created_by: caller.actor.id().to_owned(),
            created_at: at,
            updated_at: at,
        }
    }

    /// Reads a row of the statements that give a pattern.
    pub(crate) fn read(
        row: &Row,
        seals: &Seals,
        region: Region,
        org: &OrgId,
    ) -> Result<Self, DbError> {
        let id: PatternId = row.parse("pattern_id")?;
        let open = |version, body: &[u8]| {
            let part = Part::Version(version);
            let draft: Draft = seals.open(&Place { region, org, pattern: &id, part }, body)?;
            Ok::<_, DbError>(Version { number: version, draft: Arc::new(draft) })
        };
        let latest = open(row.int("latest")?, &row.bytes("latest_body")?)?;
        let published = match (row.opt_int("published_version")?, row.opt_bytes("published_body")?)
        {
            (Some(version), Some(body)) => Some(open(version, &body)?),
            (Some(_), None) => Some(latest.clone()),
            (None, _) => None,
        };
        Ok(Self {
            state: row.parse("state")?,
            latest,
            published,
            cases: row.int("cases")?,
            created_by: row.text("created_by")?,
            created_at: row.at("created_at")?,
            updated_at: row.at("updated_at")?,
            id,
        })
    }

    /// The short name. It is the same in every version.
    pub(crate) fn slug(&self) -> &str {
        &self.latest.draft.slug
    }

    pub(crate) fn published_number(&self) -> Option<i64> {
        self.published.as_ref().map(|version| version.number)
    }

    /// Adds a version, which does not answer yet.
    pub(crate) fn teach(&mut self, draft: Draft, at: At) {
        self.latest = Version { number: self.latest.number + 1, draft: Arc::new(draft) };
        self.updated_at = at;
    }

    /// Lets a version answer.
    pub(crate) fn publish(&mut self, version: Version, at: At) {
        self.state = State::Published;
        self.published = Some(version);
        self.updated_at = at;
    }

    /// Lets the latest version answer.
    pub(crate) fn publish_latest(&mut self, at: At) {
        self.publish(self.latest.clone(), at);
    }

    pub(crate) fn retire(&mut self, at: At) {
        self.state = State::Retired;
        self.published = None;
        self.updated_at = at;
    }

    /// How sensitive it is: the higher class of what answers and of the latest version. So
    /// a higher one holds at once, and a lower one when it was published.
    pub(crate) fn data_class(&self) -> Option<DataClass> {
        let answers = self.published.as_ref().and_then(|version| version.draft.data_class);
        self.latest.draft.data_class.max(answers)
    }

    /// What is asked about.
    pub(crate) fn thing(&self) -> Thing<'_> {
        Thing::new("pattern", self.id.as_str()).classed(self.data_class())
    }

    /// Whether the caller may, guardrails included.
    pub(crate) fn allows(&self, caller: &Caller, permission: Permission) -> bool {
        caller.may_on(permission, self.thing())
    }

    /// Whether the caller's roles give the permission on the org or on this pattern. A
    /// guardrail may forbid it still, and is then named: it hides nothing.
    pub(crate) fn gives(&self, caller: &Caller, permission: Permission) -> bool {
        caller.access.may_on(permission, self.thing())
    }
}
