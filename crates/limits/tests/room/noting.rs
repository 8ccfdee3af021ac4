//! What a node noted of spending, and a start that knows of no ledger.

use std::path::PathBuf;

use access::{Caller, Role};
use axum::http::StatusCode;
use base::money::NanoCents;
use base::problem::Problem;
use base::time::day;
use jiff::SignedDuration;
use limits::{Ask, Ceiling, Error, Hold, Level, Refused, Used};
use tempfile::TempDir;

use crate::bench::{Room, ask, money, per_month};
use crate::cell::until;

/// Where notes lie.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join("spending/n1")
    }

    fn notes(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.folder()) else { return Vec::new() };
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.extension().is_some_and(|of| of == "spending")).collect()
    }

    /// A start with the ledger, after which the org is noted.
    async fn with_ledger(&self, room: &mut Room, caller: &Caller) {
        room.begin_anew(&self.folder(), true);
        room.limits.note(&caller.itself()).await.expect("noted");
    }

    /// A start without.
    fn apart(&self, room: &mut Room) {
        room.apart(1);
        room.keep_notes(&self.folder(), true);
    }
}

async fn refused(room: &Room, caller: &Caller, price: &str) -> Refused {
    match room.reserve(caller, ask(1, price)).await {
        Err(Error::Refused(refused)) => *refused,
        other => unreachable!("is refused by a limit, not {other:?}"),
    }
}

#[tokio::test]
async fn a_node_without_its_ledger_counts_on_from_what_it_noted_and_passes_no_budget() {
    for mut room in Room::on_each_engine().await {
        let (disk, org) = (Disk::new(), room.operator());
        room.set(&org, Level::Org, "org", per_month("10.00")).await;
        disk.with_ledger(&mut room, &org).await;
        for _ in 0..40 {
            room.call(&org, "0.10").await.expect("within the budget");
        }
        // Cut off in the middle of a call, of which nobody knows what it used.
        let hold = room.reserve(&org, ask(1, "1.00")).await.expect("within the budget");
        std::mem::forget(hold);

        let mut spent = 0;
        for life in 0..3 {
            disk.apart(&mut room);
            for _ in 0..10 {
                if room.call(&org, "0.10").await.is_ok() {
                    spent += 1;
                }
            }
            assert_eq!(spent, (life + 1) * 10, "a restart costs a part of what is left");
        }
        disk.apart(&mut room);
        while room.call(&org, "0.10").await.is_ok() {
            spent += 1;
        }
        let problem = room.refused(&org, ask(1, "0.10")).await;
        assert_eq!(problem.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(problem.code(), "insufficient_quota");
        assert!((35..=50).contains(&spent), "{spent}: 4.00 were spent, and 1.00 may have been");
        let remaining = refused(&room, &org, "0.10").await.remaining;
        assert!(remaining < money("0.10").0.unsigned_abs(), "{remaining}");

        // With the ledger all is exact, and what was noted is forgotten.
        let left = 60 - spent;
        room.begin_anew(&disk.folder(), true);
        assert!(disk.notes().is_empty());
        for _ in 0..left {
            room.call(&org, "0.10").await.expect("what is left");
        }
        assert_eq!(refused(&room, &org, "0.10").await.remaining, 0);
    }
}

/// Small numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }

    fn small(&mut self, below: usize) -> usize {
        usize::try_from(self.below(u64::try_from(below).expect("small"))).expect("small")
    }
}

/// What a start without the ledger takes for spent of a limit, if no other one is in the way.
async fn said(room: &Room, caller: &Caller, level: Level, limit: i64) -> i64 {
    match room.reserve(caller, Ask { tokens: 1, money: NanoCents(limit) }).await {
        Ok(_) => 0,
        Err(Error::Refused(refused)) if refused.level == level => {
            limit - i64::try_from(refused.remaining).expect("small")
        }
        Err(Error::Refused(_)) => limit,
        Err(other) => unreachable!("{other}"),
    }
}

