//! Which calls are open, so that a start after a crash knows where to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base::time::At;

use crate::durable::{Phase, Submission};

/// How old the noted beginning of an org may be. Older only means that a start
/// after a crash looks through more events.
const NOTE_EVERY_MS: i64 = 2_000;

/// The calls of this node whose intent is on disk and whose outcome is not.
#[derive(Debug)]
pub(crate) struct OpenCalls {
    node: String,
    calls: HashMap<String, i64>,
    orgs: BTreeMap<String, Org>,
}

#[derive(Debug, Default)]
struct Org {
    open: BTreeSet<i64>,
    next: i64,
    noted_at_ms: i64,
}

impl Org {
    fn first(&self) -> i64 {
        self.open.first().copied().unwrap_or(self.next)
    }
}

impl OpenCalls {
    pub(crate) fn new(node: &str) -> Self {
        Self { node: node.to_owned(), calls: HashMap::new(), orgs: BTreeMap::new() }
    }

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
        let mut due = BTreeMap::new();
        for (submission, seq) in group.iter().zip(seqs) {
            let org = submission.entry.org.as_str();
            let known = self.orgs.get(org);
            if known.is_none_or(|org| now.as_millisecond() - org.noted_at_ms >= NOTE_EVERY_MS) {
                let first = known.and_then(|org| org.open.first()).copied().unwrap_or(*seq);
                due.entry(org).or_insert(first);
            }
        }
        due
    }

    /// Follows a group that is on disk.
    pub(crate) fn follow(&mut self, group: &[Submission], seqs: &[i64], now: At) {
        for org in self.due(group, seqs, now).into_keys() {
            self.orgs.entry(org.to_owned()).or_default().noted_at_ms = now.as_millisecond();
        }
        for (submission, seq) in group.iter().zip(seqs) {
            let Some(org) = self.orgs.get_mut(submission.entry.org.as_str()) else { continue };
            org.next = seq + 1;
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

    /// Where a later start begins to look, for each org of this run.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (&str, i64)> {
        self.orgs.iter().map(|(org, state)| (org.as_str(), state.first()))
    }
}
