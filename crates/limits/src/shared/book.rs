//! One org in the shared store, with the verbs of [`crate::Book`]; for whoever has no ledger.

use std::sync::Arc;
use std::time::Duration;

use base::money::NanoCents;
use base::seal;
use base::time::At;

use super::counters::{Charged, Counters, FROM_START, Known, NO_LIFE, Said, UNKNOWN};
use super::link::{Away, Link};
use crate::core::{Admitted, Ask, Expired, NotOpen, Refused, Settled, Subject, Tally, Used};

/// The counters of one org, in a store that several nodes share; the same steps and answers
/// as those of a [`crate::Book`].
#[derive(Debug)]
pub struct SharedBook {
    counters: Counters,
    version: u64,
    life: [u8; 8],
    expired: Vec<Expired>,
}

impl SharedBook {
    /// The book of an org, empty if the store does not know it, whose reservations are held
    /// for `lease`, unless extended. Its time is the one that is passed in.
    pub async fn open(link: &Link, org: &str, lease: Duration, at: At) -> Result<Self, Away> {
        let counters = Counters::new(link, org, lease, None, false);
        let mut book = Self { counters, version: UNKNOWN, life: NO_LIFE, expired: Vec::new() };
        let life = seal::random().map_err(|_| Away::Unreadable)?;
        let said = book.counters.begin(at, life, Duration::ZERO, &[]).await?;
        book.done(said)?;
        Ok(book)
    }

    /// Takes up what every answer tells. A store that loses an org in between is no book.
    fn done<T>(&mut self, said: Said<T>) -> Result<T, Away> {
        match said {
            Said::Done(given, done) => {
                self.expired.extend(given.expired);
                (self.version, self.life) = (given.version, given.life);
                Ok(done)
            }
            Said::Lost | Said::Stale | Said::Gathering | Said::Ahead(_) => Err(Away::Unreadable),
        }
    }

    /// See [`crate::Book::reserve`].
    pub async fn reserve(
        &mut self,
        now: At,
        request: &str,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> Result<Result<Admitted, Refused>, Away> {
        let asked = self.counters.reservation(now, request, subjects, ask, self.version);
        let said = self.counters.reserve(asked, subjects).await?;
        self.done(said)
    }

    /// See [`crate::Book::extend`].
    pub async fn extend(&mut self, now: At, request: &str) -> Result<Result<At, NotOpen>, Away> {
        let said = self.counters.extend(now, &[Arc::from(request)]).await?;
        Ok(self.done(said)?.pop().flatten().ok_or(NotOpen))
    }

    /// See [`crate::Book::settle`].
    pub async fn settle(
        &mut self,
        now: At,
        request: &str,
        used: Used,
    ) -> Result<Result<Settled, NotOpen>, Away> {
        let (names, life) = (Arc::from([]), self.life);
        let known = Known { request: request.into(), names, made: now, hold: Ask::default(), life };
        let said = self.counters.settle(now, &[(known, used)]).await?;
        Ok(match self.done(said)?.pop() {
            Some(Charged::Settled(settled)) => Ok(settled),
            Some(Charged::Anew | Charged::NotOpen) | None => Err(NotOpen),
        })
    }

    /// See [`crate::Book::load`].
    pub async fn load(
        &mut self,
        at: At,
        subject: &str,
        day_spent: NanoCents,
        month_spent: NanoCents,
    ) -> Result<(), Away> {
        let said = self.counters.load(at, &[(subject, day_spent, month_spent)]).await?;
        self.done(said)
    }

    /// See [`crate::Book::tally`].
    pub async fn tally(&mut self, now: At, subject: &str) -> Result<Tally, Away> {
        let said = self.counters.tallies(now, &[subject]).await?;
        Ok(self.done(said)?.pop().unwrap_or_default())
    }

    /// See [`crate::Book::tidy`].
    pub async fn tidy(&mut self, now: At) -> Result<(), Away> {
        let mut from = Some(FROM_START.to_owned());
        while let Some(place) = from {
            let said = self.counters.tidy(now, &place).await?;
            from = self.done(said)?.next;
        }
        Ok(())
    }

    /// The leases that have ended since this was last asked.
    pub async fn expired(&mut self, now: At) -> Result<Vec<Expired>, Away> {
        let none: [&str; 0] = [];
        let said = self.counters.tallies(now, &none).await?;
        self.done(said)?;
        Ok(std::mem::take(&mut self.expired))
    }
}
