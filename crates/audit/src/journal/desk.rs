//! Where one region keeps its journal: one for the life of the room, whether a journal is on
//! disk or not.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::OrgId;
use base::seal::Mac;
use base::time::At;
use tokio::sync::{Notify, watch};

use super::file::Journal;
use super::format::{Frame, NotRead, Place};
use super::telemetry::Counts;

/// What waits in a journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Entries that the record does not have yet.
    pub(crate) entries: u64,
    /// Its replay stopped, and somebody must look.
    pub(crate) stuck: bool,
}

/// A call of which something waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OfCall {
    /// Who made it.
    pub(crate) by: String,
    /// When the last of it was journalled.
    pub(crate) at: At,
    events: usize,
}

/// An entry, and of which call it is.
#[derive(Debug)]
pub(crate) struct ToWrite {
    pub(crate) entry: Vec<u8>,
    pub(crate) call: Option<Named>,
}

/// A call, and who made it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) org: OrgId,
    pub(crate) id: String,
    pub(crate) by: String,
}

/// How a journal is kept.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) path: PathBuf,
    pub(crate) mac: Mac,
    pub(crate) bytes_max: u64,
    pub(crate) age_max_micros: i64,
}

/// Where the line of a region puts what the database does not take.
#[derive(Debug)]
pub(crate) struct Desk {
    kept: Mutex<Option<Kept>>,
    calls: Mutex<HashMap<(OrgId, String), OfCall>>,
    waiting: watch::Sender<Waiting>,
    wanted: AtomicBool,
    /// The database is known to take nothing of what is written.
    away: AtomicBool,
    /// There is a journal, and nobody must look at it.
    sound: AtomicBool,
    /// It refuses by its own rules, full or too old, until it is emptied.
    spent: AtomicBool,
    /// The disk did not take what was last to be written. That may pass.
    failed: AtomicBool,
    woken: Notify,
    counts: Counts,
}

#[derive(Debug)]
struct Kept {
    rules: Rules,
    journal: Option<Journal>,
    stuck: bool,
}

/// What is next to be written into the record.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) journal: String,
    pub(crate) frames: Vec<Frame>,
    behind: Place,
}

impl Piece {
    /// Each entry with its number.
    pub(crate) fn numbered<'a>(&'a self) -> impl Iterator<Item = (u64, &'a [u8])> {
        let entries = |frame: &'a Frame| frame.entries.iter().map(Vec::as_slice);
        self.frames.iter().flat_map(move |frame| (frame.first..).zip(entries(frame)))
    }

    /// Entries before this number are in the record when it is.
    pub(crate) fn behind(&self) -> u64 {
        self.behind.number
    }
}

impl Desk {
    pub(super) fn new(counts: Counts) -> Self {
        Self {
            kept: Mutex::default(),
            calls: Mutex::default(),
            waiting: watch::Sender::default(),
            wanted: AtomicBool::default(),
            away: AtomicBool::default(),
            sound: AtomicBool::default(),
            spent: AtomicBool::default(),
            failed: AtomicBool::default(),
            woken: Notify::default(),
            counts,
        }
    }

    /// Takes over what an earlier life left.
    pub(super) fn open(&self, rules: Rules) -> Result<(), NotRead> {
        let journal = Journal::left(&rules.path, &rules.mac)?;
        *self.lock() = Some(Kept { rules, journal, stuck: false });
        self.tell();
        self.woken.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<(OrgId, String), OfCall>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this node keeps a journal at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.lock().is_some()
    }

    /// Whether something waits that must be in the record before anything newer of its org.
    pub(crate) fn is_behind(&self) -> bool {
        let waiting = *self.waiting.borrow();
        waiting.entries > 0 && !waiting.stuck
    }

    /// Resolves when the journal of an earlier life was found.
    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    /// What waits, and what will.
    pub(super) fn waiting(&self) -> watch::Receiver<Waiting> {
        self.waiting.subscribe()
    }

    /// An org that is served here chose the journal.
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether calls of some org go on here while the database is away.
    pub(super) fn serves(&self) -> bool {
        self.takes() && self.wanted.load(Ordering::Relaxed)
    }

    /// Whether there is a journal that takes events, as far as is known. Callers ask it at each
    /// call: it must not wait for whoever writes.
    pub(super) fn takes(&self) -> bool {
        let is = |what: &AtomicBool| what.load(Ordering::Relaxed);
        is(&self.sound) && !is(&self.spent) && !is(&self.failed)
    }

    /// The line found out that its database is away, or is back.
    pub(super) fn database_is_away(&self, away: bool) {
        if away && !self.is_behind() {
            self.forgive();
        }
        self.away.store(away, Ordering::Relaxed);
    }

    /// The disk is worth a try again.
    pub(super) fn retry_disk(&self) {
        self.failed.store(false, Ordering::Relaxed);
    }

    /// Nothing is known that keeps it from taking events.
    fn forgive(&self) {
        self.spent.store(false, Ordering::Relaxed);
        self.retry_disk();
    }

