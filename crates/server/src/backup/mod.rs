//! Backups of a cell: taken while it serves, verified without it, restored, and drilled.
//!
//! ```text
//! take      databases ─► then the published log ─► manifest ─► renamed: it is whole
//! verify    every file against the manifest, without a database or a key
//! restore   verify ─► an empty place: databases, log, a PostgreSQL that recovers
//! replay    `privacy`: what was published and is not in the database; who was erased since
//! drill     restore into a temporary place ─► start ─► replay ─► read again ─► figures
//! ```
//! The log is copied behind the databases: so it is never behind them, and what it has more is
//! replayed like after any other restore. Keys are no part of a backup: see [`secrets`].

mod drill;
mod frozen;
mod homes;
mod manifest;
mod postgres;
mod restore;
mod secrets;
mod strays;
mod take;
mod tree;

pub(crate) use self::drill::{Drill, Drilled};
pub(crate) use self::frozen::Frozen;
pub(crate) use self::manifest::{Cell, Manifest, Of};
pub(crate) use self::restore::Restore;
pub(crate) use self::strays::{Stray, strays};
pub(crate) use self::take::Take;

/// Tells somebody at a terminal how far it is.
pub(crate) type Tell<'a> = &'a (dyn Fn(&str) + Sync);
