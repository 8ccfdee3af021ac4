//! Whether the other side of an HTTP/2 connection takes what waits for it: its windows may stay
//! closed while its socket is open and it answers every ping.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Error;
use axum::body::{Body, Bytes};
use axum::response::Response;
use hyper::body::{Buf, Frame, SizeHint};

use super::outlet::UNTAKEN_MAX;

/// What is counted of one connection. Clones are of the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Windows(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Requests that came and whose answers were not taken whole.
    calls: AtomicUsize,
    /// Those of which a piece of the answer waits for the other side.
    waiting: AtomicUsize,
    /// How often something of an answer was taken.
    taken: AtomicU64,
}

/// A request, until its answer was taken whole or given up.
#[derive(Debug)]
struct Call {
    windows: Windows,
    /// Pieces of its answer that were not taken whole.
    untaken: AtomicUsize,
}

/// The body of an answer.
pub(super) struct Pieces {
    body: Body,
    call: Arc<Call>,
}

/// A piece of an answer until it is taken.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    call: Arc<Call>,
}

impl Windows {
    /// The answer of a request that has just come, counted from now on.
    pub(super) fn count<F, E>(
        &self,
        answer: F,
    ) -> impl Future<Output = Result<http::Response<Pieces>, E>> + use<F, E>
    where
        F: Future<Output = Result<Response, E>>,
    {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let call = Arc::new(Call { windows: self.clone(), untaken: AtomicUsize::new(0) });
        async move { Ok(answer.await?.map(|body| Pieces { body, call })) }
    }

    /// Resolves when something waits and nothing of any answer was taken for [`UNTAKEN_MAX`], at
    /// the latest after twice as long. Whoever takes of one answer may leave all others: what those
    /// hold is bounded by their number and by what is taken in for each.
    pub(super) async fn shut(&self) {
        let Counts { waiting, taken, .. } = &*self.0;
        let mut before = None;
        loop {
            tokio::time::sleep(UNTAKEN_MAX).await;
            let waits = waiting.load(Ordering::Relaxed) > 0;
            let now = waits.then(|| taken.load(Ordering::Relaxed));
            if waits && now == before {
                return;
            }
            before = now;
        }
    }

    /// Whether nobody loses anything with the connection but what they do not take: no request
    /// waits for its answer, or for more of it.
    pub(super) fn all_wait(&self) -> bool {
        self.0.waiting.load(Ordering::Relaxed) == self.0.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.windows.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl hyper::body::Body for Pieces {
    type Data = Piece;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        frame.map_ok(|frame| frame.map_data(|bytes| Piece::of(bytes, &self.call)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Piece {
    fn of(bytes: Bytes, call: &Arc<Call>) -> Self {
        if call.untaken.fetch_add(1, Ordering::Relaxed) == 0 {
            call.windows.0.waiting.fetch_add(1, Ordering::Relaxed);
        }
        Self { bytes, call: call.clone() }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.call.windows.0.taken.fetch_add(1, Ordering::Relaxed);
        self.bytes.advance(count);
    }
}

/// Taken, or given up: only the former was counted.
impl Drop for Piece {
    fn drop(&mut self) {
        if self.call.untaken.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.call.windows.0.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
