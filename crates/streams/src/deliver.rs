//! Delivering: one sink, in order, at least once.
//!
//! ```text
//! claim ─► read what comes next ─► send ─► acknowledged? ─► move the position ─┐
//!             ▲                     │ └─ may pass: later, with patience        │
//!             │                     └─ refused: half as much at once; one item │
//!             └────────────────────────  alone refused: blocked, visibly       │
//!             └──────────────────────────────────────────────────────────────◄─┘
//! ```
//! A crash between "acknowledged" and "move" sends the same items again, under the same keys.

use std::time::Duration;

use access::{Caller, Region, Scope};
use audit::{Change, Event, Outcome};
use base::args;
use base::db::{DbError, Statement, Value};
use jiff::SignedDuration;
use serde_json::json;

use crate::gather::{Unread, gather};
use crate::item::{Item, What, Whose};
use crate::sink::Known;
use crate::wire::{Parcel, Trouble, Why, Wires};
use crate::{Error, Streams, sql};

/// Deliveries of one turn, so that one sink keeps no place for ever.
const DELIVERIES_OF_A_TURN: usize = 40;
/// How long a turn holds without a sign of life: longer than any delivery.
const HELD_SECS: i64 = 120;
/// The first pause after a failure; it doubles with each.
const PAUSE_SECS: u64 = 5;
/// The longest pause of our own choice.
const PAUSE_SECS_MAX: u64 = 600;
/// The longest pause that a sink may ask for.
const ASKED_SECS_MAX: u64 = 3_600;

/// What a sink shows of a failure that is not the sink's own. The operator's log says more.
const OURS: &str = "this server could not deliver: the operator must look";

/// What a turn came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Events that a sink acknowledged.
    pub events: u64,
    /// Whether there is more at once.
    pub more: bool,
}

impl Streams {
    /// One turn of a sink: what it lacks, as far as one turn goes.
    pub(crate) async fn turn(&self, region: Region, mut known: Known) -> Result<Delivered, Error> {
        let scope = Caller::node(known.org.clone(), region, &self.0.node).itself();
        if !self.claim(&scope, &known).await? {
            return Ok(Delivered::default());
        }
        let done = self.held(&scope, &mut known).await;
        // Whatever it was, the next try waits as after any other failure.
        let noted = match &done {
            Ok(_) => Ok(()),
            Err(_) => self.failed(&scope, &known, OURS, None).await,
        };
        let release = args![known.id.as_str(), &*self.0.node];
        self.write(&scope, sql::RELEASE, release).await?;
        done.and_then(|done| noted.map(|()| done))
    }

    async fn held(&self, scope: &Scope, known: &mut Known) -> Result<Delivered, Error> {
        let mut done = Delivered::default();
        for _ in 0..DELIVERIES_OF_A_TURN {
            done.more = false;
            if self.0.tasks.is_stopping() {
                break;
            }
            // As it is now: changed, replayed or removed since.
            *known = match self.known(scope, &known.id).await {
                Ok(known) => known,
                Err(Error::NotFound) => break,
                Err(error) => return Err(error),
            };
            if !known.is_due(self.now()) {
                break;
            }
            let most = known.target.bounds().items;
            let items = match gather(&self.0.record, scope, &known.position, most).await {
                Ok(items) => items,
                Err(Unread::Db(error)) if error.is_unreachable() || error.is_passing() => {
                    return Err(error.into());
                }
                Err(unread) => {
                    told(scope, &unread);
                    let why = "the record cannot be read from here on: the operator must look";
                    self.failed(scope, known, why, None).await?;
                    break;
                }
            };
            let Some(sent) = self.send_some(scope, known, &items).await? else { break };
            done.events += sent;
            done.more = true;
        }
        Ok(done)
    }

    /// Delivers a bounded part of what comes next. None: that is all for now.
    async fn send_some(
        &self,
        scope: &Scope,
        known: &Known,
        items: &[Item],
    ) -> Result<Option<u64>, Error> {
        let whose = Whose { org: scope.org().clone(), region: scope.region() };
        let secrets = self.secrets(scope, known)?;
        let (bounds, now) = (known.target.bounds(), self.now());
        let (mut pieces, mut bytes) = (Vec::new(), 0);
        for item in items.iter().take(bounds.items) {
            let piece = Wires::piece(known, item, &whose, now);
            bytes += piece.len() + 1;
            if bytes > bounds.bytes && !pieces.is_empty() {
                break;
            }
            pieces.push(piece);
        }
        let mut count = pieces.len();
        while let (Some(items), Some(pieces)) = (items.get(..count), pieces.get(..count)) {
            let Some(last) = items.last() else { break };
            // Reading and halving take their time: whoever lost the turn meanwhile sends nothing.
            if !self.renew(scope, known).await? {
                break;
            }
            let size: usize = pieces.iter().map(|piece| piece.len() + 1).sum();
            let sent = if size > bounds.bytes {
                let why = format!("larger than the {} bytes that are sent at most", bounds.bytes);
                Err(Trouble::Refused { why: Why::new(why, "") })
            } else {
                let secrets = secrets.as_ref();
                let parcel =
                    Parcel { sink: known, secrets, whose: &whose, items, pieces, now: self.now() };
                tokio::select! {
                    sent = self.0.wires.send(parcel) => sent,
                    // A slow sink keeps no node from stopping: it is sent again.
                    () = self.0.tasks.stopping() => break,
                }
            };
            match sent {
                Ok(_) => return self.acknowledged(scope, known, items).await,
                // Some of them are fine: those before the one that is not go first.
                Err(Trouble::Refused { .. }) if count > 1 => count /= 2,
                Err(Trouble::Refused { why }) => {
                    self.blocked(scope, known, last, &why).await?;
                    break;
                }
                Err(Trouble::Later { why, after }) => {
                    self.failed(scope, known, &why.whole(), after).await?;
                    break;
                }
            }
        }
        Ok(None)
    }

