//! How often something is tried again, and how long is waited in between.

use std::time::{Duration, Instant};

/// The first wait is at most this long; each further one twice that.
const FIRST: Duration = Duration::from_millis(4);
/// No wait is longer than this.
const LONGEST: Duration = Duration::from_millis(250);
/// A unit of work is tried again for so long.
const LASTING: Duration = Duration::from_secs(5);

/// Tries that end: those that met wait for different times, so they do not meet again.
#[derive(Debug)]
pub struct Tries {
    begun: Instant,
    lasting: Duration,
    longest: Duration,
}

impl Tries {
    /// For a unit of work that somebody waits for.
    pub fn new() -> Self {
        Self::lasting(LASTING)
    }

    /// For so long.
    pub fn lasting(lasting: Duration) -> Self {
        Self { begun: Instant::now(), lasting, longest: FIRST }
    }

    /// Waits before the next try; false: there is none.
    pub async fn wait(&mut self) -> bool {
        if self.begun.elapsed() >= self.lasting {
            return false;
        }
        let wait = self.longest.mul_f64(rand::random::<f64>());
        self.longest = (self.longest * 2).min(LONGEST);
        tokio::time::sleep(wait).await;
        true
    }
}

impl Default for Tries {
    fn default() -> Self {
        Self::new()
    }
}
