//! One org in memory: its limits, and the counters of everything in it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::money::NanoCents;
use base::time::At;

use crate::ceilings::Ceilings;
use crate::core::{Admitted, Ask, Book, Ceiling, Expired, Level, Refused, Tally, Used};
use crate::subject::{Subjects, Target, level_of};

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

/// One org. Whatever has a name in it is counted, with a limit or without, so that a
/// first limit is exact from its first moment.
#[derive(Debug)]
pub(crate) struct Org {
    state: Mutex<State>,
    /// Held by whoever reads from the database or writes to it: one at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    failures: AtomicU64,
}

/// INVARIANT: while `ceilings` is there, it is what the database says.
#[derive(Debug)]
struct State {
    ceilings: Option<Ceilings>,
    book: Book,
    counts: bool,
}

impl Org {
    /// Nothing known yet.
    pub(crate) fn unknown() -> Self {
        let state = State { ceilings: None, book: Book::new(LEASE), counts: false };
        Self { state: Mutex::new(state), turn: tokio::sync::Mutex::default(), failures: 0.into() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
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
    pub(crate) fn learn(&self, now: At, ceilings: Ceilings, spent: Option<Vec<Spent>>) {
        let mut state = self.state();
        if let Some(spent) = spent.filter(|_| !state.counts) {
            for one in spent {
                state.book.load(now, &one.subject, one.day, one.month);
            }
            state.counts = true;
        }
        state.ceilings = Some(ceilings);
    }

    /// How often reading failed; who waited for a turn meanwhile shares the failure.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Acquire)
    }

    /// Reading failed.
    pub(crate) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes a call at all levels, or says at which it cannot; nothing while the
    /// limits are unknown.
    pub(crate) fn reserve(
        &self,
        at: At,
        request: &str,
        names: &Subjects,
        ask: Ask,
    ) -> Option<Result<Admitted, Refused>> {
        let mut state = self.state();
        let State { ceilings, book, .. } = &mut *state;
        let ceilings = ceilings.as_ref()?;
        let subjects = names.under(|level, name| ceilings.of(level, name));
        Some(book.reserve(at, request, &subjects, ask))
    }

    pub(crate) fn settle(&self, now: At, request: &str, used: Used) {
        if self.state().book.settle(now, request, used).is_err() {
            tracing::warn!(request, "a call was settled an hour after its lease had ended");
        }
    }

    pub(crate) fn abort(&self, now: At, request: &str) {
        let _lapsed_long_ago = self.state().book.abort(now, request);
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

    /// Everything that is counted here and has a limit, with it; nothing while the limits
    /// are unknown. Copies names alone, so that no call waits long for it.
    pub(crate) fn limited(&self) -> Option<Vec<(Level, Arc<str>, Ceiling)>> {
        let state = self.state();
        let ceilings = state.ceilings.as_ref()?;
        let limited = state.book.names().filter_map(|name| {
            let level = level_of(name)?;
            let ceiling = *ceilings.of(level, name);
            (!ceiling.is_open()).then(|| (level, Arc::clone(name), ceiling))
        });
        Some(limited.collect())
    }

    /// The leases that have ended since this was last asked.
    pub(crate) fn expired(&self, now: At) -> Vec<Expired> {
        let mut state = self.state();
        if state.counts {
            state.book.advance(now);
        }
        state.book.drain_expired()
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
    pub(crate) fn arrived(mut self, target: &Target, ceiling: Option<Ceiling>) {
        if let Some(org) = self.0.take()
            && let Some(ceilings) = &mut org.state().ceilings
        {
            ceilings.set(target, ceiling);
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
