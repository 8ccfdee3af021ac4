//! A socket that is written to with a deadline: whoever asks and takes nothing of the answer would
//! else keep its connection, and all that waits for it here and in the kernel, for ever.

use std::future::Future as _;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// A connection whose other side takes no byte of what is written to it for so long ends.
pub(super) const UNTAKEN_MAX: Duration = Duration::from_mins(2);

/// The socket of a connection.
#[derive(Debug)]
pub(super) struct Outlet {
    stream: TcpStream,
    /// Since something was to be written for which there was no room.
    full: Option<Pin<Box<Sleep>>>,
}

impl Outlet {
    pub(super) fn of(stream: TcpStream) -> Self {
        Self { stream, full: None }
    }

    /// What became of writing, or an error if nothing was taken for too long.
    fn in_time(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
        again: impl FnOnce(&mut std::net::TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.full = None;
            return written;
        }
        let full = self.full.get_or_insert_with(|| Box::pin(tokio::time::sleep(UNTAKEN_MAX)));
        ready!(full.as_mut().poll(context));
        self.full = None;
        // The kernel says that there is room when a third of what it holds was taken. Whoever
        // reads slowly takes longer for that; there is room for some bytes long before.
        let written = again(&mut self.stream.as_fd().try_clone_to_owned()?.into());
        if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            // What the kernel holds for it goes with it.
            let _reset = self.stream.set_zero_linger();
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Ready(written)
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
        self.in_time(context, written, |socket| socket.write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.in_time(context, written, |socket| socket.write_vectored(pieces))
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
