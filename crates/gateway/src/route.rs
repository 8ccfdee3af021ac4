//! Choosing an endpoint inside the region, and trying again where that is safe.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use access::Region;
use base::time::SharedClock;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use rand::Rng;

use crate::call::Call;
use crate::catalogue::{Does, Model, Route, Speaks};
use crate::error::Error;
use crate::provider::{Failed, Sent};
use crate::telemetry::Telemetry;
use crate::wire::anthropic;
use crate::wire::ask::Ask;
use crate::wire::splice::{Edits, splice};

/// Bytes of a provider's refusal that are read.
const REFUSAL_MAX: usize = 64 << 10;
/// The wait before the second try at the same endpoint; doubles after that.
const BACKOFF: Duration = Duration::from_millis(100);
/// What a call adds to the retry budget, in hundredths of a retry: one call in ten.
const BUDGET_EARNED: i64 = 10;
/// Retries that can be saved up, in hundredths.
const BUDGET_MAX: i64 = 1_000;

/// Tries at the same endpoint beyond one call in ten are not made: they would only
/// keep an overloaded endpoint down.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(AtomicI64::new(BUDGET_MAX))
    }
}

impl RetryBudget {
    fn earn(&self) {
        let saved = self.0.load(Ordering::Relaxed);
        if saved < BUDGET_MAX {
            self.0.store((saved + BUDGET_EARNED).min(BUDGET_MAX), Ordering::Relaxed);
        }
    }

    fn spend(&self) -> bool {
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
            (saved >= 100).then_some(saved - 100)
        });
        taken.is_ok()
    }
}

/// What is sent, and what tries need to know.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) model: &'a Model,
    pub(crate) region: Region,
    pub(crate) ask: &'a Ask<'a>,
    pub(crate) body: &'a Bytes,
    pub(crate) clock: &'a SharedClock,
    pub(crate) budget: &'a RetryBudget,
    pub(crate) telemetry: &'a Telemetry,
}

impl Outgoing<'_> {
    /// Sends the call to the endpoints of the region, one after the other, until one
    /// answers. The call is told before each try.
    pub(crate) async fn send(&self, call: &mut Call) -> Result<(Sent, Arc<Route>), Error> {
        self.budget.earn();
        let routes = order(self.model.routes_in(self.region));
        let mut last = Error::NoEndpoint(self.region);
        for round in 0..self.model.attempts_max {
            for route in &routes {
                if call.facts.attempts >= self.model.attempts_max {
                    return Err(last);
                }
                if !route.endpoint.breaker.admits(self.clock.now()) {
                    continue;
                }
                if round > 0 {
                    if !self.budget.spend() {
                        return Err(last);
                    }
                    tokio::time::sleep(BACKOFF.saturating_mul(1 << (round - 1).min(6))).await;
                }
                call.trying(route);
                if call.facts.attempts > 1 {
                    self.telemetry.retries.inc();
                }
                match self.once(route).await {
                    Ok(sent) => return Ok((sent, route.clone())),
                    Err(NotSent { error, produced, again }) => {
                        if !produced {
                            call.refused();
                        }
                        if !again {
                            return Err(error);
                        }
                        last = error;
                    }
                }
            }
        }
        Err(last)
    }

    /// One try.
    async fn once(&self, route: &Route) -> Result<Sent, NotSent> {
        let endpoint = &route.endpoint;
        let body = self.body_for(route).map_err(NotSent::for_good)?;
        let path = endpoint.path(self.model.does);
        let timeout = endpoint.first_token_timeout;
        let sent = endpoint.client.post(&path, body, self.ask.stream, timeout).await;
        let now = self.clock.now();
        let sent = sent.map_err(|failed| {
            endpoint.breaker.failed(now);
            tracing::warn!(
                endpoint.name = endpoint.name,
                error = &failed as &dyn std::error::Error,
                "an endpoint failed"
            );
            match failed {
                Failed::Unreachable(_) => NotSent::passing(Error::ProviderFailed),
                // It has the request and may be writing: asking again would pay twice.
                Failed::TooSlow => {
                    NotSent { error: Error::ProviderTooSlow, produced: true, again: false }
                }
            }
        })?;
        let status = sent.status();
        if status.is_success() {
            endpoint.breaker.succeeded();
            return Ok(sent);
        }
        if status.is_server_error() {
            endpoint.breaker.failed(now);
        }
        tracing::warn!(
            endpoint.name = endpoint.name,
            status = status.as_u16(),
            "an endpoint refused"
        );
        Err(refused(endpoint.speaks, sent).await)
    }

    fn body_for(&self, route: &Route) -> Result<Bytes, Error> {
        match route.endpoint.speaks {
            Speaks::Openai => {
                let stream = self.ask.stream && self.model.does == Does::Chat;
                let edits = Edits { model: Some(&route.model), include_usage: stream };
                Ok(splice(self.body, self.ask, edits).unwrap_or_else(|| self.body.clone()))
            }
            Speaks::Anthropic => {
                let max_tokens = self.model.max_output_tokens;
                let target = anthropic::Target { model: &route.model, max_tokens };
                Ok(anthropic::request(self.body, &target)?)
            }
        }
    }
}

/// A try without an answer.
struct NotSent {
    error: Error,
    /// The provider may have worked, and may charge for it.
    produced: bool,
    /// Another try is safe.
    again: bool,
}

impl NotSent {
    fn passing(error: Error) -> Self {
        Self { error, produced: false, again: true }
    }

    fn for_good(error: Error) -> Self {
        Self { error, produced: false, again: false }
    }
}

/// What a status that is not a success means.
async fn refused(speaks: Speaks, sent: Sent) -> NotSent {
    let status = sent.status();
    let retry_after_secs = sent
        .headers()
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(1);
    match status {
        StatusCode::TOO_MANY_REQUESTS => {
            NotSent::passing(Error::ProviderOverloaded { retry_after_secs })
        }
        // The operator's key is wrong there: not the caller's fault, and no secret of ours.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED => {
            NotSent::passing(Error::ProviderFailed)
        }
        status if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
            let body = Limited::new(sent.into_body(), REFUSAL_MAX).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
            let body = match speaks {
                Speaks::Openai => body,
                Speaks::Anthropic => anthropic::Failure::of_json(&body).as_openai().to_body(),
            };
            NotSent::for_good(Error::ProviderRefused(status, body))
        }
        _ => NotSent::passing(Error::ProviderFailed),
    }
}

/// Routes of a lower order first; within one order by chance, in proportion to weight.
fn order(routes: &[Arc<Route>]) -> Vec<Arc<Route>> {
    if let [only] = routes {
        return vec![only.clone()];
    }
    let mut random = rand::rng();
    let mut keyed: Vec<(u32, f64, &Arc<Route>)> = routes
        .iter()
        // Weighted sampling without replacement (Efraimidis and Spirakis, 2006).
        .map(|route| {
            let chance: f64 = random.random::<f64>().max(f64::MIN_POSITIVE);
            (route.order, -chance.ln() / f64::from(route.weight), route)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    keyed.into_iter().map(|(.., route)| route.clone()).collect()
}
