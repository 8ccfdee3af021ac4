//! Lets in so many at once and lets so many wait; the others are refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Error;

#[derive(Debug)]
pub(crate) struct Gate {
    places: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// Counts somebody as waiting, also when they stop waiting.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(crate) fn new(at_once: usize, waiting_max: usize) -> Self {
        Self { places: Semaphore::new(at_once), waiting: AtomicUsize::new(0), waiting_max }
    }

    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, Error> {
        if let Ok(place) = self.places.try_acquire() {
            return Ok(place);
        }
        let ahead = self.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting(&self.waiting);
        if ahead >= self.waiting_max {
            return Err(Error::Busy);
        }
        let place = self.places.acquire().await.map_err(|_| Error::Busy)?;
        drop(waiting);
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_finds_the_line_full_is_refused_at_once() {
        let gate = Gate::new(1, 1);
        let inside = gate.enter().await.unwrap();
        let mut waits = Box::pin(gate.enter());
        assert!(futures_poll(waits.as_mut()).is_none());
        assert!(matches!(gate.enter().await, Err(Error::Busy)));
        drop(inside);
        assert!(waits.await.is_ok());
        assert!(gate.enter().await.is_ok());
    }

    fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
