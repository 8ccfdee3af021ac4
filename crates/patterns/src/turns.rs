//! Who judges cases when. It keeps a core busy, so it happens before a change begins: a change
//! has the turn of all who write, also of other orgs.

use std::sync::Arc;

use access::{Caller, Scope};
use base::shares::{Place, Shares};

use crate::Patterns;
use crate::error::Error;
use crate::judge::{FailedCase, Judged, Rivals, failed};
use crate::kept::Kept;
use crate::snapshot::Snapshot;
use crate::store::Work;

/// Patterns whose cases are judged at once on one node: each keeps a core busy.
const JUDGED_AT_ONCE: usize = 2;
/// Changes that judge, at once on one node.
const CHANGING_AT_ONCE: usize = 64;
/// Of one org, those that wait for either.
const WAITING_MAX: usize = 32;
/// How often a change is judged, where others change the org's patterns meanwhile.
const TRIES_MAX: usize = 3;

/// Whose turn it is. Of one org, one after the other.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) judging: Shares,
    changing: Shares,
}

/// The tries that a change has.
#[derive(Debug)]
pub(crate) struct Tries {
    left: usize,
    _turn: Option<Place>,
}

/// How cases went, and among which of the org's patterns.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    pub(crate) failing: Vec<FailedCase>,
    /// Absent: there were none to judge, whatever the others are.
    among: Option<i64>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let judging = Shares::new(JUDGED_AT_ONCE, 1, WAITING_MAX);
        Self { judging, changing: Shares::new(CHANGING_AT_ONCE, 1, WAITING_MAX) }
    }
}

impl Tries {
    /// Refused, once there were too many.
    pub(crate) fn another(&mut self) -> Result<(), Error> {
        self.left = self.left.checked_sub(1).ok_or(Error::Busy)?;
        Ok(())
    }
}

impl Verdicts {
    pub(crate) fn among(snapshot: &Snapshot, failing: Vec<FailedCase>) -> Self {
        Self { failing, among: Some(snapshot.version) }
    }

    /// Whether the cases that a pattern has within a change are those that were judged.
    pub(crate) fn cover(&self, kept: &Kept) -> bool {
        self.among.is_some() || kept.cases == 0
    }
}

impl Patterns {
    /// For a change that judges before it begins, and is made anew if somebody else changed the
    /// org's patterns meanwhile. Those with cases are made one after the other.
    pub(crate) async fn tries(&self, caller: &Caller, cases: bool) -> Result<Tries, Error> {
        let mut turn = None;
        if cases {
            let place = self.turns.changing.place(Some(caller.org.as_str())).await;
            turn = Some(place.ok_or(Error::Busy)?);
        }
        Ok(Tries { left: TRIES_MAX, _turn: turn })
    }

    /// The cases that keep a version from answering, among what answers in a snapshot.
    pub(crate) async fn verdicts(
        &self,
        caller: &Caller,
        snapshot: Arc<Snapshot>,
        judged: Judged,
    ) -> Result<Verdicts, Error> {
        if judged.cases.is_empty() {
            return Ok(Verdicts::default());
        }
        let slug = judged.draft.slug.clone();
        let all = Rivals::AllFor(caller.clone());
        let failing = failed(&slug, self.judge(snapshot.clone(), judged, all).await?);
        Ok(Verdicts::among(&snapshot, failing))
    }

    /// Begins a change, unless what was judged for it is out of date.
    pub(crate) async fn begin_judged(
        &self,
        scope: &Scope,
        verdicts: &Verdicts,
    ) -> Result<Option<Work>, Error> {
        let work = self.begin(scope).await?;
        // Whoever waited for their turn may have been stopped meanwhile.
        let living = scope.caller().standing.life.check();
        living.map_err(|ended| Error::Request(ended.into()))?;
        match verdicts.among {
            Some(version) if version != work.before() => self.anew(work).await,
            Some(_) | None => Ok(Some(work)),
        }
    }

    /// Gives a change up; the next one looks at the org's patterns as they are by now.
    pub(crate) async fn anew<T>(&self, work: Work) -> Result<Option<T>, Error> {
        let (caller, before) = (work.caller().clone(), work.before());
        drop(work);
        self.snapshots.changed(&caller.org, caller.region, before).await;
        Ok(None)
    }
}
