//! The counters against a naive model, over random histories.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::indexing_slicing, reason = "a test stops at the first surprise")]

mod counted;
mod model;

use std::time::Duration;

use base::money::NanoCents;
use base::tasks::Tasks;
use base::testing::Redis;
use counted::Counted;
use limits::{Ask, Book, Ceiling, Dimension, Level, NotOpen, Settled, Subject, Used};
use model::{Model, instant};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

const LEASE: Duration = Duration::from_secs(10);
const SUBJECTS: [(Level, &str); 6] = [
    (Level::Org, "org"),
    (Level::Team, "team:blue"),
    (Level::Team, "team:red"),
    (Level::Member, "member:ada"),
    (Level::Key, "key:ci"),
    (Level::Model, "model:small"),
];

/// What is done in one step of a history.
#[derive(Debug, Clone, Copy)]
enum Verb {
    Reserve { id: usize, of: [bool; 6], tokens: u64, money: i64 },
    Settle { id: usize, tokens: u64, money: i64 },
    Abort { id: usize },
    Extend { id: usize },
    Limit { subject: usize, ceiling: Ceiling },
    Load { subject: usize, day: i64, month: i64 },
    Tidy,
    Wait,
}

/// Few names, so that they meet again.
const IDS: [&str; 5] = ["a", "b", "c", "d", "e"];

fn verb() -> impl Strategy<Value = Verb> {
    let id = || 0..IDS.len();
    prop_oneof![
        8 => (id(), any::<[bool; 6]>(), 0..40_u64, 0..40_i64)
            .prop_map(|(id, of, tokens, money)| Verb::Reserve { id, of, tokens, money }),
        5 => (id(), 0..60_u64, 0..60_i64)
            .prop_map(|(id, tokens, money)| Verb::Settle { id, tokens, money }),
        1 => id().prop_map(|id| Verb::Abort { id }),
        2 => id().prop_map(|id| Verb::Extend { id }),
        1 => (0..6_usize, ceiling()).prop_map(|(subject, ceiling)| Verb::Limit { subject, ceiling }),
        1 => (0..6_usize, 0..60_i64, 0..90_i64)
            .prop_map(|(subject, day, more)| Verb::Load { subject, day, month: day + more }),
        1 => Just(Verb::Tidy),
        1 => Just(Verb::Wait),
    ]
}

fn ceiling() -> impl Strategy<Value = Ceiling> {
    let sometimes = |of| proptest::option::weighted(0.5, of);
    (sometimes(0..8_u64), sometimes(0..200), sometimes(0..4), sometimes(0..200), sometimes(0..400))
        .prop_map(|(requests, tokens, slots, day, month)| {
            let money = |nanos: u64| NanoCents(i64::try_from(nanos).unwrap());
            Ceiling {
                requests_per_minute: requests,
                tokens_per_minute: tokens,
                concurrency: slots,
                money_per_day: day.map(money),
                money_per_month: month.map(money),
            }
        })
}

/// Microseconds between two steps: mostly short, sometimes to the very edge of
/// a second, a lease, a minute, an hour or a day.
fn pause() -> impl Strategy<Value = i64> {
    const SECOND: i64 = 1_000_000;
    let edges = vec![1, SECOND, 10 * SECOND, 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND];
    prop_oneof![
        3 => Just(0),
        6 => 0..2 * SECOND,
        3 => 0..30 * SECOND,
        1 => (select(edges), -1..=1_i64).prop_map(|(edge, off)| edge + off),
    ]
}

/// When it starts, under which ceilings, and what is done after which pauses.
type History = (i64, [Ceiling; 6], Vec<(i64, Verb)>);

fn history() -> impl Strategy<Value = History> {
    let ceilings = [ceiling(), ceiling(), ceiling(), ceiling(), ceiling(), ceiling()];
    let start =
        select(vec!["2026-06-30T23:59:30Z", "2028-02-28T23:59:50Z", "2026-01-15T12:00:00Z"]);
    let start = start.prop_map(|at| at.parse::<base::time::At>().unwrap().as_microsecond());
    (start, ceilings, proptest::collection::vec((pause(), verb()), 1..30))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn five_thousand_histories_are_counted_as_a_plain_list_of_what_happened_counts_them(
        history in history()
    ) {
        in_memory(history)?;
    }

    // The other half of the ten thousand, on another core.
    #[test]
    fn five_thousand_more_histories_are_counted_as_a_plain_list_counts_them(history in history()) {
        in_memory(history)?;
    }
}

