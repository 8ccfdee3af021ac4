//! One org in memory: its limits, and the counters of everything in it.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base::money::NanoCents;
use base::time::At;

use crate::ceilings::Ceilings;
use crate::core::{
    Admitted, Ask, Book, Ceiling, Expired, Level, Most, Refused, Subject, Tally, Used,
};
use crate::note::{Keeping, Noted};
use crate::shared::{SharedOrg, UNKNOWN};
use crate::subject::{Subjects, Target, level_of};
use crate::view::Applies;

/// How long a call may be under way without a sign of life. Dropping a hold gives it
/// back at once, and a process that dies takes its counters along: the lease is for
/// what nobody thought of.
pub(crate) const LEASE: Duration = Duration::from_mins(10);

/// What a subject spent before this process began to count.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(crate) subject: String,
    pub(crate) day: NanoCents,
    pub(crate) month: NanoCents,
}

impl Spent {
    /// No more than this.
    pub(crate) fn at_most(subject: &str, most: Most) -> Self {
        let money = |nanos: u64| NanoCents(i64::try_from(nanos).unwrap_or(i64::MAX));
        Self { subject: subject.to_owned(), day: money(most.day), month: money(most.month) }
    }
}

/// One org. Whatever has a name in it is counted, with a limit or without, so that a
/// first limit is exact from its first moment.
#[derive(Debug)]
pub(crate) struct Org {
    state: Mutex<State>,
    /// Held by whoever reads from the database or writes to it: one at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Held by whoever looks at all that is counted: who is near a limit, and since when that is
    /// known. One at a time, since it may be much.
    pub(crate) looked: tokio::sync::Mutex<Option<(Instant, Vec<Applies>)>>,
    failures: AtomicU64,
    /// Where its counters are shared with other nodes. The book then counts what this node
    /// admitted.
    pub(crate) shared: Option<SharedOrg>,
    /// Where it is noted what may have been spent.
    pub(crate) keeping: OnceLock<Keeping>,
    /// Its calls go on without the database: it stays.
    pub(crate) stays: AtomicBool,
    /// How often in a row it was found at rest.
    rests: AtomicU32,
}

/// What is said of a call.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The limits are unknown.
    Unknown,
    /// It would spend what is not noted yet.
    Unnoted,
    Given(Result<Admitted, Refused>),
}

/// INVARIANT: while `ceilings` is there, it is what the database says.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) ceilings: Option<Ceilings>,
    /// Which change of the limits these are of, where nodes tell each other of changes.
    version: u64,
    /// How often they changed since the start.
    changes: u64,
    pub(crate) book: Book,
    pub(crate) counts: bool,
    pub(crate) noted: Noted,
}

impl Org {
    /// Nothing known yet.
    pub(crate) fn unknown(shared: Option<SharedOrg>) -> Self {
        let state = State {
            ceilings: None,
            version: UNKNOWN,
            changes: 0,
            book: Book::new(LEASE),
            counts: false,
            noted: Noted::No,
        };
        let (turn, looked) = Default::default();
        let (state, keeping) = (Mutex::new(state), OnceLock::new());
        let (failures, stays, rests) = (0.into(), false.into(), 0.into());
        Self { state, turn, looked, failures, shared, keeping, stays, rests }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether calls can be decided without the database.
    pub(crate) fn is_known(&self) -> bool {
        self.state().ceilings.is_some()
    }

    /// Whether the counters stand on the ledger already.
    pub(crate) fn counts(&self) -> bool {
        self.state().counts
    }

    /// Takes over what the database says. The ledger counts once: from then on the
    /// counters run ahead of it.
    pub(crate) fn learn(
        &self,
        now: At,
        ceilings: Ceilings,
        version: u64,
        spent: Option<Vec<Spent>>,
    ) {
        let mut state = self.state();
        if let Some(spent) = spent.filter(|_| !state.counts) {
            for one in spent {
                state.book.load(now, &one.subject, one.day, one.month);
            }
            state.counts = true;
        }
        state.noted.only_of(ceilings.set_at());
        state.ceilings = Some(ceilings);
        state.version = version;
        state.changes += 1;
    }

    /// How often the limits changed that are known here.
    pub(crate) fn changes(&self) -> u64 {
        self.state().changes
    }

    /// How often reading failed; who waited for a turn meanwhile shares the failure.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Acquire)
    }

