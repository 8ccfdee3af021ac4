//! All counters of one subject.

use std::time::Duration;

use base::money::NanoCents;

use super::amount::{Amount, Ask};
use super::bounds::Most;
use super::calendar::Moment;
use super::ceiling::{Ceiling, Dimension, Subject};
use super::purse::Purse;
use super::refusal::{Obstacle, Retry, SOON};
use super::reservation::Reservation;
use super::standing::{Gauge, Standing, Tally, narrow};
use super::window::Window;

/// The counters of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    requests: Window,
    tokens: Window,
    slots: u64,
    day: Purse,
    month: Purse,
}

impl Account {
    /// Counters that have counted nothing.
    pub(super) const EMPTY: Self = Self {
        requests: Window::EMPTY,
        tokens: Window::EMPTY,
        slots: 0,
        day: Purse::EMPTY,
        month: Purse::EMPTY,
    };

    /// What stands in the way of this ask, in every dimension.
    pub(super) fn obstacles(
        &self,
        moment: &Moment,
        ceiling: &Ceiling,
        ask: Ask,
    ) -> impl Iterator<Item = Obstacle> {
        Dimension::ALL.into_iter().filter_map(move |dimension| {
            let limit = ceiling.of(dimension)?;
            let asked = ask.of(dimension);
            let remaining = limit.saturating_sub(self.used(dimension, moment));
            if asked <= remaining {
                return None;
            }
            let retry = match limit.checked_sub(asked) {
                Some(most) => Retry::After(self.wait(dimension, moment, most)),
                None => Retry::Never,
            };
            Some(Obstacle { dimension, limit, remaining, retry })
        })
    }

    fn used(&self, dimension: Dimension, moment: &Moment) -> u64 {
        match dimension {
            Dimension::RequestsPerMinute => self.requests.used(moment.now),
            Dimension::TokensPerMinute => self.tokens.used(moment.now),
            Dimension::Concurrency => self.slots,
            Dimension::MoneyPerDay => self.day.during(moment.day).used(),
            Dimension::MoneyPerMonth => self.month.during(moment.month).used(),
        }
    }

    /// How long until no more than `most` is used.
    fn wait(&self, dimension: Dimension, moment: &Moment, most: u64) -> Duration {
        match dimension {
            Dimension::RequestsPerMinute => self.requests.wait(moment.now, most),
            Dimension::TokensPerMinute => self.tokens.wait(moment.now, most),
            Dimension::Concurrency => SOON,
            Dimension::MoneyPerDay => self.day.wait(most, moment.until_tomorrow()),
            Dimension::MoneyPerMonth => self.month.wait(most, moment.until_next_month()),
        }
    }

    /// Takes one call with what it may use at most.
    pub(super) fn take(&mut self, moment: &Moment, hold: Amount) {
        self.requests.add(moment.now, 1);
        self.tokens.add(moment.now, hold.tokens);
        self.slots += 1;
        self.day.hold(moment.day, hold.money);
        self.month.hold(moment.month, hold.money);
    }

    /// Gives back the slot and the money of a call.
    pub(super) fn release(&mut self, reservation: &Reservation) {
        self.slots = self.slots.saturating_sub(1);
        self.day.release(reservation.made.day, reservation.hold.money);
        self.month.release(reservation.made.month, reservation.hold.money);
    }

    /// Charges what a call used, at the time at which it was reserved.
    pub(super) fn charge(&mut self, reservation: &Reservation, used: Amount) {
        self.tokens.correct(reservation.made.now, reservation.hold.tokens, used.tokens);
        self.day.spend(reservation.made.day, used.money);
        self.month.spend(reservation.made.month, used.money);
    }

    /// Takes over what the durable ledger says was spent.
    pub(super) fn load(&mut self, moment: &Moment, day_spent: u64, month_spent: u64) {
        self.day.load(moment.day, day_spent);
        self.month.load(moment.month, month_spent);
    }

    /// Adds how this subject stands.
    pub(super) fn narrow(&self, standing: &mut Standing, now: i64, subject: &Subject<'_>) {
        let level = subject.level;
        let gauge = |window: &Window, limit: u64| Gauge {
            level,
            limit,
            remaining: limit.saturating_sub(window.used(now)),
            reset: window.reset(now),
        };
        if let Some(limit) = subject.ceiling.requests_per_minute {
            narrow(&mut standing.requests, gauge(&self.requests, limit));
        }
        if let Some(limit) = subject.ceiling.tokens_per_minute {
            narrow(&mut standing.tokens, gauge(&self.tokens, limit));
        }
    }

    /// Money of the day and the month of this moment, spent and held.
    pub(super) fn money(&self, moment: &Moment) -> Most {
        let (day, month) = (self.day.during(moment.day), self.month.during(moment.month));
        Most { day: day.used(), month: month.used() }
    }

    /// All counters, as they are now.
    pub(super) fn tally(&self, moment: &Moment) -> Tally {
        let money = |nanos: u64| NanoCents(i64::try_from(nanos).unwrap_or(i64::MAX));
        let (day, month) = (self.day.during(moment.day), self.month.during(moment.month));
        Tally {
            requests: self.requests.used(moment.now),
            tokens: self.tokens.used(moment.now),
            concurrency: self.slots,
            day_spent: money(day.spent),
            day_held: money(day.held),
            month_spent: money(month.spent),
            month_held: money(month.held),
        }
    }

    /// Whether no rate is counted and nothing is held.
    pub(super) fn rests(&self, moment: &Moment) -> bool {
        self.slots == 0 && self.requests.used(moment.now) == 0 && self.tokens.used(moment.now) == 0
    }

    /// Gives back memory; true when there is still something to remember.
    pub(super) fn tidy(&mut self, moment: &Moment) -> bool {
        for window in [&mut self.requests, &mut self.tokens] {
            window.roll(moment.now);
            window.shrink();
        }
        self.slots > 0
            || !self.requests.is_empty()
            || !self.tokens.is_empty()
            || self.day.during(moment.day).used() > 0
            || self.month.during(moment.month).used() > 0
    }
}
