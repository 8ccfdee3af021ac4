//! Which calls are open, so that a start after a crash knows where to look.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Homes, OrgId, Pass, Region};
use base::args;
use base::db::{DbError, Within};
use base::time::At;

use crate::durable::{Phase, Submission};
use crate::line::{GROUP_MAX, Line};
use crate::sql;

/// How old the noted beginning of an org may be. Older only means that a start
/// after a crash looks through more events.
const NOTE_EVERY_MS: i64 = 2_000;
/// How long behind its last note an org rests in which nothing is open, and how often a line
/// looks for such orgs.
const REST_MS: i64 = 60_000;

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
    /// When this line last looked for orgs at rest; long ago where more may be.
    looked_at_ms: i64,
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
    /// Where its row says that they begin; none: it may be as an earlier life left it, whose
    /// calls are not closed yet.
    noted: Option<i64>,
}

/// An org in which nothing is open and whose row is behind.
struct Resting {
    org: OrgId,
    end: i64,
    /// It does not move away before that is noted.
    _pass: Pass,
}

impl OfNode {
    pub(crate) fn of(&self, node: &str, region: Region, homes: &Homes) -> OpenCalls {
        let (node, homes) = (node.to_owned(), homes.clone());
        let known = Arc::clone(&self.0);
        OpenCalls { node, region, homes, known, looked_at_ms: i64::MIN / 2 }
    }
}

impl Org {
    fn first(&self) -> i64 {
        self.open.first().copied().unwrap_or(self.next)
    }

    fn rests(&self, now_ms: i64) -> bool {
        self.open.is_empty() && self.noted.is_some() && now_ms - self.noted_at_ms >= REST_MS
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

    /// Follows a group that is on disk. `noted`: its rows say now what was due.
    pub(crate) fn follow(&self, group: &[Submission], seqs: &[i64], now: At, noted: bool) {
        self.known().follow(self.region, group, seqs, now, noted);
    }

    /// Where a later start begins to look, for each org of this run that is at home here and
    /// whose row does not say so.
    fn ends(&self) -> Vec<(String, i64)> {
        let known = self.known();
        let here = known.orgs.iter().filter(|(id, org)| self.is_here(id, org));
        let behind = here.filter(|(_, org)| org.noted != Some(org.first()));
        behind.map(|(id, org)| (id.to_string(), org.first())).collect()
    }

    /// Some of the orgs that rest, if it is time to look for them.
    fn resting(&mut self, now: At) -> Vec<Resting> {
        let now = now.as_millisecond();
        if now - self.looked_at_ms < REST_MS {
            return Vec::new();
        }
        self.looked_at_ms = now;
        let known = self.known();
        let rest = known.orgs.iter().filter(|(id, org)| org.rests(now) && self.is_here(id, org));
        let rest = rest.filter_map(|(id, org)| {
            let pass = self.homes.try_enter(id)?;
            Some(Resting { org: id.clone(), end: org.next, _pass: pass })
        });
        rest.take(GROUP_MAX).collect()
    }

    /// Their ends are noted: nothing need be remembered of them.
    fn forget(&mut self, rested: &[Resting]) {
        if rested.len() == GROUP_MAX {
            self.looked_at_ms = i64::MIN / 2;
        }
        let mut known = self.known();
        for Resting { org, end, .. } in rested {
            if known.orgs.get(org).is_some_and(|org| org.open.is_empty() && org.next == *end) {
                known.orgs.remove(org);
            }
        }
    }

    fn is_here(&self, id: &OrgId, org: &Org) -> bool {
        self.homes.home(id, org.region) == self.region
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

    fn follow(&mut self, region: Region, group: &[Submission], seqs: &[i64], now: At, noted: bool) {
        let due = self.due(group, seqs, now);
        for (submission, seq) in group.iter().zip(seqs) {
            let fresh = || Org {
                region,
                open: BTreeSet::new(),
                next: *seq,
                noted_at_ms: i64::MIN / 2,
                noted: None,
            };
            let org = self.orgs.entry(submission.entry.org.clone()).or_insert_with(fresh);
            (org.region, org.next) = (region, seq + 1);
            if let Some(first) = due.get(submission.entry.org.as_str()) {
                org.noted_at_ms = now.as_millisecond();
                org.noted = if noted { Some(*first) } else { org.noted };
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

impl Line {
    /// Notes of some orgs that rest that nothing is open in them, and forgets them.
    pub(crate) async fn rest(&mut self) {
        if self.journal.is_away() {
            return;
        }
        let rested = self.open.resting(self.clock.now());
        match self.note(rested.iter().map(|one| (one.org.as_str(), one.end))).await {
            Ok(()) => self.open.forget(&rested),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "orgs that rest are noted later");
            }
        }
    }

    /// Says that nothing is open, so that the next start has nothing to look through.
    pub(crate) async fn finish(mut self) {
        let ends = self.open.ends();
        if let Err(error) = self.note(ends.iter().map(|(org, end)| (org.as_str(), *end))).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the next start looks longer");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "where open calls begin is no change of an org")]
    async fn note(&mut self, ends: impl Iterator<Item = (&str, i64)>) -> Result<(), DbError> {
        let node = self.open.node();
        let rows: Vec<_> = ends.map(|(org, first)| args![org, node, first]).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.db.begin_here(&Within::node()).await?;
        tx.many(&sql::OPEN, rows).await?;
        tx.commit().await
    }
}
