//! The line: events of all callers of a region, committed in groups.
//!
//! ```text
//! callers ──► queue (bounded) ──► one thread: take all that waits ─► one transaction ─► acks
//!                                     ├── rider: ledgers that must equal the events
//!                                     ├── outcomes that failed: kept, and written first
//!                                     │   once the database answers again
//!                                     ├── the database is away: what orgs chose so is put
//!                                     │   into the journal, and replayed from there
//!                                     └── orgs whose key is with the KMS: put aside until
//!                                         it is here, so that nobody else waits for it
//! ```
//! While one group commits, the next gathers. A lone caller never waits for others.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Pass;
use base::args;
use base::db::{Db, DbError, Tries, Within};
use base::tasks::Tasks;
use base::time::SharedClock;
use tokio::sync::mpsc;

use crate::append::{Appended, Prepared, append};
use crate::aside::Aside;
use crate::doubt;
use crate::durable::{Ack, Durable, Submission};
use crate::heads::Heads;
use crate::journal::{Books, Mark};
use crate::keys::Keys;
use crate::open::OpenCalls;
use crate::rider::{Passed, Rider};
use crate::sql;

/// Events that one transaction carries at most.
const GROUP_MAX: usize = 512;
/// The usual size of groups from which on a group waits for more, and how long: many
/// callers are under way, and one commit for all costs little more than one for a few.
const GATHER_FROM: usize = 8;
const GATHER: Duration = Duration::from_micros(500);
/// The size of groups from which on their callers are told beside this thread.
const TOLD_BESIDE_FROM: usize = 4;
/// Outcomes that wait for the database to come back, at most.
const KEPT_MAX: usize = 65_536;
/// How often they are tried.
const RETRY_EVERY: Duration = Duration::from_secs(1);

/// The thread of one region.
pub(crate) struct Line {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) keys: Arc<Keys>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) riders: Vec<Arc<dyn Rider>>,
    pub(crate) open: OpenCalls,
    pub(crate) counts: crate::telemetry::Counts,
    /// Outcomes of calls whose group failed: what was used must not be lost.
    pub(crate) kept: VecDeque<Submission>,
    /// Events whose org's key is being asked for.
    pub(crate) aside: Aside,
    /// When they were last tried: not before every group, or they would hold up all others.
    pub(crate) replayed: Option<Instant>,
    /// The usual size of a group.
    pub(crate) usual: usize,
    /// Where the events of orgs go that chose so, while the database is away.
    pub(crate) journal: Books,
    pub(crate) tasks: Tasks,
}

