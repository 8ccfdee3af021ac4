//! A group of events of 32 calls: encoded by whoever calls, committed by the record's line.
//!
//! What the line takes at once depends on when it looks. So it is held in the transaction of
//! the event before, where a rider waits, until the whole group stands behind it.

use std::sync::Arc;

use access::Region;
use audit::{CallFacts, Event, Outcome, Pending, Record, Rider, Riding};
use base::db::Tx;
use base::metrics::Metrics;
use tokio::sync::Semaphore;

use crate::house::House;

const CALLS: u64 = 32;
/// The end of a call that had begun before, and both ends of the others.
pub(crate) const EVENTS: u64 = 2 * CALLS - 1;

pub(crate) struct Group {
    house: &'static House,
    record: Record,
    gate: Arc<Gate>,
    calls: u64,
    /// The line stands in this transaction.
    held: Option<Pending>,
    ready: Vec<Event>,
    submitted: Vec<Pending>,
}

impl Group {
    pub(crate) fn open(house: &'static House) -> Self {
        let gate = Arc::new(Gate::default());
        let rooms = &house.rooms;
        let riders: [Arc<dyn Rider>; 2] = [gate.clone(), limits::rider()];
        let (clock, metrics) = (rooms.clock.shared(), Metrics::new());
        let _inside = house.runtime.enter();
        let record = Record::open(
            &rooms.databases,
            &clock,
            "n2",
            &rooms.roots,
            &riders,
            &rooms.tasks,
            &metrics,
        );
        let record = record.expect("starts its thread");
        Self { house, record, gate, calls: 0, held: None, ready: Vec::new(), submitted: Vec::new() }
    }

    /// Commits what is left, holds the line, and makes the events of the next group.
    pub(crate) fn stand_still(&mut self) {
        self.commit();
        let [begun, ended] = self.call();
        let pending = self.record.open_call(&self.house.ada, &begun);
        self.house.runtime.block_on(self.gate.reached());
        self.held = Some(pending);
        self.ready = vec![ended];
        for _ in 1..CALLS {
            let call = self.call();
            self.ready.extend(call);
        }
    }

    /// What each call does for its events: they are encoded, sealed and handed to the line.
    pub(crate) fn submit(&mut self) {
        let (record, caller) = (&self.record, &self.house.ada);
        for event in &self.ready {
            let begins = event.outcome == Outcome::Started;
            let pending = if begins {
                record.open_call(caller, event)
            } else {
                record.close_call(caller, event)
            };
            self.submitted.push(pending);
        }
    }

    /// Lets the line go on and waits until all is on disk.
    pub(crate) fn commit(&mut self) {
        let Some(held) = self.held.take() else { return };
        let submitted = std::mem::take(&mut self.submitted);
        self.house.runtime.block_on(async {
            self.gate.pass();
            held.await.expect("durable");
            if submitted.is_empty() {
                return;
            }
            self.gate.reached().await;
            self.gate.pass();
            for pending in submitted {
                pending.await.expect("durable");
            }
        });
    }

    /// How the gateway tells of a call, at its beginning and at its end.
    fn call(&mut self) -> [Event; 2] {
        self.calls += 1;
        let id = format!("call_{:026}", self.calls);
        let begun = CallFacts::begun("small", "2026-01-01T00:00:00Z".parse().expect("an instant"));
        let ended = CallFacts {
            provider: Some("openai".to_owned()),
            endpoint: Some("openai-eu".to_owned()),
            provider_region: Some(Region::Eu),
            tokens_in: 200,
            tokens_out: 500,
            price_nanocents: 30_000_000,
            attempts: 1,
            ..begun.clone()
        };
        let started = Event::done("gateway.call.started", "call", &*id).outcome(Outcome::Started);
        [started.call(begun), Event::done("gateway.call.ended", "call", id).call(ended)]
    }
}

/// Stops each transaction of calls until it is let through.
#[derive(Debug)]
struct Gate {
    reached: Semaphore,
    open: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Self { reached: Semaphore::new(0), open: Semaphore::new(0) }
    }
}

impl Gate {
    /// Waits until a transaction stands before it.
    async fn reached(&self) {
        self.reached.acquire().await.expect("never closed").forget();
    }

    /// Lets one through.
    fn pass(&self) {
        self.open.add_permits(1);
    }
}

impl Rider for Gate {
    fn fence<'a>(&'a self, _tx: &'a mut Tx) -> Riding<'a> {
        Box::pin(async {
            self.reached.add_permits(1);
            self.open.acquire().await.expect("never closed").forget();
            Ok(())
        })
    }
}
