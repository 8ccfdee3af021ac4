//! What an admin decides about a stream that stands still or lacks something.

use access::Caller;
use audit::{Change, Event};
use base::args;
use base::checks::Checks;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::manage::may_change;
use crate::{Error, Sink, SinkId, Streams, sql};

/// Which item is set aside.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    /// The item that the sink is blocked at, as `blocked_at` names it.
    pub item: String,
}

/// Where a stream begins again.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The index of the first event that is sent again; 0 if not given. Not beyond the next one
    /// that is due: nothing is passed over.
    #[serde(default)]
    pub from: i64,
}

impl Streams {
    /// Tries a sink again now, whatever it refused before.
    pub async fn retry(&self, caller: &Caller, id: &SinkId) -> Result<Sink, Error> {
        let scope = may_change(caller)?;
        let known = self.known(&scope, id).await?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        if change.run(sql::MEND, args![id.as_str(), self.now()]).await? == 0 {
            return Err(Error::NotFound);
        }
        let item = json!({ "item": known.position.blocked });
        let event = Event::done("streams.sink.retried", "sink", id.as_str()).changes(item);
        change.commit(event).await?;
        let known = self.known(&scope, id).await?;
        self.shown(&scope, known).await
    }

    /// Lets the stream go on without the item that the sink refused. A notice takes its place.
    pub async fn set_aside(
        &self,
        caller: &Caller,
        id: &SinkId,
        meant: &SetAside,
    ) -> Result<Sink, Error> {
        let scope = may_change(caller)?;
        let known = self.known(&scope, id).await?;
        let blocked = known.position.blocked.ok_or(Error::NotBlocked)?;
        if blocked.starts_with("gap-") {
            return Err(Error::NoticeRefused);
        }
        if blocked != meant.item {
            return Err(Error::OtherItem(blocked));
        }
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let aside = args![id.as_str(), &blocked, self.now()];
        if change.run(sql::SET_ASIDE, aside).await? == 0 {
            return Err(Error::NotBlocked);
        }
        let event = Event::done("streams.sink.set_aside", "sink", id.as_str());
        change.commit(event.changes(json!({ "item": blocked }))).await?;
        let known = self.known(&scope, id).await?;
        self.shown(&scope, known).await
    }

    /// Begins again from an index that was delivered already, or from where the stream stands.
    /// What was set aside behind it is tried again.
    pub async fn replay(
        &self,
        caller: &Caller,
        id: &SinkId,
        replay: &Replay,
    ) -> Result<Sink, Error> {
        let scope = may_change(caller)?;
        let known = self.known(&scope, id).await?;
        let mut checks = Checks::default();
        let next = known.position.next;
        if !(0..=next).contains(&replay.from) {
            checks.refuse("/from", format!("must be 0 to {next}, where the stream stands"));
        }
        checks.done()?;
        let mut change = Change::begin(&self.0.record, &scope).await?;
        let back = args![id.as_str(), replay.from, self.now()];
        if change.run(sql::REPLAY, back).await? == 0 {
            return Err(Error::Moved);
        }
        let event = Event::done("streams.sink.replayed", "sink", id.as_str());
        let back = json!({ "next": { "from": next, "to": replay.from } });
        change.commit(event.changes(back)).await?;
        let known = self.known(&scope, id).await?;
        self.shown(&scope, known).await
    }
}
