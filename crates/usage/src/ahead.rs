//! What this node recorded since the last fold, added up as it is recorded.
//!
//! Folding would read it back from the record. What is here is the same numbers, of a stretch
//! without a gap; it is written only where that stretch begins at the very position that the
//! org is folded to. Whatever is not here (calls of other nodes, refusals, what came about a
//! change) is read.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::{OrgId, Scope};
use audit::{CALL_ENDED, CALL_REFUSED, Committed, Rider, Riding};
use base::db::Tx;

use crate::numbers::Numbers;
use crate::rollup::{Alike, Sums};

/// Sums of one org at most: what one transaction writes.
const ORG_MAX: usize = 500;
/// Sums of all orgs at most, of some four hundred bytes each, beyond which all are let go; and
/// orgs of which some are, beyond which no other is begun.
const ALL_MAX: usize = 8_192;

/// Events that were heard of, from which on an org is busy; and up to which its sums are let go
/// of first where all are too many.
const BUSY_FROM: u64 = 500;
const QUIET_TO: u64 = 50;

/// A stretch of an org's record.
#[derive(Debug)]
pub(crate) struct Stretch {
    /// Its first position.
    pub(crate) from: i64,
    /// The position behind it.
    pub(crate) next: i64,
    /// When its last call ended, in microseconds; 0: it has none.
    pub(crate) at: i64,
    /// What its calls came to.
    pub(crate) sums: Sums,
    /// Nothing more is added: what follows is read.
    closed: bool,
    /// Events of the org that this node recorded since it began.
    heard: u64,
    /// Somebody else adds to the record too.
    shared: bool,
}

/// Hears what is recorded.
#[derive(Debug, Default)]
pub struct Ahead(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    stretches: HashMap<OrgId, Stretch>,
    sums: usize,
}

impl Ahead {
    /// What stands in the record of an org from this position on.
    pub(crate) fn take(&self, org: &OrgId, from: i64) -> Option<Stretch> {
        let mut known = self.known();
        if known.stretches.get(org)?.from > from {
            return None;
        }
        known.let_go(org).filter(|stretch| stretch.from == from)
    }

    /// From which position on something of an org is here.
    pub(crate) fn from(&self, org: &OrgId) -> Option<i64> {
        self.known().stretches.get(org).map(|stretch| stretch.from)
    }

    /// Whether so much happened in an org, or somebody else adds to its record too, that it is
    /// folded at once.
    pub(crate) fn is_busy(&self, org: &OrgId) -> bool {
        let known = self.known();
        let stretch = known.stretches.get(org);
        stretch.is_some_and(|one| one.shared || one.heard >= BUSY_FROM)
    }

    /// Another node erased somebody of an org: what is added up of it is let go of, and read.
    pub fn heed(&self, org: &OrgId) {
        let mut known = self.known();
        let known = &mut *known;
        if let Some(stretch) = known.stretches.get_mut(org) {
            known.sums -= stretch.sums.len();
            stretch.empty();
        }
    }

    /// Nobody can say whom other nodes erased: the same of all orgs.
    pub fn doubt(&self) {
        self.known().empty();
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn let_go(&mut self, org: &OrgId) -> Option<Stretch> {
        let stretch = self.stretches.remove(org)?;
        self.sums -= stretch.sums.len();
        Some(stretch)
    }

    /// Lets go of what is known of an org: only what stands from a position on is added up.
    fn begin(&mut self, org: &OrgId, position: i64) {
        self.let_go(org);
        if self.stretches.len() < ALL_MAX {
            self.stretches.insert(org.clone(), Stretch::at(position));
        }
    }

    /// Lets go of all sums. From which positions on something may be added up stays known.
    fn empty(&mut self) {
        self.sums = 0;
        self.stretches.values_mut().for_each(Stretch::empty);
    }

    /// There is no room: those in which little happened are read, or all if that gives too little.
    fn make_room(&mut self) {
        for stretch in self.stretches.values_mut().filter(|one| one.heard <= QUIET_TO) {
            self.sums -= stretch.sums.len();
            stretch.empty();
        }
        if self.sums > ALL_MAX / 2 {
            self.empty();
        }
    }

    fn add(&mut self, event: &Committed<'_>) {
        if self.sums >= ALL_MAX {
            self.make_room();
        }
        if !self.stretches.contains_key(event.org) {
            self.begin(event.org, event.seq);
        }
        let Some(stretch) = self.stretches.get_mut(event.org) else { return };
        let before = stretch.sums.len();
        stretch.add(event);
        self.sums += stretch.sums.len() - before;
    }
}

impl Stretch {
    fn at(position: i64) -> Self {
        let (from, next) = (position, position);
        Self { from, next, at: 0, sums: Sums::new(), closed: false, heard: 0, shared: false }
    }

