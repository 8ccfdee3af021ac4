//! The catalogue as one org sees it: what can be called, where that is processed, how its
//! endpoints do, and what it costs.

use std::sync::Arc;

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
    /// Of a hundred first tries within its order, so many go to it.
    pub share_percent: u64,
    /// How it does, as far as this node has seen.
    pub health: EndpointHealth,
    /// Calls that failed in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// Until when it is left alone.
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
    /// It was left alone; the next call tries it.
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
        let now = self.0.clock.now();
        let catalogue = self.0.catalogue.load();
        let default = catalogue.default_model.as_deref();
        let models = catalogue.models(caller.region);
        CatalogueView {
            region: caller.region,
            default_model: default
                .filter(|name| models.iter().any(|model| model.name == *name))
                .map(ToOwned::to_owned),
            items: models.into_iter().map(|model| seen(model, caller, now)).collect(),
        }
    }
}

fn seen(model: &Model, caller: &Caller, now: At) -> ModelView {
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
        endpoints: served(model.routes_in(caller.region), now),
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

fn served(routes: &[Arc<Route>], now: At) -> Vec<EndpointView> {
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
            let health = route.endpoint.breaker.health(now);
            let (health, failures, resting_until) = match health {
                Health::Well => (EndpointHealth::NoFailures, None, None),
                Health::Failing(failures) => (EndpointHealth::Failing, Some(failures), None),
                Health::Resting(until) => (EndpointHealth::Resting, None, Some(until)),
                Health::OnTrial => (EndpointHealth::OnTrial, None, None),
            };
            EndpointView {
                name: route.endpoint.name.clone(),
                provider: route.endpoint.provider.to_string(),
                speaks: route.endpoint.speaks,
                model: route.model.clone(),
                order: route.order,
                share_percent: u64::from(route.weight) * 100 / weight(route.order).max(1),
                health,
                failures,
                resting_until,
            }
        })
        .collect();
    endpoints.sort_by_key(|endpoint| (endpoint.order, std::cmp::Reverse(endpoint.share_percent)));
    endpoints
}
