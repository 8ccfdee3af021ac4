//! The catalogue: what callers may name and where it is reached, compiled once and
//! swapped whole. A catalogue with a fault is never applied.

mod config;
mod price;
mod resilience;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use access::{DataClass, Region, Thing};
use base::secret::Secret;
use base::time::At;

pub use self::config::{
    CeilingName, Config, Does, EjectionConfig, EndpointConfig, Extra, HedgeConfig, ModelConfig,
    PriceConfig, RouteConfig, Speaks,
};
pub(crate) use self::price::{Price, Prices};
pub(crate) use self::resilience::{Ejection, Hedge};
use crate::provider::{Endpoint, Judge, Vitals};

/// Everything compiled.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    models: HashMap<String, Arc<Model>>,
    pub(crate) default_model: Option<String>,
}

/// A model as callers name it.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) does: Does,
    pub(crate) max_output_tokens: u64,
    pub(crate) context_tokens: u64,
    pub(crate) image_tokens: u64,
    pub(crate) attempts_max: u32,
    /// The highest class of data that it is approved for; none: nobody said.
    pub(crate) data_class: Option<DataClass>,
    pub(crate) prices: Prices,
    pub(crate) hedge: Option<Hedge>,
    ejection: Ejection,
    /// By region, so that a choice among routes cannot name another region's.
    routes: BTreeMap<Region, Ways>,
}

/// The ways to reach a model in one region.
#[derive(Debug, Default)]
struct Ways {
    routes: Vec<Arc<Route>>,
    judge: Judge,
}

impl Ways {
    /// Whether they lead to more than one endpoint.
    fn are_two(&self) -> bool {
        let mut endpoints = self.routes.iter().map(|route| &route.endpoint);
        let first = endpoints.next();
        endpoints.any(|other| first.is_some_and(|first| !Arc::ptr_eq(first, other)))
    }
}

/// One way to reach a model.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) endpoint: Arc<Endpoint>,
    /// What the endpoint calls the model.
    pub(crate) model: String,
    pub(crate) weight: u32,
    pub(crate) order: u32,
    /// How the endpoint does with this model.
    pub(crate) vitals: Arc<Vitals>,
}

/// One fault of a catalogue: where, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct Fault {
    /// The key in the configuration: `gateway.models.small.routes[0].endpoint`.
    pub path: String,
    /// What is wrong.
    pub fault: String,
}

/// Gives the value of an environment variable or the content of a file.
pub trait Secrets {
    /// The secret in this environment variable.
    fn env(&self, name: &str) -> Result<Secret, String>;
    /// The secret in this file.
    fn file(&self, path: &str) -> Result<Secret, String>;
}

impl Catalogue {
    /// Compiles a configuration, or gives every fault in it. Endpoints that did not
    /// change are taken over from `before`, with their connections and their health.
    pub(crate) fn compile(
        config: &Config,
        secrets: &dyn Secrets,
        before: &Self,
    ) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let known: HashMap<String, Arc<Endpoint>> = before
            .models
            .values()
            .flat_map(|model| model.routes.values().flat_map(|ways| &ways.routes))
            .map(|route| (route.endpoint.name.clone(), route.endpoint.clone()))
            .collect();
        let mut endpoints = HashMap::new();
        for (name, endpoint) in &config.endpoints {
            let compiled = Endpoint::compile(name, endpoint, secrets);
            match compiled {
                Ok(new) => {
                    let same = known.get(name).filter(|old| old.is_same(&new)).cloned();
                    endpoints.insert(name.as_str(), same.unwrap_or_else(|| Arc::new(new)));
                }
                Err((key, fault)) => {
                    faults.push(Fault { path: format!("gateway.endpoints.{name}.{key}"), fault });
                }
            }
        }
        let mut models = HashMap::new();
        for (name, model) in &config.models {
            let path = format!("gateway.models.{name}");
            let known = before.models.get(name).map(Arc::as_ref);
            match Model::compile(name, model, &endpoints, &config.endpoints, known) {
                Ok(model) => {
                    models.insert(name.clone(), Arc::new(model));
                }
                Err((key, fault)) => faults.push(Fault { path: format!("{path}.{key}"), fault }),
            }
        }
        let default_model = config.default_model.clone();
        if default_model.as_ref().is_some_and(|name| !config.models.contains_key(name)) {
            let path = "gateway.default_model".to_owned();
            faults.push(Fault { path, fault: "there is no such model".to_owned() });
        }
        if faults.is_empty() { Ok(Self { models, default_model }) } else { Err(faults) }
    }

    /// Every model.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// The model of this name, if it can be reached in this region.
    pub(crate) fn model(&self, name: &str, region: Region) -> Option<&Arc<Model>> {
        self.models.get(name).filter(|model| model.routes.contains_key(&region))
    }

    /// Every model that can be reached in this region, by name.
    pub(crate) fn models(&self, region: Region) -> Vec<&Arc<Model>> {
        let mut models: Vec<_> =
            self.models.values().filter(|model| model.routes.contains_key(&region)).collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        models
    }
}