impl Line {
    /// Works until every sender is gone and the queue is empty.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Submission>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        loop {
            let taken = tokio::select! {
                biased;
                Some((events, warmed)) = self.aside.next() => {
                    self.back(events, warmed).await;
                    continue;
                }
                () = self.journal.found() => {
                    self.replay_journal().await;
                    continue;
                }
                taken = queue.recv_many(&mut group, GROUP_MAX) => taken,
                () = std::future::ready(()), if self.journal.may_replay() => {
                    self.replay_journal().await;
                    continue;
                }
                // Made only when it is waited for.
                () = async { tokio::time::sleep(RETRY_EVERY).await }, if self.has_kept() => {
                    self.replay().await;
                    continue;
                }
            };
            if self.has_kept() && self.replayed.is_none_or(|at| at.elapsed() >= RETRY_EVERY) {
                self.replay().await;
            }
            if taken == 0 {
                break;
            }
            self.gather(&mut queue, &mut group);
            self.go_round(&mut group);
            self.put_aside(&mut group);
            if !group.is_empty() {
                self.write(&mut group).await;
            }
            self.replay_journal().await;
        }
        self.await_keys().await;
        self.replay().await;
        self.await_keys().await;
        while self.journal.may_replay() && self.replay_journal().await {}
        self.finish().await;
    }

    /// Whether outcomes wait that are worth a try.
    fn has_kept(&self) -> bool {
        !self.kept.is_empty() && !self.journal.is_away()
    }

    /// Waits for all keys that are being asked for, as long as that may take at most.
    async fn await_keys(&mut self) {
        while let Some((events, warmed)) = self.aside.next().await {
            self.back(events, warmed).await;
        }
    }

    /// Takes out of a group whatever would have to wait for the KMS.
    fn put_aside(&mut self, group: &mut Vec<Submission>) {
        for refused in self.aside.take(group, &self.keys, &self.db) {
            self.refuse(refused);
        }
    }

    /// Writes what was put aside, or refuses it.
    async fn back(&mut self, mut events: Vec<Submission>, warmed: Result<(), DbError>) {
        if let Err(error) = warmed {
            self.refused(&error, &mut events);
            return;
        }
        while !events.is_empty() {
            let rest = events.split_off(events.len().min(GROUP_MAX));
            self.write(&mut events).await;
            events = rest;
        }
    }

    /// Where many are under way, waits a moment for their next events.
    fn gather(&mut self, queue: &mut mpsc::Receiver<Submission>, group: &mut Vec<Submission>) {
        if self.usual >= GATHER_FROM {
            // This thread does nothing else: it may sleep.
            std::thread::sleep(GATHER);
            while group.len() < GROUP_MAX
                && let Ok(more) = queue.try_recv()
            {
                group.push(more);
            }
        }
        self.usual = (self.usual * 3 + group.len()).div_ceil(4);
    }

    /// Commits a group and tells its callers.
    async fn write(&mut self, group: &mut Vec<Submission>) {
        match self.commit_patiently(group).await {
            Ok(seqs) => {
                self.counts.events.inc_by(u64::try_from(group.len()).unwrap_or_default());
                self.counts.groups.inc();
                self.tell(group.drain(..).zip(seqs));
            }
            Err(error) => {
                self.lost(&error, group);
                self.refused(&error, group);
            }
        }
    }

    /// Tells callers that their events are on disk: from beside them where they are many, as
    /// each that is woken from this thread may have to wake a thread first.
    fn tell(&self, group: impl ExactSizeIterator<Item = (Submission, i64)>) {
        let told = |(submission, seq): (Submission, i64)| {
            let Submission { entry, ack, pass, .. } = submission;
            (Durable::at(entry.org, seq), ack, pass)
        };
        let tell = |(durable, ack, _pass): (Durable, Ack, Option<Pass>)| {
            // A caller that has left needs no answer; its event stands.
            drop(ack.send(Ok(durable)));
        };
        if group.len() < TOLD_BESIDE_FROM {
            group.map(told).for_each(tell);
        } else {
            let told: Vec<_> = group.map(told).collect();
            self.tasks.spawn(async move { told.into_iter().for_each(tell) });
        }
    }

    pub(crate) fn refused(&mut self, error: &DbError, group: &mut Vec<Submission>) {
        if group.is_empty() {
            return;
        }
        let error = error as &dyn std::error::Error;
        tracing::error!(error, events = group.len(), "the record refused a group of events");
        for submission in group.drain(..) {
            self.refuse(submission);
        }
    }

    /// Tells the caller, and keeps what must not be lost.
    pub(crate) fn refuse(&mut self, submission: Submission) {
        self.counts.failed.inc();
        let kept = submission.keep();
        if let Some(kept) = kept.filter(|_| self.kept.len() < KEPT_MAX) {
            self.kept.push_back(kept);
        }
    }

    /// Writes the outcomes that an outage kept waiting, oldest first.
    async fn replay(&mut self) {
        self.replayed = Some(Instant::now());
        // Each of them once: what is put aside and refused comes back to the end.
        let mut left = self.kept.len();
        while left > 0 {
            let count = left.min(GROUP_MAX);
            left -= count;
            let tried = self.kept.drain(..count).collect::<Vec<_>>();
            let Ok(missing) = self.missing(&tried).await else { return self.put_back(tried) };
            let (mut group, _written): (Vec<_>, Vec<_>) =
                tried.into_iter().partition(|one| missing.contains(&one.entry.resource_id));
            self.put_aside(&mut group);
            if group.is_empty() {
                continue;
            }
            match self.commit(&group).await {
                Ok(_) => {
                    tracing::warn!(events = group.len(), "outcomes were written after an outage");
                }
                Err(_) => return self.put_back(group),
            }
        }
    }

    fn put_back(&mut self, tried: Vec<Submission>) {
        for submission in tried.into_iter().rev() {
            self.kept.push_front(submission);
        }
    }

    /// Those of these calls whose outcome is not on disk: the answer to a commit may
    /// have been lost on the way back.
    async fn missing(&mut self, tried: &[Submission]) -> Result<BTreeSet<String>, DbError> {
        let (mut missing, mut settled) = (BTreeSet::new(), BTreeSet::new());
        for one in tried {
            let (org, id) = (one.entry.org.as_str(), &one.entry.resource_id);
            if settled.insert(org) {
                // A commit without an answer may still be under way: not behind this.
                doubt::settle(&self.db, org).await?;
            }
            let args = args![org, id.as_str()];
            if self.db.maybe(&Within::org(org), sql::ENDED, args).await?.is_none() {
                missing.insert(id.clone());
            }
        }
        Ok(missing)
    }

    /// A group that the database undid is written again. One whose commit got no answer is
    /// refused: its outcomes are kept, and written later unless they are there already.
    pub(crate) async fn commit_stubbornly(
        &mut self,
        group: &[Submission],
    ) -> Result<Vec<i64>, DbError> {
        let mut tries = Tries::new();
        loop {
            match self.commit(group).await {
                Err(error) if error.is_undone() && tries.wait().await => {}
                ended => return ended,
            }
        }
    }

    async fn commit(&mut self, group: &[Submission]) -> Result<Vec<i64>, DbError> {
        Ok(self.commit_with(group, None).await?.unwrap_or_default())
    }

    /// None: what the mark says does not hold any more, and nothing was written.
    #[expect(clippy::disallowed_methods, reason = "one of the two places that commit")]
    pub(crate) async fn commit_with(
        &mut self,
        group: &[Submission],
        mut mark: Option<&mut Mark<'_>>,
    ) -> Result<Option<Vec<i64>>, DbError> {
        let entries: Vec<&Prepared> = group.iter().map(|one| &one.entry).collect();
        let orgs: BTreeSet<_> = entries.iter().map(|entry| entry.org.as_str()).collect();
        let mut tx = self.db.begin_here(&Within::orgs(orgs)).await?;
        // The whole group is repeated, not its statements.
        tx.mark();
        if let Some(mark) = &mut mark
            && !mark.moves(&mut tx, self.clock.now()).await?
        {
            return Ok(None);
        }
        let Appended { seqs, ats, heads } =
            append(&mut tx, &self.keys, &self.heads, &entries).await?;
        if group.iter().any(Submission::is_of_a_call) {
            for rider in &self.riders {
                rider.fence(&mut tx).await?;
            }
        }
        let beginnings = if mark.is_some() { &sql::OPEN_BEFORE } else { &sql::OPEN };
        if let Some(mark) = mark
            && !mark.ends_are_first(&mut tx, group).await?
        {
            return Ok(None);
        }
        let ended: Vec<&Passed> = group.iter().filter_map(Submission::ended).collect();
        if !ended.is_empty() {
            for rider in &self.riders {
                rider.ride(&mut tx, &ended).await?;
            }
        }
        let now = self.clock.now();
        let due = self.open.due(group, &seqs, now);
        let node = self.open.node();
        let rows: Vec<_> = due.iter().map(|(org, first)| args![*org, node, *first]).collect();
        tx.many(beginnings, rows).await?;
        tx.commit_once().await?;
        self.heads.remember(heads);
        self.open.follow(group, &seqs, now);
        self.announce(group, seqs.iter().copied().zip(ats));
        Ok(Some(seqs))
    }

    /// Tells the riders what is on disk.
    fn announce(&self, group: &[Submission], places: impl Iterator<Item = (i64, i64)>) {
        let events = group.iter().zip(places);
        let events = events.map(|(one, place)| one.entry.committed(place, one.ended()));
        // One that nothing can be told of ends what is told: the rest is read.
        let events: Vec<_> = events.map_while(|one| one).collect();
        self.riders.iter().for_each(|rider| rider.committed(&events));
    }

    /// Says that nothing is open, so that the next start has nothing to look through.
    #[expect(clippy::disallowed_methods, reason = "where open calls begin is no change of an org")]
    async fn finish(self) {
        let node = self.open.node();
        let ends = self.open.ends().into_iter();
        let rows: Vec<_> = ends.map(|(org, first)| args![org, node, first]).collect();
        let write = async {
            let mut tx = self.db.begin_here(&Within::node()).await?;
            tx.many(&sql::OPEN, rows).await?;
            tx.commit().await
        };
        if let Err(error) = write.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the next start looks longer");
        }
    }
}
