//! What a call asks for, and what it used.

use base::money::NanoCents;

use super::ceiling::{Dimension, nanos};

/// The most tokens that one call counts for; above every real context.
const TOKENS_MAX: u64 = 1 << 40;
/// The most money that one call holds: about 90,000 units. The sums stay far
/// from overflow, whatever `max_tokens` a caller writes.
const MONEY_MAX: u64 = 1 << 53;

/// What a call may use at most. Each call is also one request and one slot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ask {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Money; less than nothing is nothing.
    pub money: NanoCents,
}

/// What a call did use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Tokens, in and out.
    pub tokens: u64,
    /// Money; less than nothing is nothing.
    pub money: NanoCents,
}

impl Ask {
    /// What is asked for in one dimension.
    pub(super) fn of(&self, dimension: Dimension) -> u64 {
        match dimension {
            Dimension::RequestsPerMinute | Dimension::Concurrency => 1,
            Dimension::TokensPerMinute => self.tokens,
            Dimension::MoneyPerDay | Dimension::MoneyPerMonth => nanos(self.money),
        }
    }
}

/// An amount as it is counted: never negative, never so large that sums overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) tokens: u64,
    pub(crate) money: u64,
}

impl Amount {
    fn new(tokens: u64, money: NanoCents) -> Self {
        Self { tokens: tokens.min(TOKENS_MAX), money: nanos(money).min(MONEY_MAX) }
    }

    /// The money, as money.
    pub(super) fn money(self) -> NanoCents {
        NanoCents(i64::try_from(self.money).unwrap_or(i64::MAX))
    }
}

impl From<Ask> for Amount {
    fn from(ask: Ask) -> Self {
        Self::new(ask.tokens, ask.money)
    }
}

impl From<Used> for Amount {
    fn from(used: Used) -> Self {
        Self::new(used.tokens, used.money)
    }
}
