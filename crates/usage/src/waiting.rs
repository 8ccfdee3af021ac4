//! Who waits to be folded, and whose turn it is.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::{Duration, Instant};

use access::OrgId;

/// How long an org waits in which little happens.
pub(crate) const QUIET: Duration = Duration::from_mins(1);
/// Orgs that wait at most; the others are found when all are looked at.
const WAITING_MAX: usize = 65_536;

/// Who is folded later.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Orgs in which little happened, and since when each waits.
    quiet: HashMap<OrgId, Instant>,
    /// The same, the longest first; one that does not wait since then any more may be there.
    since: VecDeque<(Instant, OrgId)>,
    /// Orgs in which much happened, or of which not all was folded.
    busy: BTreeSet<OrgId>,
    /// Which of these was last: in the order of ids, round and round.
    last: Option<OrgId>,
    is_busys_turn: bool,
}

impl Waiting {
    pub(crate) fn add(
        &mut self,
        orgs: impl IntoIterator<Item = OrgId>,
        is_busy: impl Fn(&OrgId) -> bool,
        now: Instant,
    ) {
        for org in orgs {
            if self.busy.contains(&org) || self.quiet.contains_key(&org) {
                continue;
            }
            if is_busy(&org) {
                self.again(org);
            } else if self.quiet.len() < WAITING_MAX {
                self.quiet.insert(org.clone(), now);
                self.since.push_back((now, org));
            }
        }
        if self.since.len() > 2 * WAITING_MAX {
            let quiet = &self.quiet;
            self.since.retain(|(since, org)| quiet.get(org) == Some(since));
        }
    }

    /// Its turn comes again, whenever that is.
    pub(crate) fn again(&mut self, org: OrgId) {
        if self.busy.len() < WAITING_MAX {
            self.busy.insert(org);
        }
    }

    /// In these more happened than was known.
    pub(crate) fn hurry(&mut self, is_busy: impl Fn(&OrgId) -> bool) {
        let busy = self.quiet.extract_if(|org, _| is_busy(org));
        self.busy.extend(busy.map(|(org, _)| org));
    }

    /// Whose turn it is: a busy one and one that waited long enough by turns, if there are both.
    pub(crate) fn next(&mut self, now: Instant) -> Option<OrgId> {
        self.is_busys_turn = !self.is_busys_turn;
        if self.is_busys_turn {
            self.next_busy().or_else(|| self.long_enough(now))
        } else {
            self.long_enough(now).or_else(|| self.next_busy())
        }
    }

    fn next_busy(&mut self) -> Option<OrgId> {
        let behind = self.last.as_ref().map_or(Unbounded, Excluded);
        let next = self.busy.range((behind, Unbounded)).next().or_else(|| self.busy.first());
        let next = next?.clone();
        self.busy.remove(&next);
        self.last = Some(next.clone());
        Some(next)
    }

    /// Who waits longest, if it is long enough.
    fn long_enough(&mut self, now: Instant) -> Option<OrgId> {
        loop {
            let (since, org) = self.since.front()?;
            let waits = self.quiet.get(org) == Some(since);
            if waits && now.saturating_duration_since(*since) < QUIET {
                return None;
            }
            let (_, org) = self.since.pop_front()?;
            if waits {
                self.quiet.remove(&org);
                return Some(org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base::time::At;

    use super::*;

    fn orgs(count: usize) -> Vec<OrgId> {
        (0..count).map(|_| OrgId::new(At::UNIX_EPOCH)).collect()
    }

    #[test]
    fn an_org_in_which_little_happens_is_folded_after_a_minute_and_a_busy_one_at_once() {
        let (orgs, begun) = (orgs(3), Instant::now());
        let after = |secs| begun + Duration::from_secs(secs);
        let mut waiting = Waiting::default();
        waiting.add(orgs[..2].iter().cloned(), |_| false, after(0));
        assert_eq!(waiting.next(after(5)), None);
        waiting.hurry(|org| *org == orgs[0]);
        waiting.add(orgs[1..].iter().cloned(), |_| false, after(30));
        let mut next = |secs| waiting.next(after(secs));
        assert_eq!((next(30), next(30)), (Some(orgs[0].clone()), None));
        assert_eq!(next(60), Some(orgs[1].clone()), "and not the busy one again");
        waiting.add([orgs[0].clone(), orgs[1].clone()], |_| false, after(61));
        let mut next = |secs| waiting.next(after(secs));
        assert_eq!((next(89), next(90), next(120)), (None, Some(orgs[2].clone()), None));
        let rest = BTreeSet::from([next(121).unwrap(), next(121).unwrap()]);
        assert_eq!((rest, next(121)), (orgs[..2].iter().cloned().collect(), None));
        assert!(waiting.quiet.is_empty() && waiting.since.is_empty());
    }

    #[test]
    fn busy_orgs_have_their_turns_round_and_round_and_leave_every_other_to_the_rest() {
        let (orgs, begun) = (orgs(8), Instant::now());
        let (busy, mut waiting) = (&orgs[..3], Waiting::default());
        waiting.add(orgs.iter().cloned(), |org| busy.contains(org), begun);
        let mut turns = Vec::new();
        for _ in 0..10 {
            let org = waiting.next(begun + QUIET).unwrap();
            if busy.contains(&org) {
                waiting.again(org.clone());
            }
            turns.push(org);
        }
        let of = |some: &[OrgId]| turns.iter().filter(|org| some.contains(org)).count();
        assert_eq!((of(busy), of(&orgs[3..])), (5, 5), "half of the turns");
        assert!(busy.iter().all(|org| of(std::slice::from_ref(org)) >= 1), "each its own");
    }

    #[test]
    fn so_many_orgs_wait_and_no_more_and_a_busy_one_is_not_among_them() {
        let (mut waiting, now) = (Waiting::default(), Instant::now());
        waiting.add(orgs(WAITING_MAX + 10), |_| false, now);
        assert_eq!((waiting.quiet.len(), waiting.since.len()), (WAITING_MAX, WAITING_MAX));
        let busy = orgs(1);
        waiting.add(busy.clone(), |_| true, now);
        assert_eq!(waiting.next(now).as_ref(), busy.first());
    }
}
