//! What all bodies under way may hold together, those of requests and those of answers each. Room is
//! taken before a body is held, and given back when the last of its bytes is dropped, wherever that is.

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
/// How long who holds room waits for more of it: others may wait for what it holds.
const HOLDING_WAIT: Duration = Duration::from_secs(1);
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
    /// What is for all bodies: more than one of them can have.
    largest: usize,
    wait_max: Duration,
    held: Gauge,
    refused: Counter,
}

/// Room that was taken; given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    permit: OwnedSemaphorePermit,
    held: Gauge,
}

/// A body with the room that it takes.
struct Held {
    bytes: Bytes,
    _room: Room,
}

impl Bodies {
    /// Room for `bytes_max` bytes of request bodies together. Who finds none waits for `wait_max` at
    /// most. A body of more than seven eighths of all finds none at all.
    pub fn new(bytes_max: usize, wait_max: Duration, metrics: &Metrics) -> Self {
        let held = "Bytes of request bodies that are held, or that a body under way declared";
        let refused = "Requests refused because all room for bodies was taken";
        let told = [("body_bytes_held", held), ("bodies_refused", refused)];
        Self::with(bytes_max, wait_max).told(metrics, told)
    }

    /// The same for answers that are held whole before they leave.
    pub fn of_answers(bytes_max: usize, wait_max: Duration, metrics: &Metrics) -> Self {
        let held = "Bytes of whole answers that are held, or that an answer under way declared";
        let refused = "Answers that were not taken because all room for answers was taken";
        let told = [("answer_bytes_held", held), ("answers_refused", refused)];
        Self::with(bytes_max, wait_max).told(metrics, told)
    }

    fn told(self, metrics: &Metrics, [held, refused]: [(&str, &str); 2]) -> Self {
        metrics.register(held.0, held.1, self.0.held.clone());
        metrics.register(refused.0, refused.1, self.0.refused.clone());
        self
    }

    fn with(bytes_max: usize, wait_max: Duration) -> Self {
        let bytes_max = bytes_max.min(Semaphore::MAX_PERMITS);
        let kept = bytes_max / KEPT;
        let largest = bytes_max.saturating_sub(kept);
        let (held, refused) = (Gauge::default(), Counter::default());
        Self(Arc::new(Inner {
            common: Arc::new(Semaphore::new(largest)),
            kept: Arc::new(Semaphore::new(kept)),
            largest,
            wait_max,
            held,
            refused,
        }))
    }

    /// Bytes of the largest body for which there can be room.
    pub fn largest(&self) -> usize {
        self.0.largest
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
        let said = said.filter(|said| *said >= size);
        let bytes = said.unwrap_or(if size <= SMALL_MAX { SMALL_MAX.min(max) } else { max });
        // What waits for more must not hold what others wait for.
        let found = if said.is_none() && size <= SMALL_MAX {
            self.wait(&self.0.kept, bytes).await
        } else {
            self.take(bytes).await
        };
        found.ok_or_else(|| {
            let detail = "too many bodies are under way here; send it again in a moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "bodies_full", detail)
                .retry_after(RETRY_SECS)
        })
    }

    /// Room for so many bytes; nothing if it does not come free in time.
    pub async fn take(&self, bytes: usize) -> Option<Room> {
        if bytes > SMALL_MAX {
            return self.wait(&self.0.common, bytes).await;
        }
        match self.0.common.clone().try_acquire_many_owned(permits(bytes)) {
            Ok(permit) => Some(self.taken(permit)),
            Err(_) => self.wait(&self.0.kept, bytes).await,
        }
    }

    /// Makes room that was taken larger: `best` bytes if they are free now, else `least`; nothing if
    /// not even these come free in time, and then what was taken is given back. Who holds
    /// what large ones wait for waits a second at most: of those who wait for each other, one soon
    /// gives way.
    pub async fn grow(&self, room: Room, least: usize, best: usize) -> Option<Room> {
        if room.bytes() >= least {
            return Some(room);
        }
        let common = &self.0.common;
        // Room that is kept for small ones cannot be added to, and no large one waits for it.
        let adds = Arc::ptr_eq(room.permit.semaphore(), common);
        let (has, wait_max) = if adds {
            (room.bytes(), self.0.wait_max.min(HOLDING_WAIT))
        } else {
            (0, self.0.wait_max)
        };
        let now = common.clone().try_acquire_many_owned(permits(best.saturating_sub(has)));
        let more = if let Ok(permit) = now {
            self.taken(permit)
        } else {
            self.wait_for(common, least.saturating_sub(has), wait_max).await?
        };
        Some(if adds { room.and(more) } else { more })
    }

    async fn wait(&self, lane: &Arc<Semaphore>, bytes: usize) -> Option<Room> {
        self.wait_for(lane, bytes, self.0.wait_max).await
    }

    async fn wait_for(
        &self,
        lane: &Arc<Semaphore>,
        bytes: usize,
        wait_max: Duration,
    ) -> Option<Room> {
        let found = lane.clone().acquire_many_owned(permits(bytes));
        if let Ok(Ok(permit)) = timeout(wait_max, found).await {
            return Some(self.taken(permit));
        }
        self.0.refused.inc();
        None
    }

    fn taken(&self, permit: OwnedSemaphorePermit) -> Room {
        let room = Room { permit, held: self.0.held.clone() };
        room.held.inc_by(room.counted());
        room
    }
}

/// A semaphore counts no more: four gigabytes.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl Room {
    /// How many bytes it is for.
    pub fn bytes(&self) -> usize {
        self.permit.num_permits()
    }

    /// Both together: what was taken of the same lane.
    fn and(mut self, mut other: Self) -> Self {
        if let Some(permit) = other.permit.split(other.bytes()) {
            self.permit.merge(permit);
        }
        self
    }

    /// The same bytes, which take this room for as long as one of them is held.
    pub fn hold(mut self, bytes: Bytes) -> Bytes {
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
