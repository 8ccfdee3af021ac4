//! The line: events of all callers of a region, committed in groups.
//!
//! ```text
//! callers ──► queue (bounded) ──► one task: take all that waits ─► one transaction ─► acks
//!                                     └── rider: ledgers that must equal the events
//! ```
//! The task never waits for more work: while one group commits, the next gathers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use access::{Caller, OrgId};
use base::args;
use base::db::{Db, DbError, Tx, Within};
use base::time::SharedClock;
use tokio::sync::{mpsc, oneshot};

use crate::append::{Prepared, append};
use crate::event::CallFacts;
use crate::open::OpenCalls;
use crate::sql;

/// Events that one transaction carries at most.
const GROUP_MAX: usize = 512;
/// Events that wait at most; behind that the record refuses.
pub(crate) const QUEUE_MAX: usize = 65_536;
/// Attempts at a group before its callers are refused.
const ATTEMPTS_MAX: u32 = 3;

/// Proof that an event is on disk. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable {
    org: OrgId,
    seq: i64,
}

impl Durable {
    pub(crate) fn at(org: OrgId, seq: i64) -> Self {
        Self { org, seq }
    }

    /// The org whose record holds it.
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// Its position in the org's record, from 0.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

/// The event is not on disk: nothing may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is not available")]
pub struct NotDurable;

/// What a rider sees of an event.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Who called.
    pub caller: Caller,
    /// What the call was made of and cost.
    pub call: CallFacts,
}

/// Writes ledgers in the very transaction that makes the events durable, so that
/// neither can exist without the other.
pub trait Rider: Send + Sync + std::fmt::Debug {
    /// Adds what these ended calls used.
    fn ride<'a>(
        &'a self,
        tx: &'a mut Tx,
        ended: &'a [Passed],
    ) -> Pin<Box<dyn Future<Output = Result<(), DbError>> + Send + 'a>>;
}

#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) entry: Prepared,
    pub(crate) phase: Phase,
    pub(crate) ack: oneshot::Sender<Result<Durable, NotDurable>>,
}

/// What an event means for the calls that are open.
#[derive(Debug)]
pub(crate) enum Phase {
    Opens,
    Closes(Box<Passed>),
    Neither,
}

/// Resolves once the event is on disk, or will not be.
#[derive(Debug)]
#[must_use = "nothing may be released before the event is durable"]
pub struct Pending(pub(crate) Option<oneshot::Receiver<Result<Durable, NotDurable>>>);

impl Future for Pending {
    type Output = Result<Durable, NotDurable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            None => Poll::Ready(Err(NotDurable)),
            Some(ack) => Pin::new(ack).poll(context).map(|ack| ack.unwrap_or(Err(NotDurable))),
        }
    }
}

/// The task of one region.
pub(crate) struct Line {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) riders: Vec<Arc<dyn Rider>>,
    pub(crate) open: OpenCalls,
    pub(crate) counts: crate::telemetry::Counts,
}

impl Line {
    /// Works until every sender is gone and the queue is empty.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Submission>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while queue.recv_many(&mut group, GROUP_MAX).await > 0 {
            let committed = self.commit_stubbornly(&group).await;
            match committed {
                Ok(seqs) => {
                    self.counts.events.inc_by(u64::try_from(group.len()).unwrap_or_default());
                    self.counts.groups.inc();
                    for (submission, seq) in group.drain(..).zip(seqs) {
                        let durable = Durable::at(submission.entry.org, seq);
                        // A caller that has left needs no answer; its event stands.
                        drop(submission.ack.send(Ok(durable)));
                    }
                }
                Err(error) => {
                    self.counts.failed.inc_by(u64::try_from(group.len()).unwrap_or_default());
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        events = group.len(),
                        "the record refused a group of events"
                    );
                    for submission in group.drain(..) {
                        drop(submission.ack.send(Err(NotDurable)));
                    }
                }
            }
        }
        self.finish().await;
    }

    async fn commit_stubbornly(&mut self, group: &[Submission]) -> Result<Vec<i64>, DbError> {
        let mut attempt = 1;
        loop {
            match self.commit(group).await {
                Err(error) if error.is_passing() && attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(Duration::from_millis(5 << attempt)).await;
                    attempt += 1;
                }
                ended => return ended,
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "one of the two places that commit")]
    async fn commit(&mut self, group: &[Submission]) -> Result<Vec<i64>, DbError> {
        let entries: Vec<Prepared> = group.iter().map(|one| one.entry.clone()).collect();
        let orgs: std::collections::BTreeSet<_> = entries.iter().map(|e| e.org.as_str()).collect();
        let mut tx = self.db.begin(&Within::orgs(orgs)).await?;
        let seqs = append(&mut tx, &entries).await?;
        let ended: Vec<Passed> = group
            .iter()
            .filter_map(|one| match &one.phase {
                Phase::Closes(passed) => Some((**passed).clone()),
                Phase::Opens | Phase::Neither => None,
            })
            .collect();
        if !ended.is_empty() {
            for rider in &self.riders {
                rider.ride(&mut tx, &ended).await?;
            }
        }
        let now = self.clock.now();
        let due = self.open.due(group, &seqs, now);
        let node = self.open.node();
        let rows: Vec<_> = due.iter().map(|(org, first)| args![*org, node, *first]).collect();
        tx.many(&sql::OPEN, rows).await?;
        tx.commit().await?;
        self.open.follow(group, &seqs, now);
        Ok(seqs)
    }

    /// Says that nothing is open, so that the next start has nothing to look through.
    #[expect(clippy::disallowed_methods, reason = "where open calls begin is no change of an org")]
    async fn finish(self) {
        let node = self.open.node();
        let rows: Vec<_> = self.open.ends().map(|(org, first)| args![org, node, first]).collect();
        let write = async {
            let mut tx = self.db.begin(&Within::node()).await?;
            tx.many(&sql::OPEN, rows).await?;
            tx.commit().await
        };
        if let Err(error) = write.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the next start looks longer");
        }
    }
}
