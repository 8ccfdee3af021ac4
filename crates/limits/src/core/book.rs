//! All counters of one org, and the verbs that move them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use base::money::NanoCents;
use base::time::At;

use super::account::Account;
use super::amount::{Amount, Ask, Used};
use super::bounds::Most;
use super::calendar::{Moment, SECOND, instant};
use super::ceiling::{Subject, limit_money, nanos};
use super::refusal::{NotOpen, Refused};
use super::reservation::{Admitted, Expired, Reservation, Settled, State};
use super::standing::{Standing, Tally};

/// How long a lapsed reservation may still be settled, in microseconds.
const LATE: i64 = 3600 * SECOND;

/// What is known of a subject that was never counted.
static NOTHING: Account = Account::EMPTY;

/// The counters of one org.
///
/// INVARIANT: `due` has exactly one entry for each reservation, at its `due`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    lease: i64,
    moment: Moment,
    accounts: HashMap<Arc<str>, Account>,
    reservations: HashMap<Arc<str>, Reservation>,
    due: BTreeSet<(i64, Arc<str>)>,
    expired: Vec<Expired>,
}

impl Book {
    /// An empty book whose reservations are held for `lease`, unless extended.
    pub fn new(lease: Duration) -> Self {
        Self {
            lease: i64::try_from(lease.as_micros()).unwrap_or(LATE).min(24 * LATE),
            moment: Moment::START,
            accounts: HashMap::new(),
            reservations: HashMap::new(),
            due: BTreeSet::new(),
            expired: Vec::new(),
        }
    }

