//! The line: events of all callers of a region, committed in groups.
//!
//! ```text
//! callers ──► queue (bounded) ──► one thread: take all that waits ─► one transaction ─► acks
//!                                     ├── rider: ledgers that must equal the events
//!                                     ├── outcomes that failed: kept, and written once the
//!                                     │   database answers again, a group in each turn
//!                                     ├── the database is away: what orgs chose so is put
//!                                     │   into the journal, and replayed from there
//!                                     └── orgs whose key is with the KMS: put aside until
//!                                         it is here, so that nobody else waits for it
//! ```
//! While one group commits, the next gathers. A lone caller never waits for others.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use access::Pass;
use base::args;
use base::db::{Db, DbError, Tries, Tx, Within};
use base::tasks::Tasks;
use base::time::SharedClock;
use tokio::sync::mpsc;

use crate::append::{Appended, Prepared, append};
use crate::aside::Aside;
use crate::durable::{Ack, Durable, Submission};
use crate::heads::Heads;
use crate::journal::{Books, Mark};
use crate::keys::Keys;
use crate::open::OpenCalls;
use crate::outcomes::{Outcomes, RETRY_EVERY};
use crate::rider::{Passed, Rider};
use crate::sql;

/// Events that one transaction carries at most.
pub(crate) const GROUP_MAX: usize = 512;
/// The usual size of groups from which on a group waits for more, and how long: many
/// callers are under way, and one commit for all costs little more than one for a few.
const GATHER_FROM: usize = 8;
const GATHER: Duration = Duration::from_micros(500);
/// The size of groups from which on their callers are told beside this thread.
const TOLD_BESIDE_FROM: usize = 4;

/// The thread of one region.
pub(crate) struct Line {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) keys: Arc<Keys>,
    pub(crate) heads: Arc<Heads>,
    pub(crate) riders: Vec<Arc<dyn Rider>>,
    pub(crate) open: OpenCalls,
    pub(crate) counts: crate::telemetry::Counts,
    pub(crate) outcomes: Outcomes,
    /// Events whose org's key is being asked for.
    pub(crate) aside: Aside,
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
                () = std::future::ready(()), if self.has_kept() && self.outcomes.is_trying() => {
                    self.replay().await;
                    continue;
                }
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
            if self.has_kept() && self.outcomes.are_due() {
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
            self.rest().await;
        }
        self.await_keys().await;
        self.replay_all().await;
        self.await_keys().await;
        while self.journal.may_replay() && self.replay_journal().await {}
        self.finish().await;
    }

    /// Whether outcomes wait that are worth a try.
    fn has_kept(&self) -> bool {
        !self.outcomes.is_empty() && !self.journal.is_away()
    }

    /// Waits for all keys that are being asked for, as long as that may take at most.
    async fn await_keys(&mut self) {
        while let Some((events, warmed)) = self.aside.next().await {
            self.back(events, warmed).await;
        }
    }

    /// Takes out of a group whatever would have to wait for the KMS.
    pub(crate) fn put_aside(&mut self, group: &mut Vec<Submission>) {
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

    /// Commits a group and tells its callers. What is wrong with one org is nothing to the others
    /// of its group: only what fails by itself is refused.
    async fn write(&mut self, group: &mut Vec<Submission>) {
        let mut halves = Vec::new();
        while !group.is_empty() {
            match self.commit_patiently(group).await {
                Ok(seqs) => {
                    self.counts.events.inc_by(u64::try_from(group.len()).unwrap_or_default());
                    self.counts.groups.inc();
                    self.tell(group.drain(..).zip(seqs));
                }
                Err(error) => {
                    if let Some(half) = half_of(&error, group) {
                        halves.push(half);
                        continue;
                    }
                    self.lost(&error, group);
                    self.refused(&error, group);
                }
            }
            while let Some(half) = halves.pop_if(|_| group.is_empty()) {
                *group = half;
                self.go_round(group);
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
        if let Some(outcome) = submission.keep() {
            self.outcomes.keep(outcome);
        }
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

    pub(crate) async fn commit(&mut self, group: &[Submission]) -> Result<Vec<i64>, DbError> {
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
        let from_journal = mark.is_some();
        if let Some(mark) = mark
            && !mark.ends_are_first(&mut tx, group).await?
        {
            return Ok(None);
        }
        let passed = passed(&mut tx, &self.keys, group).await?;
        let ended: Vec<&Passed> = passed.iter().flatten().map(AsRef::as_ref).collect();
        if !ended.is_empty() {
            for rider in &self.riders {
                rider.ride(&mut tx, &ended).await?;
            }
        }
        let now = self.clock.now();
        let due = self.open.due(group, &seqs, now);
        let node = self.open.node();
        let rows: Vec<_> = due.iter().map(|(org, first)| args![*org, node, *first]).collect();
        let beginnings = if from_journal { &sql::OPEN_BEFORE } else { &sql::OPEN };
        tx.many(beginnings, rows).await?;
        tx.commit_once().await?;
        self.heads.remember(heads);
        self.open.follow(group, &seqs, now, !from_journal);
        self.announce(group, &passed, seqs.iter().copied().zip(ats));
        Ok(Some(seqs))
    }

    /// Tells the riders what is on disk.
    fn announce(
        &self,
        group: &[Submission],
        passed: &[Option<Cow<'_, Passed>>],
        places: impl Iterator<Item = (i64, i64)>,
    ) {
        let events = group.iter().zip(passed).zip(places);
        let events = events.map(|((one, passed), place)| {
            let is_known = matches!(passed, Some(Cow::Borrowed(_)));
            one.entry.committed(place, one.ended().filter(|_| is_known))
        });
        // One that nothing can be told of ends what is told: the rest is read.
        let events: Vec<_> = events.map_while(|one| one).collect();
        self.riders.iter().for_each(|rider| rider.committed(&events));
    }
}

/// The ended calls that the events of a group tell of. Owned are those of whoever was forgotten
/// before this transaction.
async fn passed<'a>(
    tx: &mut Tx,
    keys: &Keys,
    group: &'a [Submission],
) -> Result<Vec<Option<Cow<'a, Passed>>>, DbError> {
    let mut all = Vec::with_capacity(group.len());
    for one in group {
        all.push(match one.ended() {
            Some(passed) if one.entry.is_nobodys(tx, keys).await? => {
                Some(Cow::Owned(passed.of_nobody()))
            }
            passed => passed.map(Cow::Borrowed),
        });
    }
    Ok(all)
}

/// Whether a group may have failed by one org of it alone: the database answers, and refuses.
pub(crate) fn may_be_of_one(error: &DbError) -> bool {
    !(error.is_undone() || error.is_away())
}

/// The half of the orgs of a group that failed, taken out of it, where that may be of one of them
/// alone. Each half is tried by itself, and so on: few commits find the one.
pub(crate) fn half_of(error: &DbError, group: &mut Vec<Submission>) -> Option<Vec<Submission>> {
    let orgs: BTreeSet<_> = group.iter().map(|one| &one.entry.org).collect();
    if orgs.len() < 2 || !may_be_of_one(error) {
        return None;
    }
    let middle = (*orgs.iter().nth(orgs.len() / 2)?).clone();
    Some(group.extract_if(.., |one| one.entry.org >= middle).collect())
}
