//! In which order the endpoints of a region are tried.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::time::At;
use rand::Rng;

use crate::catalogue::Route;

/// The routes of a call, and from which of them on they are left out: those are asked when nobody
/// else can take the call.
pub(super) struct Order<'a> {
    pub(super) routes: Cow<'a, [Arc<Route>]>,
    pub(super) out_from: usize,
}

/// Routes of a lower order first; within one order by chance, in proportion to weight, save that
/// the first one gives way to another that is drawn beside it and has less to do. Whatever is left
/// out comes last.
pub(super) fn order(routes: &[Arc<Route>], now: At) -> Order<'_> {
    if routes.len() < 2 {
        return Order { routes: Cow::Borrowed(routes), out_from: routes.len() };
    }
    let mut random = rand::rng();
    let mut keyed: Vec<(bool, u32, f64, &Arc<Route>)> = routes
        .iter()
        // Weighted sampling without replacement (Efraimidis and Spirakis, 2006).
        .map(|route| {
            let chance: f64 = random.random::<f64>().max(f64::MIN_POSITIVE);
            let key = -chance.ln() / f64::from(route.weight);
            (route.vitals.is_shut(now), route.order, key, route)
        })
        .collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2)));
    let out_from = keyed.iter().position(|(out, ..)| *out).unwrap_or(keyed.len());
    let mut sorted: Vec<_> = keyed.into_iter().map(|(.., route)| route.clone()).collect();
    if let Some(better) = second_draw(sorted.get(..out_from).unwrap_or_default(), &mut random)
        && let Some(front) = sorted.get_mut(..=better)
    {
        front.rotate_right(1);
    }
    Order { routes: Cow::Owned(sorted), out_from }
}

/// The power of two choices: draws once more among the equals of the first one, by weight and with
/// it among them, and says who was drawn if they have less to do. An endpoint of share `w` so keeps
/// between `w²` and `1 - (1 - w)²` of the calls: enough to be measured, and never all.
fn second_draw(usable: &[Arc<Route>], random: &mut impl Rng) -> Option<usize> {
    let first = usable.first()?;
    let equals = usable.iter().take_while(|route| route.order == first.order);
    let whole: u64 = equals.clone().map(|route| u64::from(route.weight)).sum();
    let mut left = random.random_range(0..whole.max(1));
    let drawn = equals.clone().position(|route| {
        let mine = left < u64::from(route.weight);
        left = left.saturating_sub(route.weight.into());
        mine
    })?;
    let (first, second) = (burden(first)?, burden(usable.get(drawn)?)?);
    (second < first).then_some(drawn)
}

/// How long somebody who comes now may wait, all in all: the usual time, for each that is there.
fn burden(route: &Route) -> Option<Duration> {
    let load = route.endpoint.load.load(Ordering::Relaxed);
    Some(route.vitals.usual()?.saturating_mul(load.saturating_add(1)))
}
