//! How long answers usually are: what is held of a tokens-per-minute limit when the
//! ceiling of the caller is far above what models really write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use access::OrgId;

/// The first guess, in tokens.
const START: u64 = 512;

/// Orgs that are remembered at most; behind that everybody starts anew.
const ORGS_MAX: usize = 16_384;

type Guesses = HashMap<String, Arc<AtomicU64>>;

/// The 95th percentile of answer lengths per org and model, learned as calls end. Orgs
/// do not share it: what one writes must not show in the limits of another.
#[derive(Debug, Default)]
pub(crate) struct Learned(RwLock<HashMap<OrgId, Guesses>>);

impl Learned {
    /// What the next answer is likely to need at most. Models are names of the
    /// operator's catalogue, so the map is bounded.
    pub(crate) fn of(&self, org: &OrgId, model: &str) -> Arc<AtomicU64> {
        let orgs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = orgs.get(org).and_then(|models| models.get(model)) {
            return known.clone();
        }
        drop(orgs);
        let mut orgs = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if orgs.len() >= ORGS_MAX {
            orgs.clear();
        }
        let models = orgs.entry(org.clone()).or_default();
        models.entry(model.to_owned()).or_insert_with(|| Arc::new(START.into())).clone()
    }
}

/// One answer had this many tokens: a long one moves the guess up nineteen times as
/// far as a short one moves it down, so it settles where one in twenty is longer.
pub(crate) fn learn(guess: &AtomicU64, tokens: u64) {
    let now = guess.load(Ordering::Relaxed);
    let step = (now / 400).max(1);
    let next = if tokens > now { now.saturating_add(step * 19) } else { now.saturating_sub(step) };
    guess.store(next.max(1), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guess_settles_where_one_answer_in_twenty_is_longer() {
        let guess = AtomicU64::new(START);
        for round in 0..20_000_u64 {
            learn(&guess, (round * 7919) % 1000);
        }
        let settled = guess.load(Ordering::Relaxed);
        assert!((900..=1000).contains(&settled), "{settled}");
    }
}
