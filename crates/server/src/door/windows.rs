//! Whether the other side of an HTTP/2 connection takes what waits for it: its windows may stay
//! closed while its socket is open and it answers every ping.

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
    /// Pieces of answers that were not taken whole.
    waiting: AtomicUsize,
    /// How often something of one was taken, or one was given up.
    taken: AtomicU64,
}

/// The body of an answer.
pub(super) struct Pieces {
    body: Body,
    windows: Windows,
}

/// A piece of an answer until it is taken.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    windows: Windows,
}

impl Windows {
    /// An answer of which is counted what is taken.
    pub(super) fn before(&self, answer: Response) -> http::Response<Pieces> {
        answer.map(|body| Pieces { body, windows: self.clone() })
    }

    /// Resolves when something waits and nothing of any answer was taken for [`UNTAKEN_MAX`], at
    /// the latest after twice as long.
    pub(super) async fn shut(&self) {
        let Counts { waiting, taken } = &*self.0;
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
}

impl hyper::body::Body for Pieces {
    type Data = Piece;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        frame.map_ok(|frame| frame.map_data(|bytes| Piece::of(bytes, &self.windows)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Piece {
    fn of(bytes: Bytes, windows: &Windows) -> Self {
        windows.0.waiting.fetch_add(1, Ordering::Relaxed);
        Self { bytes, windows: windows.clone() }
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
        self.windows.0.taken.fetch_add(1, Ordering::Relaxed);
        self.bytes.advance(count);
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.windows.0.taken.fetch_add(1, Ordering::Relaxed);
        self.windows.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
