//! Outcomes of calls whose group failed: what was used must not be lost.
//!
//! They are kept in memory, and once the database answers again they are written in rounds. A
//! round takes a group at a time, so that callers have their turn between two of them, however
//! many an outage has left; and each outcome is tried once in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use access::OrgId;
use base::args;
use base::db::{DbError, Within};

use crate::durable::Submission;
use crate::line::{GROUP_MAX, Line, half_of, may_be_of_one};
use crate::telemetry::Counts;
use crate::{doubt, sql};

/// Outcomes that wait for the database to come back, at most.
const KEPT_MAX: usize = 65_536;
/// Of so many that find no room the log names one.
const DROPS_TOLD_EVERY: u64 = 1_024;
/// How long after a round the next one begins: not before every group, or they would hold up
/// all others.
pub(crate) const RETRY_EVERY: Duration = Duration::from_secs(1);

/// What waits to be written.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// The oldest first.
    kept: VecDeque<Submission>,
    /// How many of them the round has yet to try.
    left: usize,
    /// When the last round ended.
    tried: Option<Instant>,
    /// How many found no room since there was some.
    dropped: u64,
    counts: Counts,
}

impl Outcomes {
    pub(crate) fn new(counts: &Counts) -> Self {
        Self { counts: counts.clone(), ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether a round is under way, which goes on at once.
    pub(crate) fn is_trying(&self) -> bool {
        self.left > 0
    }

    /// Whether it is time for a round, or the rest of one.
    pub(crate) fn are_due(&self) -> bool {
        self.is_trying() || self.tried.is_none_or(|at| at.elapsed() >= RETRY_EVERY)
    }

    /// Keeps one, if there is room. What that call used is not in the record otherwise.
    pub(crate) fn keep(&mut self, outcome: Submission) {
        if self.kept.len() < KEPT_MAX {
            self.kept.push_back(outcome);
            self.dropped = 0;
            return;
        }
        self.counts.dropped.inc();
        if self.dropped.is_multiple_of(DROPS_TOLD_EVERY) {
            tracing::error!(
                org.id = %outcome.entry.org,
                call = outcome.entry.resource_id,
                kept = KEPT_MAX,
                "an outcome found no room: what calls used is not recorded"
            );
        }
        self.dropped += 1;
    }

    /// The next ones of the round, or of a new one.
    fn take(&mut self) -> Vec<Submission> {
        if self.left == 0 {
            self.left = self.kept.len();
        }
        let count = self.left.min(GROUP_MAX);
        self.left -= count;
        if self.left == 0 {
            self.tried = Some(Instant::now());
        }
        self.kept.drain(..count).collect()
    }

    /// The database takes nothing: these come first in the next round.
    fn put_back(&mut self, tried: impl DoubleEndedIterator<Item = Submission>) {
        tried.rev().for_each(|outcome| self.kept.push_front(outcome));
        (self.left, self.tried) = (0, Some(Instant::now()));
    }
}

impl Line {
    /// Writes some of the outcomes that an outage kept waiting.
    pub(crate) async fn replay(&mut self) {
        let tried = self.outcomes.take();
        let Ok(missing) = self.missing(&tried).await else {
            return self.outcomes.put_back(tried.into_iter());
        };
        let (mut group, _written): (Vec<_>, Vec<_>) =
            tried.into_iter().partition(|one| missing.contains(&one.entry.resource_id));
        self.put_aside(&mut group);
        let mut parts = vec![group];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            match self.commit(&part).await {
                Ok(_) => {
                    tracing::warn!(events = part.len(), "outcomes were written after an outage");
                }
                Err(error) => match half_of(&error, &mut part) {
                    Some(half) => parts.extend([half, part]),
                    // Behind all others.
                    None if may_be_of_one(&error) => self.outcomes.kept.extend(part),
                    None => {
                        parts.push(part);
                        return self.outcomes.put_back(parts.into_iter().rev().flatten());
                    }
                },
            }
        }
    }

    /// Tries each of them once more.
    pub(crate) async fn replay_all(&mut self) {
        self.outcomes.left = 0;
        self.replay().await;
        while self.outcomes.is_trying() {
            self.replay().await;
        }
    }

    /// Those of these calls whose outcome is not on disk: the answer to a commit may
    /// have been lost on the way back.
    async fn missing(&mut self, tried: &[Submission]) -> Result<BTreeSet<String>, DbError> {
        let mut missing = BTreeSet::new();
        let mut by_org = BTreeMap::<&OrgId, Vec<&str>>::new();
        for Submission { entry, .. } in tried {
            missing.insert(entry.resource_id.clone());
            by_org.entry(&entry.org).or_default().push(&entry.resource_id);
        }
        for (org, ids) in by_org {
            // A commit without an answer may still be under way: not behind this.
            doubt::settle(&self.db, org.as_str()).await?;
            for ids in ids.chunks(sql::ENDED_MAX) {
                let mut args = args![org.as_str()];
                // In places that are left the same stand again.
                args.extend(ids.iter().cycle().take(sql::ENDED_MAX).map(|id| (*id).into()));
                for row in self.db.all(&Within::org(org.as_str()), sql::ENDED, args).await? {
                    missing.remove(&row.text("resource_id")?);
                }
            }
        }
        Ok(missing)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use access::{Caller, Homes, Region};
    use base::metrics::Metrics;
    use base::seal::RootKey;
    use base::testing::StillClock;

    use super::*;
    use crate::append::Prepared;
    use crate::durable::Phase;
    use crate::keys::Keys;
    use crate::{Event, Sealing};

    #[test]
    fn an_outcome_that_finds_no_room_is_counted() {
        let roots = BTreeMap::from([(Region::Eu, RootKey::from_bytes(&[7; 32]).unwrap())]);
        let clock = StillClock::new().shared();
        let keys = Keys::new(&Sealing::from(&roots), &Homes::default(), &clock).unwrap();
        let caller = Caller::operator(OrgId::new(clock.now()), Region::Eu, "operator");
        let ended = Event::done("gateway.call.ended", "call", "call_1");
        let one = || {
            let entry = Prepared::new(&keys, &caller, &ended, None, clock.now()).unwrap();
            Submission::of_journal(entry, Phase::Neither)
        };
        let counts = Counts::register(&Metrics::new());
        let mut outcomes = Outcomes::new(&counts);
        while outcomes.kept.len() < KEPT_MAX {
            outcomes.keep(one());
        }
        assert_eq!(counts.dropped.get(), 0);
        outcomes.keep(one());
        outcomes.keep(one());
        assert_eq!((counts.dropped.get(), outcomes.kept.len()), (2, KEPT_MAX));
    }
}
