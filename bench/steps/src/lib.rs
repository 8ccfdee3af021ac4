//! The inner steps of a call, each as a small function that can be done again and again:
//! `benches/time.rs` times them, `benches/count.rs` has their instructions counted.
#![expect(clippy::expect_used, reason = "a measurement stops at the first surprise")]

mod group;
mod house;
mod key_check;
mod pattern_match;
mod permit;
mod reserve;
mod usage_scan;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use self::group::Group;
use self::house::House;

/// One step, ready to be done.
pub struct Step {
    /// What it is called in the baseline.
    pub name: &'static str,
    /// How often one run does it.
    pub times: u64,
    prepare: Option<Box<dyn FnMut()>>,
    run: Box<dyn FnMut()>,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Step {
    /// A step that can be done at any time.
    fn new(name: &'static str, run: impl FnMut() + 'static) -> Self {
        Self { name, times: 1, prepare: None, run: Box::new(run) }
    }

    /// Whether something is to be prepared before each run.
    pub fn is_prepared(&self) -> bool {
        self.prepare.is_some()
    }

    /// Does what comes before, and is not measured.
    pub fn prepare(&mut self) {
        if let Some(prepare) = &mut self.prepare {
            prepare();
        }
    }

    /// Does the step, [`Step::times`] times.
    pub fn run(&mut self) {
        (self.run)();
    }
}

/// All of them, in the order in which a call makes them.
pub fn all() -> Vec<Step> {
    // Its rooms have threads of their own: they end with the process.
    let house: &'static House = Box::leak(Box::new(House::open()));
    let group = Rc::new(RefCell::new(Group::open(house)));
    let (encoding, submitting, committing) = (group.clone(), group.clone(), group.clone());
    vec![
        key_check::step(house),
        permit::by_role(house),
        permit::under_guardrails(house),
        reserve::step(house),
        pattern_match::step(),
        usage_scan::step(),
        Step {
            name: "event encode",
            times: group::EVENTS,
            prepare: Some(Box::new(move || encoding.borrow_mut().stand_still())),
            run: Box::new(move || submitting.borrow_mut().submit()),
        },
        Step {
            name: "commit of an event",
            times: group::EVENTS,
            prepare: Some(Box::new({
                let group = group.clone();
                move || {
                    group.borrow_mut().stand_still();
                    group.borrow_mut().submit();
                }
            })),
            run: Box::new(move || committing.borrow_mut().commit()),
        },
    ]
}
