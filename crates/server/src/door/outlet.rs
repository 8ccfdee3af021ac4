//! A socket that is written to with a deadline: whoever asks and takes nothing of the answer would
//! else keep its connection, and all that waits for it here and in the kernel, for ever.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// A connection whose other side takes no byte of what is written to it for so long ends.
pub(super) const UNTAKEN_MAX: Duration = Duration::from_mins(2);

/// How often a full socket is tried all the same. The kernel says that there is room when a third of
/// what it holds was taken, which can be megabytes; there is room for some bytes long before. Many
/// times within [`gateway::UNREAD_MAX`]: an answer is not asked for more while its socket is full.
const TRY_EVERY: Duration = Duration::from_secs(10);

/// The socket of a connection.
#[derive(Debug)]
pub(super) struct Outlet {
    stream: TcpStream,
    full: Option<Full>,
}

/// Something is to be written, for which there is no room.
#[derive(Debug)]
struct Full {
    since: Instant,
    again: Pin<Box<Sleep>>,
}

impl Full {
    fn now() -> Self {
        Self { since: Instant::now(), again: Box::pin(tokio::time::sleep(TRY_EVERY)) }
    }
}

impl Outlet {
    pub(super) fn of(stream: TcpStream) -> Self {
        Self { stream, full: None }
    }

    /// What became of writing, or an error if nothing was taken for too long.
    fn in_time(
        &mut self,
        context: &mut Context<'_>,
        mut written: Poll<io::Result<usize>>,
        again: impl Fn(&TcpStream) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        while written.is_pending() {
            let full = self.full.get_or_insert_with(Full::now);
            ready!(full.again.as_mut().poll(context));
            written = match again(&self.stream) {
                Err(Errno::AGAIN) if full.since.elapsed() < UNTAKEN_MAX => {
                    full.again.as_mut().reset(Instant::now() + TRY_EVERY);
                    Poll::Pending
                }
                Err(Errno::AGAIN) => {
                    // What the kernel holds for it goes with it.
                    let _reset = self.stream.set_zero_linger();
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
                tried => Poll::Ready(tried.map_err(io::Error::from)),
            };
        }
        self.full = None;
        written
    }
}

impl AsyncRead for Outlet {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Outlet {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written, |socket| rustix::io::write(socket, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.in_time(context, written, |socket| rustix::io::writev(socket, pieces))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
