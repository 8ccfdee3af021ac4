//! How much one directory may ask: a bucket that fills again, for each directory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base::time::At;

use crate::Error;
use crate::kept::DirectoryId;

/// Requests that a directory may send at once: the first provisioning of a large org.
const BURST: i64 = 1_000;
/// Requests in a second that it may go on with. Entra sends up to 25.
const PER_SEC: i64 = 50;
/// Resources that are looked through for the price of one request.
const LOOKED_AT_PER_REQUEST: usize = 100;
/// Directories that are remembered; behind that the full ones are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// What a request costs, in the smallest unit: a bucket fills by microseconds.
const COST: i64 = 1_000_000 / PER_SEC;

/// The buckets of all directories.
#[derive(Debug, Default)]
pub(crate) struct Pass(Mutex<HashMap<DirectoryId, Bucket>>);

/// What is used up, in microseconds of refilling.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: i64,
    at: At,
}

impl Bucket {
    /// As it is now.
    fn now(self, at: At) -> Self {
        let passed = at.as_microsecond().saturating_sub(self.at.as_microsecond()).max(0);
        Self { used: self.used.saturating_sub(passed).max(0), at }
    }
}

impl Pass {
    /// Takes the price of a request, or says when to come back.
    pub(crate) fn take(&self, directory: &DirectoryId, at: At) -> Result<(), Error> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED_MAX {
            buckets.retain(|_, bucket| bucket.now(at).used > 0);
        }
        let bucket = buckets.entry(directory.clone()).or_insert(Bucket { used: 0, at });
        *bucket = bucket.now(at);
        let over = bucket.used + COST - BURST * COST;
        if over > 0 {
            let secs = u64::try_from(over / 1_000_000).unwrap_or_default() + 1;
            return Err(Error::Busy { retry_secs: secs });
        }
        bucket.used += COST;
        Ok(())
    }

    /// Takes the price of looking through resources, afterwards.
    pub(crate) fn looked_at(&self, directory: &DirectoryId, resources: usize) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(directory) {
            let price = i64::try_from(resources / LOOKED_AT_PER_REQUEST).unwrap_or(BURST);
            bucket.used = bucket.used.saturating_add(price.saturating_mul(COST));
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_is_used_up_and_fills_again_for_each_directory_alone() {
        let pass = Pass::default();
        let at: At = "2026-01-01T00:00:00Z".parse().unwrap();
        let (one, other) = (DirectoryId::new(at), DirectoryId::new(at));
        for _ in 0..BURST {
            pass.take(&one, at).unwrap();
        }
        let refused = pass.take(&one, at).unwrap_err();
        assert!(matches!(refused, Error::Busy { retry_secs: 1 }));
        assert!(pass.take(&other, at).is_ok());
        let later = at + SignedDuration::from_secs(1);
        for _ in 0..PER_SEC {
            pass.take(&one, later).unwrap();
        }
        assert!(pass.take(&one, later).is_err());
        pass.looked_at(&one, 100_000);
        let refused = pass.take(&one, later + SignedDuration::from_secs(1)).unwrap_err();
        assert!(matches!(refused, Error::Busy { retry_secs: 20 }), "{refused:?}");
    }
}