    /// Admits a call at every subject, or at none. A request that is open
    /// already is admitted again without taking anything.
    pub fn reserve(
        &mut self,
        now: At,
        request: &str,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> Result<Admitted, Refused> {
        self.advance(now);
        if let Some(open) = self.reservations.get(request).filter(|known| known.is_open()) {
            let (reserved_at, expires_at) = (instant(open.made.now), instant(open.due));
            let standing = self.stand(subjects);
            let limits_money = limit_money(subjects);
            return Ok(Admitted {
                reserved_at,
                expires_at,
                repeated: true,
                standing,
                limits_money,
            });
        }
        match self.tightest(subjects, ask) {
            Some(refused) => Err(refused),
            None => Ok(self.take(request, subjects, ask.into())),
        }
    }

    /// Holds a reservation for another lease from now, and says until when.
    pub fn extend(&mut self, now: At, request: &str) -> Result<At, NotOpen> {
        self.advance(now);
        let (request, mut reservation) = self.remove(request).ok_or(NotOpen)?;
        let open = reservation.is_open();
        if open {
            reservation.due = self.moment.now + self.lease;
        }
        let due = reservation.due;
        self.insert(request, reservation);
        if open { Ok(instant(due)) } else { Err(NotOpen) }
    }

    /// Ends a reservation and charges what was used, in the minute, day and
    /// month in which it was made.
    pub fn settle(&mut self, now: At, request: &str, used: Used) -> Result<Settled, NotOpen> {
        self.advance(now);
        let (_, reservation) = self.remove(request).ok_or(NotOpen)?;
        for name in &reservation.subjects {
            let account = self.accounts.entry(Arc::clone(name)).or_insert(Account::EMPTY);
            if reservation.is_open() {
                account.release(&reservation);
            }
            account.charge(&reservation, used.into());
        }
        Ok(if reservation.is_open() { Settled::InTime } else { Settled::Late })
    }

    /// Ends a reservation of which nothing was used. The request stays counted
    /// for its minute: it was admitted.
    pub fn abort(&mut self, now: At, request: &str) -> Result<Settled, NotOpen> {
        self.settle(now, request, Used::default())
    }

    /// Lets time pass: leases that have ended give back what they held. Every
    /// other verb does this first.
    pub fn advance(&mut self, now: At) {
        self.moment.advance(now);
        while self.due.first().is_some_and(|(due, _)| *due <= self.moment.now) {
            let Some((_, request)) = self.due.pop_first() else { return };
            let Some(mut reservation) = self.reservations.remove(&request) else { continue };
            if reservation.is_open() {
                for name in &reservation.subjects {
                    if let Some(account) = self.accounts.get_mut(name) {
                        account.release(&reservation);
                    }
                }
                self.expired.push(reservation.expired(&request));
                reservation.state = State::Lapsed;
                reservation.due += LATE;
                self.insert(request, reservation);
            }
        }
    }

    /// The leases that have ended since this was last asked, to be recorded.
    pub fn drain_expired(&mut self) -> Vec<Expired> {
        std::mem::take(&mut self.expired)
    }

    /// Takes over what the durable ledger says a subject had spent, in the UTC
    /// day and month of `at`. Replaces what was counted; meant for a start.
    pub fn load(&mut self, at: At, subject: &str, day_spent: NanoCents, month_spent: NanoCents) {
        self.advance(at);
        let account = self.accounts.entry(subject.into()).or_insert(Account::EMPTY);
        account.load(&Moment::of(at), nanos(day_spent), nanos(month_spent));
    }

    /// Forgets what no longer matters. Changes no answer.
    pub fn tidy(&mut self, now: At) {
        self.advance(now);
        let moment = self.moment;
        self.accounts.retain(|_, account| account.tidy(&moment));
        self.accounts.shrink_to(self.accounts.len() * 2);
        self.reservations.shrink_to(self.reservations.len() * 2);
    }

    /// How a call by these subjects stands; takes nothing.
    pub fn standing(&mut self, now: At, subjects: &[Subject<'_>]) -> Standing {
        self.advance(now);
        self.stand(subjects)
    }

    /// The counters of one subject.
    pub fn tally(&mut self, now: At, subject: &str) -> Tally {
        self.advance(now);
        self.accounts.get(subject).map(|account| account.tally(&self.moment)).unwrap_or_default()
    }

    /// The day and the month of the present, as this book knows it.
    pub(super) fn moment(&self) -> &Moment {
        &self.moment
    }

    /// What a subject spent and holds, in the day and the month of the present.
    pub(super) fn money(&self, subject: &str) -> Most {
        self.accounts.get(subject).map(|account| account.money(&self.moment)).unwrap_or_default()
    }

    /// Whether the call is under way and held no less than this.
    pub(crate) fn holds(&self, request: &str, used: Used) -> bool {
        let open = self.reservations.get(request).filter(|known| known.is_open());
        open.is_some_and(|known| Amount::from(used).money <= known.hold.money)
    }

    /// Whether nothing is under way, and no rate is counted: what was spent alone is not lost
    /// with the book.
    pub fn rests(&self) -> bool {
        self.reservations.is_empty()
            && self.accounts.values().all(|account| account.rests(&self.moment))
    }

    /// The names of everything that is counted here.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.accounts.keys()
    }

    fn stand(&self, subjects: &[Subject<'_>]) -> Standing {
        let mut standing = Standing::default();
        for subject in subjects {
            self.account(subject).narrow(&mut standing, self.moment.now, subject);
        }
        standing
    }

    /// Of all that stands in the way, what takes longest to lift.
    fn tightest(&self, subjects: &[Subject<'_>], ask: Ask) -> Option<Refused> {
        let (subject, obstacle) = subjects
            .iter()
            .flat_map(|subject| {
                let obstacles = self.account(subject).obstacles(&self.moment, subject.ceiling, ask);
                obstacles.map(move |obstacle| (subject, obstacle))
            })
            .reduce(|known, next| if next.1.retry > known.1.retry { next } else { known })?;
        Some(obstacle.at(subject, self.stand(subjects)))
    }

    fn take(&mut self, request: &str, subjects: &[Subject<'_>], hold: Amount) -> Admitted {
        let limits_money = limit_money(subjects);
        let mut standing = Standing::default();
        let mut names: Vec<Arc<str>> = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let name = self.name(subject);
            let account = self.accounts.entry(Arc::clone(&name)).or_insert(Account::EMPTY);
            // A subject that is named twice is taken once.
            if !names.contains(&name) {
                names.push(name);
                account.take(&self.moment, hold);
            }
            account.narrow(&mut standing, self.moment.now, subject);
        }
        // The same request may have lapsed before: it starts anew.
        let request = self.remove(request).map_or_else(|| request.into(), |(name, _)| name);
        let due = self.moment.now + self.lease;
        let subjects = names.into_boxed_slice();
        let state = State::Open;
        self.insert(request, Reservation { made: self.moment, hold, subjects, state, due });
        let (reserved_at, expires_at) = (instant(self.moment.now), instant(due));
        Admitted { reserved_at, expires_at, repeated: false, standing, limits_money }
    }

    fn insert(&mut self, request: Arc<str>, reservation: Reservation) {
        self.due.insert((reservation.due, Arc::clone(&request)));
        self.reservations.insert(request, reservation);
    }

    fn remove(&mut self, request: &str) -> Option<(Arc<str>, Reservation)> {
        let (request, reservation) = self.reservations.remove_entry(request)?;
        let entry = (reservation.due, request);
        self.due.remove(&entry);
        Some((entry.1, reservation))
    }

    /// The counters of a subject, without creating them.
    fn account(&self, subject: &Subject<'_>) -> &Account {
        self.accounts.get(subject.name).unwrap_or(&NOTHING)
    }

    /// The shared name of a subject, new if need be.
    fn name(&self, subject: &Subject<'_>) -> Arc<str> {
        let known = self.accounts.get_key_value(subject.name);
        known.map_or_else(|| subject.name.into(), |(name, _)| Arc::clone(name))
    }
}
