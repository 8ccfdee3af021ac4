//! Random histories: of the line beside a plain list that does the same slowly, and of the slots
//! with tasks that come, wait, leave and end at random.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use base::testing::StillClock;
use base::time::{At, Clock};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::task::JoinSet;

use super::line::{Arrival, Line, Ticket};
use super::*;

fn orgs(count: usize) -> Vec<OrgId> {
    let at = At::from_second(1_800_000_000).unwrap();
    (0..count).map(|_| OrgId::new(at)).collect()
}

const ORGS: usize = 6;

/// The same rules on lists, read as they are written in the documentation.
#[derive(Default)]
struct Plain {
    taken: BTreeMap<usize, u32>,
    /// Org, ticket and cost, in the order of arrival.
    waiting: Vec<(usize, Ticket, u64)>,
    start: BTreeMap<usize, u64>,
    done: u64,
}

impl Plain {
    fn total(&self) -> u32 {
        self.taken.values().sum()
    }

    fn holds(&self, org: usize) -> u32 {
        self.taken.get(&org).copied().unwrap_or(0)
    }

    fn waits(&self, org: usize) -> usize {
        self.waiting.iter().filter(|(one, ..)| *one == org).count()
    }

    fn active(&self) -> usize {
        (0..ORGS).filter(|org| self.holds(*org) > 0 || self.waits(*org) > 0).count()
    }

    fn is_free(&self, org: usize, slots: u32) -> bool {
        let newcomer = usize::from(self.holds(org) == 0 && self.waits(org) == 0);
        let share = slots / u32::try_from(self.active() + newcomer).unwrap().max(2);
        let free = slots.saturating_sub(self.total());
        free > 0 && (free > slots / 8 || self.holds(org) < share)
    }

    fn forget(&mut self) {
        self.taken.retain(|_, taken| *taken > 0);
        let (taken, waiting) = (&self.taken, &self.waiting);
        self.start
            .retain(|org, _| taken.contains_key(org) || waiting.iter().any(|(one, ..)| one == org));
    }

    fn queue(&mut self, org: usize, ticket: Ticket, cost: u64) {
        if self.waits(org) == 0 {
            let start = self.start.get(&org).copied().unwrap_or(0).max(self.done);
            self.start.insert(org, start);
        }
        self.waiting.push((org, ticket, cost));
    }

    fn first(&self) -> Option<usize> {
        let mut waiting: Vec<usize> = self.waiting.iter().map(|(org, ..)| *org).collect();
        waiting.sort_unstable();
        waiting.dedup();
        let first = |org: &usize| self.waiting.iter().find(|(one, ..)| one == org).unwrap().1;
        let next =
            waiting.iter().min_by_key(|org| (self.holds(**org), self.start[*org], first(org)));
        next.copied()
    }

    fn serve(&mut self, slots: u32) -> Option<(Ticket, usize)> {
        let org = self.first().filter(|org| self.is_free(*org, slots))?;
        let waiting = (0..ORGS).filter(|org| self.waits(*org) > 0).count();
        let at = self.waiting.iter().position(|(one, ..)| *one == org).unwrap();
        let (_, ticket, cost) = self.waiting.remove(at);
        let start = self.start[&org];
        self.start.insert(org, start + cost);
        self.done = self.done.max(start) + cost.div_ceil(u64::try_from(waiting).unwrap());
        *self.taken.entry(org).or_default() += 1;
        Some((ticket, org))
    }
}

