//! The catalogue as one org sees it: what can be called, where that is processed, how its
//! endpoints do, and what it costs.

use std::sync::Arc;
use std::time::Duration;

use access::{Caller, DataClass, Permission, Region};
use base::money::NanoCents;
use base::time::At;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Gateway;
use crate::api::names;
use crate::catalogue::{Does, Model, Price, Route, Speaks};
use crate::provider::Health;

/// What an org can call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CatalogueView {
    /// Where everything in it is processed: the region of the org.
    #[schema(value_type = String)]
    pub region: Region,
    /// The model of patterns whose template names none, if the region has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_model: Option<String>,
    /// The models, by name.
    pub items: Vec<ModelView>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelView {
    /// What goes into `model`.
    pub name: String,
    /// `chat` or `embeddings`.
    #[schema(value_type = String)]
    pub does: Does,
    /// The most tokens it reads.
    pub context_tokens: u64,
    /// The most tokens one answer can have.
    pub max_output_tokens: u64,
    /// The highest class of data that it is approved for: `public`, `internal`,
    /// `confidential` or `secret`. Absent: the operator did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub data_class: Option<DataClass>,
    /// Whether the caller may call it.
    pub may_call: bool,
    /// Why not, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// What it costs now; nothing of what is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceView>,
    /// What it will cost, the next change first.
    pub coming_prices: Vec<PriceView>,
    /// The endpoints that serve it in the region, in the order in which they are tried.
    pub endpoints: Vec<EndpointView>,
}

/// What a million tokens cost, in the currency of the operator's price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PriceView {
    /// The first UTC day of it. The first price of a model also holds before its day.
    #[schema(value_type = String)]
    pub from: jiff::civil::Date,
    /// Read.
    #[schema(value_type = String)]
    pub input_per_million: NanoCents,
    /// Read from the provider's cache.
    #[schema(value_type = String)]
    pub cached_input_per_million: NanoCents,
    /// Written.
    #[schema(value_type = String)]
    pub output_per_million: NanoCents,
}

/// One endpoint that serves a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointView {
    /// What the operator calls it.
    pub name: String,
    /// Who runs it.
    pub provider: String,
    /// `openai` or `anthropic`.
    #[schema(value_type = String)]
    pub speaks: Speaks,
    /// What it calls the model.
    pub model: String,
    /// Endpoints of the lowest order are tried first.
    pub order: u32,
    /// Of a hundred first tries within its order, so many go to it, before quicker ones are
    /// preferred.
    pub share_percent: u64,
    /// How it does, as far as this node has seen.
    pub health: EndpointHealth,
    /// Calls that failed in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// Of a hundred tries that ended in the last minute, so many ended well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success_percent: Option<u32>,
    /// Milliseconds within which half of the first tokens came in the last minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// The same of 95 in a hundred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_p95_ms: Option<u64>,
    /// Calls wait for it: it has as many as it may.
    pub busy: bool,
    /// Until when it is left alone, or left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub resting_until: Option<At>,
}

/// How an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndpointHealth {
    /// No failure was seen since its last success; perhaps no call either.
    NoFailures,
    /// Its last calls failed; calls still pass.
    Failing,
    /// It is left alone for a while.
    Resting,
    /// It is left out for a while: it did much worse than its peers.
    Ejected,
    /// It was left alone, or left out; the next call tries it.
    OnTrial,
}

impl Gateway {
    /// The highest class of data that a model is approved for, if the operator said so.
    pub fn class_of(&self, caller: &Caller, name: &str) -> Option<DataClass> {
        self.0.catalogue.load().model(name, caller.region)?.data_class
    }

