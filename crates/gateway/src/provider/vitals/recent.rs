//! What was seen of one endpoint and model in the last minute: how tries ended, and how long the
//! first token took. Bounded: six pieces of ten seconds, each of so many counters.

use std::time::Duration;

use base::time::At;

/// Seconds of one piece.
const PIECE_SECS: i64 = 10;
/// Pieces that are kept: together the last minute.
const PIECES: usize = 6;
/// Below this many microseconds (2 to this power) times are not told apart.
const FASTEST_BITS: u32 = 8;
/// Doublings that are told apart above that: up to four and a half minutes.
const DOUBLINGS: u32 = 20;
/// Parts into which each doubling is cut: a time is known to a quarter of it.
const PARTS: u32 = 4;
/// Counters of times in one piece.
const BUCKETS: usize = 81;

/// The last minute.
#[derive(Debug)]
pub(crate) struct Recent {
    pieces: [Seen; PIECES],
    /// The number of the newest piece since 1970.
    newest: i64,
}

/// What was seen in some span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    well: u32,
    failed: u32,
    times: [u32; BUCKETS],
}

impl Default for Recent {
    fn default() -> Self {
        Self { pieces: [Seen::default(); PIECES], newest: 0 }
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self { well: 0, failed: 0, times: [0; BUCKETS] }
    }
}

impl Recent {
    /// A try ended well.
    pub(super) fn well(&mut self, now: At) {
        if let Some(piece) = self.piece(now) {
            piece.well = piece.well.saturating_add(1);
        }
    }

    /// A try failed.
    pub(super) fn failed(&mut self, now: At) {
        if let Some(piece) = self.piece(now) {
            piece.failed = piece.failed.saturating_add(1);
        }
    }

    /// The first token came after this long.
    pub(super) fn began(&mut self, now: At, after: Duration) {
        let count = self.piece(now).and_then(|piece| piece.times.get_mut(bucket(after)));
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
    }

    /// All of the last minute.
    pub(crate) fn seen(&mut self, now: At) -> Seen {
        self.piece(now);
        let mut all = Seen::default();
        for piece in &self.pieces {
            all.add(piece);
        }
        all
    }

    /// The piece of now, after those that are over were emptied.
    fn piece(&mut self, now: At) -> Option<&mut Seen> {
        let number = now.as_second().div_euclid(PIECE_SECS);
        let kept = i64::try_from(PIECES).unwrap_or(i64::MAX);
        if number - self.newest >= kept {
            self.pieces = [Seen::default(); PIECES];
            self.newest = number;
        }
        while self.newest < number {
            self.newest += 1;
            let at = usize::try_from(self.newest.rem_euclid(kept)).ok()?;
            *self.pieces.get_mut(at)? = Seen::default();
        }
        // A clock that was set back adds to the newest piece.
        self.pieces.get_mut(usize::try_from(self.newest.rem_euclid(kept)).ok()?)
    }
}

impl Seen {
    /// Tries that ended, well or not.
    pub(crate) fn tries(&self) -> u32 {
        self.well.saturating_add(self.failed)
    }

    /// Of a hundred tries, so many failed.
    pub(crate) fn failed_percent(&self) -> u32 {
        let percent = u64::from(self.failed) * 100 / u64::from(self.tries().max(1));
        u32::try_from(percent).unwrap_or(100)
    }

    /// How often the time of a first token is known.
    pub(crate) fn times(&self) -> u32 {
        self.times.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// So many of a hundred first tokens came within this time.
    pub(crate) fn within(&self, percent: u32) -> Option<Duration> {
        let wanted = (u64::from(self.times()) * u64::from(percent)).div_ceil(100).max(1);
        let mut sum = 0;
        let found = self.times.iter().position(|count| {
            sum += u64::from(*count);
            sum >= wanted
        });
        found.map(upper)
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.well = self.well.saturating_add(other.well);
        self.failed = self.failed.saturating_add(other.failed);
        for (sum, count) in self.times.iter_mut().zip(&other.times) {
            *sum = sum.saturating_add(*count);
        }
    }
}

/// Which counter a time belongs to.
fn bucket(time: Duration) -> usize {
    let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
    let bits = us.ilog2();
    let last = DOUBLINGS * PARTS;
    let bucket = match bits.checked_sub(FASTEST_BITS) {
        None => 0,
        Some(doubling) => {
            let part = u32::try_from((us >> (bits - 2)) & 3).unwrap_or(0);
            (doubling * PARTS + part + 1).min(last)
        }
    };
    usize::try_from(bucket).unwrap_or(0)
}

/// The longest time that belongs to a counter.
fn upper(bucket: usize) -> Duration {
    let bucket = u32::try_from(bucket).unwrap_or(0);
    // A doubling begins with four quarters; each part adds one.
    let (doubling, part) = (bucket / PARTS, bucket % PARTS);
    let quarter = 1_u64 << (FASTEST_BITS + doubling - 2);
    Duration::from_micros(quarter * u64::from(PARTS + part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> At {
        At::from_second(1_800_000_000 + secs).unwrap()
    }

    #[test]
    fn a_time_is_known_to_a_quarter_of_it() {
        for us in (300_u64..200_000_000).step_by(99_991) {
            let told = upper(bucket(Duration::from_micros(us))).as_micros();
            let us = u128::from(us);
            assert!(told >= us && told <= us + us.div_ceil(4), "{us} is told as {told}");
        }
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn what_is_over_a_minute_old_is_forgotten_piece_by_piece() {
        let mut recent = Recent::default();
        for secs in 0..60 {
            recent.well(at(secs));
            recent.began(at(secs), Duration::from_millis(100));
        }
        recent.failed(at(59));
        assert_eq!((recent.seen(at(59)).tries(), recent.seen(at(59)).failed_percent()), (61, 1));
        assert_eq!(recent.seen(at(60)).tries(), 51);
        assert_eq!(recent.seen(at(50)).tries(), 51, "a clock that is set back brings nothing back");
        assert_eq!(recent.seen(at(109)).tries(), 11);
        assert_eq!(recent.seen(at(10_000)).tries(), 0);
        assert_eq!(recent.seen(at(10_000)).within(50), None);
    }

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut recent = Recent::default();
        for ms in 1..=100 {
            recent.began(at(0), Duration::from_millis(ms));
        }
        let seen = recent.seen(at(0));
        let within = |percent| seen.within(percent).unwrap().as_millis();
        assert!((50..=63).contains(&within(50)), "{}", within(50));
        assert!((95..=119).contains(&within(95)), "{}", within(95));
    }
}
