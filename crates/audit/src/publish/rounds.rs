//! Publishing of many orgs, a few at a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use access::{OrgId, Region};
use base::args;
use base::db::{DbError, Within};
use base::tasks::Tasks;
use futures_util::{StreamExt as _, stream};

use super::fault::LogError;
use super::{Inner, Log};
use crate::grown::{Grown, Lately, rest_after};
use crate::sql;

/// Orgs that are published at once, and those after which the calls have their time.
const ORGS_AT_ONCE: usize = 8;
const ORGS_TOGETHER: usize = 16;
/// Orgs that a page of the database names.
const PAGE: usize = 200;
/// Orgs that others left and that wait at once; the others are looked for again.
const LEFT_MAX: usize = 65_536;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Entries that a checkpoint now covers and did not before.
    pub entries: u64,
    /// Checkpoints that were signed.
    pub checkpoints: u64,
    /// Orgs whose record was too long for one round.
    pub behind: u64,
}

/// The orgs of a region that wait to be published. Where they are more than are published in time,
/// each waits for those that came before it, and for no other.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) region: Region,
    grown: Grown,
    /// Those that grew.
    fresh: VecDeque<OrgId>,
    /// What other processes left.
    left: VecDeque<OrgId>,
    /// What the last ones are followed by.
    pub(super) rest: Duration,
}

impl Queue {
    pub(super) fn new(region: Region, grown: Grown) -> Self {
        Self { region, grown, fresh: VecDeque::new(), left: VecDeque::new(), rest: Duration::ZERO }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.left.is_empty()
    }

    /// How many wait: in their turn, and for it.
    pub(super) fn len(&self) -> usize {
        self.fresh.len() + self.left.len() + self.grown.len()
    }

    /// Whose turn it is: half of them grew, and half were left, where both wait.
    fn next(&mut self) -> Vec<OrgId> {
        let mut next = Vec::with_capacity(ORGS_TOGETHER);
        while next.len() < ORGS_TOGETHER && !self.is_empty() {
            next.extend(self.fresh.pop_front());
            next.extend(self.left.pop_front());
        }
        next
    }
}

impl Log {
    /// Publishes what is new in a region, of each org a bounded piece. An org that cannot be
    /// published keeps no other waiting; the first error that may pass is given at the end.
    pub async fn publish(&self, region: Region) -> Result<Published, LogError> {
        let (mut round, mut after) = (Round::of(region), String::new());
        loop {
            let (orgs, last) = self.0.behind(region, after).await?;
            for orgs in orgs.chunks(ORGS_TOGETHER) {
                self.0.piece(&mut round, orgs, None).await;
            }
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        self.0.counts.published.inc_by(round.published.entries);
        round.failed.map_or(Ok(round.published), Err)
    }

    /// The same, of those that wait: until none does, or it is late. While the node runs, most of
    /// that time belongs to the calls. An org that has more to publish, or could not be published,
    /// waits anew; the first error that may pass is told. Gives what was done, and whether there was
    /// one.
    pub(super) async fn publish_waiting(
        &self,
        queue: &mut Queue,
        until: Instant,
        running: Option<&Tasks>,
    ) -> (Published, bool) {
        let mut round = Round::of(queue.region);
        if let Err(error) = self.0.fill(queue).await {
            self.delayed(queue.region, &error.into());
            return (round.published, true);
        }
        loop {
            let begun = Instant::now();
            self.0.piece(&mut round, &queue.next(), Some(&queue.grown)).await;
            queue.rest = rest_after(begun.elapsed());
            let is_stopping = match running {
                Some(tasks) if !queue.is_empty() => {
                    tokio::time::timeout(queue.rest, tasks.stopping()).await.is_ok()
                }
                _ => false,
            };
            if queue.is_empty() || is_stopping || Instant::now() >= until {
                break;
            }
        }
        self.0.counts.published.inc_by(round.published.entries);
        if let Some(error) = &round.failed {
            self.delayed(queue.region, error);
        }
        (round.published, round.failed.is_some())
    }
}

/// A round of publishing.
#[derive(Debug)]
struct Round {
    region: Region,
    published: Published,
    failed: Option<LogError>,
}

impl Round {
    fn of(region: Region) -> Self {
        Self { region, published: Published::default(), failed: None }
    }
}

impl Inner {
    /// A page of the orgs of which not all is published, and behind which the next one begins.
    async fn behind(
        &self,
        region: Region,
        after: String,
    ) -> Result<(Vec<OrgId>, Option<String>), DbError> {
        let db = self.record.databases().region(region)?;
        let rows = db.all(&Within::node(), sql::HEADS_BEHIND, args![after]).await?;
        let last = rows.last().filter(|_| rows.len() >= PAGE);
        let last = last.map(|row| row.text("org_id")).transpose()?;
        let orgs = rows.iter().map(|row| row.parse("org_id"));
        Ok((orgs.collect::<Result<_, _>>()?, last))
    }