    /// Nothing of it is known any more: it is read.
    fn empty(&mut self) {
        let (heard, shared) = (self.heard, self.shared);
        *self = Self { closed: true, heard, shared, ..Self::at(self.from) };
    }

    fn add(&mut self, event: &Committed<'_>) {
        // Told behind a change that came after it.
        if event.seq < self.from {
            return;
        }
        self.heard += 1;
        if self.closed {
            return;
        }
        self.shared = event.seq != self.next;
        let is_ended = event.action == CALL_ENDED;
        // A refusal counts only if no end of its call stands before it: the record knows.
        let told = event.action != CALL_REFUSED && (!is_ended || event.call.is_some());
        self.closed = self.shared || !told || self.sums.len() >= ORG_MAX;
        if self.closed {
            return;
        }
        if let Some(call) = event.call.filter(|_| is_ended) {
            let numbers = Numbers::of_ended(event.at, event.outcome, Some(&call.call));
            self.sums.entry(Alike::of_ended(event.at, call)).or_default().add(&numbers);
            self.at = self.at.max(event.at.as_microsecond());
        }
        self.next += 1;
    }
}

impl Rider for Ahead {
    /// Whoever is forgotten must not come back from here: what stands before the change is read
    /// again, also what is told later.
    fn changed<'a>(
        &'a self,
        _: &'a mut Tx,
        scope: &'a Scope,
        _: &'static str,
        seq: i64,
    ) -> Riding<'a> {
        self.known().begin(scope.org(), seq.saturating_add(1));
        Box::pin(std::future::ready(Ok(())))
    }

    fn committed(&self, events: &[Committed<'_>]) {
        let mut known = self.known();
        for event in events {
            known.add(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use audit::{CallFacts, Outcome, Passed, Payer};
    use base::time::At;

    use super::*;

    fn passed(org: &OrgId, model: &str) -> Passed {
        let payer = Payer { org: org.clone(), member: None, key: None, teams: [].into() };
        let call = CallFacts {
            attempts: 1,
            price_nanocents: 7,
            tokens_in: 1,
            tokens_out: 1,
            ..CallFacts::begun(model, At::UNIX_EPOCH)
        };
        Passed { payer, call }
    }

    /// Tells of one event at a position; of a call that ended, if there is one.
    fn tell(ahead: &Ahead, org: &OrgId, seq: i64, action: &str, call: Option<&Passed>) {
        let (at, outcome) = (At::UNIX_EPOCH, Outcome::Success);
        ahead.committed(&[Committed { org, seq, at, action, outcome, call }]);
    }

    #[test]
    fn a_stretch_has_no_gap_and_is_taken_once_from_where_it_begins() {
        let (ahead, org) = (Ahead::default(), OrgId::new(At::UNIX_EPOCH));
        let call = passed(&org, "small");
        for seq in [4, 5] {
            tell(&ahead, &org, seq, CALL_ENDED, Some(&call));
        }
        tell(&ahead, &org, 6, "gateway.call.started", None);
        // Somebody else wrote the one before.
        tell(&ahead, &org, 8, CALL_ENDED, Some(&call));
        tell(&ahead, &org, 7, CALL_ENDED, Some(&call));
        assert!(ahead.take(&org, 3).is_none(), "what stands before is read first");
        assert_eq!(ahead.from(&org), Some(4));
        let stretch = ahead.take(&org, 4).expect("is here");
        assert_eq!((stretch.from, stretch.next, stretch.sums.len()), (4, 7, 1));
        assert_eq!(stretch.sums.values().next().expect("a sum").ok, 2);
        assert!(ahead.take(&org, 4).is_none(), "taken once");
        tell(&ahead, &org, 9, CALL_ENDED, Some(&call));
        assert!(ahead.take(&org, 10).is_none(), "somebody has folded it");
        assert_eq!((ahead.from(&org), ahead.known().sums), (None, 0));
    }

    #[test]
    fn what_is_told_behind_a_change_that_came_after_it_is_read() {
        let (ahead, org) = (Ahead::default(), OrgId::new(At::UNIX_EPOCH));
        let call = passed(&org, "small");
        tell(&ahead, &org, 0, CALL_ENDED, Some(&call));
        // The change stands at 2.
        ahead.known().begin(&org, 3);
        tell(&ahead, &org, 1, CALL_ENDED, Some(&call));
        tell(&ahead, &org, 3, CALL_ENDED, Some(&call));
        assert!(ahead.take(&org, 0).is_none() && ahead.take(&org, 1).is_none());
        let stretch = ahead.take(&org, 3).expect("is here");
        assert_eq!((stretch.next, stretch.sums.values().next().expect("a sum").ok), (4, 1));
    }

    #[test]
    fn where_all_is_let_go_what_stands_before_a_change_is_still_read() {
        let (ahead, org) = (Ahead::default(), OrgId::new(At::UNIX_EPOCH));
        let call = passed(&org, "small");
        // The change stands at 2.
        ahead.known().begin(&org, 3);
        tell(&ahead, &org, 3, CALL_ENDED, Some(&call));
        for other in 1..=20 {
            let other = OrgId::new(At::from_second(other).expect("an instant"));
            for seq in 0..500 {
                let call = passed(&other, &format!("model-{seq}"));
                tell(&ahead, &other, seq, CALL_ENDED, Some(&call));
            }
        }
        tell(&ahead, &org, 1, CALL_ENDED, Some(&call));
        assert_eq!(ahead.from(&org), Some(3), "what stands before it is read");
        let stretch = ahead.take(&org, 3).expect("is here");
        assert_eq!((stretch.next, stretch.sums.len()), (3, 0), "and what was let go of");
        tell(&ahead, &org, 4, CALL_ENDED, Some(&call));
        assert_eq!(ahead.take(&org, 4).expect("is here").sums.len(), 1, "it is begun anew");
    }

    #[test]
    fn changes_of_many_orgs_are_remembered_of_a_bounded_number() {
        let ahead = Ahead::default();
        for org in 0..=i64::try_from(ALL_MAX).expect("a number") {
            let org = OrgId::new(At::from_second(org).expect("an instant"));
            ahead.known().begin(&org, 1);
        }
        assert_eq!(ahead.known().stretches.len(), ALL_MAX);
    }

    #[test]
    fn a_stretch_ends_before_a_refusal_and_before_an_end_without_numbers() {
        for action in [CALL_REFUSED, CALL_ENDED] {
            let (ahead, org) = (Ahead::default(), OrgId::new(At::UNIX_EPOCH));
            let one = passed(&org, "small");
            tell(&ahead, &org, 0, CALL_ENDED, Some(&one));
            tell(&ahead, &org, 1, action, None);
            tell(&ahead, &org, 2, CALL_ENDED, Some(&one));
            let stretch = ahead.take(&org, 0).expect("is here");
            assert_eq!(stretch.next, 1, "{action}");
        }
    }

    #[test]
    fn where_there_is_no_room_an_org_in_which_little_happens_is_not_busy_and_is_let_go_of_first() {
        let (ahead, busy) = (Ahead::default(), OrgId::new(At::UNIX_EPOCH));
        let call = passed(&busy, "small");
        for seq in 0..500 {
            tell(&ahead, &busy, seq, CALL_ENDED, Some(&call));
        }
        let others = i64::try_from(ALL_MAX).expect("a number") / 2;
        let others: Vec<_> = (1..=others).filter_map(|at| At::from_second(at).ok()).collect();
        let others: Vec<_> = others.into_iter().map(OrgId::new).collect();
        for other in &others {
            for seq in 0..3 {
                let call = passed(other, &format!("model-{seq}"));
                tell(&ahead, other, seq, CALL_ENDED, Some(&call));
            }
        }
        assert!(ahead.is_busy(&busy) && !others.iter().any(|other| ahead.is_busy(other)));
        assert_eq!(ahead.take(&busy, 0).expect("is here").sums.len(), 1, "is not read");
        let first = ahead.take(&others[0], 0).expect("is here");
        assert_eq!((first.next, first.sums.len()), (0, 0), "is read");
    }

    #[test]
    fn an_org_to_whose_record_others_add_is_busy() {
        let (ahead, org) = (Ahead::default(), OrgId::new(At::UNIX_EPOCH));
        let call = passed(&org, "small");
        tell(&ahead, &org, 0, CALL_ENDED, Some(&call));
        assert!(!ahead.is_busy(&org));
        tell(&ahead, &org, 2, CALL_ENDED, Some(&call));
        assert!(ahead.is_busy(&org));
    }

    #[test]
    fn what_nobody_folds_is_bounded() {
        let ahead = Ahead::default();
        for org in 0..40 {
            let org = OrgId::new(At::from_second(org).expect("an instant"));
            for seq in 0..600 {
                let call = passed(&org, &format!("model-{seq}"));
                tell(&ahead, &org, seq, CALL_ENDED, Some(&call));
            }
            let known = ahead.known();
            assert!(known.sums <= ALL_MAX, "{}", known.sums);
            let sums: usize = known.stretches.values().map(|one| one.sums.len()).sum();
            assert_eq!(known.sums, sums);
            assert!(known.stretches.values().all(|one| one.sums.len() <= ORG_MAX));
        }
    }
}
