//! The counters of one org in the shared store, verb by verb: what [`crate::Book`] does in
//! memory.

use std::sync::Arc;
use std::time::Duration;

use base::money::NanoCents;
use base::time::At;

use super::answer::{Given, read};
use super::compare::{Corrected, Reading};
use super::link::{Away, Link};
use super::pack::{Cut, Pack};
use super::script::Verb;
use super::verdict::decision;
use crate::core::{
    Admitted, Amount, Ask, Moment, Refused, Settled, Subject, Tally, Used, instant, nanos,
};

/// Which life of the store an answer is from: a new one each time that it has lost an org.
pub(crate) type Generation = [u8; 8];

/// No life: what was counted in a node while the store was away.
pub(crate) const NO_LIFE: Generation = [0; 8];
/// The version of limits that nobody ever has.
pub(crate) const UNKNOWN: u64 = 0;
/// The wait that the script tells for never.
pub(super) const NEVER: i64 = 1 << 53;
/// From where names are told.
pub(crate) const FROM_START: &str = "0";
/// Subjects of one step at most: a step that takes long holds up every org.
pub(crate) const PIECE: usize = 300;
/// Versions begin somewhere below this, so that those of two lives are not taken for each other.
const VERSION_MASK: u64 = (1 << 48) - 1;

/// What the store said.
#[derive(Debug)]
pub(crate) enum Said<T> {
    /// It was done.
    Done(Given, T),
    /// The store does not know the org: never did, or has lost it.
    Lost,
    /// The limits have changed since this version: nothing was done.
    Stale,
    /// The store has lost the org, and nodes may hold money that it does not know yet.
    Gathering,
    /// The clock of this node is far ahead of the store's: nothing was done.
    Ahead(At),
}

/// A call as the store must know it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) request: Arc<str>,
    pub(crate) names: Arc<[Box<str>]>,
    /// When it was made; its day and month are charged.
    pub(crate) made: At,
    pub(crate) hold: Ask,
    /// The life of the store in which it is reserved.
    pub(crate) life: Generation,
}

/// How a settlement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charged {
    /// A reservation was there.
    Settled(Settled),
    /// None was, in this life of the store: charged all the same.
    Anew,
    /// It is settled already, or an hour late.
    NotOpen,
}

/// Some of what is counted.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) names: Vec<Arc<str>>,
    /// From where to go on.
    pub(crate) next: Option<String>,
}

/// What a subject spent, as the ledger has it.
pub(crate) type SpentOf<'a> = (&'a str, NanoCents, NanoCents);

/// The counters of one org, in a store that several nodes share.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    link: Link,
    keys: [Arc<str>; 2],
    lease: Duration,
    ahead_max: Option<Duration>,
    ledger: bool,
}

