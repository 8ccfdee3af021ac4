//! What the record tells of the last move of an org.

use access::Caller;
use audit::Filter;
use base::problem::Problem;
use base::time::At;
use serde_json::Value;

use crate::order::Regions;

/// Events of moves that are read at most: those of the last one are among them.
const EVENTS_MAX: u32 = 50;

/// The events of the last move, as far as it is.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// Who ordered it, and when.
    pub(crate) ordered: Option<Happened>,
    /// When the operator began.
    pub(crate) begun: Option<Happened>,
    /// When it was at home there.
    pub(crate) arrived: Option<Happened>,
    /// When what it left was erased.
    pub(crate) erased: Option<Happened>,
}

/// One event of it.
#[derive(Debug)]
pub(crate) struct Happened {
    /// When.
    pub(crate) at: At,
    /// Its place in the record.
    pub(crate) sequence: i64,
    changes: Value,
}

impl Happened {
    fn of(event: &Value) -> Option<Self> {
        Some(Self {
            at: event.get("timestamp")?.as_str()?.parse().ok()?,
            sequence: event.get("sequence")?.as_i64()?,
            changes: event.get("changes").cloned().unwrap_or_default(),
        })
    }

    /// A number that the event tells.
    pub(crate) fn count(&self, name: &str) -> i64 {
        self.changes.get(name).and_then(Value::as_i64).unwrap_or_default()
    }

    /// The signed receipt, if this is the erasure.
    pub(crate) fn receipt(&self) -> Option<&str> {
        self.changes.get("receipt").and_then(Value::as_str)
    }
}

impl Regions {
    /// The last move as the record tells it, for whoever may read the record. Reading is
    /// recorded, like any other.
    pub(crate) async fn told(&self, caller: &Caller) -> Result<Told, Problem> {
        let filter = Filter {
            action: "regions.move.*".to_owned(),
            limit: Some(EVENTS_MAX),
            ..Filter::default()
        };
        let events = self.record().events(caller, &filter).await?;
        let mut told = Told::default();
        // The newest first: what is older than the order is of another move.
        for event in &events.items {
            let happened = Happened::of(event);
            match event.get("action").and_then(Value::as_str) {
                Some("regions.move.erased") => told.erased = told.erased.or(happened),
                Some("regions.move.arrived") => told.arrived = told.arrived.or(happened),
                Some("regions.move.begun") => told.begun = told.begun.or(happened),
                Some("regions.move.ordered") => {
                    told.ordered = happened;
                    break;
                }
                Some(_) | None => {}
            }
        }
        Ok(told)
    }
}
