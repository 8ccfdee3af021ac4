//! Counters that several nodes of a cell share: the steps of [`crate::Book`] as one atomic
//! script for each verb, in Redis or Valkey.
//!
//! All keys of an org share a hash tag, so that a script finds them on one node of a Redis
//! Cluster.

mod answer;
//mod beat;
mod book;
mod config;
mod counters;
//mod life;
mod link;
mod pack;
//mod queue;
mod script;
//mod under_way;

use std::fmt::Debug;

pub(crate) use self::answer::Given;
pub use self::book::SharedBook;
pub(crate) use self::counters::{Charged, Counters, Generation, Known, NO_LIFE, Said, UNKNOWN};
pub use self::config::{BadStore, Config};
pub use self::link::{Address, Away, Link};
//pub(crate) use self::queue::Queue;
//pub(crate) use self::under_way::UnderWay;

/// How many nodes count into the store. While it is away each of them admits its share.
pub trait Nodes: Send + Sync + Debug {
    /// Nodes that live; at least one.
    fn living(&self) -> u32;
}

/// As many nodes as the operator said.
#[derive(Debug, Clone, Copy)]
pub struct Configured(pub u32);

impl Nodes for Configured {
    fn living(&self) -> u32 {
        self.0
    }
}