    /// Reading failed.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes a call at all levels, or says at which it cannot.
    pub(crate) fn reserve(&self, at: At, request: &str, names: &Subjects, ask: Ask) -> Answer {
        let mut state = self.state();
        self.rests.store(0, Ordering::Relaxed);
        let State { ceilings, book, noted, .. } = &mut *state;
        let Some(ceilings) = ceilings.as_ref() else { return Answer::Unknown };
        let subjects = names.under(|level, name| ceilings.of(level, name));
        if !noted.lets_in(book, at, &subjects, ask) {
            return Answer::Unnoted;
        }
        Answer::Given(book.reserve(at, request, &subjects, ask))
    }

    /// The ceilings of what a call passes, and which change of the limits they are of.
    pub(crate) fn ceilings_of(&self, names: &Subjects) -> Option<(Vec<Ceiling>, u64)> {
        let state = self.state();
        let ceilings = state.ceilings.as_ref()?;
        let those = names.iter().map(|(level, name)| *ceilings.of(level, name)).collect();
        Some((those, state.version))
    }

    /// The limits of this version are no longer those of the database.
    pub(crate) fn outdated(&self, version: u64) {
        let mut state = self.state();
        if state.version == version {
            state.ceilings = None;
        }
    }

    /// Takes a call in the book of this node alone.
    pub(crate) fn count(
        &self,
        at: At,
        request: &str,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> Result<Admitted, Refused> {
        self.rests.store(0, Ordering::Relaxed);
        self.state().book.reserve(at, request, subjects, ask)
    }

    pub(crate) fn settle(self: &Arc<Self>, now: At, request: &str, used: Used) {
        let here = if self.keeping.get().is_some() {
            self.settle_noted(now, request, used)
        } else {
            self.state().book.settle(now, request, used)
        };
        if self.shared.is_some() {
            self.tell(request, used);
        } else if here.is_err() {
            tracing::warn!(request, "a call was settled an hour after its lease had ended");
        }
    }

    pub(crate) fn abort(self: &Arc<Self>, now: At, request: &str) {
        let _lapsed_long_ago = self.state().book.abort(now, request);
        self.tell(request, Used::default());
    }

    /// Tells the store, where there is one, off the path of the call.
    fn tell(self: &Arc<Self>, request: &str, used: Used) {
        if let Some(shared) = &self.shared
            && let Some(known) = shared.under_way.ended(request)
        {
            shared.queue.push(Arc::clone(self), known, used);
        }
    }

    pub(crate) fn extend(&self, now: At, request: &str) {
        if self.state().book.extend(now, request).is_err() {
            tracing::debug!(request, "a lease that has ended cannot be extended");
        }
    }

    /// The counters of one subject.
    pub(crate) fn tally(&self, now: At, subject: &str) -> Tally {
        self.state().book.tally(now, subject)
    }

    /// Reads the limits as they are known here.
    pub(crate) fn with_ceilings<T>(&self, read: impl FnOnce(&Ceilings) -> T) -> Option<T> {
        self.state().ceilings.as_ref().map(read)
    }

    /// The names of everything that is counted here. Copies names alone, so that no call
    /// waits long for it.
    pub(crate) fn counted(&self) -> Vec<Arc<str>> {
        self.state().book.names().map(Arc::clone).collect()
    }

    /// Those that have a limit, with it; nothing while the limits are unknown.
    pub(crate) fn limited(&self, names: Vec<Arc<str>>) -> Option<Vec<(Level, Arc<str>, Ceiling)>> {
        let state = self.state();
        let ceilings = state.ceilings.as_ref()?;
        let limited = names.into_iter().filter_map(|name| {
            let level = level_of(&name)?;
            let ceiling = *ceilings.of(level, &name);
            (!ceiling.is_open()).then_some((level, name, ceiling))
        });
        Some(limited.collect())
    }

    /// The leases that have ended since this was last asked.
    pub(crate) fn expired(&self, now: At) -> Vec<Expired> {
        let mut state = self.state();
        if state.counts {
            state.book.advance(now);
        }
        let expired = state.book.drain_expired();
        if let Some(shared) = &self.shared {
            for lapsed in &expired {
                shared.under_way.forget(&lapsed.request);
            }
        }
        expired
    }

    /// Whether nothing of it is under way, and no minute of a rate has begun: whoever needs it
    /// next reads it from the database, unless that lacks what ended a moment ago. So it must be
    /// found at rest twice in a row, a minute apart.
    pub(crate) fn rests(&self, now: At) -> bool {
        let mut state = self.state();
        state.book.advance(now);
        let shared = self.shared.as_ref();
        let rests = !self.stays.load(Ordering::Relaxed)
            && state.book.rests()
            && shared.is_none_or(SharedOrg::rests);
        let before = self.rests.load(Ordering::Relaxed);
        self.rests.store(if rests { before.saturating_add(1) } else { 0 }, Ordering::Relaxed);
        rests && before > 0
    }

    /// Forgets what no longer matters.
    pub(crate) fn tidy(&self, now: At) {
        let mut state = self.state();
        if state.counts {
            state.book.tidy(now);
        }
    }
}

/// A change of a limit that is on its way to the database. If its commit fails,
/// nobody knows what the database says: it is asked again before the next call.
#[derive(Debug)]
pub(crate) struct Unsure<'a>(Option<&'a Org>);

