//! One test item, sent at once, and what the sink said.

use access::Caller;
use audit::{Event, Outcome};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::item::{Item, Whose};
use crate::manage::may_change;
use crate::wire::{Parcel, Wires};
use crate::{Error, SinkId, Streams};

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Trial {
    /// Whether the sink took it.
    pub taken: bool,
    /// What it said, in short.
    pub said: String,
}

impl Streams {
    /// Sends a test item, beside the stream, and tells what the sink answered. It takes a place of
    /// those that deliver.
    pub async fn test(&self, caller: &Caller, id: &SinkId) -> Result<Trial, Error> {
        let scope = may_change(caller)?;
        let known = self.known(&scope, id).await?;
        let secrets = self.secrets(&scope, &known)?;
        let _place = self.0.places.free(scope.org().as_str()).ok_or(Error::Busy)?;
        let whose = Whose { org: scope.org().clone(), region: scope.region() };
        let items = [Item::test(known.position.next, self.now())];
        let pieces = items.each_ref().map(|item| Wires::piece(&known, item, &whose, self.now()));
        let (items, pieces, now) = (&items[..], &pieces[..], self.now());
        let secrets = secrets.as_ref();
        let parcel = Parcel { sink: &known, secrets, whose: &whose, items, pieces, now };
        let event = Event::done("streams.sink.tested", "sink", id.as_str());
        let (trial, event) = match self.0.wires.send(parcel).await {
            Ok(said) => (Trial { taken: true, said }, event),
            Err(trouble) => {
                let why = trouble.why();
                let reason = json!({ "code": "not_taken", "detail": why.ours });
                let trial = Trial { taken: false, said: why.whole() };
                (trial, event.outcome(Outcome::Failed).reason(reason))
            }
        };
        self.0.record.note(caller, &event).await?;
        Ok(trial)
    }
}
