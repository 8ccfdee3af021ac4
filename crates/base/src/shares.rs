//! Places that many want, of which none has more than its share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Shares that are remembered before those that nobody uses go.
const REMEMBERED: usize = 1_024;

/// So many places over all, so many for each, and so many that wait for one of each.
#[derive(Debug)]
pub struct Shares {
    all: Arc<Semaphore>,
    each: usize,
    waiting: usize,
    of: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _own: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

impl Shares {
    /// `all` places, `each` of them at most for one, and `waiting` that wait for them.
    pub fn new(all: usize, each: usize, waiting: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), each, waiting, of: Mutex::default() }
    }

    /// Waits for a place, first among its own, then among all, in the order in which they came;
    /// none, if too many of its own wait. What is nobody's stands among all alone.
    pub async fn place(&self, whose: Option<&str>) -> Option<Place> {
        let own = match whose {
            Some(whose) => Some(self.own(whose).await?),
            None => None,
        };
        let of_all = self.all.clone().acquire_owned().await.ok()?;
        Some(Place { _own: own, _of_all: of_all })
    }

    async fn own(&self, whose: &str) -> Option<OwnedSemaphorePermit> {
        let share = self.share(whose);
        // Whoever has a place, and whoever waits, holds the share; so do the list and we.
        if Arc::strong_count(&share) >= self.each + self.waiting + 2 {
            return None;
        }
        share.acquire_owned().await.ok()
    }

    /// A place, if one is free.
    pub fn free(&self, whose: &str) -> Option<Place> {
        let own = self.share(whose).try_acquire_owned().ok()?;
        let of_all = self.all.clone().try_acquire_owned().ok()?;
        Some(Place { _own: Some(own), _of_all: of_all })
    }

    fn share(&self, whose: &str) -> Arc<Semaphore> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if of.len() >= REMEMBERED {
            of.retain(|_, share| Arc::strong_count(share) > 1);
        }
        let share = of.entry(whose.to_owned());
        share.or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[tokio::test]
    async fn whoever_has_its_share_waits_and_others_do_not() {
        let shares = Shares::new(3, 2, 1);
        let first = shares.place(Some("a")).await.unwrap();
        let _second = shares.place(Some("a")).await.unwrap();
        assert!(shares.free("a").is_none(), "it has its share");
        let mut third = Box::pin(shares.place(Some("a")));
        let mut look = Context::from_waker(Waker::noop());
        assert!(third.as_mut().poll(&mut look).is_pending());
        assert!(shares.place(Some("a")).await.is_none(), "too many wait");

        let other = shares.free("b").unwrap();
        assert!(shares.free("c").is_none(), "all places are taken");
        drop((first, other));
        let Poll::Ready(Some(_third)) = third.as_mut().poll(&mut look) else { panic!("a place") };
        shares.free("c").unwrap();
    }
}
