//! Choosing an endpoint inside the region, and trying again where that is safe.

mod attempt;
mod budget;
mod hedge;
mod missing;
mod order;

use std::sync::Arc;
use std::time::Duration;

use access::Region;
use base::time::SharedClock;
use bytes::Bytes;

pub(crate) use self::attempt::Arrived;
use self::attempt::NotSent;
pub(crate) use self::budget::RetryBudget;
use self::order::{Order, order};
use crate::call::Call;
use crate::catalogue::{Model, Route};
use crate::error::Error;
use crate::provider::{Enter, NoSlot, Slot, Trial};
use crate::telemetry::Telemetry;
use crate::wire::ask::Ask;

/// The wait before the second try at the same endpoint; doubles after that.
const BACKOFF: Duration = Duration::from_millis(100);

/// What is sent, and what tries need to know.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) model: &'a Model,
    pub(crate) region: Region,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) body: &'a Bytes,
    /// It must not use more than is held: the provider is told the ceiling.
    pub(crate) bounded: bool,
    pub(crate) clock: &'a SharedClock,
    pub(crate) budget: &'a RetryBudget,
    pub(crate) telemetry: &'a Telemetry,
}

/// Whether an endpoint can be asked now.
enum Entry {
    /// Like this.
    Open(Trial),
    /// Its slots are taken.
    Busy,
    /// It is left alone.
    Shut,
}

impl Outgoing<'_> {
    /// Sends the call to the endpoints of the region, one after the other, until one
    /// answers. The call is told before each try. When all that could be asked are busy, it
    /// waits for the first of them.
    pub(crate) async fn send(&self, call: &mut Call) -> Result<Arrived, Error> {
        self.budget.earn();
        if let Some(hedge) = &self.model.hedge {
            hedge.earn();
        }
        let now = self.clock.now();
        self.model.judge(self.region, now);
        let order = order(self.model.routes_in(self.region), now);
        let mut last = Error::NoEndpoint(self.region);
        // Who does not have it is not asked again.
        let mut in_vain = Vec::new();
        // Where a hedge of this round failed: no need to ask there again at once.
        let mut hedged = None;
        for round in 0..self.model.attempts_max {
            let mut busy = None;
            for (index, route) in order.routes.iter().enumerate() {
                if call.facts.attempts >= self.model.attempts_max {
                    return Err(last);
                }
                if route.endpoint.breaker.is_open(self.clock.now())
                    || (round == 0 && hedged == Some(index))
                    || in_vain.iter().any(|gone| Arc::ptr_eq(gone, route))
                {
                    continue;
                }
                if round > 0 {
                    if !self.budget.spend() {
                        return Err(last);
                    }
                    tokio::time::sleep(BACKOFF.saturating_mul(1 << (round - 1).min(6))).await;
                }
                match self.enter(call, &order, index) {
                    Entry::Shut => {}
                    Entry::Busy => {
                        busy.get_or_insert(index);
                    }
                    Entry::Open(trial) => {
                        match self.attempt(call, trial, (&order, index), &mut hedged).await {
                            Ok(arrived) => return Ok(arrived),
                            Err(failed) => last = passing(call, failed, last, &mut in_vain)?,
                        }
                    }
                }
            }
            let Some(index) = busy else { continue };
            if call.facts.attempts < self.model.attempts_max
                && let Some(trial) = self.wait(call, &order, index).await?
            {
                match self.attempt(call, trial, (&order, index), &mut hedged).await {
                    Ok(arrived) => return Ok(arrived),
                    Err(failed) => last = passing(call, failed, last, &mut in_vain)?,
                }
            }
        }
        Err(last)
    }

    /// Goes in if there is a slot, and the endpoint is not left alone.
    fn enter(&self, call: &Call, order: &Order<'_>, index: usize) -> Entry {
        let Some(route) = order.routes.get(index) else { return Entry::Shut };
        match route.endpoint.slots.take_now(&call.caller.org, self.clock) {
            None => Entry::Busy,
            Some(slot) => {
                let trial = self.with(route, slot, index >= order.out_from);
                trial.map_or(Entry::Shut, Entry::Open)
            }
        }
    }

    /// Waits until it is this org's turn at an endpoint whose slots are taken.
    async fn wait(
        &self,
        call: &Call,
        order: &Order<'_>,
        index: usize,
    ) -> Result<Option<Trial>, Error> {
        let Some(route) = order.routes.get(index) else { return Ok(None) };
        let begun = tokio::time::Instant::now();
        let slot = route.endpoint.slots.take(&call.caller.org, call.tokens_held, self.clock).await;
        self.telemetry.waited.observe(begun.elapsed().as_secs_f64());
        match slot {
            Ok(slot) => Ok(self.with(route, slot, index >= order.out_from)),
            Err(NoSlot::Shortage { retry_after_secs }) => Err(Error::Shortage { retry_after_secs }),
            Err(NoSlot::Paused { retry_after_secs }) => {
                Err(Error::ProviderOverloaded { retry_after_secs })
            }
        }
    }

    /// Begins a try, unless the endpoint is left alone. One that is left out is asked only as the
    /// last resort.
    fn with(&self, route: &Arc<Route>, slot: Slot, last_resort: bool) -> Option<Trial> {
        let now = self.clock.now();
        let entered = route.vitals.enter(now);
        if entered == Enter::Out && !last_resort {
            return None;
        }
        if !route.endpoint.breaker.admits(now) {
            if entered == Enter::Probe {
                route.vitals.probe_again(now);
            }
            return None;
        }
        Some(Trial::begin(route.clone(), slot, self.clock, entered))
    }
}

/// What a try that failed leaves behind: an error that another try may mend, or the end.
fn passing(
    call: &mut Call,
    failed: NotSent,
    last: Error,
    in_vain: &mut Vec<Arc<Route>>,
) -> Result<Error, Error> {
    if !failed.produced {
        call.refused();
    }
    in_vain.extend(failed.in_vain);
    if failed.again { Ok(missing::told(last, failed.error)) } else { Err(failed.error) }
}