    /// Moves the position behind what was acknowledged, unless somebody set it elsewhere
    /// meanwhile.
    async fn acknowledged(
        &self,
        scope: &Scope,
        known: &Known,
        items: &[Item],
    ) -> Result<Option<u64>, Error> {
        let (mut next, mut checkpoint, mut events) =
            (known.position.next, known.position.checkpoint, 0);
        let mut aside = String::new();
        for item in items {
            let is_checkpoint = match &item.what {
                What::Event(_) => false,
                What::Gap { item } => {
                    aside.clone_from(item);
                    item.starts_with("checkpoint-")
                }
                What::Checkpoint { .. } | What::Test => true,
            };
            if is_checkpoint {
                checkpoint = item.index;
            } else {
                next = item.index + 1;
                events += 1;
            }
        }
        let now = self.now();
        let moved = args![
            known.id.as_str(),
            known.position.next,
            known.position.checkpoint,
            next,
            checkpoint,
            now,
            now + SignedDuration::from_secs(HELD_SECS),
            aside,
            &*self.0.node
        ];
        if self.write(scope, sql::ADVANCE, moved).await? == 0 {
            return Ok(None);
        }
        self.0.counts.delivered(known.target.kind(), events);
        Ok(Some(events))
    }

    async fn failed(
        &self,
        scope: &Scope,
        known: &Known,
        why: &str,
        asked: Option<Duration>,
    ) -> Result<(), Error> {
        let now = self.now();
        let try_at = now + pause(known.position.failures, asked);
        let (next, checkpoint) = (known.position.next, known.position.checkpoint);
        let (id, node) = (known.id.as_str(), &*self.0.node);
        let failed = args![id, next, checkpoint, try_at, why, now, node];
        if self.write(scope, sql::FAIL, failed).await? > 0 {
            self.0.counts.failed(known.target.kind());
        }
        Ok(())
    }

    /// Nothing goes past an item that the sink refuses: an event says so, and so does the page,
    /// which also quotes the sink.
    async fn blocked(
        &self,
        scope: &Scope,
        known: &Known,
        item: &Item,
        why: &Why,
    ) -> Result<(), Error> {
        let (next, checkpoint) = (known.position.next, known.position.checkpoint);
        let mut change = Change::begin(&self.0.record, scope).await?;
        let (id, node) = (known.id.as_str(), &*self.0.node);
        let blocked = args![id, next, checkpoint, item.name(), why.whole(), self.now(), node];
        if change.run(sql::BLOCK, blocked).await? == 0 {
            return Ok(());
        }
        let event = Event::done("streams.sink.blocked", "sink", known.id.as_str());
        let event = event.outcome(Outcome::Failed).changes(json!({ "item": item.name() }));
        change.commit(event.reason(json!({ "code": "refused", "detail": why.ours }))).await?;
        self.0.counts.refused(known.target.kind());
        Ok(())
    }

    async fn claim(&self, scope: &Scope, known: &Known) -> Result<bool, Error> {
        let now = self.now();
        let until = now + SignedDuration::from_secs(HELD_SECS);
        let claim = args![known.id.as_str(), &*self.0.node, until, now];
        Ok(self.write(scope, sql::CLAIM, claim).await? > 0)
    }

    /// Keeps the turn, if nobody took it over.
    async fn renew(&self, scope: &Scope, known: &Known) -> Result<bool, Error> {
        let until = self.now() + SignedDuration::from_secs(HELD_SECS);
        let renew = args![known.id.as_str(), &*self.0.node, until];
        Ok(self.write(scope, sql::RENEW, renew).await? > 0)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "how far a sink has the record is no change of an org: it follows from the record"
    )]
    async fn write(
        &self,
        scope: &Scope,
        statement: Statement,
        args: Vec<Value>,
    ) -> Result<u64, DbError> {
        let mut tx = self.0.databases.of(scope)?.begin().await?;
        let rows = tx.run(statement, scope.args(args)).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

fn told(scope: &Scope, unread: &Unread) {
    let error = unread as &dyn std::error::Error;
    tracing::error!(org.id = %scope.org(), error, "the record could not be read");
}

/// Longer with each failure, never the same for all, and what the sink asked for if that is
/// longer.
fn pause(failures: i64, asked: Option<Duration>) -> SignedDuration {
    let doubled = u32::try_from(failures.clamp(0, 10)).unwrap_or_default();
    let longest = (PAUSE_SECS << doubled).min(PAUSE_SECS_MAX) * 1_000;
    let ours = longest / 2 + rand::random_range(0..=longest / 2);
    let asked = asked.map_or(0, |asked| asked.as_secs().min(ASKED_SECS_MAX) * 1_000);
    SignedDuration::from_millis(i64::try_from(ours.max(asked)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_grows_to_ten_minutes_and_heeds_a_sink_for_an_hour_at_most() {
        for _ in 0..200 {
            let millis = |failures, asked: Option<u64>| {
                pause(failures, asked.map(Duration::from_secs)).as_millis()
            };
            assert!((2_500..=5_000).contains(&millis(0, None)));
            assert!((20_000..=40_000).contains(&millis(3, None)));
            assert!((300_000..=600_000).contains(&millis(1_000, None)));
            assert_eq!(millis(0, Some(120)), 120_000);
            assert_eq!(millis(0, Some(999_999)), 3_600_000);
        }
    }
}
