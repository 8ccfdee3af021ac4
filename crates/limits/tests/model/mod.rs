//! The naive model: a plain list of everything that happened. Every question is
//! answered from scratch, without a counter. Slow, and obviously right.

use std::time::Duration;

use base::money::NanoCents;
use base::time::At;
use jiff::tz::TimeZone;
use limits::{Ask, Ceiling, Dimension, Expired, Gauge, Retry, Standing, Subject, Tally, Used};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

type Name = &'static str;

/// One thing that happened, at a microsecond.
#[derive(Debug, Clone)]
enum Happened {
    Reserved { at: i64, id: Name, names: Vec<Name>, ask: Ask },
    Extended { at: i64, id: Name },
    Settled { id: Name, used: Used },
    Loaded { at: i64, name: Name, day: i64, month: i64 },
}

/// A call, as the list tells it.
#[derive(Debug, Clone)]
struct Call<'a> {
    at: i64,
    id: Name,
    names: &'a [Name],
    ask: Ask,
    due: i64,
    /// What was used, and the place in the list at which that was said.
    settled: Option<(usize, Used)>,
}

#[derive(Debug)]
pub(crate) struct Model {
    lease: i64,
    list: Vec<Happened>,
    told: i64,
}

impl Model {
    pub(crate) fn new(lease: Duration) -> Self {
        Self { lease: i64::try_from(lease.as_micros()).unwrap(), list: Vec::new(), told: i64::MIN }
    }