/// What one history costs in the store is a few dozen round trips: fewer of them, but as long.
const SHARED_HISTORIES: u32 = 400;

#[test]
fn four_hundred_histories_are_counted_by_the_store_as_a_plain_list_counts_them() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(redis) = runtime.block_on(Redis::start()) else { return };
    let tasks = Tasks::new();
    let link = runtime.block_on(async { counted::link(&redis, None, &tasks) });
    let config = Config { cases: SHARED_HISTORIES, failure_persistence: None, ..Config::default() };
    let number = std::cell::Cell::new(0);
    let lived = TestRunner::new(config).run(&history(), |(start, ceilings, steps)| {
        number.set(number.get() + 1);
        let org = format!("history-{}", number.get());
        runtime.block_on(async {
            let book = Counted::shared(&link, &org, LEASE, instant(start)).await;
            live(book, start, &ceilings, steps).await
        })
    });
    if let Err(error) = lived {
        panic!("{error}");
    }
}

fn in_memory((start, ceilings, steps): History) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(live(Counted::in_memory(LEASE), start, &ceilings, steps))
}

async fn live(
    book: Counted,
    start: i64,
    ceilings: &[Ceiling; 6],
    steps: Vec<(i64, Verb)>,
) -> Result<(), TestCaseError> {
    let mut both = Both { book, model: Model::new(LEASE), ceilings: *ceilings, now: start };
    for (pause, verb) in steps {
        both.now += pause;
        both.step(verb).await?;
    }
    Ok(())
}

/// The counters and the model, which must say the same.
struct Both {
    book: Counted,
    model: Model,
    ceilings: [Ceiling; 6],
    now: i64,
}

impl Both {
    async fn step(&mut self, verb: Verb) -> Result<(), TestCaseError> {
        let (now, at) = (self.now, instant(self.now));
        prop_assert_eq!(self.book.expired(at).await, self.model.expired(now));
        match verb {
            Verb::Reserve { id, of, tokens, money } => {
                self.reserve(IDS[id], of, Ask { tokens, money: NanoCents(money) }).await?;
            }
            Verb::Settle { id, tokens, money } => {
                self.settle(IDS[id], Used { tokens, money: NanoCents(money) }).await?;
            }
            Verb::Abort { id } => {
                let answer = self.book.abort(at, IDS[id]).await;
                prop_assert_eq!(answer.is_ok(), self.model.may_settle(now, IDS[id]).is_some());
                if answer.is_ok() {
                    self.model.settled(IDS[id], Used::default());
                }
            }
            Verb::Extend { id } => {
                let open = self.model.open_until(now, IDS[id]);
                let until = open.map(|_| instant(self.model.extended(now, IDS[id])));
                prop_assert_eq!(self.book.extend(at, IDS[id]).await, until.ok_or(NotOpen));
            }
            Verb::Limit { subject, ceiling } => self.ceilings[subject] = ceiling,
            Verb::Load { subject, day, month } => {
                let name = SUBJECTS[subject].1;
                self.book.load(at, name, NanoCents(day), NanoCents(month)).await;
                self.model.loaded(now, name, day, month);
            }
            Verb::Tidy => self.book.tidy(at).await,
            Verb::Wait => {}
        }
        for (_, name) in SUBJECTS {
            prop_assert_eq!(
                self.book.tally(at, name).await,
                self.model.tally(now, name),
                "{}",
                name
            );
        }
        Ok(())
    }

