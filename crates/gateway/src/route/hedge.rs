//! Asking a second endpoint of the region when the first one is late. Only before anything of an
//! answer is there, once in a try, and only as long as the budget lasts.
//!
//! ```text
//! first ──────(late)──────────────► the answer that begins first is taken;
//!                └─ second ───────► the other one is dropped, and named in the outcome
//! ```

use std::sync::Arc;

use super::missing::told;
use super::{Arrived, NotSent, Order, Outgoing};
use crate::call::Call;
use crate::catalogue::{Hedge, Route};
use crate::provider::{Enter, Trial};

impl Outgoing<'_> {
    /// A try, hedged if the operator wants that.
    pub(super) async fn attempt(
        &self,
        call: &mut Call,
        trial: Trial,
        (order, index): (&Order<'_>, usize),
        hedged: &mut Option<usize>,
    ) -> Result<Arrived, NotSent> {
        let route = trial.route().clone();
        call.trying(&route);
        if call.facts.attempts > 1 {
            self.telemetry.retries.inc();
        }
        let late = self.model.hedge.as_ref().and_then(|hedge| {
            let after = hedge.after.or_else(|| route.vitals.late())?;
            Some((hedge, after))
        });
        let Some((hedge, after)) = late else { return self.once(trial).await };
        let mut first = Box::pin(self.once(trial));
        tokio::select! {
            biased;
            done = &mut first => return done,
            () = tokio::time::sleep(after) => {}
        }
        let Some((beside, trial)) = self.second(call, hedge, order, index) else {
            return first.await;
        };
        *hedged = Some(beside);
        let other = trial.route().clone();
        call.hedging(&other);
        let mut second = Box::pin(self.once(trial));
        let (one, two) = tokio::select! {
            biased;
            done = &mut first => match done {
                Err(error) if !error.is_an_answer() => (error, second.await),
                done => {
                    call.answered_by(&route, Some(&other));
                    return done;
                }
            },
            done = &mut second => match done {
                Err(error) if !error.is_an_answer() => (error, first.await),
                done => {
                    hedge.won();
                    call.answered_by(&other, Some(&route));
                    return done;
                }
            },
        };
        // One has failed: whoever is left is like any other try.
        match two {
            Ok(arrived) => {
                call.answered_by(arrived.trial.route(), None);
                Ok(arrived)
            }
            Err(error) => {
                call.answered_by(&other, None);
                Err(NotSent {
                    produced: one.produced || error.produced,
                    again: one.again && error.again,
                    error: if error.again { told(one.error, error.error) } else { error.error },
                    in_vain: [one.in_vain, error.in_vain].concat(),
                })
            }
        }
    }

    /// A second endpoint that was not asked yet, does well, and has a slot free. A hedge never
    /// waits, never probes, and takes no last resort.
    fn second(
        &self,
        call: &Call,
        hedge: &Hedge,
        order: &Order<'_>,
        index: usize,
    ) -> Option<(usize, Trial)> {
        if call.facts.attempts >= self.model.attempts_max {
            return None;
        }
        let first = order.routes.get(index)?;
        let fit = |route: &Arc<Route>| {
            !Arc::ptr_eq(&route.endpoint, &first.endpoint)
                && !route.vitals.is_out()
                && route.endpoint.breaker.is_closed()
        };
        let untried = order.routes.iter().enumerate().take(order.out_from).skip(index + 1);
        for (beside, route) in untried.filter(|(_, route)| fit(route)) {
            let Some(slot) = route.endpoint.slots.take_now(&call.caller.org, self.clock) else {
                continue;
            };
            if !hedge.spend() {
                return None;
            }
            return Some((beside, Trial::begin(route.clone(), slot, self.clock, Enter::Usual)));
        }
        None
    }
}
