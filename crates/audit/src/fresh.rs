//! Entries that this node committed and that are not published yet.
//!
//! Publishing would read them back a second later. What is remembered here is no proof: it is
//! published only if it leads to the head that the database holds, else it is read there.

use std::collections::{HashMap, VecDeque};

use access::OrgId;

use crate::entry::Entry;

/// Entries of all orgs at most, of a hundred bytes each; beyond that all are forgotten. Before
/// that it is time to publish.
const KEPT_MAX: usize = 65_536;
const CROWDED: usize = KEPT_MAX / 8;

/// Of each org the entries of one stretch.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    stretches: HashMap<OrgId, Stretch>,
    kept: usize,
}

#[derive(Debug)]
struct Stretch {
    /// The position behind the last one.
    end: u64,
    entries: VecDeque<Entry>,
}

impl Stretch {
    fn first(&self) -> u64 {
        self.end - u64::try_from(self.entries.len()).unwrap_or(self.end)
    }

    /// How many of its entries stand before a position; none: it is not one of the stretch.
    fn before(&self, position: u64) -> Option<usize> {
        let count = position.checked_sub(self.first())?;
        usize::try_from(count).ok().filter(|count| *count <= self.entries.len())
    }
}

impl Fresh {
    /// Adds the entries of an org that end before a position. What was told last is right:
    /// it takes the place of what stood there, and what does not reach to it is forgotten.
    pub(crate) fn add(&mut self, org: &OrgId, end: u64, entries: Vec<Entry>) {
        if self.kept + entries.len() > KEPT_MAX {
            *self = Self::default();
        }
        let Some(first) = end.checked_sub(u64::try_from(entries.len()).unwrap_or(u64::MAX)) else {
            return;
        };
        if entries.is_empty() || entries.len() > KEPT_MAX {
            return;
        }
        if !self.stretches.contains_key(org) {
            let (end, entries) = (first, VecDeque::new());
            self.stretches.insert(org.clone(), Stretch { end, entries });
        }
        let Some(stretch) = self.stretches.get_mut(org) else { return };
        let stays = stretch.before(first).unwrap_or_default();
        self.kept = self.kept + stays + entries.len() - stretch.entries.len();
        stretch.entries.truncate(stays);
        stretch.entries.extend(entries);
        stretch.end = end;
    }

    /// Whether it is time to publish.
    pub(crate) fn is_crowded(&self) -> bool {
        self.kept > CROWDED
    }

    /// Takes out what stands from one position to before another, if all of it is here, and
    /// forgets what stands before.
    pub(crate) fn take(&mut self, org: &OrgId, from: u64, to: u64) -> Option<Vec<Entry>> {
        let stretch = self.stretches.get_mut(org)?;
        let (skipped, taken) = (stretch.before(from)?, stretch.before(to)?);
        if taken < skipped {
            return None;
        }
        let entries = stretch.entries.drain(..taken).skip(skipped).collect();
        self.kept -= taken;
        if stretch.entries.is_empty() {
            self.stretches.remove(org);
        }
        Some(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any() -> OrgId {
        OrgId::new(base::time::At::UNIX_EPOCH)
    }

    fn entries(firsts: std::ops::Range<u8>) -> Vec<Entry> {
        firsts.map(|first| [first; crate::entry::ENTRY_LEN]).collect()
    }

    #[test]
    fn what_was_committed_in_a_row_is_taken_once() {
        let (mut fresh, org) = (Fresh::default(), any());
        fresh.add(&org, 3, entries(0..3));
        fresh.add(&org, 5, entries(3..5));
        assert_eq!(fresh.take(&org, 0, 6), None, "not all of it");
        assert_eq!(fresh.take(&any(), 0, 1), None, "another org");
        assert_eq!(fresh.take(&org, 1, 4), Some(entries(1..4)));
        assert_eq!(fresh.take(&org, 0, 4), None, "taken, or forgotten");
        fresh.add(&org, 6, entries(5..6));
        assert_eq!(fresh.take(&org, 4, 6), Some(entries(4..6)));
        assert_eq!((fresh.kept, fresh.stretches.len()), (0, 0));
    }

    #[test]
    fn what_was_told_last_is_right() {
        let (mut fresh, org) = (Fresh::default(), any());
        fresh.add(&org, 3, entries(0..3));
        // The database lost two, and gave their positions to others.
        fresh.add(&org, 2, entries(7..8));
        assert_eq!(fresh.take(&org, 0, 3), None);
        assert_eq!(fresh.take(&org, 0, 2), Some([entries(0..1), entries(7..8)].concat()));
        // Somebody else wrote in between.
        fresh.add(&org, 3, entries(2..3));
        fresh.add(&org, 10, entries(9..10));
        assert_eq!(fresh.take(&org, 2, 3), None);
        assert_eq!(fresh.take(&org, 9, 10), Some(entries(9..10)));
        // Of two commits the later one was told first.
        fresh.add(&org, 12, entries(11..12));
        fresh.add(&org, 11, entries(10..11));
        assert_eq!(fresh.take(&org, 10, 12), None, "it is read instead");
        assert_eq!(fresh.take(&org, 10, 11), Some(entries(10..11)));
        assert_eq!(fresh.kept, 0);
    }

    #[test]
    fn what_nobody_publishes_is_bounded() {
        let mut fresh = Fresh::default();
        for _ in 0..8 {
            fresh.add(&any(), 10_000, vec![[0; crate::entry::ENTRY_LEN]; 10_000]);
            assert!(fresh.is_crowded());
        }
        assert!(fresh.kept <= KEPT_MAX && fresh.stretches.len() == 2, "{}", fresh.kept);
    }
}
