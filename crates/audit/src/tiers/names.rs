//! Which values the columns of a chunk may have: a Bloom filter, so that a search for a person,
//! a thing or an action reads only the chunks in which it is, and one in a hundred others.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};

/// Bits for each value, and how many of them it sets: one in 120 is taken for another.
const BITS_EACH: u64 = 10;
const SET_EACH: u64 = 7;

/// A column that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    Action,
    User,
    ResourceType,
    Resource,
    Outcome,
}

/// The filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names(Vec<u8>);

impl Names {
    /// Of these values. The same values give the same bytes.
    pub(crate) fn of(values: &BTreeSet<(Column, &str)>) -> Self {
        let bits = u64::try_from(values.len()).unwrap_or(u64::MAX).saturating_mul(BITS_EACH);
        let bytes = usize::try_from(bits.div_ceil(8)).unwrap_or_default().max(1);
        let mut names = Self(vec![0; bytes]);
        for (column, value) in values {
            for (byte, bit) in names.places(*column, value) {
                if let Some(byte) = names.0.get_mut(byte) {
                    *byte |= bit;
                }
            }
        }
        names
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the column may have this value in some row; false is certain.
    pub(crate) fn may_have(&self, column: Column, value: &str) -> bool {
        let set = |(byte, bit): (usize, u8)| self.0.get(byte).is_some_and(|byte| byte & bit != 0);
        self.0.is_empty() || self.places(column, value).into_iter().all(set)
    }

    /// The bytes of a value, and the bit in each.
    fn places(&self, column: Column, value: &str) -> Vec<(usize, u8)> {
        let name: &[u8] = match column {
            Column::Action => b"action\n",
            Column::User => b"user\n",
            Column::ResourceType => b"type\n",
            Column::Resource => b"resource\n",
            Column::Outcome => b"outcome\n",
        };
        let hash = digest(&SHA256, &[name, value.as_bytes()].concat());
        let half = |from: usize| {
            let bytes = hash.as_ref().get(from..from + 8).and_then(|it| it.try_into().ok());
            u64::from_be_bytes(bytes.unwrap_or_default())
        };
        let (first, step) = (half(0), half(8) | 1);
        let bits = u64::try_from(self.0.len()).unwrap_or(u64::MAX).saturating_mul(8).max(1);
        let place = |nth: u64| {
            let bit = first.wrapping_add(nth.wrapping_mul(step)) % bits;
            (usize::try_from(bit / 8).unwrap_or_default(), 1_u8 << (bit % 8))
        };
        (0..SET_EACH).map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_always_found_and_what_is_not_seldom() {
        let ids: Vec<String> = (0..1_000).map(|n| format!("call_{n}")).collect();
        let values = ids.iter().map(|id| (Column::Resource, id.as_str())).collect();
        let names = Names::of(&values);
        assert!(names.as_bytes().len() <= 1_250, "ten bits for each");
        assert!(ids.iter().all(|id| names.may_have(Column::Resource, id)));
        let others = (0..10_000).filter(|n| names.may_have(Column::Resource, &format!("mem_{n}")));
        assert!(others.count() < 200, "one in fifty at the very most");
        let column = ids.iter().filter(|id| names.may_have(Column::User, id));
        assert!(column.count() < 50, "a value of another column is another value");
        assert!(Names::from_bytes(Vec::new()).may_have(Column::User, "x"), "nothing is ruled out");
    }
}