#[test]
fn random_histories_go_as_on_a_plain_list() {
    for seed in 0..200 {
        let mut random = StdRng::seed_from_u64(seed);
        let orgs = orgs(ORGS);
        let (most, waiting_max) = (random.random_range(1..30), random.random_range(0..20));
        let (mut line, mut plain) = (Line::new(waiting_max), Plain::default());
        for step in 0..600 {
            let slots = random.random_range(0..=most);
            let org = random.random_range(0..orgs.len());
            match random.random_range(0..10) {
                0..5 => {
                    let cost = random.random_range(0..50_u64);
                    let turn = plain.first().is_some_and(|next| plain.is_free(next, slots));
                    let free = !turn && plain.waits(org) == 0 && plain.is_free(org, slots);
                    match line.arrive(&orgs[org], cost, slots) {
                        Arrival::Taken => {
                            assert!(free, "{seed}/{step}");
                            *plain.taken.entry(org).or_default() += 1;
                        }
                        Arrival::Full => {
                            assert!(!free && plain.waiting.len() >= waiting_max);
                            let longest = (0..orgs.len()).map(|one| plain.waits(one)).max();
                            assert!(longest <= Some(plain.waits(org) + 1), "{seed}/{step}");
                        }
                        Arrival::Waits { ticket, turned_away } => {
                            assert!(!free, "{seed}/{step}");
                            if let Some(gone) = turned_away {
                                assert_eq!(plain.waiting.len(), waiting_max);
                                let at = plain.waiting.iter().position(|one| one.1 == gone);
                                let (of, ..) = plain.waiting.remove(at.unwrap());
                                assert!(
                                    plain.waits(of) > plain.waits(org),
                                    "the longest gives way"
                                );
                                plain.forget();
                            }
                            plain.queue(org, ticket, cost.max(1));
                        }
                    }
                }
                5 => {
                    if !plain.waiting.is_empty() {
                        let at = random.random_range(0..plain.waiting.len());
                        let (of, ticket, _) = plain.waiting.remove(at);
                        line.leave(&orgs[of], ticket);
                        line.leave(&orgs[of], ticket);
                    }
                }
                6..8 => {
                    if plain.holds(org) > 0 {
                        *plain.taken.entry(org).or_default() -= 1;
                        line.give_back(&orgs[org]);
                    }
                }
                _ => {
                    while let Some((ticket, of)) = line.next(slots) {
                        let expected = plain.serve(slots).unwrap();
                        assert_eq!((ticket, &of), (expected.0, &orgs[expected.1]), "{seed}/{step}");
                        assert!(line.taken() <= slots, "never more than there are");
                    }
                    assert_eq!(plain.serve(slots), None, "nobody is forgotten");
                }
            }
            plain.forget();
            assert_eq!((line.taken(), line.waiting()), (plain.total(), plain.waiting.len()));
            let known =
                (0..orgs.len()).filter(|one| plain.holds(*one) > 0 || plain.waits(*one) > 0);
            assert_eq!(line.remembered(), known.count(), "{seed}/{step}");
        }
        // All leave or end: nothing is left behind.
        for (org, ticket, _) in std::mem::take(&mut plain.waiting) {
            line.leave(&orgs[org], ticket);
        }
        for (org, taken) in plain.taken {
            (0..taken).for_each(|_| line.give_back(&orgs[org]));
        }
        assert_eq!((line.taken(), line.waiting(), line.remembered()), (0, 0, 0));
    }
}

#[test]
fn no_org_starves_however_many_others_come_and_go() {
    for heavy in [1, 3_000] {
        let mut line = Line::new(1_000);
        let [patient, others @ ..] = &orgs(40)[..] else { unreachable!() };
        assert_eq!(line.arrive(patient, heavy, 1), Arrival::Taken);
        // It had its call, and waits for another one, while newcomers always wait too.
        assert!(matches!(line.arrive(patient, heavy, 1), Arrival::Waits { .. }));
        assert!(matches!(line.arrive(patient, heavy, 1), Arrival::Waits { .. }));
        let (mut holder, mut served, mut rounds) = (patient.clone(), 0, 0);
        while served < 2 {
            for other in others.iter().cycle().skip(rounds).take(3) {
                line.arrive(other, 10, 1);
            }
            line.give_back(&holder);
            (_, holder) = line.next(1).unwrap();
            served += u32::from(holder == *patient);
            rounds += 1;
            assert!(rounds < 100_000, "the patient one is never served");
        }
    }
}