    async fn reserve(
        &mut self,
        id: &'static str,
        of: [bool; 6],
        ask: Ask,
    ) -> Result<(), TestCaseError> {
        let (now, at, ceilings) = (self.now, instant(self.now), self.ceilings);
        let subjects: Vec<Subject<'_>> = (0..6)
            .filter(|place| of[*place])
            .map(|place| {
                let (level, name) = SUBJECTS[place];
                Subject { level, name, ceiling: &ceilings[place] }
            })
            .collect();
        let before = self.remembered();
        let answer = self.book.reserve(at, id, &subjects, ask).await;
        if let Some(due) = self.model.open_until(now, id) {
            let admitted = answer.unwrap();
            prop_assert!(admitted.repeated);
            prop_assert_eq!(admitted.expires_at, instant(due));
            prop_assert_eq!(admitted.standing, self.model.standing(now, &subjects));
            prop_assert_eq!(self.remembered(), before, "a repeated call takes nothing");
            return Ok(());
        }
        let expected = self.model.refusal(now, &subjects, ask);
        match answer {
            Ok(admitted) => {
                prop_assert_eq!(expected, None);
                let counted = (0..6).filter(|place| of[*place]);
                let names = counted.map(|place| SUBJECTS[place].1).collect();
                let due = self.model.reserved(now, id, names, ask);
                prop_assert!(!admitted.repeated);
                prop_assert_eq!(admitted.expires_at, instant(due));
                prop_assert_eq!(admitted.standing, self.model.standing(now, &subjects));
                self.within_every_ceiling(&subjects, ask).await?;
            }
            Err(refused) => {
                let (subject, dimension, remaining, retry) = expected.unwrap();
                let place = subjects.iter().find(|known| known.name == subject).unwrap();
                prop_assert_eq!(&*refused.subject, subject.as_str());
                prop_assert_eq!(refused.level, place.level);
                prop_assert_eq!(refused.dimension, dimension);
                prop_assert_eq!(Some(refused.limit), place.ceiling.of(dimension));
                prop_assert_eq!(refused.remaining, remaining);
                prop_assert_eq!(refused.retry, retry);
                prop_assert_eq!(*refused.standing, self.model.standing(now, &subjects));
                prop_assert_eq!(self.remembered(), before, "a refusal changes nothing");
            }
        }
        Ok(())
    }

    /// Every counter in memory, to be compared; what the store holds is seen by its tallies.
    fn remembered(&self) -> Option<Book> {
        match &self.book {
            Counted::Memory(book) => Some((**book).clone()),
            Counted::Shared(_) => None,
        }
    }

    /// Without the model: an admission that asks for something stays within what is allowed.
    async fn within_every_ceiling(
        &mut self,
        subjects: &[Subject<'_>],
        ask: Ask,
    ) -> Result<(), TestCaseError> {
        for subject in subjects.iter().filter(|subject| !subject.ceiling.is_open()) {
            let tally = self.book.tally(instant(self.now), subject.name).await;
            let nanos = |money: NanoCents| u64::try_from(money.0).unwrap();
            let within = |dimension, used: u64| {
                subject.ceiling.of(dimension).is_none_or(|limit| used <= limit)
            };
            prop_assert!(within(Dimension::RequestsPerMinute, tally.requests));
            prop_assert!(within(Dimension::Concurrency, tally.concurrency));
            if ask.tokens > 0 {
                prop_assert!(within(Dimension::TokensPerMinute, tally.tokens));
            }
            if ask.money.0 > 0 {
                let day = nanos(tally.day_spent.plus(tally.day_held));
                let month = nanos(tally.month_spent.plus(tally.month_held));
                prop_assert!(within(Dimension::MoneyPerDay, day));
                prop_assert!(within(Dimension::MoneyPerMonth, month));
            }
        }
        Ok(())
    }

    async fn settle(&mut self, id: &'static str, used: Used) -> Result<(), TestCaseError> {
        let expected = match self.model.may_settle(self.now, id) {
            Some(true) => Ok(Settled::InTime),
            Some(false) => Ok(Settled::Late),
            None => Err(NotOpen),
        };
        prop_assert_eq!(self.book.settle(instant(self.now), id, used).await, expected);
        if expected.is_ok() {
            self.model.settled(id, used);
            let again = self.book.settle(instant(self.now), id, used).await;
            prop_assert_eq!(again, Err(NotOpen), "settling twice charges once");
        }
        Ok(())
    }
}
