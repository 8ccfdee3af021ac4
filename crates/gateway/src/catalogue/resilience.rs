//! What the operator decides about endpoints that do badly: when one is left out, and when a second
//! one is asked.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::config::{EjectionConfig, HedgeConfig, ModelConfig};

/// Of a hundred calls, so many are hedged at most, unless the operator says otherwise.
const BUDGET_PERCENT: u32 = 5;
/// Hedges that can be saved up, in hundredths.
const SAVED_MAX: i64 = 1_000;
/// One hedge, in hundredths.
const ONE: i64 = 100;

/// When an endpoint is left out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ejection {
    pub(crate) share_max_percent: usize,
    pub(crate) failures_above_percent: u32,
    pub(crate) slow_factor: Option<u32>,
    pub(crate) duration: Duration,
}

/// When a second endpoint is asked, and how often at most.
#[derive(Debug)]
pub(crate) struct Hedge {
    /// How late is late; none: as learned.
    pub(crate) after: Option<Duration>,
    earned: i64,
    /// What is left of the budget, in hundredths of a hedge.
    saved: AtomicI64,
    hedged: AtomicU64,
    won: AtomicU64,
}

type Fault = (String, String);

impl Ejection {
    pub(crate) fn compile(config: &EjectionConfig) -> Result<Self, Fault> {
        let on = |key: &str, fault: &str| (format!("ejection.{key}"), fault.to_owned());
        if config.share_max_percent > 100 {
            return Err(on("share_max_percent", "must be 0 (none is left out) to 100"));
        }
        if !(1..=100).contains(&config.failures_above_percent) {
            return Err(on("failures_above_percent", "must be 1 to 100"));
        }
        if config.slow_factor == 1 || config.slow_factor > 1_000 {
            return Err(on("slow_factor", "must be 2 to 1000, or 0 (never for being slow)"));
        }
        if !(1..=3_600_000).contains(&config.duration_ms) {
            return Err(on("duration_ms", "must be 1 to 3600000 (one hour)"));
        }
        Ok(Self {
            share_max_percent: usize::try_from(config.share_max_percent).unwrap_or(0),
            failures_above_percent: config.failures_above_percent,
            slow_factor: Some(config.slow_factor).filter(|factor| *factor > 0),
            duration: Duration::from_millis(config.duration_ms),
        })
    }
}

impl Hedge {
    pub(crate) fn compile(config: &HedgeConfig, model: &ModelConfig) -> Result<Self, Fault> {
        let on = |key: &str, fault: &str| (format!("hedge{key}"), fault.to_owned());
        if config.after_ms.is_some_and(|ms| !(1..=3_600_000).contains(&ms)) {
            return Err(on(".after_ms", "must be 1 to 3600000 (one hour)"));
        }
        let percent = config.budget_percent.unwrap_or(BUDGET_PERCENT);
        if !(1..=50).contains(&percent) {
            return Err(on(".budget_percent", "must be 1 to 50"));
        }
        if model.attempts_max < 2 {
            return Err(on("", "a hedge is a second attempt: `attempts_max` must be 2 or more"));
        }
        Ok(Self {
            after: config.after_ms.map(Duration::from_millis),
            earned: percent.into(),
            saved: AtomicI64::new(ONE),
            hedged: AtomicU64::new(0),
            won: AtomicU64::new(0),
        })
    }

    /// A call came: its share is put by.
    pub(crate) fn earn(&self) {
        let saved = self.saved.load(Ordering::Relaxed);
        if saved < SAVED_MAX {
            self.saved.fetch_add(self.earned.min(SAVED_MAX - saved), Ordering::Relaxed);
        }
    }

    /// Takes one hedge out of the budget, if there is one.
    pub(crate) fn spend(&self) -> bool {
        let taken = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| {
            (saved >= ONE).then_some(saved - ONE)
        });
        if taken.is_ok() {
            self.hedged.fetch_add(1, Ordering::Relaxed);
        }
        taken.is_ok()
    }

    /// The second one was quicker.
    pub(crate) fn won(&self) {
        self.won.fetch_add(1, Ordering::Relaxed);
    }

    /// How many calls were hedged, and in how many of them the second one was quicker.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.hedged.load(Ordering::Relaxed), self.won.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_calls_are_hedged_than_the_budget_says() {
        let model: ModelConfig = toml::from_str("free = true\nroutes = []").unwrap();
        let hedge = Hedge::compile(&HedgeConfig::default(), &model).unwrap();
        let mut hedged = 0;
        for call in 1..=10_000 {
            hedge.earn();
            hedged += u32::from(hedge.spend());
            assert!(hedged <= 1 + call * 5 / 100, "{hedged} of {call}");
        }
        assert!(hedged >= 499, "{hedged}");
        for _ in 0..10_000 {
            hedge.earn();
        }
        let burst = (0..100).filter(|_| hedge.spend()).count();
        assert_eq!(burst, 10, "what is saved up is bounded");
    }
}
