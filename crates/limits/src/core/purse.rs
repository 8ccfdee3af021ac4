//! Money of one calendar period: spent, and held for calls under way.

use std::time::Duration;

use super::refusal::SOON;

/// The money of one day or month. An older period is never needed here: the
/// durable ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Purse {
    period: i64,
    pub(super) spent: u64,
    pub(super) held: u64,
}

impl Purse {
    /// Nothing, before every period.
    pub(super) const EMPTY: Self = Self::of(i64::MIN);

    const fn of(period: i64) -> Self {
        Self { period, spent: 0, held: 0 }
    }

    /// The purse as it is in a period: empty when the period is new.
    pub(super) fn during(&self, period: i64) -> Self {
        if self.period == period { *self } else { Self::of(period) }
    }

    /// What a budget no longer has.
    pub(super) fn used(&self) -> u64 {
        self.spent.saturating_add(self.held)
    }

    /// How long until no more than `most` is used: soon, if it is only held for
    /// calls under way; else when the period ends.
    pub(super) fn wait(&self, most: u64, period_ends: Duration) -> Duration {
        if self.spent <= most { SOON } else { period_ends }
    }

    /// Holds money for a call of this period.
    pub(super) fn hold(&mut self, period: i64, money: u64) {
        if self.turn(period) {
            self.held = self.held.saturating_add(money);
        }
    }

    /// Gives back what was held for a call of this period.
    pub(super) fn release(&mut self, period: i64, money: u64) {
        if self.turn(period) {
            self.held = self.held.saturating_sub(money);
        }
    }

    /// Charges a call of this period.
    pub(super) fn spend(&mut self, period: i64, money: u64) {
        if self.turn(period) {
            self.spent = self.spent.saturating_add(money);
        }
    }

    /// Takes over what the durable ledger says was spent in this period.
    pub(super) fn load(&mut self, period: i64, spent: u64) {
        if self.turn(period) {
            self.spent = spent;
        }
    }

    /// Goes on to a later period; false when that period is already past.
    fn turn(&mut self, period: i64) -> bool {
        if period > self.period {
            *self = Self::of(period);
        }
        period == self.period
    }
}