    /// Lets those wait that grew, once all did of whom that was said before.
    async fn fill(&self, queue: &mut Queue) -> Result<(), DbError> {
        if !queue.fresh.is_empty() {
            return Ok(());
        }
        // Of a database that is away nothing is taken: it would all have to be looked at again.
        self.record.databases().region(queue.region)?.ping().await?;
        let Lately { orgs, all } = queue.grown.take();
        let here = |org: &OrgId| self.record.is_home(org, queue.region);
        queue.fresh.extend(orgs.into_iter().filter(here));
        if all && queue.left.is_empty() {
            let (begun, mut after) = (Instant::now(), String::new());
            while queue.left.len() < LEFT_MAX {
                let (orgs, last) = self.behind(queue.region, after).await?;
                queue.left.extend(orgs);
                let Some(last) = last else {
                    queue.grown.looked(begun.elapsed());
                    break;
                };
                after = last;
            }
        }
        Ok(())
    }

    async fn piece(&self, round: &mut Round, orgs: &[OrgId], grown: Option<&Grown>) {
        let region = round.region;
        let orgs = orgs.iter().map(async |org| (org, self.in_turn(region, org).await));
        let mut orgs = stream::iter(orgs.collect::<Vec<_>>()).buffer_unordered(ORGS_AT_ONCE);
        while let Some((org, one)) = orgs.next().await {
            let again = match one {
                Ok(one) => {
                    round.published = round.published.and(one);
                    one.behind > 0
                }
                // It was told when it was found, and its org is stopped.
                Err(LogError::Fault(_)) => false,
                Err(error) => {
                    round.failed.get_or_insert(error);
                    true
                }
            };
            if let Some(grown) = grown.filter(|_| again) {
                grown.again(org);
            }
        }
    }
}

impl Published {
    fn and(self, other: Self) -> Self {
        Self {
            entries: self.entries + other.entries,
            checkpoints: self.checkpoints + other.checkpoints,
            behind: self.behind + other.behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orgs(count: usize) -> VecDeque<OrgId> {
        let at: base::time::At = "2026-01-01T00:00:00Z".parse().unwrap();
        (0..count).map(|_| OrgId::new(at)).collect()
    }

    #[test]
    fn whoever_waits_longest_is_next_and_what_others_left_keeps_nobody_waiting() {
        let grown = crate::grown::Followers::default().add();
        let mut queue = Queue::new("eu".parse().unwrap(), grown);
        let (fresh, left) = (orgs(10), orgs(30));
        (queue.fresh, queue.left) = (fresh.clone(), left.clone());
        let mut taken = Vec::new();
        while !queue.is_empty() {
            taken.push(queue.next());
        }
        let of = |from: &VecDeque<OrgId>, orgs: &[OrgId]| {
            orgs.iter().filter(|org| from.contains(org)).cloned().collect::<Vec<_>>()
        };
        let sizes = |from| taken.iter().map(|orgs| of(from, orgs).len()).collect::<Vec<_>>();
        assert_eq!((sizes(&fresh), sizes(&left)), (vec![8, 2, 0], vec![8, 14, 8]));
        let all: Vec<_> = taken.concat();
        assert!(of(&fresh, &all).iter().eq(&fresh) && of(&left, &all).iter().eq(&left));
    }
}
