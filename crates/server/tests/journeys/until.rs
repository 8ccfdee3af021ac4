//! Waiting for what other processes do in their own time.

use std::time::{Duration, Instant};

/// Until something holds.
pub(crate) async fn until(holds: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_mins(1), "it does not come to that");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
