//! One log that is watched: its keys, and under one lock what is remembered of it.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::time::At;
use tlog::note::SigningFailed;
use tlog::witness::{Accepted, Head, Log, Refusal, Request, decide};
use tlog::{Hash, Note, Verifier};

use crate::contradiction::Contradiction;
use crate::error::Error;
use crate::evidence::{Evidence, Keeping, hexadecimal};
use crate::keys::Keys;
use crate::memory::{Kept, Memory};
use crate::telemetry::Counts;

/// How far the clock may stand before the time of the last cosignature. Within it that time is
/// stated once more: times of one log never go back.
const CLOCK_BACK_SECS_MAX: u64 = 60;

#[derive(Debug)]
pub(crate) struct Watched {
    origin: String,
    keys: Vec<Verifier>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    memory: Memory,
    evidence: Evidence,
}

/// Why a checkpoint has no cosignature.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Protocol(Refusal),
    #[error("the clock of this witness stands before its last cosignature")]
    ClockBehind { last_secs: u64, now_secs: u64 },
    #[error("the head could not be kept")]
    NotKept(#[source] io::Error),
    #[error("nothing was signed")]
    NotCosigned(#[source] SigningFailed),
}

/// What the page says of a log.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) origin: &'a str,
    pub(crate) head: Option<(Head, u64)>,
    pub(crate) evidence: [(Contradiction, usize); 3],
}

impl Watched {
    /// Reads what lies on disk of this log; `ours` are the witness's own keys.
    pub(crate) fn open(
        origin: String,
        keys: Vec<Verifier>,
        ours: &[Verifier],
        heads: &Path,
        evidence: &Path,
    ) -> Result<Self, Error> {
        // An origin may hold what no file can be called.
        let name = hexadecimal(&Hash::of_leaf(origin.as_bytes()));
        let memory = Memory::read(heads.join(&name), &origin, ours)?;
        let folder = evidence.join(&name);
        let evidence = Evidence::read(folder.clone()).map_err(|why| Error::File(folder, why))?;
        Ok(Self { origin, keys, state: Mutex::new(State { memory, evidence }) })
    }

    /// Cosigns what continues the head, and remembers it before this returns.
    ///
    /// It blocks, and nothing can break it off in between: a thread that was told to go on
    /// without its lock would write an older head over a newer one.
    pub(crate) fn cosign(
        &self,
        request: &Request,
        ours: &Keys,
        now: At,
        counts: &Counts,
    ) -> Result<String, Refused> {
        let mut state = self.lock();
        let log = Log { origin: &self.origin, keys: &self.keys };
        let accepted = match decide(Some(log), state.memory.head(), request) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                self.look_into(&mut state, request, &refusal, counts);
                return Err(Refused::Protocol(refusal));
            }
        };
        let time_secs = time(state.memory.kept(), now)?;
        if let Some(kept) = state.memory.kept()
            && kept.time_secs == time_secs
            && kept.note.text() == request.note().text()
        {
            // Asked once more within a second: the same answer, and nothing to write.
            return Ok(kept.lines.clone());
        }
        let kept = self.sign(&accepted, request, ours, time_secs)?;
        let lines = kept.lines.clone();
        state.memory.keep(kept).map_err(Refused::NotKept)?;
        state.evidence.settle(accepted.head());
        Ok(lines)
    }

    pub(crate) fn told(&self) -> Told<'_> {
        let state = self.lock();
        let head = state.memory.kept().map(|kept| (kept.head, kept.time_secs));
        let evidence = Contradiction::ALL.map(|kind| (kind, state.evidence.count(kind)));
        Told { origin: &self.origin, head, evidence }
    }

    /// After a panic inside, what is here is what was last known to be on disk.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(
        &self,
        accepted: &Accepted,
        request: &Request,
        ours: &Keys,
        time_secs: u64,
    ) -> Result<Kept, Refused> {
        let lines = accepted.cosign(&ours.signers, time_secs).map_err(Refused::NotCosigned)?;
        let whole = self.of_the_log(request.note()).map(|note| format!("{note}{lines}"));
        let note = whole.and_then(|whole| Note::parse(whole.as_bytes()));
        let note = note.map_err(|why| Refused::NotKept(io::Error::other(why)))?;
        Ok(Kept { note, head: accepted.head(), time_secs, lines })
    }

    /// The note with the signatures of the log alone, which were verified. Others may be
    /// anybody's, and fill a disk.
    fn of_the_log(&self, note: &Note) -> Result<Note, tlog::note::Malformed> {
        let mut bare = Note::new(note.text().to_owned())?;
        for signature in note.signatures() {
            if self.keys.iter().any(|key| key.made(signature)) {
                bare.add(signature.clone())?;
            }
        }
        Ok(bare)
    }

    /// Keeps a refused checkpoint that contradicts the head, and says so once, loudly.
    fn look_into(&self, state: &mut State, request: &Request, why: &Refusal, counts: &Counts) {
        let shown = request.checkpoint();
        let Some((kind, seen)) = Contradiction::of(&state.memory, shown, why) else { return };
        counts.contradicted(kind);
        let head = Head { size: shown.size(), root: *shown.root() };
        let last = state.memory.kept().map(|kept| &kept.note);
        let kept = self
            .of_the_log(request.note())
            .map_err(io::Error::other)
            .and_then(|note| state.evidence.keep(kind, head, &note, last));
        let origin = &self.origin;
        match kept {
            Ok(Keeping::New) => tracing::error!(
                log.origin = origin, seen.size = seen.size, seen.root = %seen.root,
                shown.size = head.size, shown.root = %head.root, %kind,
                "the log showed a checkpoint that contradicts the head; it was kept as evidence"
            ),
            Ok(Keeping::Known | Keeping::Full) => tracing::warn!(
                log.origin = origin, seen.size = seen.size, seen.root = %seen.root,
                shown.size = head.size, shown.root = %head.root, %kind,
                "the log showed a checkpoint that contradicts the head, again"
            ),
            Err(error) => tracing::error!(
                log.origin = origin, seen.size = seen.size, seen.root = %seen.root,
                shown.size = head.size, shown.root = %head.root, %kind,
                error = &error as &dyn StdError,
                "the log showed a checkpoint that contradicts the head; it could not be kept"
            ),
        }
    }
}

/// The time to state: now, and never before the last one. A cosignature says that the head is
/// the largest at that time, so an earlier one under a larger head would be a lie.
fn time(kept: Option<&Kept>, now: At) -> Result<u64, Refused> {
    let last_secs = kept.map_or(0, |kept| kept.time_secs);
    let now_secs = u64::try_from(now.as_second()).unwrap_or_default();
    if now_secs.saturating_add(CLOCK_BACK_SECS_MAX) < last_secs {
        return Err(Refused::ClockBehind { last_secs, now_secs });
    }
    Ok(now_secs.max(last_secs))
}
