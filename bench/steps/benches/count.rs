//! Does every step a fixed number of times, for callgrind to count: `cargo xtask steps --count`.
//!
//! Prints a line for each time that [`counted`] is entered, in order: the step, and how often
//! it was done in it.
#![expect(clippy::print_stdout, reason = "read by whoever counts")]

use steps::Step;

/// Runs before the first that counts: caches are filled, tables have grown.
const BEFORE: u32 = 8;
/// Runs of a step that does one at a time.
const RUNS: u32 = 500;
/// Runs of a step that is prepared, or does many at a time.
const RUNS_OF_MANY: u32 = 8;

fn main() {
    for mut step in steps::all() {
        for _ in 0..BEFORE {
            step.prepare();
            step.run();
        }
        if step.is_prepared() {
            for _ in 0..RUNS_OF_MANY {
                step.prepare();
                counted(&mut step, 1);
            }
        } else {
            let runs = if step.times == 1 { RUNS } else { RUNS_OF_MANY };
            counted(&mut step, runs);
        }
    }
}

/// Counting begins where this is entered and ends where it is left.
#[inline(never)]
fn counted(step: &mut Step, runs: u32) {
    for _ in 0..runs {
        step.run();
    }
    println!("{}\t{}", step.name, u64::from(runs) * step.times);
}
