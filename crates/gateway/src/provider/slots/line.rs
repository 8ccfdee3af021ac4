//! Who is next at an endpoint whose slots are all taken. Pure: no clock, no lock, nobody to wake.
//!
//! The next slot goes to the org that holds the fewest; among equals, to the one that has had the
//! least work done (start-time fair queueing, where a call costs the tokens reserved for it); within
//! an org, to whoever came first. One slot in eight is kept for orgs that hold less than their share.
//! So what one org sends changes how long it waits itself, and hardly how long others do.

use std::collections::{BTreeMap, HashMap};

use access::OrgId;

/// One slot in so many is kept for orgs that hold less than their share: who comes then finds one
/// free, where else it would wait until somebody's call ends.
const KEPT_ONE_IN: u32 = 8;

/// One that waits. Later ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Ticket(u64);

/// What becomes of a call that arrives.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It has a slot.
    Taken,
    /// It waits. Whoever had to make room for it waits no more.
    Waits { ticket: Ticket, turned_away: Option<Ticket> },
    /// Too many wait, and none of them is of an org that has more waiting than this one.
    Full,
}

/// Where an org stands among those that wait: the least is next.
type Rank = (u32, u64, Ticket);

/// The slots of one endpoint, and who waits for them.
#[derive(Debug)]
pub(super) struct Line {
    waiting_max: usize,
    waiting: usize,
    taken: u32,
    orgs: HashMap<OrgId, Share>,
    /// The orgs that wait, in the order in which they are served.
    next: BTreeMap<Rank, OrgId>,
    /// Work done for one org that waits all the time, were all of them served at once.
    done: u64,
    tickets: u64,
}

/// What one org has of it. It is forgotten with its last slot and its last call that waits.
#[derive(Debug, Default)]
struct Share {
    taken: u32,
    /// The calls that wait and what each costs, the first one first.
    waiting: BTreeMap<Ticket, u64>,
    /// Where the work of its next call begins, on the scale of `done`.
    start: u64,
    rank: Option<Rank>,
}

impl Line {
    /// An endpoint that nobody uses yet, for which so many calls may wait.
    pub(super) fn new(waiting_max: usize) -> Self {
        Self {
            waiting_max,
            waiting: 0,
            taken: 0,
            orgs: HashMap::new(),
            next: BTreeMap::new(),
            done: 0,
            tickets: 0,
        }
    }

    /// Slots that are taken.
    pub(super) fn taken(&self) -> u32 {
        self.taken
    }

    /// Calls that wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Orgs that are remembered: those with a slot or a call that waits.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.orgs.len()
    }

    /// Takes a slot if one of `slots` is free for this org, and for none that waits.
    pub(super) fn take_now(&mut self, org: &OrgId, slots: u32) -> bool {
        let (holds, waits, orgs) = match self.orgs.get(org) {
            Some(share) => (share.taken, !share.waiting.is_empty(), self.orgs.len()),
            None => (0, false, self.orgs.len() + 1),
        };
        let free = !waits && self.is_free(holds, orgs, slots) && !self.is_someones_turn(slots);
        if free {
            self.take(org);
        }
        free
    }

    /// Whether one of `slots` is free for an org that holds so many, if there are so many orgs.
    fn is_free(&self, holds: u32, orgs: usize, slots: u32) -> bool {
        let share = slots / u32::try_from(orgs).unwrap_or(u32::MAX).max(2);
        let free = slots.saturating_sub(self.taken);
        free > slots / KEPT_ONE_IN || (free > 0 && holds < share)
    }

    /// Whether whoever is next could be served now.
    fn is_someones_turn(&self, slots: u32) -> bool {
        // Who is next holds the fewest: if a slot is not free for it, it is for nobody.
        let first = self.next.first_key_value();
        first.is_some_and(|((holds, ..), _)| self.is_free(*holds, self.orgs.len(), slots))
    }

    /// Takes a slot, or a place in the line.
    pub(super) fn arrive(&mut self, org: &OrgId, cost: u64, slots: u32) -> Arrival {
        if self.take_now(org, slots) {
            return Arrival::Taken;
        }
        let turned_away = if self.waiting >= self.waiting_max {
            let Some(longest) = self.longer_than(org) else { return Arrival::Full };
            self.turn_away(&longest)
        } else {
            None
        };
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let share = self.orgs.entry(org.clone()).or_default();
        if share.waiting.is_empty() {
            // An org that did not wait gains nothing by it: its work begins now.
            share.start = share.start.max(self.done);
        }
        share.waiting.insert(ticket, cost.max(1));
        self.waiting += 1;
        self.place(org);
        Arrival::Waits { ticket, turned_away }
    }

    /// Gives a free slot to whoever is next.
    pub(super) fn next(&mut self, slots: u32) -> Option<(Ticket, OrgId)> {
        if !self.is_someones_turn(slots) {
            return None;
        }
        let active = u64::try_from(self.next.len()).unwrap_or(u64::MAX).max(1);
        let ((_, start, _), org) = self.next.pop_first()?;
        let share = self.orgs.get_mut(&org)?;
        share.rank = None;
        let (ticket, cost) = share.waiting.pop_first()?;
        share.start = start.saturating_add(cost);
        self.waiting -= 1;
        // Moves on whoever is served, or orgs that come and go would stand still in time and
        // keep one out for ever that has had more.
        self.done = self.done.max(start).saturating_add(cost.div_ceil(active));
        self.take(&org);
        Some((ticket, org))
    }

    /// Whoever waited waits no more; nothing, if it was served meanwhile.
    pub(super) fn leave(&mut self, org: &OrgId, ticket: Ticket) {
        let Some(share) = self.orgs.get_mut(org) else { return };
        if share.waiting.remove(&ticket).is_some() {
            self.waiting -= 1;
            self.place(org);
        }
    }

    /// A slot is free again.
    pub(super) fn give_back(&mut self, org: &OrgId) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(share) = self.orgs.get_mut(org) {
            share.taken = share.taken.saturating_sub(1);
        }
        self.place(org);
    }

    fn take(&mut self, org: &OrgId) {
        self.taken += 1;
        self.orgs.entry(org.clone()).or_default().taken += 1;
        self.place(org);
    }

    /// Puts an org where it belongs, or forgets it.
    fn place(&mut self, org: &OrgId) {
        let Some(share) = self.orgs.get_mut(org) else { return };
        if let Some(before) = share.rank.take() {
            self.next.remove(&before);
        }
        if let Some(first) = share.waiting.keys().next() {
            let rank = (share.taken, share.start, *first);
            share.rank = Some(rank);
            self.next.insert(rank, org.clone());
        } else if share.taken == 0 {
            self.orgs.remove(org);
        }
    }

    /// The org with the most calls that wait, if that is more than this one would have.
    fn longer_than(&self, org: &OrgId) -> Option<OrgId> {
        let own = self.orgs.get(org).map_or(0, |share| share.waiting.len()) + 1;
        let longest = self
            .next
            .values()
            .filter_map(|org| Some((self.orgs.get(org)?.waiting.len(), org)))
            .max_by_key(|(waiting, _)| *waiting);
        longest.filter(|(waiting, _)| *waiting > own).map(|(_, org)| org.clone())
    }

    /// Takes the place of the last call of an org.
    fn turn_away(&mut self, org: &OrgId) -> Option<Ticket> {
        let share = self.orgs.get_mut(org)?;
        let (ticket, _) = share.waiting.pop_last()?;
        self.waiting -= 1;
        self.place(org);
        Some(ticket)
    }
}
