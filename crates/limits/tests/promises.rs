//! What a customer is promised, one sentence each.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base::money::NanoCents;
use base::time::At;
use jiff::SignedDuration;
use limits::{Ask, Book, Ceiling, Dimension, Level, Retry, Settled, Subject, Used, policies};
use proptest::prelude::*;

fn noon() -> At {
    "2026-11-30T12:00:00.7Z".parse().unwrap()
}

fn after(micros: i64) -> At {
    noon() + SignedDuration::from_micros(micros)
}

fn book() -> Book {
    Book::new(Duration::from_secs(10))
}

fn org(ceiling: &Ceiling) -> Subject<'_> {
    Subject { level: Level::Org, name: "org", ceiling }
}

#[test]
fn eight_clients_at_once_get_exactly_twenty_of_twenty_requests_per_minute() {
    let book = Arc::new(Mutex::new(book()));
    let admitted: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let book = Arc::clone(&book);
                scope.spawn(move || {
                    let ceiling = Ceiling { requests_per_minute: Some(20), ..Ceiling::default() };
                    let ask = |call: i64| {
                        let request = format!("{client}-{call}");
                        let mut book = book.lock().unwrap();
                        let at = after(call * 100_000);
                        let answer = book.reserve(at, &request, &[org(&ceiling)], Ask::default());
                        answer.is_ok()
                    };
                    (0..500).filter(|call| ask(*call)).count()
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert_eq!(admitted, 20);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn no_sixty_seconds_ever_hold_more_than_the_limit(
        limit in 1..30_usize,
        pauses in proptest::collection::vec(0..4_000_000_i64, 200),
    ) {
        let ceiling = Ceiling {
            requests_per_minute: Some(u64::try_from(limit).unwrap()),
            ..Ceiling::default()
        };
        let (mut book, mut at, mut admitted) = (book(), 0, Vec::new());
        for (call, pause) in pauses.into_iter().enumerate() {
            at += pause;
            let answer = book.reserve(after(at), &call.to_string(), &[org(&ceiling)], Ask::default());
            let before = |seconds: i64| {
                admitted.iter().filter(|other| at - **other < seconds * 1_000_000).count()
            };
            match answer {
                Ok(_) => {
                    prop_assert!(before(60) < limit, "never too many");
                    admitted.push(at);
                }
                // Amounts leave by the second, so at most one second too late.
                Err(_) => prop_assert!(before(61) >= limit, "never without need"),
            }
        }
    }

    #[test]
    fn whoever_waits_as_told_is_admitted(
        limit in 1..200_u64,
        calls in proptest::collection::vec((0..3_000_000_i64, 1..50_u64, 0..80_u64), 1..60),
    ) {
        let ceiling = Ceiling {
            requests_per_minute: Some(20),
            tokens_per_minute: Some(limit),
            ..Ceiling::default()
        };
        let (mut book, mut at) = (book(), 0);
        for (call, (pause, tokens, used)) in calls.into_iter().enumerate() {
            at += pause;
            let (call, ask) = (call.to_string(), Ask { tokens, ..Ask::default() });
            if let Err(refused) = book.reserve(after(at), &call, &[org(&ceiling)], ask) {
                let Retry::After(wait) = refused.retry else {
                    prop_assert!(tokens > limit, "never means never");
                    continue;
                };
                let wait = i64::try_from(wait.as_micros()).unwrap();
                prop_assert!((1..=60_000_000).contains(&wait));
                let early = after(at + wait - 1);
                prop_assert!(book.reserve(early, &call, &[org(&ceiling)], ask).is_err());
                at += wait;
                prop_assert!(book.reserve(after(at), &call, &[org(&ceiling)], ask).is_ok());
            }
            let used = Used { tokens: used, ..Used::default() };
            prop_assert_eq!(book.settle(after(at), &call, used), Ok(Settled::InTime));
        }
    }
}

#[test]
fn a_refusal_names_the_level_that_takes_longest_to_lift() {
    let wide = Ceiling { requests_per_minute: Some(1), ..Ceiling::default() };
    let strict = Ceiling { money_per_day: Some(NanoCents(5)), ..Ceiling::default() };
    let subjects =
        [org(&wide), Subject { level: Level::Team, name: "team:blue", ceiling: &strict }];
    let (mut book, ask) = (book(), Ask { tokens: 0, money: NanoCents(5) });
    assert!(book.reserve(noon(), "a", &subjects, ask).is_ok());
    let used = Used { tokens: 0, money: NanoCents(5) };
    assert_eq!(book.settle(noon(), "a", used), Ok(Settled::InTime));
    let refused = book.reserve(noon(), "b", &subjects, ask).unwrap_err();
    assert_eq!((refused.level, &*refused.subject), (Level::Team, "team:blue"));
    assert_eq!(refused.dimension, Dimension::MoneyPerDay);
    assert_eq!(refused.to_string(), "`team:blue` is at its limit of 0.00000000005 per day");
    let midnight = Duration::from_hours(12) - Duration::from_millis(700);
    assert_eq!(refused.retry, Retry::After(midnight));
}

#[test]
fn a_call_larger_than_the_limit_itself_is_told_that_waiting_is_useless() {
    let ceiling = Ceiling { tokens_per_minute: Some(100), ..Ceiling::default() };
    let ask = Ask { tokens: 101, ..Ask::default() };
    let refused = book().reserve(noon(), "a", &[org(&ceiling)], ask).unwrap_err();
    assert_eq!(refused.retry, Retry::Never);
    assert_eq!(
        refused.to_string(),
        "one call asks for more than `org` may use: 100 tokens per minute"
    );
}

#[test]
fn absurd_amounts_do_not_overflow() {
    let ceiling = Ceiling { requests_per_minute: Some(9), ..Ceiling::default() };
    let (mut book, most) = (book(), Ask { tokens: u64::MAX, money: NanoCents(i64::MAX) });
    for call in ["a", "b", "c"] {
        assert!(book.reserve(noon(), call, &[org(&ceiling)], most).is_ok());
    }
    for call in ["a", "b"] {
        let used = Used { tokens: 7, money: NanoCents(-7) };
        assert_eq!(book.settle(noon(), call, used), Ok(Settled::InTime));
    }
    assert_eq!(book.abort(noon(), "c"), Ok(Settled::InTime));
    let tally = book.tally(noon(), "org");
    assert_eq!((tally.tokens, tally.day_held, tally.day_spent.0), (14, NanoCents::ZERO, 0));
}

#[test]
fn nothing_is_remembered_of_what_no_longer_matters() {
    let ceiling = Ceiling { requests_per_minute: Some(1_000), ..Ceiling::default() };
    let (mut book, mut unused) = (book(), book());
    for member in 0..1_000 {
        let name = format!("member:{member}");
        let subject = Subject { level: Level::Member, name: &name, ceiling: &ceiling };
        assert!(book.reserve(noon(), &name, &[subject], Ask::default()).is_ok());
        assert!(book.abort(noon(), &name).is_ok());
    }
    assert_ne!(book, unused);
    book.tidy(after(60_000_000));
    unused.advance(after(60_000_000));
    assert_eq!(book, unused);
}

#[test]
fn a_first_ceiling_counts_what_was_used_before_it_and_what_is_under_way() {
    let (mut book, open) = (book(), Ceiling::default());
    let ask = Ask { tokens: 5, money: NanoCents(5) };
    assert!(book.reserve(noon(), "a", &[org(&open)], ask).is_ok());
    let used = Used { tokens: 3, money: NanoCents(3) };
    assert_eq!(book.settle(noon(), "a", used), Ok(Settled::InTime));
    assert!(book.reserve(noon(), "b", &[org(&open)], ask).is_ok());
    let first = Ceiling { money_per_day: Some(NanoCents(12)), ..Ceiling::default() };
    let refused = book.reserve(noon(), "c", &[org(&first)], ask).unwrap_err();
    assert_eq!((refused.limit, refused.remaining), (12, 4));
}

#[test]
fn a_caller_can_be_told_every_limit_it_is_under() {
    let ceiling = Ceiling {
        requests_per_minute: Some(20),
        money_per_day: Some(NanoCents(5)),
        ..Ceiling::default()
    };
    let told: Vec<_> =
        policies(&[org(&ceiling)]).map(|policy| (policy.dimension, policy.limit)).collect();
    assert_eq!(told, [(Dimension::RequestsPerMinute, 20), (Dimension::MoneyPerDay, 5)]);
}
