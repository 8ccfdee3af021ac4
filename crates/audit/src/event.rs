//! One entry of the record.

use access::Region;
use base::money::NanoCents;
use base::time::At;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Begun; another event says how it ended.
    Started,
    /// Done.
    Success,
    /// Refused by permission, limit or region.
    Denied,
    /// Went wrong.
    Failed,
    /// The caller left before the end.
    Aborted,
    /// Cut off by a crash: nobody knows.
    Unknown,
}

impl Outcome {
    /// Every one.
    pub const ALL: &[Self] =
        &[Self::Started, Self::Success, Self::Denied, Self::Failed, Self::Aborted, Self::Unknown];

    /// As stored and as filtered by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Aborted => "aborted",
            Self::Unknown => "unknown",
        }
    }

    /// Of what was stored.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.as_str() == text)
    }
}

/// What a governed call was made of. Never holds what was asked or answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallFacts {
    // In the order of their names: what is committed to is sorted as RFC 8785 says.
    /// How many endpoints were tried.
    pub attempts: u32,
    /// The endpoint that answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub endpoint: Option<String>,
    /// The provider gave no usage: the tokens were counted by us from what it sent.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub estimated: bool,
    /// The endpoint that was asked beside the one that answered, and let go: its provider may
    /// charge for what it did until then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hedge: Option<String>,
    /// What the caller named.
    pub model: String,
    /// The pattern and version that answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pattern: Option<String>,
    /// What it cost, in nano-cents: exact, and what budgets add up.
    #[serde(with = "crate::entry::exact")]
    pub price_nanocents: i64,
    /// Who answered: the name of the provider, or `portico` for the embedded engine.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<String>,
    /// Where the endpoint processed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<String>)]
    pub provider_region: Option<Region>,
    /// When it began; its day is the day it is charged to.
    #[schema(value_type = String)]
    pub started_at: At,
    /// Tokens read.
    #[serde(with = "crate::entry::exact")]
    pub tokens_in: u64,
    /// Tokens written.
    #[serde(with = "crate::entry::exact")]
    pub tokens_out: u64,
}

impl CallFacts {
    /// Of a call of this model that began, and of which nothing more is known yet.
    pub fn begun(model: impl Into<String>, started_at: At) -> Self {
        Self {
            attempts: 0,
            endpoint: None,
            estimated: false,
            hedge: None,
            model: model.into(),
            pattern: None,
            price_nanocents: 0,
            provider: None,
            provider_region: None,
            started_at,
            tokens_in: 0,
            tokens_out: 0,
        }
    }

    /// What it cost.
    pub fn price(&self) -> NanoCents {
        NanoCents(self.price_nanocents)
    }
}

/// What happened, as a room tells it. Who, where from and in which org come from
/// the caller.
#[derive(Debug, Clone)]
pub struct Event {
    /// `room.noun.verb`, the verb in the past: `limits.limit.set`. Stable for ever.
    pub action: &'static str,
    /// What kind of thing: `limit`.
    pub resource_type: &'static str,
    /// Which one.
    pub resource_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Before and after, for a change: `{"name": {"from": …, "to": …}}`. No secrets.
    pub changes: Option<Value>,
    /// Why, for a refusal: a decision or a problem.
    pub reason: Option<Value>,
    /// For a call.
    pub call: Option<CallFacts>,
}

impl Event {
    /// Something was done.
    pub fn done(
        action: &'static str,
        resource_type: &'static str,
        resource_id: impl Into<String>,
    ) -> Self {
        Self {
            action,
            resource_type,
            resource_id: resource_id.into(),
            outcome: Outcome::Success,
            changes: None,
            reason: None,
            call: None,
        }
    }

    /// Says what was changed.
    #[must_use]
    pub fn changes(mut self, changes: Value) -> Self {
        self.changes = Some(changes);
        self
    }

    /// Ended otherwise than well.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// Says why.
    #[must_use]
    pub fn reason(mut self, reason: Value) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Says what a call was made of.
    #[must_use]
    pub fn call(mut self, call: CallFacts) -> Self {
        self.call = Some(call);
        self
    }
}
