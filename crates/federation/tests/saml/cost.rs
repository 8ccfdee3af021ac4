//! What hostile input costs. `cargo run --release -p federation --example mutants` measures it
//! in CPU time; here a generous bound on a build without optimisation keeps it from growing.

use std::time::{Duration, Instant};

use crate::corpus::{all, judge};
use crate::toolbox::World;

/// An order of magnitude above what each takes.
const BOUND: Duration = Duration::from_secs(1);

#[test]
fn no_case_of_the_corpus_takes_long() {
    let world = World::new();
    for case in all(&world) {
        let begun = Instant::now();
        judge(&world, &case);
        let took = begun.elapsed();
        assert!(took < BOUND, "{} took {took:?}", case.name);
    }
}
