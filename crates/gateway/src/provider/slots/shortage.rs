//! A simulation of a shortage: what a customer that sends fifty times its share does to another one.
//! Time is a number here; nothing waits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use base::time::At;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::line::{Arrival, Line, Ticket};
use super::*;

/// A call takes so long on average, in microseconds.
const SERVICE_US: f64 = 1_000_000.0;
/// Calls of the customer that keeps to its share.
const CALLS: u32 = 4_000;
/// How long a call waits at most.
const WAIT_MAX_US: f64 = 10_000_000.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Arrives { hog: bool },
    Ends { hog: bool },
    GivesUp { hog: bool, ticket: Ticket },
}

/// An endpoint, and how what its calls take differs.
#[derive(Debug, Clone, Copy)]
struct Endpoint {
    slots: u32,
    /// All take nearly the same; else very different times, as answers of models do.
    even: bool,
}

impl Endpoint {
    /// The calls in a second that keep half of the slots taken: the share of either customer.
    fn share_per_sec(self) -> f64 {
        f64::from(self.slots) / 2.0
    }
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

    fn service(&mut self, hog: bool, even: bool) -> f64 {
        let random = if hog { &mut self.random } else { &mut self.quiet };
        if even {
            SERVICE_US * random.random_range(0.9..1.1)
        } else {
            exponential(random, SERVICE_US)
        }
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
fn quiet_p99(endpoint: Endpoint, kind: Kind, hog_per_sec: f64) -> (u64, u32) {
    let at = At::from_second(1_800_000_000).unwrap();
    let orgs = [OrgId::new(at), OrgId::new(at)];
    let org = |hog: bool| match kind {
        Kind::Fair => &orgs[usize::from(hog)],
        Kind::InOrder => &orgs[0],
    };
    let quiet_per_sec = endpoint.share_per_sec() / 2.0;
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
    world.arrives(false, quiet_per_sec);
    world.arrives(true, hog_per_sec);
    while arrived < CALLS {
        let Some(Reverse((now, _, happens))) = world.events.pop() else { break };
        world.now = now;
        let mut begins = VecDeque::new();
        match happens {
            Happens::Arrives { hog } => {
                world.arrives(hog, if hog { hog_per_sec } else { quiet_per_sec });
                arrived += u32::from(!hog);
                match line.arrive(org(hog), 1, endpoint.slots) {
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
        while let Some((ticket, _)) = line.next(endpoint.slots) {
            begins.extend(waiting.remove(&ticket));
        }
        for (hog, since) in begins {
            let service = world.service(hog, endpoint.even);
            if !hog {
                took.push(now - since + whole_us(service));
            }
            world.soon(service, Happens::Ends { hog });
        }
    }
    took.sort_unstable();
    (took[took.len() * 99 / 100], turned_away)
}

/// What the hog does to the quiet one: both figures and what becomes of it in order of arrival.
fn shown(endpoint: Endpoint) -> (u64, u64) {
    let hog_per_sec = endpoint.share_per_sec() * 50.0;
    let (alone, none) = quiet_p99(endpoint, Kind::Fair, 0.001);
    let (with_hog, gone) = quiet_p99(endpoint, Kind::Fair, hog_per_sec);
    assert_eq!((none, gone), (0, 0), "the quiet one is never turned away");
    let (in_order, lost) = quiet_p99(endpoint, Kind::InOrder, hog_per_sec);
    assert!(in_order > with_hog * 2, "what fairness is for: {in_order} us");
    assert!(lost > CALLS / 2, "what fairness is for: {lost} of {CALLS} are turned away");
    (alone, with_hog)
}

#[test]
fn a_customer_at_fifty_times_its_share_does_not_move_anothers_p99_by_a_tenth() {
    for endpoint in [Endpoint { slots: 32, even: false }, Endpoint { slots: 32, even: true }] {
        let (alone, with_hog) = shown(endpoint);
        assert!(with_hog * 10 <= alone * 11, "{with_hog} us beside the hog, {alone} us alone");
    }
}

#[test]
fn with_few_slots_another_one_waits_for_at_most_some_of_them_to_end() {
    // Two slots are kept of sixteen, and none of four: then whoever comes waits for the next end.
    for (slots, percent) in [(16, 120), (4, 250)] {
        let (alone, with_hog) = shown(Endpoint { slots, even: true });
        assert!(
            with_hog * 100 <= alone * percent,
            "{with_hog} us beside the hog, {alone} us alone"
        );
    }
}