#[tokio::test]
async fn whenever_a_node_is_killed_its_note_says_no_less_than_what_was_spent() {
    const LIMIT: i64 = 100_000;
    const DAILY: i64 = LIMIT / 3;
    let Some(mut room) = Room::on_each_engine().await.into_iter().next() else { return };
    let (disk, dice) = (Disk::new(), &mut Dice(7));
    let org = room.operator();
    let people = [(); 2].map(|()| room.member(&org.org, Role::Member));
    let monthly = Ceiling { money_per_month: Some(NanoCents(LIMIT)), ..Ceiling::default() };
    room.set(&org, Level::Org, "org", monthly).await;
    let daily = Ceiling { money_per_day: Some(NanoCents(DAILY)), ..Ceiling::default() };
    room.set(&org, Level::Member, "*", daily).await;
    let mut known = 0;
    for history in 0..60 {
        // Nothing is in the ledger, so that each history begins with nothing.
        disk.with_ledger(&mut room, &org).await;
        let (mut spent, mut today, mut open) = (0, [0, 0], Vec::new());
        for _ in 0..dice.below(100) {
            let (who, price) =
                (dice.small(2), i64::try_from(1 + dice.below(3_000)).expect("small"));
            let used = |money| Used { tokens: 1, money: NanoCents(money) };
            match dice.below(12) {
                0 if history % 2 == 0 => {
                    open.clear();
                    let before = day(room.now());
                    room.clock.advance(SignedDuration::from_hours(7));
                    let after = day(room.now());
                    if before != after {
                        today = [0, 0];
                    }
                    if before[..7] != after[..7] {
                        spent = 0;
                    }
                }
                1 => drop(room.limits.note(&org.itself()).await.expect("noted")),
                2 if !open.is_empty() => {
                    // More than it held, now and then: the provider said so.
                    let (who, hold): (usize, Hold) = open.swap_remove(dice.small(open.len()));
                    hold.settle(used(price));
                    spent += price;
                    today[who] += price;
                }
                _ => {
                    let asked = Ask { tokens: 1, money: NanoCents(price) };
                    let Ok(hold) = room.reserve(&people[who], asked).await else { continue };
                    if dice.below(6) == 0 {
                        open.push((who, hold));
                        continue;
                    }
                    hold.settle(used(price / 2));
                    spent += price / 2;
                    today[who] += price / 2;
                }
            }
        }
        // It dies with calls under way.
        open.into_iter().for_each(std::mem::forget);
        disk.apart(&mut room);
        let of_org = said(&room, &org, Level::Org, LIMIT).await;
        assert!(of_org >= spent.min(LIMIT), "{history}: {of_org} of {spent}");
        for (who, today) in people.iter().zip(today) {
            let of_one = said(&room, who, Level::Member, DAILY).await;
            assert!(of_one >= today.min(DAILY), "{history}: {of_one} of {today} today");
        }
        known += i64::from(of_org < LIMIT) * spent;
    }
    assert!(known > LIMIT, "some was left, and some was spent: {known}");
}

#[tokio::test]
async fn what_was_noted_under_other_limits_by_another_node_or_not_at_all_lets_no_money_go() {
    for mut room in Room::on_each_engine().await {
        let (disk, org) = (Disk::new(), room.operator());
        room.set(&org, Level::Org, "org", per_month("10.00")).await;
        disk.with_ledger(&mut room, &org).await;
        room.call(&org, "0.10").await.expect("within the budget");
        let [note] = disk.notes().try_into().expect("one");
        let good = std::fs::read(&note).expect("reads");
        let closed = async |room: &Room| {
            let problem: Problem = room.refused(&org, ask(1, "0.10")).await;
            assert_eq!(problem.code(), "counters_unavailable");
            room.reserve(&org, Ask::default()).await.expect("what costs nothing goes on");
        };

        // The limit was removed and set again, and calls went by without one.
        room.clock.advance(SignedDuration::from_secs(1));
        room.set(&org, Level::Org, "org", per_month("20.00")).await;
        room.set(&org, Level::Org, "org", per_month("10.00")).await;
        disk.apart(&mut room);
        closed(&room).await;

        // Nodes that share their limits know nothing of each other.
        disk.with_ledger(&mut room, &org).await;
        room.call(&org, "0.10").await.expect("within the budget");
        room.apart(1);
        room.keep_notes(&disk.folder(), false);
        closed(&room).await;
        assert!(disk.notes().is_empty(), "what others spend meanwhile is in no note");

        // A note of another time under the same name.
        disk.with_ledger(&mut room, &org).await;
        room.call(&org, "0.10").await.expect("within the budget");
        // Whoever was there before writes no more.
        room.apart(1);
        std::fs::write(&note, good).expect("writes");
        disk.apart(&mut room);
        closed(&room).await;

        // With a note, calls go on.
        disk.with_ledger(&mut room, &org).await;
        disk.apart(&mut room);
        room.call(&org, "0.10").await.expect("noted at once");
    }
}

#[tokio::test]
async fn a_disk_that_takes_no_note_stops_no_call_of_a_node_that_has_its_ledger() {
    for mut room in Room::on_each_engine().await {
        let (disk, org) = (Disk::new(), room.operator());
        room.set(&org, Level::Org, "org", per_month("10.00")).await;
        disk.with_ledger(&mut room, &org).await;
        let [note] = disk.notes().try_into().expect("one");
        // The node may note something in between.
        until(async || {
            let _gone = std::fs::remove_file(&note);
            std::fs::create_dir_all(note.join("in the way")).is_ok()
        })
        .await;
        let problem = room.refused(&org, ask(1, "1.00")).await;
        assert_eq!(problem.code(), "counters_unavailable", "what lies there may be an old note");
        std::fs::remove_dir_all(&note).expect("removes");
        std::fs::remove_dir_all(disk.folder()).expect("removes");
        std::fs::write(disk.folder(), "no folder").expect("writes");
        while room.call(&org, "1.00").await.is_ok() {}
        assert_eq!(refused(&room, &org, "1.00").await.remaining, 0);
        let spent: NanoCents = money("10.00");
        assert_eq!(refused(&room, &org, "1.00").await.limit, spent.0.unsigned_abs());
    }
}
