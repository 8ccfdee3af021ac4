//! What goes into the record's line, and what comes out: proof that an event is on disk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use access::{OrgId, Pass};
use tokio::sync::oneshot;

use crate::append::Prepared;
use crate::rider::Passed;

/// Events that wait at most; behind that the record refuses.
pub(crate) const QUEUE_MAX: usize = 65_536;

/// Proof that an event is on disk. Only this room makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable {
    org: OrgId,
    place: Place,
}

/// On which disk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// In the record, at this position.
    Record(i64),
    /// In the journal of this node, as the org chose for while the record is away.
    Journal,
}

impl Durable {
    pub(crate) fn at(org: OrgId, seq: i64) -> Self {
        Self { org, place: Place::Record(seq) }
    }

    pub(crate) fn in_journal(org: OrgId) -> Self {
        Self { org, place: Place::Journal }
    }

    /// Whether it is in the journal of this node, and comes into the record later.
    pub fn is_journalled(&self) -> bool {
        self.place == Place::Journal
    }

    /// The org whose record holds it.
    pub fn org(&self) -> &OrgId {
        &self.org
    }

    /// Its position in the org's record, from 0; none while it is in a journal.
    pub fn seq(&self) -> Option<i64> {
        match self.place {
            Place::Record(seq) => Some(seq),
            Place::Journal => None,
        }
    }
}

/// Why the record was not opened.
#[derive(Debug, thiserror::Error)]
pub enum NotOpen {
    /// Its keys are not to be had.
    #[error("the keys of the record")]
    Keys(#[from] crate::keys::KmsError),
    /// Its line has no thread.
    #[error("the line of the record")]
    Line(#[from] std::io::Error),
}

/// The event is not on disk: nothing may be released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is not available")]
pub struct NotDurable;

/// Tells the caller of an event what became of it.
pub(crate) type Ack = oneshot::Sender<Result<Durable, NotDurable>>;

#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) entry: Prepared,
    pub(crate) phase: Phase,
    pub(crate) ack: Ack,
    /// The org wants it in the journal rather than refused.
    pub(crate) journals: bool,
    /// The org does not move away before it is on disk.
    pub(crate) pass: Option<Pass>,
}

impl Submission {
    /// What a journal had: nobody waits for it any more.
    pub(crate) fn of_journal(entry: Prepared, phase: Phase) -> Self {
        let (ack, _nobody) = oneshot::channel();
        Self { entry, phase, ack, journals: true, pass: None }
    }

    /// The ended call that this event tells of.
    pub(crate) fn ended(&self) -> Option<&Passed> {
        match &self.phase {
            Phase::Closes(passed) => Some(passed),
            Phase::Opens | Phase::Neither => None,
        }
    }

    /// Whether a call begins or ends with it.
    pub(crate) fn is_of_a_call(&self) -> bool {
        match &self.phase {
            Phase::Opens | Phase::Closes(_) => true,
            Phase::Neither => false,
        }
    }

    /// Tells the caller that it is not on disk, and keeps it if it is an outcome.
    pub(crate) fn keep(self) -> Option<Self> {
        drop(self.ack.send(Err(NotDurable)));
        let (ack, _nobody) = oneshot::channel();
        matches!(self.phase, Phase::Closes(_)).then_some(Self { ack, ..self })
    }
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

impl Pending {
    /// Of what is not given to the record.
    pub const fn refused() -> Self {
        Self(None)
    }

    /// Whether it was refused at once: the record has nothing of it.
    pub const fn is_refused(&self) -> bool {
        self.0.is_none()
    }
}

impl Future for Pending {
    type Output = Result<Durable, NotDurable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            None => Poll::Ready(Err(NotDurable)),
            Some(ack) => Pin::new(ack).poll(context).map(|ack| ack.unwrap_or(Err(NotDurable))),
        }
    }
}