    /// Remembers that it took nothing. What the system says may pass.
    fn heed<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done {
            let why = if error.raw_os_error().is_some() { &self.failed } else { &self.spent };
            why.store(true, Ordering::Relaxed);
        }
        done
    }

    /// Whether the database is known to take nothing.
    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// What a call is known by while something of it waits.
    pub(super) fn of_call(&self, org: &OrgId, id: &str) -> Option<OfCall> {
        self.calls().get(&(org.clone(), id.to_owned())).cloned()
    }

    /// The journal and the number that the next entry will have.
    pub(crate) fn next(&self, now: At) -> io::Result<(String, u64)> {
        self.heed(self.at(now))
    }

    fn at(&self, now: At) -> io::Result<(String, u64)> {
        let mut kept = self.lock();
        let Some(Kept { rules, journal, stuck }) = kept.as_mut() else { return Err(none()) };
        if *stuck {
            return Err(io::Error::other("the journal is broken"));
        }
        let micros = now.as_microsecond();
        let is_old = |it: &Journal| micros.saturating_sub(it.began()) >= rules.age_max_micros;
        if journal.as_ref().is_some_and(|it| it.next() == 0 && is_old(it)) {
            journal.take().map_or(Ok(()), Journal::remove)?;
        }
        let journal = match journal {
            Some(open) => open,
            none => none.insert(Journal::begin(&rules.path, &rules.mac, micros)?),
        };
        if is_old(journal) {
            return Err(io::Error::other("the journal is too old"));
        }
        Ok((journal.id(), journal.next()))
    }

    /// Has these on disk, or none of them. They were made for the numbers of [`Desk::next`].
    pub(crate) fn write(&self, all: Vec<ToWrite>, now: At) -> io::Result<()> {
        let (entries, named): (Vec<_>, Vec<_>) =
            all.into_iter().map(|one| (one.entry, one.call)).unzip();
        self.heed(self.append(&entries))?;
        self.forgive();
        let mut calls = self.calls();
        for Named { org, id, by } in named.into_iter().flatten() {
            let of_call = calls.entry((org, id)).or_insert(OfCall { by, at: now, events: 0 });
            of_call.at = now;
            of_call.events += 1;
        }
        drop(calls);
        self.counts.written.inc_by(u64::try_from(entries.len()).unwrap_or_default());
        self.tell();
        Ok(())
    }

    fn append(&self, entries: &[Vec<u8>]) -> io::Result<()> {
        let mut kept = self.lock();
        let Some(Kept { rules, journal: Some(journal), .. }) = kept.as_mut() else {
            return Err(none());
        };
        journal.write(&rules.mac, entries, rules.bytes_max)
    }

    /// What is next to be written into the record; none if nothing is. A journal that cannot
    /// be read stays where it is.
    pub(crate) fn piece(&self, entries_max: u64) -> Option<Piece> {
        let mut kept = self.lock();
        let Kept { rules, journal: Some(journal), stuck: false } = kept.as_mut()? else {
            return None;
        };
        match journal.read(&rules.mac, entries_max) {
            Ok((frames, behind)) => Some(Piece { journal: journal.id(), frames, behind }),
            Err(error) => {
                drop(kept);
                self.stop(&error);
                None
            }
        }
    }

    /// The record has a piece. What is empty is removed.
    pub(crate) fn done(&self, piece: &Piece, calls: &[(OrgId, String)]) {
        let entries: usize = piece.frames.iter().map(|frame| frame.entries.len()).sum();
        let (empty, removed) = {
            let mut kept = self.lock();
            let Some(Kept { journal: slot @ Some(_), .. }) = kept.as_mut() else { return };
            let empty = slot.as_mut().is_some_and(|journal| {
                journal.read_on(piece.behind);
                journal.waiting() == 0
            });
            // What cannot be removed is found at the next start, and has nothing to write.
            let emptied = slot.take_if(|_| empty);
            (empty, emptied.map_or(Ok(()), Journal::remove))
        };
        if empty {
            self.forgive();
        }
        if let Err(error) = removed {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "a journal that is in the record cannot be removed");
        }
        let mut known = self.calls();
        for call in calls {
            if let Some(of_call) = known.get_mut(call) {
                of_call.events = of_call.events.saturating_sub(1);
                if of_call.events == 0 {
                    known.remove(call);
                }
            }
        }
        drop(known);
        self.counts.replayed.inc_by(u64::try_from(entries).unwrap_or_default());
        self.tell();
    }

    /// Nothing of the journal is written any more until somebody has looked: it is kept.
    pub(crate) fn stop(&self, error: &(dyn std::error::Error + 'static)) {
        if let Some(kept) = self.lock().as_mut() {
            kept.stuck = true;
            tracing::error!(
                error,
                journal = %kept.rules.path.display(),
                "the journal is not replayed any further, and kept: look at once"
            );
        }
        self.tell();
    }

    fn tell(&self) {
        let (entries, bytes, is_kept, stuck) = {
            let kept = self.lock();
            let journal = kept.as_ref().and_then(|kept| kept.journal.as_ref());
            let stuck = kept.as_ref().is_some_and(|kept| kept.stuck);
            let (entries, bytes) =
                journal.map_or((0, 0), |journal| (journal.waiting(), journal.bytes()));
            (entries, bytes, kept.is_some(), stuck)
        };
        self.sound.store(is_kept && !stuck, Ordering::Relaxed);
        self.counts.show(entries, bytes, stuck);
        self.waiting.send_replace(Waiting { entries, stuck });
    }

    /// Something had to be refused.
    pub(crate) fn refused(&self, events: usize) {
        self.counts.refused.inc_by(u64::try_from(events).unwrap_or_default());
    }
}

fn none() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "this node keeps no journal")
}