    /// The models of the caller's region. Everybody of an org sees all of them; whether they
    /// may be called differs.
    pub fn catalogue_view(&self, caller: &Caller) -> CatalogueView {
        let (now, steady) = (self.0.clock.now(), self.0.steady.now());
        let catalogue = self.0.catalogue.load();
        let default = catalogue.default_model.as_deref();
        let models = catalogue.models(caller.region);
        CatalogueView {
            region: caller.region,
            default_model: default
                .filter(|name| models.iter().any(|model| model.name == *name))
                .map(ToOwned::to_owned),
            items: models.into_iter().map(|model| seen(model, caller, (now, steady))).collect(),
        }
    }
}

/// As it is now, by the clock and by the one that is never set.
fn seen(model: &Model, caller: &Caller, (now, steady): (At, At)) -> ModelView {
    let why_not = why_not(caller, model);
    ModelView {
        name: model.name.clone(),
        does: model.does,
        context_tokens: model.context_tokens,
        max_output_tokens: model.max_output_tokens,
        data_class: model.data_class,
        may_call: why_not.is_none(),
        why_not,
        price: model.prices.at(now).map(priced),
        coming_prices: model.prices.after(now).map(priced).collect(),
        endpoints: served(model.routes_in(caller.region), (now, steady)),
    }
}

/// The same two questions as at the door.
fn why_not(caller: &Caller, model: &Model) -> Option<String> {
    if !names(caller, &model.name) {
        return Some("the key that was shown may call other models only".to_owned());
    }
    let denied = caller.require_on(Permission::ModelsInvoke, model.thing()).err()?;
    denied.0.missing.clone().or_else(|| Some(denied.to_string()))
}

fn priced(price: &Price) -> PriceView {
    const MILLION: u64 = 1_000_000;
    PriceView {
        from: jiff::tz::TimeZone::UTC.to_datetime(price.from).date(),
        input_per_million: price.input.times(MILLION),
        cached_input_per_million: price.cached.times(MILLION),
        output_per_million: price.output.times(MILLION),
    }
}

fn served(routes: &[Arc<Route>], (now, steady): (At, At)) -> Vec<EndpointView> {
    let weight = |order: u32| -> u64 {
        routes
            .iter()
            .filter(|route| route.order == order)
            .map(|route| u64::from(route.weight))
            .sum()
    };
    let mut endpoints: Vec<EndpointView> = routes
        .iter()
        .map(|route| {
            let (health, failures, resting_until) = health(route, steady);
            let resting_until = resting_until
                .map(|until| until.checked_add(now.duration_since(steady)).unwrap_or(until));
            let seen = route.vitals.seen(steady);
            let tried = seen.tries() > 0;
            EndpointView {
                name: route.endpoint.name.clone(),
                provider: route.endpoint.provider.to_string(),
                speaks: route.endpoint.speaks,
                model: route.model.clone(),
                order: route.order,
                share_percent: u64::from(route.weight) * 100 / weight(route.order).max(1),
                health,
                failures,
                success_percent: tried.then(|| 100 - seen.failed_percent()),
                first_token_ms: seen.within(50).map(millis),
                first_token_p95_ms: seen.within(95).map(millis),
                busy: route.endpoint.slots.seen().is_some_and(|seen| seen.waiting > 0),
                resting_until,
            }
        })
        .collect();
    endpoints.sort_by_key(|endpoint| (endpoint.order, std::cmp::Reverse(endpoint.share_percent)));
    endpoints
}

/// Left alone for its failures in a row, left out beside its peers, or neither.
fn health(route: &Route, now: At) -> (EndpointHealth, Option<u32>, Option<At>) {
    let breaker = route.endpoint.breaker.health(now);
    match (breaker, route.vitals.out_until()) {
        (Health::Resting(until), _) => (EndpointHealth::Resting, None, Some(until)),
        (_, Some(until)) if now < until => (EndpointHealth::Ejected, None, Some(until)),
        (Health::OnTrial, _) | (_, Some(_)) => (EndpointHealth::OnTrial, None, None),
        (Health::Failing(failures), None) => (EndpointHealth::Failing, Some(failures), None),
        (Health::Well, None) => (EndpointHealth::NoFailures, None, None),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