#[test]
fn one_slot_is_shared_by_what_calls_cost() {
    let mut line = Line::new(10_000);
    let [long, short] = &orgs(2)[..] else { unreachable!() };
    for _ in 0..2_000 {
        line.arrive(long, 1_000, 1);
        line.arrive(short, 100, 1);
    }
    let (mut holder, mut counts) = (long.clone(), [0, 0]);
    for _ in 0..1_100 {
        line.give_back(&holder);
        (_, holder) = line.next(1).unwrap();
        counts[usize::from(holder == *short)] += 1;
    }
    assert!((90..=110).contains(&counts[0]) && counts[1] >= 990, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slots_are_never_exceeded_and_whoever_leaves_leaves_nothing_behind() {
    const MAX: u32 = 3;
    let clock: SharedClock = StillClock::new().shared();
    let slots = Arc::new(Slots::new(Some(MAX), 64, Duration::from_mins(5)));
    let (busy, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let orgs = orgs(5);
    let mut tasks = JoinSet::new();
    for seed in 0..40_u64 {
        let (slots, busy, most) = (slots.clone(), busy.clone(), most.clone());
        let (org, clock) =
            (orgs[usize::try_from(seed).unwrap() % orgs.len()].clone(), clock.clone());
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(seed);
            let mut served = 0;
            for _ in 0..300 {
                let patience = random.random_range(0..40);
                let taken = tokio::select! {
                    biased;
                    taken = slots.take(&org, random.random_range(1..100), &clock) => Some(taken),
                    () = turns(patience) => None,
                };
                let Some(Ok(slot)) = taken else { continue };
                let now = busy.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                if random.random_ratio(1, 20) {
                    slot.pushed_back(None);
                } else {
                    slot.took();
                }
                turns(random.random_range(0..5)).await;
                served += 1;
                busy.fetch_sub(1, Ordering::SeqCst);
                drop(slot);
            }
            served
        });
    }
    let served: u32 = tasks.join_all().await.into_iter().sum();
    assert!(served > 1_000, "{served}");
    assert!(most.load(Ordering::SeqCst) <= MAX, "{most:?}");
    let seen = slots.seen().unwrap();
    assert_eq!((seen.taken, seen.waiting), (0, 0));
    let state = slots.0.as_ref().unwrap().state();
    assert_eq!((state.line.remembered(), state.waiting.len()), (0, 0));
}

#[tokio::test]
async fn the_end_of_a_pause_wakes_those_that_wait() {
    let clock = StillClock::new();
    let shared = clock.shared();
    let slots = Slots::new(Some(2), 8, Duration::from_mins(5));
    let org = orgs(1).remove(0);
    clock.advance(jiff::SignedDuration::from_secs(1));
    let slot = slots.take_now(&org, &shared).unwrap();
    slot.pushed_back(Some(30));
    drop(slot);
    assert!(slots.take_now(&org, &shared).is_none(), "it asked to be left alone");
    let waits = slots.take(&org, 1, &shared);
    let ends = async {
        while slots.seen().unwrap().waiting == 0 {
            tokio::task::yield_now().await;
        }
        clock.advance(jiff::SignedDuration::from_secs(30));
    };
    let (slot, ()) = tokio::join!(waits, ends);
    assert!(slot.is_ok());
    let short = Slots::new(Some(1), 8, Duration::from_secs(5));
    let slot = short.take_now(&org, &shared).unwrap();
    clock.advance(jiff::SignedDuration::from_secs(1));
    slot.pushed_back(Some(30));
    let refused = short.take(&org, 1, &shared).await.err();
    assert_eq!(refused, Some(NoSlot::Paused { retry_after_secs: 30 }), "longer than anybody waits");
    drop(slot);
    assert!(clock.now() > At::UNIX_EPOCH);
}

#[tokio::test]
async fn whoever_waits_too_long_or_finds_the_line_full_is_told_and_is_gone() {
    let clock = StillClock::new().shared();
    let slots = Slots::new(Some(1), 1, Duration::from_millis(20));
    let [hog, other] = &orgs(2)[..] else { unreachable!() };
    let held = slots.take_now(hog, &clock).unwrap();
    let late = slots.take(hog, 1, &clock);
    let full = async {
        while slots.seen().unwrap().waiting == 0 {
            tokio::task::yield_now().await;
        }
        slots.take(other, 1, &clock).await.err()
    };
    let (late, full) = tokio::join!(late, full);
    let told = Some(NoSlot::Shortage { retry_after_secs: 1 });
    assert_eq!((&late.err(), &full), (&told, &told));
    let seen = slots.seen().unwrap();
    assert_eq!((seen.taken, seen.waiting, seen.turned_away), (1, 0, 2));
    drop(held);
    assert_eq!(slots.seen().unwrap().taken, 0);
}

async fn turns(count: u32) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}
