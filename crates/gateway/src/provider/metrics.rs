//! What is shown of endpoints at `/metrics`. It is read off when somebody looks, so that a call pays
//! nothing for it and an endpoint that is gone is not shown any more.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base::metrics::{EncodeLabelSet, Metrics};
use base::time::{At, SharedClock};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::slots::SlotsSeen;
use crate::catalogue::{Catalogue, Model, Route};

/// Reads one metric off the catalogue.
#[derive(Clone)]
struct Read {
    catalogue: Arc<ArcSwap<Catalogue>>,
    clock: SharedClock,
    kind: MetricType,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// Of each endpoint of each model.
    Route(fn(&Route, At, &mut Lines<'_, '_>) -> fmt::Result),
    /// Of each endpoint that has a maximum.
    Slots(fn(&SlotsSeen) -> u64),
    /// Of each model that is hedged.
    Hedge(fn((u64, u64)) -> u64),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    model: String,
    endpoint: String,
    /// What the endpoint calls the model: one may serve a model in two ways.
    upstream: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTries {
    model: String,
    endpoint: String,
    /// What the endpoint calls the model: one may serve a model in two ways.
    upstream: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTime {
    model: String,
    endpoint: String,
    /// What the endpoint calls the model: one may serve a model in two ways.
    upstream: String,
    quantile: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEndpoint {
    endpoint: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfModel {
    model: String,
}

/// Where the lines of one endpoint of one model are written.
struct Lines<'a, 'b> {
    model: &'a str,
    encoder: &'a mut MetricEncoder<'b>,
}

/// Registers what is read off.
pub(crate) fn register(
    metrics: &Metrics,
    catalogue: &Arc<ArcSwap<Catalogue>>,
    clock: &SharedClock,
) {
    let (counter, gauge) = (MetricType::Counter, MetricType::Gauge);
    let read = |name: &str, help: &str, kind: MetricType, what: What| {
        let (catalogue, clock) = (catalogue.clone(), clock.clone());
        drop(metrics.register(name, help, Read { catalogue, clock, kind, what }));
    };
    read("provider_tries", "Tries at endpoints that ended", counter, What::Route(tries));
    read(
        "provider_first_token_seconds",
        "Time to the first token, in the last minute",
        gauge,
        What::Route(first_token),
    );
    read("provider_ejected", "Endpoints that are left out", gauge, What::Route(ejected));
    read("provider_ejections", "Endpoints that were left out", counter, What::Route(ejections));
    read(
        "provider_slots_max",
        "Calls at once that an endpoint may have",
        gauge,
        What::Slots(|seen| seen.max.into()),
    );
    read(
        "provider_slots",
        "Calls at once that an endpoint is given now",
        gauge,
        What::Slots(|seen| seen.given.into()),
    );
    read(
        "provider_slots_taken",
        "Calls that an endpoint has now",
        gauge,
        What::Slots(|seen| seen.taken.into()),
    );
    read(
        "provider_waiting",
        "Calls that wait for an endpoint",
        gauge,
        What::Slots(|seen| u64::try_from(seen.waiting).unwrap_or(u64::MAX)),
    );
    read(
        "provider_turned_away",
        "Calls that waited for an endpoint in vain, or could not wait",
        counter,
        What::Slots(|seen| seen.turned_away),
    );
    read(
        "provider_hedges",
        "Calls that a second endpoint was asked for",
        counter,
        What::Hedge(|of| of.0),
    );
    read(
        "provider_hedges_won",
        "Of those, calls that it answered",
        counter,
        What::Hedge(|of| of.1),
    );
}

fn tries(route: &Route, _: At, lines: &mut Lines<'_, '_>) -> fmt::Result {
    let totals = route.vitals.totals();
    for (result, count) in [("ok", totals.well), ("failed", totals.failed)] {
        let labels = OfTries {
            model: lines.model.to_owned(),
            endpoint: name(route),
            upstream: route.model.clone(),
            result,
        };
        let mut line = lines.encoder.encode_family(&labels)?;
        line.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
    }
    Ok(())
}

fn first_token(route: &Route, now: At, lines: &mut Lines<'_, '_>) -> fmt::Result {
    let seen = route.vitals.seen(now);
    for (quantile, percent) in [("0.5", 50), ("0.95", 95)] {
        if let Some(time) = seen.within(percent) {
            let labels = OfTime {
                model: lines.model.to_owned(),
                endpoint: name(route),
                upstream: route.model.clone(),
                quantile,
            };
            lines.encoder.encode_family(&labels)?.encode_gauge(&time.as_secs_f64())?;
        }
    }
    Ok(())
}

fn ejected(route: &Route, _: At, lines: &mut Lines<'_, '_>) -> fmt::Result {
    let labels = OfRoute {
        model: lines.model.to_owned(),
        endpoint: name(route),
        upstream: route.model.clone(),
    };
    lines.encoder.encode_family(&labels)?.encode_gauge(&i64::from(route.vitals.is_out()))
}

fn ejections(route: &Route, _: At, lines: &mut Lines<'_, '_>) -> fmt::Result {
    let labels = OfRoute {
        model: lines.model.to_owned(),
        endpoint: name(route),
        upstream: route.model.clone(),
    };
    let mut line = lines.encoder.encode_family(&labels)?;
    line.encode_counter::<NoLabelSet, _, u64>(&route.vitals.totals().ejections, None)
}

fn name(route: &Route) -> String {
    route.endpoint.name.clone()
}

impl Read {
    fn models(&self, mut each: impl FnMut(&Model) -> fmt::Result) -> fmt::Result {
        let catalogue = self.catalogue.load();
        let mut models: Vec<_> = catalogue.all().collect();
        models.sort_by(|a, b| a.name.cmp(&b.name));
        models.into_iter().try_for_each(|model| each(model))
    }
}

impl EncodeMetric for Read {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let now = self.clock.now();
        match self.what {
            What::Route(write) => self.models(|model| {
                let mut lines = Lines { model: &model.name, encoder: &mut encoder };
                let mut written = BTreeSet::new();
                model.every_route().try_for_each(|route| {
                    if !written.insert((&route.endpoint.name, &route.model)) {
                        return Ok(());
                    }
                    write(route, now, &mut lines)
                })
            }),
            What::Slots(of) => {
                let mut written = BTreeSet::new();
                self.models(|model| {
                    model.every_route().try_for_each(|route| {
                        let Some(seen) = route.endpoint.slots.seen() else { return Ok(()) };
                        if !written.insert(name(route)) {
                            return Ok(());
                        }
                        let labels = OfEndpoint { endpoint: name(route) };
                        let mut line = encoder.encode_family(&labels)?;
                        match self.kind {
                            MetricType::Counter => {
                                line.encode_counter::<NoLabelSet, _, u64>(&of(&seen), None)
                            }
                            _ => line.encode_gauge(&of(&seen)),
                        }
                    })
                })
            }
            What::Hedge(of) => self.models(|model| {
                let Some(hedge) = &model.hedge else { return Ok(()) };
                let labels = OfModel { model: model.name.clone() };
                let mut line = encoder.encode_family(&labels)?;
                line.encode_counter::<NoLabelSet, _, u64>(&of(hedge.counts()), None)
            }),
        }
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").finish_non_exhaustive()
    }
}
