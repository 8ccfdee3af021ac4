//! The counters of one org in the shared store, verb by verb: what [`crate::Book`] does in
//! memory.

use std::sync::Arc;
use std::time::Duration;

use base::money::NanoCents;
use base::time::At;

use super::answer::{Given, read};
use super::link::{Away, Link};
use super::pack::{Cut, Pack};
use super::script::Verb;
use crate::core::{
    Admitted, Amount, Ask, Ceiling, Dimension, Gauge, Moment, Refused, Retry, Settled, Standing,
    Subject, Tally, Used, instant, limit_money, nanos, span,
};

/// Which life of the store an answer is from: a new one each time that it has lost an org.
pub(crate) type Generation = [u8; 8];

/// No life: what was counted in a node while the store was away.
pub(crate) const NO_LIFE: Generation = [0; 8];
/// The version of limits that nobody ever has.
pub(crate) const UNKNOWN: u64 = 0;
/// The wait that the script tells for never.
const NEVER: i64 = 1 << 53;
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
            ceiling(&mut pack, subject.ceiling);
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
    /// long as it gathers, nobody is admitted who costs something under a limit in money.
    pub(crate) async fn begin(
        &self,
        at: At,
        life: Generation,
        gathers: Duration,
        spent: &[SpentOf<'_>],
    ) -> Result<Said<()>, Away> {
        self.take_over(at, life, Some(gathers), spent).await
    }

    /// Takes over what the ledger says in a life that has begun.
    pub(crate) async fn load(&self, at: At, spent: &[SpentOf<'_>]) -> Result<Said<()>, Away> {
        self.take_over(at, NO_LIFE, None, spent).await
    }

    async fn take_over(
        &self,
        at: At,
        life: Generation,
        first: Option<Duration>,
        spent: &[SpentOf<'_>],
    ) -> Result<Said<()>, Away> {
        let mut pack = self.head(at, UNKNOWN);
        pack.bytes(&life);
        pack.u64((u64::from_le_bytes(life) & VERSION_MASK) + 1);
        pack.u8(u8::from(first.is_some()));
        pack.i64(micros(first.unwrap_or_default()));
        money(&mut pack, spent);
        self.ask(Verb::Load, pack, |_| Some(())).await
    }

    /// Compares with what the ledger says; exact if nothing is under way and nothing was
    /// since `seq`, else no less than it says is used from then on.
    pub(crate) async fn correct(
        &self,
        at: At,
        seq: u64,
        spent: &[SpentOf<'_>],
    ) -> Result<Said<()>, Away> {
        let mut pack = self.head(at, UNKNOWN);
        pack.u64(seq);
        money(&mut pack, spent);
        self.ask(Verb::Correct, pack, |_| Some(())).await
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

    /// Forgets what no longer matters, and says the names of what does.
    pub(crate) async fn tidy(&self, now: At) -> Result<Said<Vec<Arc<str>>>, Away> {
        let pack = self.head(now, UNKNOWN);
        self.ask(Verb::Tidy, pack, |cut| {
            let many = cut.u32()?;
            (0..many).map(|_| cut.text().map(Arc::from)).collect()
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

/// Bits of the dimensions that are limited, and the limits.
fn ceiling(pack: &mut Pack, ceiling: &Ceiling) {
    let limits = Dimension::ALL.map(|dimension| ceiling.of(dimension));
    let bits = [1, 2, 4, 8, 16];
    let mask = limits.iter().zip(bits).filter(|(limit, _)| limit.is_some());
    pack.u8(mask.map(|(_, bit)| bit).sum());
    let [requests, tokens, slots, day, month] = limits.map(Option::unwrap_or_default);
    pack.count(requests);
    pack.count(tokens);
    pack.count(slots);
    pack.u64(day);
    pack.u64(month);
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

fn decision(cut: &mut Cut<'_>, subjects: &[Subject<'_>]) -> Option<Result<Admitted, Refused>> {
    let status = cut.u8()?;
    if status == b'R' {
        let subject = subjects.get(usize::from(cut.u16()?).checked_sub(1)?)?;
        let dimension = *Dimension::ALL.get(usize::from(cut.u8()?))?;
        let (remaining, wait) = (cut.u64()?, cut.i64()?);
        let retry = if wait >= NEVER { Retry::Never } else { Retry::After(span(wait)) };
        let standing = Box::new(standing(cut, subjects)?);
        let limit = subject.ceiling.of(dimension)?;
        let (level, subject) = (subject.level, subject.name.into());
        return Some(Err(Refused { level, subject, dimension, limit, remaining, retry, standing }));
    }
    let (reserved_at, expires_at) = (instant(cut.i64()?), instant(cut.i64()?));
    let standing = standing(cut, subjects)?;
    let (repeated, limits_money) = (status == b'P', limit_money(subjects));
    Some(Ok(Admitted { reserved_at, expires_at, repeated, standing, limits_money }))
}

fn standing(cut: &mut Cut<'_>, subjects: &[Subject<'_>]) -> Option<Standing> {
    let mut standing = Standing::default();
    let requests = |ceiling: &Ceiling| ceiling.requests_per_minute;
    gauge(&mut standing.requests, cut, subjects, requests)?;
    gauge(&mut standing.tokens, cut, subjects, |ceiling| ceiling.tokens_per_minute)?;
    Some(standing)
}

/// A rate: whose, what remains, and when some comes back; whose is 0 where there is none.
fn gauge(
    tightest: &mut Option<Gauge>,
    cut: &mut Cut<'_>,
    subjects: &[Subject<'_>],
    limit: impl Fn(&Ceiling) -> Option<u64>,
) -> Option<()> {
    let (place, remaining, reset) = (usize::from(cut.u16()?), cut.u64()?, span(cut.i64()?));
    if let Some(place) = place.checked_sub(1) {
        let subject = subjects.get(place)?;
        let limit = limit(subject.ceiling)?;
        *tightest = Some(Gauge { level: subject.level, limit, remaining, reset });
    }
    Some(())
}
