//! Why a witness does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tlog::checkpoint;
use tlog::note::{self, SigningFailed};

use crate::config::BadConfig;

/// Why a witness does not start. Where its memory is in doubt it would rather not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration has a fault.
    #[error(transparent)]
    Config(BadConfig),
    /// Another process has the folder.
    #[error("{}: another witness runs on this folder", .0.display())]
    Taken(PathBuf),
    /// Something could not be read or written.
    #[error("{}", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A file of a key is not one.
    #[error("{}: is no key of 32 bytes", .0.display())]
    NotAKey(PathBuf),
    /// There are heads, and a key is gone.
    #[error("{}: the key is gone, but there are heads that were signed: bring it back, or begin a new witness in an empty folder", .0.display())]
    KeyGone(PathBuf),
    /// There are keys, and the heads are gone.
    #[error("{}: the heads are gone, but there are keys that may have signed some: begin a new witness in an empty folder", .0.display())]
    MemoryGone(PathBuf),
    /// A head is no note.
    #[error("{}: the head is damaged", .0.display())]
    NotANote(PathBuf, #[source] note::Malformed),
    /// A head was not cosigned by these keys.
    #[error("{}: the head was not cosigned by this witness (was its name changed?)", .0.display())]
    NotOurs(PathBuf, #[source] checkpoint::Refused),
    /// The cryptographic library did not make a key.
    #[error("the keys could not be made")]
    Keys(#[source] SigningFailed),
    /// The address is taken or not ours.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
}
