//! Does every step a fixed number of times, for callgrind to count: `cargo xtask steps --count`.
//!
//! Counting begins where [`counted`] is entered and ends where [`told`] is, which says what was
//! counted: the step, and how often it was done.
#![expect(clippy::print_stdout, reason = "read by whoever counts")]

use steps::Step;

/// Runs before the first that counts: caches are filled, tables have grown.
const BEFORE: u64 = 8;
/// How often each step is counted.
const ROUNDS: u64 = 25;
/// Runs of a round; one, where a run does many at once.
const RUNS: u64 = 20;

fn main() {
    for mut step in steps::all() {
        for _ in 0..BEFORE {
            step.prepare();
            step.run();
        }
        let runs = if step.times == 1 { RUNS } else { 1 };
        for _ in 0..ROUNDS {
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
