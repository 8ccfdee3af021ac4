//! Who does much worse than its peers: the endpoints of the same model and region are compared
//! with each other, so that what makes all of them slow leaves none of them out.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, TryLockError};
use std::time::Duration;

use base::time::At;

use super::recent::Seen;
use crate::catalogue::{Ejection, Route};

/// How often peers are compared.
const EVERY_MS: i64 = 1_000;
/// Tries, or times of first tokens, that make a judgement, on either side.
const ENOUGH: u32 = 20;
/// What begins less than this much later than its peers is not slow.
const SLOW_BY: Duration = Duration::from_millis(250);

/// When the peers of one model and region are compared next.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    next_ms: AtomicI64,
    /// One judges at a time, or two could eject more than is allowed.
    bench: Mutex<()>,
}

/// What an endpoint is ejected for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worse {
    /// It failed more often.
    Failures,
    /// Its first tokens came later.
    Slow,
}

impl Judge {
    /// Compares the peers if it is time. Cheap if not.
    pub(crate) fn look(&self, peers: &[Arc<Route>], rules: &Ejection, now: At) {
        let (now_ms, next) = (now.as_millisecond(), self.next_ms.load(Ordering::Relaxed));
        if peers.len() < 2 || now_ms < next {
            return;
        }
        let _bench = match self.bench.try_lock() {
            Ok(bench) => bench,
            Err(TryLockError::Poisoned(bench)) => bench.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.next_ms.store(now_ms + EVERY_MS, Ordering::Relaxed);
        judge(peers, rules, now);
    }
}

fn judge(peers: &[Arc<Route>], rules: &Ejection, now: At) {
    let seen: Vec<(&Arc<Route>, Seen)> =
        peers.iter().map(|route| (route, route.vitals.learn(now))).collect();
    let mut out = peers.iter().filter(|route| route.vitals.is_out()).count();
    let may = peers.len() * rules.share_max_percent / 100;
    let may = may.min(peers.len() - 1);
    for (route, own) in &seen {
        if out >= may {
            return;
        }
        if route.vitals.is_out() {
            continue;
        }
        let mut others = Seen::default();
        for (other, seen) in &seen {
            if !Arc::ptr_eq(other, route) && !other.vitals.is_out() {
                others.add(seen);
            }
        }
        if let Some((worse, bar)) = compare(own, &others, rules) {
            out += 1;
            let until = route.vitals.eject(now, rules.duration, bar);
            tracing::warn!(
                endpoint.name = route.endpoint.name,
                model.name = route.model,
                %until,
                "an endpoint is left out: it {} than its peers",
                match worse {
                    Worse::Failures => "fails far more often",
                    Worse::Slow => "answers far later",
                }
            );
        }
    }
}

/// Whether one is an outlier beside the others, and the time within which a probe of it must begin.
fn compare(own: &Seen, others: &Seen, rules: &Ejection) -> Option<(Worse, Option<Duration>)> {
    let timed = |seen: &Seen| (seen.times() >= ENOUGH).then(|| seen.within(50)).flatten();
    let bar = rules.slow_factor.and_then(|factor| {
        let usual = timed(others)?;
        Some(usual.saturating_mul(factor).max(usual + SLOW_BY))
    });
    let enough = own.tries() >= ENOUGH && others.tries() >= ENOUGH;
    if enough && own.failed_percent() >= others.failed_percent() + rules.failures_above_percent {
        return Some((Worse::Failures, bar));
    }
    match (timed(own), bar) {
        (Some(own), Some(bar)) if own > bar => Some((Worse::Slow, Some(bar))),
        (Some(_) | None, Some(_) | None) => None,
    }
}
