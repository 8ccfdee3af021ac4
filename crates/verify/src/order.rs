//! What the order of events must show: times that run forwards, and calls that end once.

use std::collections::{HashMap, HashSet};

use crate::fault::{Fault, FaultKind};
use crate::hash::Hash;
use crate::instant::Instant;
use crate::opening::{Core, Entry};

/// Seconds that a checkpoint may take until a witness has cosigned it.
const COSIGNING_SECS: u64 = 60;
const STARTED: &str = "gateway.call.started";
const ENDED: &str = "gateway.call.ended";

/// A time at which a tree was seen.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    pub(crate) at: Instant,
    /// Who says so.
    pub(crate) by: String,
    /// Whether what is not in that tree yet must be later.
    pub(crate) outside: bool,
}

/// Goes from event to event.
#[derive(Debug, Default)]
pub(crate) struct Order {
    skew_secs: u64,
    seen: Vec<Seen>,
    latest: Option<Instant>,
    entries: HashSet<[u8; 16]>,
    begun: HashSet<[u8; 16]>,
    ended: HashSet<[u8; 16]>,
    /// Outcomes before whose intent was seen.
    alone: HashMap<[u8; 16], u64>,
    /// A core was withheld: an intent may be in it.
    withheld: bool,
    /// Outcomes, and events of a journal, that came late.
    pub(crate) late: u64,
}

impl Order {
    pub(crate) fn new(skew_secs: u64, seen: Vec<Seen>) -> Self {
        Self { skew_secs, seen, ..Self::default() }
    }

    /// Each entry has a nonce: no two are equal.
    pub(crate) fn entry(&mut self, index: u64, entry: &Entry) -> Result<(), Fault> {
        if self.entries.insert(entry.leaf.short()) {
            return Ok(());
        }
        Err(FaultKind::EntryTwice.at(index, "the entry is a copy of an earlier one"))
    }

    /// The next event, whose core is withheld.
    pub(crate) fn withheld(&mut self) {
        self.withheld = true;
    }

    /// The next event.
    pub(crate) fn event(&mut self, index: u64, core: &Core) -> Result<(), Fault> {
        self.times(index, core)?;
        let Some(call) = &core.call else { return Ok(()) };
        let call = Hash::of(&[call.as_bytes()]).short();
        if core.action == STARTED {
            self.begun.insert(call);
            self.alone.remove(&call);
        }
        if core.action == ENDED {
            if !self.ended.insert(call) {
                return Err(FaultKind::SecondOutcome.at(index, "the call has an outcome already"));
            }
            if !self.begun.contains(&call) {
                self.alone.insert(call, index);
            }
        }
        Ok(())
    }

    fn times(&mut self, index: u64, core: &Core) -> Result<(), Fault> {
        let (at, skew) = (core.at, self.skew_secs);
        // An outcome has the time at which its call ended, and stands where it came. So does what
        // came through the journal of a node.
        let may_be_late = core.action == ENDED || core.journalled;
        for Seen { size, at: seen, by, outside } in &self.seen {
            if index < *size && at > seen.after(skew) {
                let words = format!("its time is {at}; {by} saw it at {seen} already");
                return Err(FaultKind::Future.at(index, words));
            }
            let early = at.after(skew).after(COSIGNING_SECS) < *seen;
            if *outside && index >= *size && early && !may_be_late {
                let words = format!("its time is {at}; {by} did not see it yet at {seen}");
                return Err(FaultKind::Backdated.at(index, words));
            }
        }
        if let Some(latest) = self.latest
            && at.after(skew) < latest
        {
            if !may_be_late {
                let words = format!("its time is {at}; an event before it has {latest}");
                return Err(FaultKind::Backwards.at(index, words));
            }
            self.late += 1;
        }
        self.latest = self.latest.max(Some(at));
        Ok(())
    }

    /// Behind the last event. Of a record that is shown from its first entry, and of which no core
    /// is withheld, each call has its intent.
    pub(crate) fn end(&self, first: u64) -> Result<(), Fault> {
        match self.alone.values().min() {
            Some(index) if first == 0 && !self.withheld => {
                Err(FaultKind::OutcomeAlone.at(*index, "the call ended and never began"))
            }
            _ => Ok(()),
        }
    }

    /// The latest time of all.
    pub(crate) fn latest(&self) -> Option<Instant> {
        self.latest
    }

    /// Calls that began and have no outcome here, and outcomes of calls that began before.
    pub(crate) fn open_calls(&self) -> (usize, usize) {
        (self.begun.difference(&self.ended).count(), self.alone.len())
    }
}