impl Counters {
    /// The counters of an org. Reservations are held for `lease`, unless extended. A time
    /// more than `ahead_max` before the clock of the store is not believed. With a `ledger`, what
    /// a lapsed one held of money stays held until the counters are compared with that.
    pub(crate) fn new(
        link: &Link,
        org: &str,
        lease: Duration,
        ahead_max: Option<Duration>,
        ledger: bool,
    ) -> Self {
        let key = |what: &str| Arc::from(format!("portico:{{{org}}}:{what}"));
        let keys = [key("counters"), key("due")];
        Self { link: link.clone(), keys, lease, ahead_max, ledger }
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    fn head(&self, at: At, version: u64) -> Pack {
        let moment = Moment::of(at);
        let mut pack = Pack(Vec::with_capacity(512));
        pack.i64(moment.now);
        pack.period(moment.day);
        pack.period(moment.month);
        pack.i64(moment.day_ends);
        pack.i64(moment.month_ends);
        pack.i64(self.ahead_max.map_or(-1, micros));
        pack.i64(micros(self.lease));
        pack.u64(version);
        pack.u8(self.ledger.into());
        pack
    }

    async fn ask<T>(
        &self,
        verb: Verb,
        pack: Pack,
        body: impl FnOnce(&mut Cut<'_>) -> Option<T>,
    ) -> Result<Said<T>, Away> {
        let answer = self.link.run(verb, &self.keys, &pack.0).await?;
        read(&answer, body).ok_or(Away::Unreadable)
    }

    /// What to ask for a reservation: made while the limits are at hand, asked later.
    pub(crate) fn reservation(
        &self,
        at: At,
        request: &str,
        subjects: &[Subject<'_>],
        ask: Ask,
        version: u64,
    ) -> Reservation {
        let mut pack = self.head(at, version);
        let hold = Amount::from(ask);
        pack.text(request);
        pack.count(ask.tokens);
        pack.u64(nanos(ask.money));
        pack.count(hold.tokens);
        pack.u64(hold.money);
        pack.many(subjects.len());
        for subject in subjects {
            pack.text(subject.name);
            pack.ceiling(subject.ceiling);
        }
        Reservation(pack)
    }

    /// Admits a call at every subject, or at none.
    pub(crate) async fn reserve(
        &self,
        asked: Reservation,
        subjects: &[Subject<'_>],
    ) -> Result<Said<Result<Admitted, Refused>>, Away> {
        self.ask(Verb::Reserve, asked.0, |cut| decision(cut, subjects)).await
    }

    /// Ends reservations; the answers are in the order of what was asked.
    pub(crate) async fn settle(
        &self,
        now: At,
        ended: &[(Known, Used)],
    ) -> Result<Said<Vec<Charged>>, Away> {
        let mut pack = self.head(now, UNKNOWN);
        pack.many(ended.len());
        for (known, used) in ended {
            let (used, made) = (Amount::from(*used), Moment::of(known.made));
            pack.text(&known.request);
            pack.count(used.tokens);
            pack.u64(used.money);
            pack.bytes(&known.life);
            pack.i64(made.now);
            pack.period(made.day);
            pack.period(made.month);
            listed(&mut pack, &known.names);
        }
        self.ask(Verb::Settle, pack, |cut| {
            let charged = |cut: &mut Cut<'_>| {
                Some(match cut.u8()? {
                    b'I' => Charged::Settled(Settled::InTime),
                    b'L' => Charged::Settled(Settled::Late),
                    b'C' => Charged::Anew,
                    b'N' => Charged::NotOpen,
                    _ => return None,
                })
            };
            several(cut, charged)
        })
        .await
    }

    /// Holds reservations for another lease from now, and says until when; nothing for one
    /// that is not open.
    pub(crate) async fn extend(
        &self,
        now: At,
        requests: &[Arc<str>],
    ) -> Result<Said<Vec<Option<At>>>, Away> {
        let mut pack = self.head(now, UNKNOWN);
        listed(&mut pack, requests);
        self.ask(Verb::Extend, pack, |cut| {
            several(cut, |cut| cut.i64().map(|due| (due >= 0).then(|| instant(due))))
        })
        .await
    }

    /// Takes up calls that are under way, unasked.
    pub(crate) async fn adopt(&self, now: At, calls: &[Known]) -> Result<Said<()>, Away> {
        let mut pack = self.head(now, UNKNOWN);
        pack.many(calls.len());
        for call in calls {
            let (hold, made) = (Amount::from(call.hold), Moment::of(call.made));
            pack.text(&call.request);
            pack.count(hold.tokens);
            pack.u64(hold.money);
            pack.bytes(&call.life);
            pack.period(made.day);
            pack.period(made.month);
            listed(&mut pack, &call.names);
        }
        self.ask(Verb::Adopt, pack, |cut| cut.u16().map(drop)).await
    }

    /// Begins a new life of the org, on what the ledger says; nothing if one has begun. For as
    /// long as it gathers, nobody is admitted who costs something under a limit in money. Lost
    /// where somebody else began to load it meanwhile.
    pub(crate) async fn begin(
        &self,
        at: At,
        life: Generation,
        gathers: Duration,
        spent: &[SpentOf<'_>],
    ) -> Result<Said<()>, Away> {
        let pieces = pieces(spent);
        let mut said = Said::Lost;
        for (place, piece) in pieces.iter().enumerate() {
            let part = u8::from(place == 0) + 2 * u8::from(place + 1 == pieces.len());
            said = self.take_over(at, life, Some(gathers), part, piece).await?;
            if !matches!(said, Said::Done(..)) {
                break;
            }
        }
        Ok(said)
    }

    /// Takes over what the ledger says in a life that has begun.
    pub(crate) async fn load(&self, at: At, spent: &[SpentOf<'_>]) -> Result<Said<()>, Away> {
        self.take_over(at, NO_LIFE, None, 3, spent).await
    }

    /// `part`: 1 for the first piece, 2 for the last, 3 for the only one.
    pub(super) async fn take_over(
        &self,
        at: At,
        life: Generation,
        first: Option<Duration>,
        part: u8,
        spent: &[SpentOf<'_>],
    ) -> Result<Said<()>, Away> {
        let mut pack = self.head(at, UNKNOWN);
        pack.bytes(&life);
        pack.u64((u64::from_le_bytes(life) & VERSION_MASK) + 1);
        pack.u8(u8::from(first.is_some()));
        pack.i64(micros(first.unwrap_or_default()));
        pack.u8(part);
        money(&mut pack, spent);
        self.ask(Verb::Load, pack, |_| Some(())).await
    }

    /// Compares some subjects with what the ledger says; exact if nothing is under way,
    /// nothing was since the reading's `seq` and nobody has begun to read since; else no less than it
    /// says is used from then on. `part`: 1 before it is read, 2 if all others were compared exactly.
    pub(crate) async fn correct(
        &self,
        at: At,
        reading: Reading,
        part: u8,
        spent: &[SpentOf<'_>],
    ) -> Result<Said<Corrected>, Away> {
        let mut pack = self.head(at, UNKNOWN);
        pack.u64(reading.seq.unwrap_or(u64::MAX));
        pack.bytes(&reading.token);
        pack.u8(part);
        money(&mut pack, spent);
        self.ask(Verb::Correct, pack, |cut| {
            let (exactly, fewer) = (cut.u8()? != 0, cut.u8()? != 0);
            Some(Corrected { exactly, fewer, wanted: several(cut, name)? })
        })
        .await
    }

    /// The counters of some subjects.
    pub(crate) async fn tallies(
        &self,
        now: At,
        subjects: &[impl AsRef<str>],
    ) -> Result<Said<Vec<Tally>>, Away> {
        let mut pack = self.head(now, UNKNOWN);
        listed(&mut pack, subjects);
        self.ask(Verb::Tally, pack, |cut| several(cut, tally)).await
    }

    /// Forgets what no longer matters of some hundred subjects, and says the names of what does;
    /// and from where to go on, nothing behind the last ones. A name may be said twice.
    pub(crate) async fn tidy(&self, now: At, from: &str) -> Result<Said<Counted>, Away> {
        let mut pack = self.head(now, UNKNOWN);
        pack.text(from);
        self.ask(Verb::Tidy, pack, |cut| {
            let next = Some(cut.text()?.to_owned()).filter(|next| next != FROM_START);
            Some(Counted { next, names: several(cut, name)? })
        })
        .await
    }

    /// Tells every node that the limits have changed.
    pub(crate) async fn renew(&self, now: At) -> Result<Said<()>, Away> {
        self.ask(Verb::Renew, self.head(now, UNKNOWN), |_| Some(())).await
    }
}

/// A reservation, asked for.
#[derive(Debug, Clone)]
pub(crate) struct Reservation(Pack);

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(NEVER)
}

/// One at least.
pub(super) fn pieces<T>(all: &[T]) -> Vec<&[T]> {
    if all.is_empty() { vec![all] } else { all.chunks(PIECE).collect() }
}

fn money(pack: &mut Pack, spent: &[SpentOf<'_>]) {
    pack.more(spent.len());
    for (name, day, month) in spent {
        pack.text(name);
        pack.u64(nanos(*day));
        pack.u64(nanos(*month));
    }
}

fn listed(pack: &mut Pack, names: &[impl AsRef<str>]) {
    pack.many(names.len());
    for name in names {
        pack.text(name.as_ref());
    }
}

fn several<T>(cut: &mut Cut<'_>, one: impl Fn(&mut Cut<'_>) -> Option<T>) -> Option<Vec<T>> {
    let many = cut.u16()?;
    (0..many).map(|_| one(cut)).collect()
}

fn name(cut: &mut Cut<'_>) -> Option<Arc<str>> {
    cut.text().map(Arc::from)
}

fn tally(cut: &mut Cut<'_>) -> Option<Tally> {
    Some(Tally {
        requests: cut.u64()?,
        tokens: cut.u64()?,
        concurrency: cut.u64()?,
        day_spent: cut.money()?,
        day_held: cut.money()?,
        month_spent: cut.money()?,
        month_held: cut.money()?,
    })
}
