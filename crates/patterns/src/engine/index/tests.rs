use super::super::{seeds, yaml};
use super::*;

const QUESTIONS: &str = include_str!("../questions.txt");

fn seeded(yaml: &str) -> Index<String> {
    let drafts: Vec<_> = yaml::import(yaml).unwrap().into_iter().map(|one| one.draft).collect();
    Index::build(drafts.iter().map(|d| (d.slug.clone(), d.name.as_str(), d.triggers.as_slice())))
}

fn index(patterns: &[(&'static str, &[&str])]) -> Index<&'static str> {
    Index::build(patterns.iter().map(|&(key, triggers)| (key, "", triggers)))
}

#[derive(Debug, Default)]
struct Tally {
    right: f64,
    wrong: f64,
}

impl Tally {
    fn precision(&self) -> f64 {
        self.right / (self.right + self.wrong)
    }

    /// Of the questions that have an answer, how many got it.
    fn recall(&self, asked: f64) -> f64 {
        self.right / asked
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures that the documentation quotes")]
fn people_get_the_right_pattern_or_an_honest_none() {
    let regions = [("eu", seeds::EU), ("us", seeds::US), ("apac", seeds::APAC)]
        .map(|(region, yaml)| (region, seeded(yaml)));
    let (mut tuned, mut held_out) = ((Tally::default(), 0.0), (Tally::default(), 0.0));
    for (line, text) in QUESTIONS.lines().enumerate().filter(|(_, text)| !text.starts_with('#')) {
        let fields: Vec<_> = text.splitn(3, " | ").collect();
        let index = &regions.iter().find(|(region, _)| *region == fields[0]).unwrap().1;
        let found = index.best(fields[2]);
        let (tally, asked) = if line % 2 == 0 { &mut tuned } else { &mut held_out };
        if fields[1] != "-" {
            *asked += 1.0;
        }
        match found {
            Some(best) if best.pattern == fields[1] => tally.right += 1.0,
            Some(best) => {
                tally.wrong += 1.0;
                println!("WRONG {:.2} {} for {text}", best.score, best.pattern);
            }
            None if fields[1] == "-" => {}
            None => {
                println!("MISSED {text}: {:?}", index.rank(fields[2], 0.0, 2));
            }
        }
    }
    let all =
        Tally { right: tuned.0.right + held_out.0.right, wrong: tuned.0.wrong + held_out.0.wrong };
    for (what, tally, asked, precision, recall) in [
        ("tuned", &tuned.0, tuned.1, 1.0, 0.97),
        ("held out", &held_out.0, held_out.1, 0.965, 0.895),
        ("all", &all, tuned.1 + held_out.1, 0.98, 0.93),
    ] {
        println!("{what}: {:.3} {:.3} {tally:?}", tally.precision(), tally.recall(asked));
        assert!(tally.precision() >= precision, "{what}");
        assert!(tally.recall(asked) >= recall, "{what}");
    }
}

#[test]
fn every_seeded_trigger_finds_its_own_pattern_for_sure() {
    for yaml in [seeds::EU, seeds::US, seeds::APAC] {
        let index = seeded(yaml);
        for draft in yaml::import(yaml).unwrap().into_iter().map(|one| one.draft) {
            for text in draft.triggers.iter().chain([&draft.name]) {
                let best = index.best(text).unwrap();
                assert_eq!((best.pattern, best.score), (&draft.slug, 1.0), "{text}");
            }
        }
    }
}

#[test]
fn a_question_without_words_or_without_patterns_has_no_answer() {
    let index = index(&[("a", &["How do I reset my password?"])]);
    assert_eq!((index.len(), index.is_empty()), (1, false));
    for text in ["", "?!", "  \n", "\u{0}", "🙂"] {
        assert_eq!(index.best(text), None);
        assert_eq!(index.rank(text, 0.0, 5), []);
    }
    let empty = Index::<u8>::build::<String>([]);
    assert_eq!(empty.best("How do I reset my password?"), None);
    assert!(empty.is_empty());
}

#[test]
fn the_only_pattern_of_an_org_can_be_paraphrased() {
    let index = index(&[("a", &["How do I reset my password?"])]);
    assert_eq!(index.best("how can I reset a forgotten password").unwrap().pattern, &"a");
    assert_eq!(index.best("how can I order lunch"), None);
}

#[test]
fn equal_scores_go_to_the_lower_key_in_whatever_order_they_were_taught() {
    let taught: [(&'static str, &[&str]); 3] = [
        ("c", &["reset password"]),
        ("a", &["password reset", "unrelated words"]),
        ("b", &["Reset the passwords!"]),
    ];
    let mut turned = taught;
    turned.reverse();
    for patterns in [taught, turned] {
        let index = index(&patterns);
        let best = index.best("reset password").unwrap();
        assert_eq!((best.pattern, best.score), (&"a", 1.0));
        assert_eq!(best.runner_up, Some((&"c", 1.0)));
        assert_eq!(index.rank("reset password", 0.0, 9).len(), 3);
    }
}

#[test]
fn many_triggers_do_not_make_a_pattern_harder_to_find() {
    let many: Vec<_> = (0..49).map(|n| format!("unusual{n} topic{n} reset password")).collect();
    let mut triggers: Vec<_> = many.iter().map(String::as_str).collect();
    triggers.push("reset password");
    let index = index(&[("few", &["order a new badge"]), ("many", &triggers)]);
    assert_eq!(index.best("reset my password").unwrap().pattern, &"many");
    assert!(index.best("reset my password").unwrap().runner_up.is_none());
}

#[test]
fn only_the_beginning_of_a_question_matters() {
    let index = index(&[("a", &["How do I reset my password?"])]);
    assert!(index.best(&format!("reset password {}", "!".repeat(1_000_000))).is_some());
    assert!(index.best(&format!("{} reset password", " ".repeat(4_000))).is_none());
}

/// A small, reproducible source of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % end
    }

    /// A word from a vocabulary in which few words are frequent and most are rare.
    fn word(&mut self, vocabulary: u64) -> String {
        let end = 1 + self.below(vocabulary);
        format!("w{}x", self.below(end))
    }

    fn sentence(&mut self, vocabulary: u64) -> String {
        let count = 2 + self.below(4);
        let words: Vec<_> = (0..count).map(|_| self.word(vocabulary)).collect();
        let opening = ["How do I", "What is the", "Where can we", ""]
            [usize::try_from(self.below(4)).unwrap()];
        format!("{opening} {} for my {}?", words.join(" "), self.word(vocabulary))
    }
}

fn corpus(patterns: u32, vocabulary: u64) -> Vec<(u32, String, Vec<String>)> {
    let mut dice = Dice(7);
    (0..patterns)
        .map(|key| {
            let triggers = (0..3).map(|_| dice.sentence(vocabulary)).collect();
            (key, dice.sentence(vocabulary), triggers)
        })
        .collect()
}

fn of(corpus: &[(u32, String, Vec<String>)]) -> Index<u32> {
    Index::build(
        corpus.iter().map(|(key, name, triggers)| (*key, name.as_str(), triggers.as_slice())),
    )
}

#[test]
fn skipping_documents_never_changes_the_answer() {
    let corpus = corpus(300, 60);
    let index = of(&corpus);
    let mut dice = Dice(99);
    for _ in 0..500 {
        let text = dice.sentence(80);
        let all = index.rank(&text, 0.0, 300);
        let good: Vec<_> = all.iter().copied().filter(|(_, score)| *score >= THRESHOLD).collect();
        assert_eq!(index.rank(&text, THRESHOLD, 300), good);
        let best = index.best(&text);
        assert_eq!(best.map(|best| (best.pattern, best.score)), good.first().copied());
        assert_eq!(best.and_then(|best| best.runner_up), good.get(1).copied());
        assert!(all.iter().all(|(_, score)| (0.0..=1.0).contains(score)));
        assert!(all.is_sorted_by(|a, b| (b.1, a.0) < (a.1, b.0)));
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures that the documentation quotes")]
fn ten_thousand_patterns_are_searched_in_a_blink() {
    // Few words in many triggers are the hard case; long questions another.
    for (vocabulary, sentences) in [(8_000, 1), (300, 1), (8_000, 60)] {
        let corpus = corpus(10_000, vocabulary);
        let started = std::time::Instant::now();
        let index = of(&corpus);
        let built = started.elapsed();
        let mut dice = Dice(3);
        let mut question =
            || (0..sentences).map(|_| dice.sentence(vocabulary)).collect::<Vec<_>>().join(" ");
        let questions: Vec<_> = (0..500).map(|_| question()).collect();
        let mut micros = Vec::new();
        for text in &questions {
            let started = std::time::Instant::now();
            let _found = index.best(text);
            micros.push(started.elapsed().as_micros());
        }
        micros.sort_unstable();
        let (half, most) = (micros[micros.len() / 2], micros[micros.len() * 99 / 100]);
        println!(
            "{vocabulary} words, {} characters: built in {built:?}; best() half {half} us, 99 % {most} us",
            questions[0].len()
        );
        // Without optimisation, or while other tests run, time says little.
        assert!(cfg!(debug_assertions) || sentences > 1 || half < 200, "{half} us");
        for (_, _, triggers) in corpus.iter().step_by(100) {
            assert!(index.best(&triggers[0]).unwrap().score > 0.999);
        }
    }
}
