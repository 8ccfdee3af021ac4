//! How arguments go to the scripts and answers come back: packed, little-endian.

use base::money::NanoCents;

use crate::core::{Ceiling, Dimension};

/// What a script is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Pack(pub(super) Vec<u8>);

impl Pack {
    pub(super) fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A count: the script's numbers are exact up to 2^53, and nothing real is above.
    pub(super) fn count(&mut self, number: u64) {
        self.u64(number.min(EXACT_MAX));
    }

    pub(super) fn i64(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A period: days since 1970 or months since the year 0.
    pub(super) fn period(&mut self, number: i64) {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn many(&mut self, number: usize) {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn more(&mut self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A name, with its length before it.
    pub(super) fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let bytes = bytes.get(..usize::from(u16::MAX)).unwrap_or(bytes);
        self.many(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Bits of the dimensions that are limited, and the limits.
    pub(super) fn ceiling(&mut self, ceiling: &Ceiling) {
        let limits = Dimension::ALL.map(|dimension| ceiling.of(dimension));
        let bits = [1, 2, 4, 8, 16];
        let mask = limits.iter().zip(bits).filter(|(limit, _)| limit.is_some());
        self.u8(mask.map(|(_, bit)| bit).sum());
        let [requests, tokens, slots, day, month] = limits.map(Option::unwrap_or_default);
        self.count(requests);
        self.count(tokens);
        self.count(slots);
        self.u64(day);
        self.u64(month);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// The largest count that a number of the script holds exactly.
const EXACT_MAX: u64 = 1 << 53;

/// What a script answered, read from the front. Nothing where it is too short.
#[derive(Debug)]
pub(super) struct Cut<'a>(pub(super) &'a [u8]);

impl<'a> Cut<'a> {
    fn first<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.first().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.first().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.first().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.first().map(u64::from_le_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.first().map(i64::from_le_bytes)
    }

    pub(super) fn eight(&mut self) -> Option<[u8; 8]> {
        self.first()
    }

    pub(super) fn money(&mut self) -> Option<NanoCents> {
        Some(NanoCents(i64::try_from(self.u64()?).unwrap_or(i64::MAX)))
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = usize::from(self.u16()?);
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
