//! Time is a parameter. Nothing but [`SystemClock`] asks the machine for it.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// An instant, in UTC, as the whole platform writes it.
pub type At = jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current instant.
    fn now(&self) -> At;

    /// The same of a clock that nobody sets, for how long something has lasted or is to last. It
    /// goes on from what [`Clock::now`] was at first, and is no date.
    fn steady(&self) -> At {
        self.now()
    }
}

/// A clock that can be handed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> At {
        let now = jiff::Timestamp::now();
        // What is stored has microseconds: an answer must not say more than a later one can.
        At::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn steady(&self) -> At {
        static BEGUN: OnceLock<(At, Instant)> = OnceLock::new();
        let (at, begun) = BEGUN.get_or_init(|| (self.now(), Instant::now()));
        at.checked_add(begun.elapsed()).unwrap_or(*at)
    }
}

/// A clock that tells the [steady](Clock::steady) time of another one.
#[derive(Debug)]
struct Steady(SharedClock);

impl Clock for Steady {
    fn now(&self) -> At {
        self.0.steady()
    }
}

/// A clock that goes on when this one is set, forward or back.
pub fn steady(clock: &SharedClock) -> SharedClock {
    Arc::new(Steady(clock.clone()))
}

/// The UTC calendar day of an instant, as `2026-11-23`.
pub fn day(at: At) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}
