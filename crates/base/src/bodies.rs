//! What all bodies under way may hold together. Room is taken before a body is held, and given
//! back when the last of its bytes is dropped, wherever that is.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::metrics::{Counter, Gauge, Metrics};
use crate::problem::Problem;

/// Bytes of a small body at most. One of them finds room though large ones wait.
const SMALL_MAX: usize = 256 << 10;
/// The part of all room that is kept for small bodies: one eighth.
const KEPT: usize = 8;
/// Seconds after which a body that found no room may be sent again.
const RETRY_SECS: u64 = 2;

/// The room of one node for bodies, counted in bytes. What a route reads is bounded by it if the
/// request carries it as an extension.
#[derive(Debug, Clone)]
pub struct Bodies(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// For all bodies: whoever waits is served in turn.
    common: Arc<Semaphore>,
    /// For small bodies that found nothing there.
    kept: Arc<Semaphore>,
    wait_max: Duration,
    held: Gauge,
    refused: Counter,
}

/// Room that was taken; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    permit: OwnedSemaphorePermit,
    held: Gauge,
}

/// A body with the room that it takes.
struct Held {
    bytes: Bytes,
    _room: Room,
}

impl Bodies {
    /// Room for `bytes_max` bytes together. Who finds none waits for `wait_max` at most. A body of
    /// more than seven eighths of all finds none at all.
    pub fn new(bytes_max: usize, wait_max: Duration, metrics: &Metrics) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        let kept = bytes_max / KEPT;
        let (held, refused) = (Gauge::default(), Counter::default());
        let told = "Bytes of request bodies that are held, or that a body under way declared";
        metrics.register("body_bytes_held", told, held.clone());
        let told = "Requests refused because all room for bodies was taken";
        metrics.register("bodies_refused", told, refused.clone());
        Self(Arc::new(Inner {
            common: Arc::new(Semaphore::new(bytes_max.saturating_sub(kept))),
            kept: Arc::new(Semaphore::new(kept)),
            wait_max,
            held,
            refused,
        }))
    }

    /// Room for a body of which `size` bytes have come, that said its length before, or did not,
    /// and has `max` bytes at most.
    ///
    /// One that did not say is taken for a small one, and when it is more for the largest, until
    /// its end is known: bodies that took room piece by piece would wait for each other for ever.
    pub(crate) async fn room(
        &self,
        size: usize,
        said: Option<usize>,
        max: usize,
    ) -> Result<Room, Problem> {
        let Inner { common, kept, wait_max, .. } = &*self.0;
        let said = said.filter(|said| *said >= size);
        let bytes = said.unwrap_or(if size <= SMALL_MAX { SMALL_MAX.min(max) } else { max });
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let found = match said {
            Some(said) if said <= SMALL_MAX => match common.clone().try_acquire_many_owned(bytes) {
                Ok(permit) => return Ok(self.taken(permit)),
                Err(_) => kept.clone().acquire_many_owned(bytes),
            },
            // What waits for more must not hold what others wait for.
            None if size <= SMALL_MAX => kept.clone().acquire_many_owned(bytes),
            Some(_) | None => common.clone().acquire_many_owned(bytes),
        };
        if let Ok(Ok(permit)) = timeout(*wait_max, found).await {
            return Ok(self.taken(permit));
        }
        self.0.refused.inc();
        let detail = "too many bodies are under way here; send it again in a moment";
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "bodies_full", detail)
            .retry_after(RETRY_SECS))
    }

    fn taken(&self, permit: OwnedSemaphorePermit) -> Room {
        let room = Room { permit, held: self.0.held.clone() };
        room.held.inc_by(room.counted());
        room
    }
}

impl Room {
    pub(crate) fn bytes(&self) -> usize {
        self.permit.num_permits()
    }

    /// The same bytes, which take this room for as long as one of them is held.
    pub(crate) fn hold(mut self, bytes: Bytes) -> Bytes {
        let spare = self.bytes().saturating_sub(bytes.len());
        if let Some(permit) = self.permit.split(spare) {
            drop(Self { permit, held: self.held.clone() });
        }
        Bytes::from_owner(Held { bytes, _room: self })
    }

    fn counted(&self) -> i64 {
        i64::try_from(self.bytes()).unwrap_or(i64::MAX)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.held.dec_by(self.counted());
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests;
