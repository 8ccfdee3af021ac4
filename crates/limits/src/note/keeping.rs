//! How one org keeps to its note.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use base::time::At;

use super::{Note, Place};
use crate::ceilings::SetAt;
use crate::core::{Ask, Book, Ceiling, NotOpen, Settled, Subject, Used};
use crate::org::{Org, State};
use crate::subject::{Subjects, level_of};

/// What was held and not used is free in the note again after so long, in seconds.
const EVERY_SECS: i64 = 10;
const NOT_WRITTEN: &str = "a note of what was spent cannot be written: if this node starts without \
    its databases, calls of this organization that cost money are refused";

/// Where the note of an org is, and whose turn it is to write.
#[derive(Debug)]
pub(crate) struct Keeping {
    place: Place,
    turn: Mutex<()>,
}

/// What is on the disk of an org.
#[derive(Debug)]
pub(crate) enum Noted {
    /// Nothing is kept.
    No,
    /// The disk took nothing, and has nothing: calls go on without.
    Failed,
    /// No call passes this.
    Is {
        note: Note,
        /// Something was admitted since.
        moved: bool,
    },
    /// Nothing that holds: no call that is limited in money passes.
    Nothing,
}

impl Noted {
    /// What was noted under other limits says nothing.
    pub(crate) fn only_of(&mut self, limits: &SetAt) {
        if matches!(self, Self::Is { note, .. } if note.limits != *limits) {
            *self = Self::Nothing;
        }
    }

    /// Whether a call does not pass what is noted.
    pub(crate) fn lets_in(
        &mut self,
        book: &mut Book,
        at: At,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> bool {
        match self {
            Self::No | Self::Failed => true,
            Self::Is { note, moved } => {
                book.advance(at);
                *moved |= ask.money.0 > 0;
                book.is_within(Some(&note.bounds), subjects, ask)
            }
            Self::Nothing => {
                book.advance(at);
                book.is_within(None, subjects, ask)
            }
        }
    }
}

impl State {
    fn limit(&self, name: &str) -> Ceiling {
        let ceiling = |level| self.ceilings.as_ref().map(|known| *known.of(level, name));
        level_of(name).and_then(ceiling).unwrap_or_default()
    }

    /// What is to be noted now, if anything is. Until it is on the disk the narrower of both
    /// notes holds.
    fn next_note(&mut self, now: At, asked: Option<(&Subjects, Ask)>) -> Option<Note> {
        let limits = self.ceilings.as_ref().filter(|_| self.counts)?.set_at().clone();
        self.book.advance(now);
        let ceilings = self.ceilings.as_ref()?;
        let (subjects, ask) = match asked {
            Some((names, ask)) => (names.under(|level, name| ceilings.of(level, name)), ask),
            None => (Vec::new(), Ask::default()),
        };
        if asked.is_some() && self.noted_has_room(&subjects, ask) {
            return None;
        }
        let bounds = self.book.bounds(|name| self.limit(name), &subjects, ask);
        match &mut self.noted {
            Noted::Is { note, moved } => {
                note.bounds.narrow(&bounds);
                *moved = false;
            }
            other => *other = Noted::Nothing,
        }
        Some(Note { limits, bounds })
    }

    fn noted_has_room(&self, subjects: &[Subject<'_>], ask: Ask) -> bool {
        match &self.noted {
            Noted::Is { note, .. } => self.book.is_within(Some(&note.bounds), subjects, ask),
            Noted::Nothing => self.book.is_within(None, subjects, ask),
            Noted::No | Noted::Failed => true,
        }
    }

    /// It is on the disk. What was admitted since it was made is in no note.
    fn has_noted(&mut self, written: Note) {
        let holds = self.ceilings.as_ref().is_some_and(|known| *known.set_at() == written.limits);
        let since = matches!(self.noted, Noted::Is { moved: true, .. });
        self.noted = if holds { Noted::Is { note: written, moved: since } } else { Noted::Nothing };
    }

    fn is_note_due(&self, now: At) -> bool {
        let limited =
            self.ceilings.as_ref().is_some_and(|known| self.counts && known.limit_money());
        limited
            && match &self.noted {
                Noted::No => false,
                Noted::Failed | Noted::Nothing => true,
                Noted::Is { note, moved } => {
                    *moved && now.as_second() - note.bounds.at().as_second() >= EVERY_SECS
                }
            }
    }
}

impl Org {
    /// It is noted from now on what this org spends.
    pub(crate) fn keep(&self, place: Place) {
        self.begin(place, Noted::Nothing);
    }

    /// The same; what is noted is taken for spent already.
    pub(crate) fn keep_on(&self, place: Place, note: Note) {
        self.begin(place, Noted::Is { note, moved: false });
    }

    fn begin(&self, place: Place, noted: Noted) {
        let mut state = self.state();
        if self.keeping.set(Keeping { place, turn: Mutex::default() }).is_ok() {
            state.noted = noted;
        }
    }

    /// Makes room for a call in the note.
    pub(crate) async fn make_room(
        self: &Arc<Self>,
        now: At,
        names: &Subjects,
        ask: Ask,
    ) -> io::Result<()> {
        let (org, names) = (Arc::clone(self), names.clone());
        let write = move || org.write_note(now, Some((&names, ask)));
        tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
    }

    /// Tells anew what was spent, if there is anything to tell.
    pub(crate) async fn note_if_due(self: &Arc<Self>, now: At) {
        if self.keeping.get().is_some() && self.state().is_note_due(now) {
            let org = Arc::clone(self);
            let _logged = tokio::task::spawn_blocking(move || org.write_note(now, None)).await;
        }
    }

    /// What a call used is noted before anybody can record it, also if it is more than the call
    /// held. That is rare, so it blocks.
    pub(crate) fn settle_noted(
        &self,
        now: At,
        request: &str,
        used: Used,
    ) -> Result<Settled, NotOpen> {
        let mut state = self.state();
        let held = state.book.holds(request, used);
        let settled = state.book.settle(now, request, used);
        let exceeds = !held
            && match &state.noted {
                Noted::Is { note, .. } => {
                    state.book.exceeds(&note.bounds, |name| state.limit(name))
                }
                Noted::Nothing => true,
                Noted::No | Noted::Failed => false,
            };
        drop(state);
        if exceeds {
            let _logged = self.write_note(now, None);
        }
        settled
    }

    /// Blocks until a note is on disk that has room for this call. If the disk takes none, what
    /// is there is removed; if that fails too, no call goes on that is limited in money.
    fn write_note(&self, now: At, asked: Option<(&Subjects, Ask)>) -> io::Result<()> {
        let Some(Keeping { place, turn }) = self.keeping.get() else { return Ok(()) };
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(note) = self.state().next_note(now, asked) else { return Ok(()) };
        let Err(error) = place.write(&note) else {
            self.state().has_noted(note);
            return Ok(());
        };
        tracing::error!(error = &error as &dyn std::error::Error, "{NOT_WRITTEN}");
        place.remove()?;
        self.state().noted = Noted::Failed;
        Ok(())
    }
}
