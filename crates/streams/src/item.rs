//! What flows: events, and between them checkpoints and notices of gaps.

use access::{OrgId, Region};
use audit::ToldCheckpoint;
use base::hex;
use base::time::At;
use serde_json::{Value, json};

/// Whose record it is.
#[derive(Debug, Clone)]
pub(crate) struct Whose {
    pub(crate) org: OrgId,
    pub(crate) region: Region,
}

/// One thing that flows.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) what: What,
    /// Its place: the index of an event, or of the event that would follow it.
    pub(crate) index: i64,
    pub(crate) at: At,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// An event, as the record shows it.
    Event(Value),
    /// What was signed of the tree: the events before `index` are complete.
    Checkpoint { root: String, note: String },
    /// In the place of what an admin set aside.
    Gap { item: String },
    /// What somebody sends to try a sink.
    Test,
}

impl Item {
    /// An event of the record. One without a time says the beginning of time.
    pub(crate) fn event(event: Value) -> Self {
        let index = event.get("sequence").and_then(Value::as_i64).unwrap_or_default();
        let at = event.get("timestamp").and_then(Value::as_str);
        let at = at.and_then(|at| at.parse().ok()).unwrap_or(At::UNIX_EPOCH);
        Self { what: What::Event(event), index, at }
    }

    pub(crate) fn checkpoint(told: ToldCheckpoint) -> Self {
        let what = What::Checkpoint { root: hex::encode(&told.root), note: told.note };
        Self { what, index: told.size, at: told.at }
    }

    /// The notice in the place of this item.
    pub(crate) fn gap(self) -> Self {
        let item = self.name();
        Self { what: What::Gap { item }, ..self }
    }

    pub(crate) fn test(index: i64, at: At) -> Self {
        Self { what: What::Test, index, at }
    }

    /// What it is called among the items of its org: never another one's.
    pub(crate) fn name(&self) -> String {
        match &self.what {
            What::Event(_) => self.index.to_string(),
            What::Checkpoint { .. } => format!("checkpoint-{}", self.index),
            What::Gap { item } => format!("gap-{item}"),
            What::Test => format!("test-{}", self.at.as_microsecond()),
        }
    }

    /// What a receiver knows a second copy by.
    pub(crate) fn key(&self, whose: &Whose) -> String {
        format!("{}/{}", whose.org, self.name())
    }

    /// The word of its kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match &self.what {
            What::Event(_) => "event",
            What::Checkpoint { .. } => "checkpoint",
            What::Gap { .. } => "gap",
            What::Test => "test",
        }
    }

    /// What was done, as `room.noun.verb`.
    pub(crate) fn action(&self) -> &str {
        match &self.what {
            What::Event(event) => event.get("action").and_then(Value::as_str).unwrap_or_default(),
            What::Checkpoint { .. } => "streams.checkpoint",
            What::Gap { .. } => "streams.gap",
            What::Test => "streams.test",
        }
    }

    /// All of it, as JSON.
    pub(crate) fn data(&self, whose: &Whose) -> Value {
        match &self.what {
            What::Event(event) => event.clone(),
            What::Checkpoint { root, note } => json!({
                "organizationId": whose.org, "size": self.index, "root": root, "note": note,
            }),
            What::Gap { item } => json!({
                "organizationId": whose.org, "item": item,
                "notice": "this item is not in the stream: it was refused, and an admin set it aside",
            }),
            What::Test => json!({
                "organizationId": whose.org, "notice": "a test of this sink; nothing happened",
            }),
        }
    }

    /// In a sentence, with ids and without names.
    pub(crate) fn sentence(&self) -> String {
        match &self.what {
            What::Event(event) => audit::describe(event, &std::collections::HashMap::new()),
            What::Checkpoint { .. } => format!("Checkpoint of {} events.", self.index),
            What::Gap { item } => format!("{item} was set aside and is not in this stream."),
            What::Test => "Test of a sink.".to_owned(),
        }
    }
}
