//! Which calls are open, so that a start after a crash knows where to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Homes, OrgId, Region};
use base::time::At;

use crate::durable::{Phase, Submission};

/// How old the noted beginning of an org may be. Older only means that a start
/// after a crash looks through more events.
const NOTE_EVERY_MS: i64 = 2_000;

/// The calls of this node whose intent is on disk and whose outcome is not. The lines of all
/// regions share them: a call may begin in one and end in another, when its org moves.
#[derive(Debug, Default)]
pub(crate) struct OfNode(Arc<Mutex<Known>>);

/// The same, as the line of one region follows them.
#[derive(Debug)]
pub(crate) struct OpenCalls {
    node: String,
    region: Region,
    homes: Homes,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    calls: HashMap<String, i64>,
    orgs: BTreeMap<OrgId, Org>,
}

#[derive(Debug)]
struct Org {
    /// In whose line it was seen last.
    region: Region,
    open: BTreeSet<i64>,
    next: i64,
    noted_at_ms: i64,
}

impl OfNode {
    pub(crate) fn of(&self, node: &str, region: Region, homes: &Homes) -> OpenCalls {
        let (node, homes) = (node.to_owned(), homes.clone());
        OpenCalls { node, region, homes, known: Arc::clone(&self.0) }
    }
}

impl Org {
    fn first(&self) -> i64 {
        self.open.first().copied().unwrap_or(self.next)
    }
}

impl OpenCalls {
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// The orgs of a group whose beginning must be noted with it, and that beginning.
    pub(crate) fn due<'a>(
        &self,
        group: &'a [Submission],
        seqs: &[i64],
        now: At,
    ) -> BTreeMap<&'a str, i64> {
        self.known().due(group, seqs, now)
    }

    /// Follows a group that is on disk.
    pub(crate) fn follow(&self, group: &[Submission], seqs: &[i64], now: At) {
        self.known().follow(self.region, group, seqs, now);
    }

    /// Where a later start begins to look, for each org of this run that is at home here.
    pub(crate) fn ends(&self) -> Vec<(String, i64)> {
        let known = self.known();
        let here = known.orgs.iter();
        let here = here.filter(|(id, org)| self.homes.home(id, org.region) == self.region);
        here.map(|(id, org)| (id.to_string(), org.first())).collect()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn due<'a>(&self, group: &'a [Submission], seqs: &[i64], now: At) -> BTreeMap<&'a str, i64> {
        let mut due = BTreeMap::new();
        for (submission, seq) in group.iter().zip(seqs) {
            let org = &submission.entry.org;
            let known = self.orgs.get(org);
            if known.is_none_or(|org| now.as_millisecond() - org.noted_at_ms >= NOTE_EVERY_MS) {
                let first = known.and_then(|org| org.open.first()).copied().unwrap_or(*seq);
                due.entry(org.as_str()).or_insert(first);
            }
        }
        due
    }

    fn follow(&mut self, region: Region, group: &[Submission], seqs: &[i64], now: At) {
        let due = self.due(group, seqs, now);
        for (submission, seq) in group.iter().zip(seqs) {
            let fresh =
                || Org { region, open: BTreeSet::new(), next: *seq, noted_at_ms: i64::MIN / 2 };
            let org = self.orgs.entry(submission.entry.org.clone()).or_insert_with(fresh);
            (org.region, org.next) = (region, seq + 1);
            if due.contains_key(submission.entry.org.as_str()) {
                org.noted_at_ms = now.as_millisecond();
            }
            match submission.phase {
                Phase::Opens => {
                    self.calls.insert(submission.entry.resource_id.clone(), *seq);
                    org.open.insert(*seq);
                }
                Phase::Closes(_) => {
                    if let Some(opened) = self.calls.remove(&submission.entry.resource_id) {
                        org.open.remove(&opened);
                    }
                }
                Phase::Neither => {}
            }
        }
    }
}
