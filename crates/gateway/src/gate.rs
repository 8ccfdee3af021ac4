//! What a call waits under while its provider works: its intent is written meanwhile, its
//! credential lives, and its reservation is kept.

use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use access::Life;
use audit::{Durable, NotDurable, Pending};

use crate::call::Lease;
use crate::error::Error;

/// Whether the intent is on disk.
#[derive(Debug)]
pub(crate) enum Gate {
    Waiting(Pending),
    Open(Durable),
    /// The record refused it.
    Shut,
}

impl Gate {
    /// Ready once the intent is on disk, or will not be.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Durable, NotDurable>> {
        let intent = match self {
            Self::Waiting(intent) => intent,
            Self::Open(proof) => return Poll::Ready(Ok(proof.clone())),
            Self::Shut => return Poll::Ready(Err(NotDurable)),
        };
        let written = ready!(Pin::new(intent).poll(context));
        *self = written.clone().map_or(Self::Shut, Self::Open);
        Poll::Ready(written)
    }

    /// Waits until the intent is on disk.
    pub(crate) async fn open(&mut self) -> Result<Durable, NotDurable> {
        poll_fn(|context| self.poll(context)).await
    }

    /// Does something as long as the call may go on: until the record refuses its intent, or its
    /// credential ends. It does not wait for the intent; what is refused already is not begun.
    pub(crate) async fn during<T>(
        &mut self,
        life: &Life,
        lease: Lease,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            biased;
            lost = self.refused() => Err(lost.into()),
            done = life.during(work) => done.map_err(Error::from).flatten(),
            never = lease.keep() => never,
        }
    }

    async fn refused(&mut self) -> NotDurable {
        match self.open().await {
            Ok(_) => pending().await,
            Err(lost) => lost,
        }
    }
}
