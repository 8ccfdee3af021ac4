//! Time is a parameter. Nothing but [`SystemClock`] asks the machine for it.

use std::sync::Arc;

/// An instant, in UTC, as the whole platform writes it.
pub type At = jiff::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The current instant.
    fn now(&self) -> At;
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
}

/// The UTC calendar day of an instant, as `2026-11-23`.
pub fn day(at: At) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}
