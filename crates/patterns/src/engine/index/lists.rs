//! Many short lists without an allocation for each.

use super::{at, small};

/// Lists of numbers, one after the other in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Lists {
    items: Vec<u32>,
    ends: Vec<u32>,
}

impl Lists {
    pub(super) fn push(&mut self, list: &[u32]) {
        self.items.extend_from_slice(list);
        self.ends.push(small(self.items.len()));
    }

    pub(super) fn get(&self, number: u32) -> &[u32] {
        let number = at(number);
        let start = number
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |&end| at(end));
        let end = self.ends.get(number).map_or(start, |&end| at(end));
        self.items.get(start..end).unwrap_or_default()
    }

    /// From "which items has this list" to "which lists have this item".
    pub(super) fn inverted(&self, items: usize) -> Self {
        let mut lists = vec![Vec::new(); items];
        for list in 0..small(self.ends.len()) {
            for &item in self.get(list) {
                if let Some(found) = lists.get_mut(at(item)) {
                    found.push(list);
                }
            }
        }
        let mut inverted = Self::default();
        for list in lists {
            inverted.push(&list);
        }
        inverted
    }
}
