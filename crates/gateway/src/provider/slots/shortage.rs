//! A simulation of a shortage: what a customer that sends fifty times its share does to another one.
//! Time is a number here; nothing waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use base::time::At;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::line::{Arrival, Line, Ticket};
use super::*;

/// Slots of the endpoint.
const SLOTS: u32 = 32;
/// A call takes so long on average, in microseconds.
const SERVICE_US: f64 = 1_000_000.0;
/// Calls of the customer that keeps to its share.
const CALLS: u32 = 6_000;
/// What its share, half of the slots, takes in a second.
const SHARE_PER_SEC: f64 = 16.0;
/// How long a call waits at most.
const WAIT_MAX_US: f64 = 10_000_000.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Arrives { hog: bool },
    Ends { hog: bool },
    GivesUp { hog: bool, ticket: Ticket },
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Fair,
    /// Who comes first is served first: what is compared with.
    InOrder,
}

struct World {
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Happens)>>,
    count: u64,
    random: StdRng,
    /// What calls of the quiet one take: the same in each run, so that runs can be compared.
    quiet: StdRng,
}

impl World {
    fn soon(&mut self, after_us: f64, happens: Happens) {
        let at = self.now + whole_us(after_us);
        self.count += 1;
        self.events.push(Reverse((at, self.count, happens)));
    }

    fn service(&mut self, hog: bool) -> f64 {
        exponential(if hog { &mut self.random } else { &mut self.quiet }, SERVICE_US)
    }

    fn arrives(&mut self, hog: bool, per_sec: f64) {
        let after = exponential(&mut self.random, 1_000_000.0 / per_sec);
        self.soon(after, Happens::Arrives { hog });
    }
}

fn exponential(random: &mut StdRng, mean: f64) -> f64 {
    -mean * random.random::<f64>().max(f64::MIN_POSITIVE).ln()
}

fn whole_us(us: f64) -> u64 {
    u64::try_from(Duration::from_secs_f64(us.max(1.0) / 1_000_000.0).as_micros()).unwrap()
}

/// The 99th percentile of what a call of the quiet customer takes, waiting and service, in
/// microseconds, and how many of its calls were turned away.
fn quiet_p99(kind: Kind, hog_per_sec: f64) -> (u64, u32) {
    let at = At::from_second(1_800_000_000).unwrap();
    let orgs = [OrgId::new(at), OrgId::new(at)];
    let org = |hog: bool| match kind {
        Kind::Fair => &orgs[usize::from(hog)],
        Kind::InOrder => &orgs[0],
    };
    let mut line = Line::new(256);
    let mut waiting: HashMap<Ticket, (bool, u64)> = HashMap::new();
    let mut world = World {
        now: 0,
        events: BinaryHeap::new(),
        count: 0,
        random: StdRng::seed_from_u64(7),
        quiet: StdRng::seed_from_u64(8),
    };
    let (mut took, mut turned_away, mut arrived) = (Vec::new(), 0, 0);
    world.arrives(false, SHARE_PER_SEC / 2.0);
    world.arrives(true, hog_per_sec);
    while arrived < CALLS {
        let Some(Reverse((now, _, happens))) = world.events.pop() else { break };
        world.now = now;
        let mut begins = VecDeque::new();
        match happens {
            Happens::Arrives { hog } => {
                world.arrives(hog, if hog { hog_per_sec } else { SHARE_PER_SEC / 2.0 });
                arrived += u32::from(!hog);
                match line.arrive(org(hog), 1, SLOTS) {
                    Arrival::Taken => begins.push_back((hog, now)),
                    Arrival::Full => turned_away += u32::from(!hog),
                    Arrival::Waits { ticket, turned_away: gone } => {
                        waiting.insert(ticket, (hog, now));
                        world.soon(WAIT_MAX_US, Happens::GivesUp { hog, ticket });
                        if let Some((hog, _)) = gone.and_then(|gone| waiting.remove(&gone)) {
                            turned_away += u32::from(!hog);
                        }
                    }
                }
            }
            Happens::Ends { hog } => line.give_back(org(hog)),
            Happens::GivesUp { hog, ticket } => {
                if waiting.remove(&ticket).is_some() {
                    line.leave(org(hog), ticket);
                    turned_away += u32::from(!hog);
                }
            }
        }
        while let Some((ticket, _)) = line.next(SLOTS) {
            begins.extend(waiting.remove(&ticket));
        }
        for (hog, since) in begins {
            let service = world.service(hog);
            if !hog {
                took.push(now - since + whole_us(service));
            }
            world.soon(service, Happens::Ends { hog });
        }
    }
    took.sort_unstable();
    (took[took.len() * 99 / 100], turned_away)
}

#[test]
fn a_customer_at_fifty_times_its_share_does_not_move_anothers_p99_by_a_tenth() {
    let (alone, none) = quiet_p99(Kind::Fair, 0.001);
    let (with_share, few) = quiet_p99(Kind::Fair, SHARE_PER_SEC);
    let (with_hog, gone) = quiet_p99(Kind::Fair, SHARE_PER_SEC * 50.0);
    dbg!(alone, with_share, with_hog);
    assert_eq!((none, few, gone), (0, 0, 0), "the quiet one is never turned away");
    assert!(with_hog * 10 <= alone * 11, "{with_hog} beside the hog, {alone} alone");
    assert!(with_hog * 10 <= with_share * 11, "{with_hog} beside the hog, {with_share} before");
    let (in_order, lost) = quiet_p99(Kind::InOrder, SHARE_PER_SEC * 50.0);
    dbg!(in_order, lost);
    assert!(
        in_order > with_hog * 2 && lost > CALLS / 2,
        "what fairness is for: {in_order}, {lost}"
    );
}