impl<'a> Unsure<'a> {
    pub(crate) fn about(org: &'a Org) -> Self {
        Self(Some(org))
    }

    /// The change is in the database: it applies here too.
    pub(crate) fn arrived(mut self, target: &Target, ceiling: Option<Ceiling>, at: At) {
        let Some(org) = self.0.take() else { return };
        let mut state = org.state();
        let State { ceilings, noted, changes, .. } = &mut *state;
        if let Some(ceilings) = ceilings {
            ceilings.set(target, ceiling, at.as_microsecond());
            noted.only_of(ceilings.set_at());
            *changes += 1;
        }
    }
}

impl Drop for Unsure<'_> {
    fn drop(&mut self) {
        if let Some(org) = self.0.take() {
            org.state().ceilings = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_org_rests_when_nothing_is_under_way_and_no_minute_is_counted_twice_in_a_row() {
        let at = |secs: i64| At::from_second(1_800_000_000 + secs).unwrap();
        let (org, ceiling) = (Arc::new(Org::unknown(None)), Ceiling::default());
        org.learn(at(0), Ceilings::default(), UNKNOWN, Some(Vec::new()));
        let call = |secs: i64, request: &str| {
            let subjects = [Subject { level: Level::Org, name: "org", ceiling: &ceiling }];
            org.count(at(secs), request, &subjects, Ask::default()).unwrap();
        };
        call(0, "a");
        assert!(!org.rests(at(120)) && !org.rests(at(180)), "a call is under way");
        org.settle(at(200), "a", Used { tokens: 1, money: NanoCents(5) });
        assert!(!org.rests(at(240)), "it ended just now: its ledger may lack it");
        call(250, "b");
        org.abort(at(251), "b");
        assert!(!org.rests(at(300)), "its minute is counted");
        assert!(!org.rests(at(360)) && org.rests(at(420)));
        org.stays.store(true, Ordering::Relaxed);
        assert!(!org.rests(at(480)), "its calls go on without the database");
    }
}
