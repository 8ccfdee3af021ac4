//! Does every step a fixed number of times, for callgrind to count: `cargo xtask steps --count`.
//!
//! Counting begins where [`counted`] is entered and ends where [`told`] is, which says what was
//! counted: the step, and how often it was done.
#![expect(clippy::print_stdout, reason = "read by whoever counts")]

use steps::Step;

/// Runs before the first that counts: caches are filled, tables have grown.
const BEFORE: u64 = 8;
/// Runs of a step that does one at a time.
const RUNS: u64 = 500;
/// Runs of a step that is prepared, or does many at a time.
const RUNS_OF_MANY: u64 = 8;

fn main() {
    for mut step in steps::all() {
        for _ in 0..BEFORE {
            step.prepare();
            step.run();
        }
        // What is prepared anew each time is counted anew each time.
        let (rounds, runs) = match (step.is_prepared(), step.times) {
            (true, _) => (RUNS_OF_MANY, 1),
            (false, 1) => (1, RUNS),
            (false, _) => (1, RUNS_OF_MANY),
        };
        for _ in 0..rounds {
            step.prepare();
            counted(&mut step, runs);
            told(&step, runs);
        }
    }
}

#[inline(never)]
fn counted(step: &mut Step, runs: u64) {
    for _ in 0..runs {
        step.run();
    }
}

#[inline(never)]
fn told(step: &Step, runs: u64) {
    println!("{}\t{}", step.name, runs * step.times);
}
