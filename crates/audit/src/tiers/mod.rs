//! The archive: old events that left the database, and are read as if they had not.
//!
//! ```text
//! audit_event      │ chunk │ chunk │ chunk │ hot edge │ event │ event │ …   positions
//!                  └──── audit_cold ──────┘└──── audit_event ───────────┘
//! a question ─► the database first ─► where does it begin? ─► what is older: chunks
//! ```
//! A chunk holds the rows of some thousand positions as they were: the entry of the tree, the
//! values sealed beside it, the columns by which they are found. It lies packed and sealed
//! under the org's key in the store of the log, below `archive/`, which nothing serves. The
//! database keeps where it lies, its hash, its times, and a filter that says which values its
//! columns may have, so that a search passes over most chunks unread.
//!
//! INVARIANT: the chunks of an org are contiguous from 0, and end where its events in the
//! database begin: rows leave in the transaction that says which chunk they are in.

mod archive;
mod call;
mod chunk;
mod filed;
mod names;
mod person;
mod read;
mod search;

pub(crate) use self::archive::{Archive, NotRead};
pub(crate) use self::chunk::{CHUNK_BYTES_MAX, CHUNK_ROWS_MAX, Chunk, Kept};
pub(crate) use self::filed::{Filed, Summary};
pub(crate) use self::read::{Positions, place};
pub(crate) use self::search::Wanted;