    fn calls(&self) -> Vec<Call<'_>> {
        let mut calls: Vec<Call<'_>> = Vec::new();
        for (place, happened) in self.list.iter().enumerate() {
            let known = |id: Name| calls.iter().rposition(|call| call.id == id).unwrap();
            match happened {
                Happened::Reserved { at, id, names, ask } => calls.push(Call {
                    at: *at,
                    id,
                    names,
                    ask: *ask,
                    due: at + self.lease,
                    settled: None,
                }),
                Happened::Extended { at, id } => {
                    let call = known(id);
                    calls[call].due = at + self.lease;
                }
                Happened::Settled { id, used } => {
                    let call = known(id);
                    calls[call].settled = Some((place, *used));
                }
                Happened::Loaded { .. } => {}
            }
        }
        calls
    }

    fn calls_of(&self, name: &str) -> Vec<Call<'_>> {
        let mut calls = self.calls();
        calls.retain(|call| call.names.contains(&name));
        calls
    }

    /// The call that this id stands for now.
    fn latest(&self, id: Name) -> Option<Call<'_>> {
        self.calls().into_iter().rfind(|call| call.id == id)
    }

    pub(crate) fn open_until(&self, now: i64, id: Name) -> Option<i64> {
        let call = self.latest(id)?;
        (call.settled.is_none() && call.due > now).then_some(call.due)
    }

    /// `Some(true)`: in time; `Some(false)`: late, within the hour after the lease.
    pub(crate) fn may_settle(&self, now: i64, id: Name) -> Option<bool> {
        let call = self.latest(id)?;
        (call.settled.is_none() && call.due + HOUR > now).then_some(call.due > now)
    }

    pub(crate) fn reserved(&mut self, at: i64, id: Name, names: Vec<Name>, ask: Ask) -> i64 {
        self.list.push(Happened::Reserved { at, id, names, ask });
        at + self.lease
    }

    pub(crate) fn extended(&mut self, at: i64, id: Name) -> i64 {
        self.list.push(Happened::Extended { at, id });
        at + self.lease
    }

    pub(crate) fn settled(&mut self, id: Name, used: Used) {
        self.list.push(Happened::Settled { id, used });
    }

    pub(crate) fn loaded(&mut self, at: i64, name: Name, day: i64, month: i64) {
        self.list.push(Happened::Loaded { at, name, day, month });
    }

    /// The leases that have ended since this was last asked.
    pub(crate) fn expired(&mut self, now: i64) -> Vec<Expired> {
        let since = std::mem::replace(&mut self.told, now);
        let mut ended = self.calls();
        ended.retain(|call| call.settled.is_none() && call.due > since && call.due <= now);
        ended.sort_by_key(|call| (call.due, call.id));
        ended
            .into_iter()
            .map(|call| Expired {
                request: call.id.into(),
                reserved_at: instant(call.at),
                expired_at: instant(call.due),
                tokens: call.ask.tokens,
                money: call.ask.money,
            })
            .collect()
    }

    /// When each amount leaves the window: all of one second of the clock leave
    /// together, 60 s after the last of them.
    fn leaving(&self, name: &str, amount: impl Fn(&Call<'_>) -> u64) -> Vec<(i64, u64)> {
        let calls = self.calls_of(name);
        let second = |call: &Call<'_>| call.at.div_euclid(SECOND);
        let last = |of: &Call<'_>| {
            let same = calls.iter().filter(|call| second(call) == second(of));
            same.map(|call| call.at).max().unwrap()
        };
        calls.iter().map(|call| (last(call) + MINUTE, amount(call))).collect()
    }

    fn requests(&self, name: &str) -> Vec<(i64, u64)> {
        self.leaving(name, |_| 1)
    }

    fn tokens(&self, name: &str) -> Vec<(i64, u64)> {
        self.leaving(name, |call| call.settled.map_or(call.ask.tokens, |(_, used)| used.tokens))
    }

    fn slots(&self, now: i64, name: &str) -> u64 {
        let open = |call: &&Call<'_>| call.settled.is_none() && call.due > now;
        u64::try_from(self.calls_of(name).iter().filter(open).count()).unwrap()
    }

    /// What was spent and what is held in the period that `now` shares.
    fn money(&self, now: i64, name: &str, period: fn(i64) -> String) -> (i64, i64) {
        let loaded =
            self.list.iter().enumerate().rev().find_map(|(place, happened)| match happened {
                Happened::Loaded { at, name: of, day, month }
                    if *of == name && period(*at) == period(now) =>
                {
                    let monthly = period(now).len() < 10;
                    Some((place, if monthly { *month } else { *day }))
                }
                _ => None,
            });
        let (since, start) = loaded.map_or((0, 0), |(place, spent)| (place, spent));
        let mut calls = self.calls_of(name);
        calls.retain(|call| period(call.at) == period(now));
        let spent = calls.iter().filter_map(|call| call.settled);
        let spent: i64 =
            spent.filter(|(place, _)| *place >= since).map(|(_, used)| used.money.0).sum();
        let open = calls.iter().filter(|call| call.settled.is_none() && call.due > now);
        (start + spent, open.map(|call| call.ask.money.0).sum())
    }

    pub(crate) fn tally(&self, now: i64, name: &str) -> Tally {
        let (day_spent, day_held) = self.money(now, name, day);
        let (month_spent, month_held) = self.money(now, name, month);
        Tally {
            requests: live(&self.requests(name), now),
            tokens: live(&self.tokens(name), now),
            concurrency: self.slots(now, name),
            day_spent: NanoCents(day_spent),
            day_held: NanoCents(day_held),
            month_spent: NanoCents(month_spent),
            month_held: NanoCents(month_held),
        }
    }

    /// The tightest limit in the way: its subject, dimension, what remains, and the wait.
    pub(crate) fn refusal(
        &self,
        now: i64,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> Option<(String, Dimension, u64, Retry)> {
        let mut tightest: Option<(String, Dimension, u64, Retry)> = None;
        for subject in subjects {
            for (dimension, remaining, retry) in self.in_the_way(now, subject, ask) {
                if tightest.as_ref().is_none_or(|known| retry > known.3) {
                    tightest = Some((subject.name.to_owned(), dimension, remaining, retry));
                }
            }
        }
        tightest
    }

    fn in_the_way(
        &self,
        now: i64,
        subject: &Subject<'_>,
        ask: Ask,
    ) -> Vec<(Dimension, u64, Retry)> {
        let Tally { requests, tokens, concurrency, day_spent, day_held, month_spent, month_held } =
            self.tally(now, subject.name);
        let nanos = |money: NanoCents| u64::try_from(money.0).unwrap();
        let soon = Duration::from_secs(1);
        let Ceiling {
            requests_per_minute,
            tokens_per_minute,
            concurrency: slots,
            money_per_day,
            money_per_month,
        } = *subject.ceiling;
        let money = nanos(ask.money);
        // Dimension, limit, used, asked, and the wait until no more than so much is used.
        let budget = |limit: u64, spent: NanoCents, ends: fn(i64) -> i64| {
            if nanos(spent) + money <= limit { soon } else { span(ends(now) - now) }
        };
        let rate = |leaving: Vec<(i64, u64)>, asked: u64, limit: u64| {
            let fits = |at: &i64| live(&leaving, *at) + asked <= limit;
            let at = leaving.iter().map(|(at, _)| *at).filter(fits).min();
            span(at.unwrap_or(now) - now)
        };
        let mut found = Vec::new();
        let mut check = |dimension,
                         limit: Option<u64>,
                         used: u64,
                         asked: u64,
                         wait: &dyn Fn(u64) -> Duration| {
            let Some(limit) = limit else { return };
            if asked > 0 && used + asked > limit {
                let never = asked > limit;
                let retry = if never { Retry::Never } else { Retry::After(wait(limit)) };
                found.push((dimension, limit.saturating_sub(used), retry));
            }
        };
        check(Dimension::RequestsPerMinute, requests_per_minute, requests, 1, &|limit| {
            rate(self.requests(subject.name), 1, limit)
        });
        check(Dimension::TokensPerMinute, tokens_per_minute, tokens, ask.tokens, &|limit| {
            rate(self.tokens(subject.name), ask.tokens, limit)
        });
        check(Dimension::Concurrency, slots, concurrency, 1, &|_| soon);
        let used = nanos(day_spent.plus(day_held));
        check(Dimension::MoneyPerDay, money_per_day.map(nanos), used, money, &|limit| {
            budget(limit, day_spent, day_ends)
        });
        let used = nanos(month_spent.plus(month_held));
        check(Dimension::MoneyPerMonth, money_per_month.map(nanos), used, money, &|limit| {
            budget(limit, month_spent, month_ends)
        });
        found
    }

    pub(crate) fn standing(&self, now: i64, subjects: &[Subject<'_>]) -> Standing {
        let tightest = |limit: fn(&Ceiling) -> Option<u64>,
                        leaving: fn(&Self, &str) -> Vec<(i64, u64)>| {
            let gauges = subjects.iter().filter_map(|subject| {
                let limit = limit(subject.ceiling)?;
                let leaving = leaving(self, subject.name);
                let back = leaving.iter().filter(|(at, amount)| *at > now && *amount > 0);
                Some(Gauge {
                    level: subject.level,
                    limit,
                    remaining: limit.saturating_sub(live(&leaving, now)),
                    reset: span(back.map(|(at, _)| *at).min().unwrap_or(now) - now),
                })
            });
            gauges.min_by_key(|gauge| gauge.remaining)
        };
        Standing {
            requests: tightest(|ceiling| ceiling.requests_per_minute, Self::requests),
            tokens: tightest(|ceiling| ceiling.tokens_per_minute, Self::tokens),
        }
    }
}

/// What counts at an instant, of amounts that leave.
fn live(leaving: &[(i64, u64)], now: i64) -> u64 {
    leaving.iter().filter(|(at, _)| *at > now).map(|(_, amount)| amount).sum()
}

pub(crate) fn instant(micros: i64) -> At {
    At::from_microsecond(micros).unwrap()
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap())
}

fn date(micros: i64) -> jiff::civil::Date {
    TimeZone::UTC.to_datetime(instant(micros)).date()
}

fn day(micros: i64) -> String {
    date(micros).strftime("%Y-%m-%d").to_string()
}

fn month(micros: i64) -> String {
    date(micros).strftime("%Y-%m").to_string()
}

fn begins(date: jiff::civil::Date) -> i64 {
    date.to_zoned(TimeZone::UTC).unwrap().timestamp().as_microsecond()
}

fn day_ends(micros: i64) -> i64 {
    begins(date(micros).tomorrow().unwrap())
}

fn month_ends(micros: i64) -> i64 {
    begins(date(micros).last_of_month().tomorrow().unwrap())
}
