//! A question is looked for among 10,000 patterns of three triggers each.

use std::hint::black_box;

use patterns::engine::{Index, THRESHOLD};

use crate::Step;

const PATTERNS: u32 = 10_000;
/// Different words in all of them.
const WORDS: u64 = 8_000;
const QUESTIONS: usize = 32;

pub(crate) fn step() -> Step {
    let mut dice = Dice(7);
    let corpus: Vec<(u32, String, [String; 3])> = (0..PATTERNS)
        .map(|key| (key, dice.sentence(), std::array::from_fn(|_| dice.sentence())))
        .collect();
    let all = corpus.iter().map(|(key, name, triggers)| (*key, name.as_str(), &triggers[..]));
    let index = Index::build(all);
    // Half of them are what was taught, half are not.
    let taught = corpus.iter().step_by(corpus.len() / QUESTIONS * 2).map(|(_, _, [one, ..])| one);
    let questions: Vec<String> =
        taught.cloned().flat_map(|one| [one, dice.sentence()]).take(QUESTIONS).collect();
    drop(corpus);
    Step {
        times: u64::try_from(QUESTIONS).unwrap_or(u64::MAX),
        ..Step::new("pattern match among 10,000", move || {
            for question in &questions {
                black_box(index.rank(black_box(question), THRESHOLD, usize::MAX));
            }
        })
    }
}

/// A small generator: the same sentences in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % bound
    }

    /// Words as people use them: few often, many seldom.
    fn sentence(&mut self) -> String {
        let words = 4 + self.below(6);
        let word = |_| {
            let bound = 1 + self.below(WORDS);
            format!("w{}", self.below(bound))
        };
        (0..words).map(word).collect::<Vec<_>>().join(" ")
    }
}
