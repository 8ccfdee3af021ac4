//! The socket of traces: a call is told once, at its end, so that a call which is not
//! traced pays nothing.

use std::fmt::Debug;

use access::{Region, TraceParent};
use audit::{CallFacts, Outcome};
use base::time::At;

use crate::catalogue::Does;

/// What a trace may know of a call: never what was asked or answered, nor by whom.
#[derive(Debug, Clone, Copy)]
pub struct EndedCall<'a> {
    /// The call, as in its receipt.
    pub id: &'a str,
    /// What was asked for.
    pub does: Does,
    /// What it was made of.
    pub facts: &'a CallFacts,
    /// How it ended.
    pub outcome: Outcome,
    /// The code of the problem it ended with.
    pub failure: Option<&'a str>,
    /// The org's region.
    pub region: Region,
    /// The caller's own span, if it traces.
    pub parent: Option<TraceParent>,
    /// When it ended.
    pub ended_at: At,
}

/// Where ended calls are told. Called on the path of every call: it must not wait.
pub trait Trace: Send + Sync + Debug {
    /// A call ended.
    fn ended(&self, call: &EndedCall<'_>);
}