impl Model {
    fn compile(
        name: &str,
        config: &ModelConfig,
        endpoints: &HashMap<&str, Arc<Endpoint>>,
        declared: &BTreeMap<String, EndpointConfig>,
        before: Option<&Self>,
    ) -> Result<Self, (String, String)> {
        let on = |key: &str, fault: &str| (key.to_owned(), fault.to_owned());
        if name == "patterns" || name.starts_with("pattern/") || name.is_empty() || name.len() > 128
        {
            return Err(on("", "this name is taken by the patterns of the org, or not a name"));
        }
        if config.routes.is_empty() {
            return Err(on("routes", "a model needs at least one route"));
        }
        if !(1..=10).contains(&config.attempts_max) {
            return Err(on("attempts_max", "must be 1 to 10"));
        }
        if config.max_output_tokens == 0 {
            return Err(on("max_output_tokens", "must be more than zero"));
        }
        let ejection = Ejection::compile(&config.ejection)?;
        let hedge = config.hedge.as_ref().map(|hedge| Hedge::compile(hedge, config)).transpose()?;
        let mut routes: BTreeMap<Region, Ways> = BTreeMap::new();
        for (index, route) in config.routes.iter().enumerate() {
            let key = format!("routes[{index}]");
            if route.weight == 0 {
                return Err((format!("{key}.weight"), "must be more than zero".to_owned()));
            }
            let Some(endpoint) = endpoints.get(route.endpoint.as_str()) else {
                if declared.contains_key(&route.endpoint) {
                    continue; // Its own fault is told already.
                }
                let fault = format!("there is no endpoint `{}`", route.endpoint);
                return Err((format!("{key}.endpoint"), fault));
            };
            if config.does == Does::Embeddings && endpoint.speaks == Speaks::Anthropic {
                let fault = "an endpoint that speaks anthropic has no embeddings".to_owned();
                return Err((format!("{key}.endpoint"), fault));
            }
            let model = route.model.clone().unwrap_or_else(|| name.to_owned());
            let ways = routes.entry(endpoint.region).or_default();
            let known = |route: &&Arc<Route>| {
                Arc::ptr_eq(&route.endpoint, endpoint) && route.model == model
            };
            let twin = ways.routes.iter().find(known);
            let twin = twin.or_else(|| before?.every_route().find(known));
            let vitals = twin.map(|route| route.vitals.clone());
            ways.routes.push(Arc::new(Route {
                endpoint: endpoint.clone(),
                model,
                weight: route.weight,
                order: route.order,
                vitals: vitals.unwrap_or_default(),
            }));
        }
        if hedge.is_some() && !routes.values().any(Ways::are_two) {
            return Err(on("hedge", "needs two endpoints in a region: a hedge never leaves it"));
        }
        if config.free != config.prices.is_empty() {
            return Err(on("prices", "say what it costs, or `free = true`: one of the two"));
        }
        let prices =
            Prices::compile(&config.prices).map_err(|fault| ("prices".to_owned(), fault))?;
        Ok(Self {
            name: name.to_owned(),
            does: config.does,
            max_output_tokens: config.max_output_tokens.into(),
            context_tokens: config.context_tokens.into(),
            image_tokens: config.image_tokens.into(),
            attempts_max: config.attempts_max,
            data_class: config.data_class,
            prices,
            hedge,
            ejection,
            routes,
        })
    }

    /// What is asked about.
    pub(crate) fn thing(&self) -> Thing<'_> {
        Thing::new("model", &self.name).classed(self.data_class)
    }

    /// The ways to reach it inside a region. There is no other way to a route, so a
    /// retry or a fallback cannot leave the region.
    pub(crate) fn routes_in(&self, region: Region) -> &[Arc<Route>] {
        self.routes.get(&region).map_or(&[], |ways| ways.routes.as_slice())
    }

    /// The first of these that one of its endpoints in the region is not sent. An endpoint that
    /// speaks another language is sent none of them.
    pub(crate) fn refuses(
        &self,
        region: Region,
        extras: &[(&'static str, Extra)],
    ) -> Option<&'static str> {
        let refused = |extra: &Extra| {
            let endpoints = self.routes_in(region).iter().map(|route| &route.endpoint);
            let mut told = endpoints.filter(|endpoint| endpoint.speaks == Speaks::Openai);
            told.any(|endpoint| !endpoint.allows(*extra))
        };
        extras.iter().find(|(_, extra)| refused(extra)).map(|(name, _)| *name)
    }

    /// Compares the endpoints of a region with each other, when it is time.
    pub(crate) fn judge(&self, region: Region, now: At) {
        if let Some(ways) = self.routes.get(&region) {
            ways.judge.look(&ways.routes, &self.ejection, now);
        }
    }

    /// The routes of all regions, to be counted and never to be chosen from.
    pub(crate) fn every_route(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.values().flat_map(|ways| &ways.routes)
    }
}
