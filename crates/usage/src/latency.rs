//! How long calls took: a histogram with fixed buckets, so that any two can be added.

/// The upper ends of all buckets but the last, in milliseconds. Neighbours differ by a half
/// where people notice, and a percentile is right within its bucket.
pub(crate) const ENDS_MS: [i64; BUCKETS - 1] = [
    10, 30, 100, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000, 15_000,
    20_000, 30_000, 60_000, 120_000,
];
/// Buckets; the columns of the tables.
pub(crate) const BUCKETS: usize = 20;
/// What is said of a call in the last bucket: it took at least this long.
const LONGEST_MS: i64 = 120_000;

/// Calls by how long they took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Latency([i64; BUCKETS]);

impl Latency {
    /// Counts one call.
    pub(crate) fn took(&mut self, ms: i64) {
        let bucket = ENDS_MS.partition_point(|end| *end < ms);
        if let Some(count) = self.0.get_mut(bucket) {
            *count += 1;
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(&other.0) {
            *count = count.saturating_add(*more);
        }
    }

    pub(crate) fn minus(&self, parts: &Self) -> Self {
        let mut left = *self;
        for (count, part) in left.0.iter_mut().zip(&parts.0) {
            *count = count.saturating_sub(*part);
        }
        left
    }

    pub(crate) fn counts(&self) -> &[i64; BUCKETS] {
        &self.0
    }

    pub(crate) fn of(counts: [i64; BUCKETS]) -> Self {
        Self(counts)
    }

    /// The time that so many of a hundred calls took at most, in milliseconds: somewhere in
    /// the bucket where the call of that rank is, in proportion to its place in it.
    pub fn percentile_ms(&self, percent: u8) -> Option<u64> {
        let calls: i64 = self.0.iter().sum();
        if calls == 0 {
            return None;
        }
        let percent = i128::from(percent.min(100));
        // The rank from 1: of 20 calls, the 95th percentile is the 19th.
        let rank = (i128::from(calls) * percent + 99) / 100;
        let rank = i64::try_from(rank.max(1)).unwrap_or(calls);
        let mut below = 0;
        let mut start = 0;
        for (place, count) in self.0.iter().enumerate() {
            let Some(end) = ENDS_MS.get(place) else { break };
            if below + count >= rank {
                let inside = i128::from(end - start) * i128::from(rank - below);
                let ms = i128::from(start) + inside / i128::from((*count).max(1));
                return u64::try_from(ms).ok();
            }
            below += count;
            start = *end;
        }
        u64::try_from(LONGEST_MS).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_lies_in_the_bucket_of_the_call_of_its_rank() {
        let mut latency = Latency::default();
        assert_eq!(latency.percentile_ms(95), None);
        let mut took: Vec<i64> = (0..1_000_i64).map(|n| (n * n) % 90_001).collect();
        for ms in &took {
            latency.took(*ms);
        }
        took.sort_unstable();
        for percent in [1, 50, 90, 95, 99, 100] {
            let exact = took[usize::from(percent) * 10 - 1];
            let told = i64::try_from(latency.percentile_ms(percent).unwrap()).unwrap();
            let bucket = |ms: i64| ENDS_MS.partition_point(|end| *end < ms);
            assert_eq!(bucket(told), bucket(exact), "p{percent}: {told} for {exact}");
        }
    }

    #[test]
    fn a_call_longer_than_every_bucket_is_said_to_have_taken_the_longest_time() {
        let mut latency = Latency::default();
        latency.took(10_000_000);
        assert_eq!(latency.percentile_ms(50), Some(120_000));
    }
}
