//! Finds the pattern that a question means, by its words.
//!
//! Every trigger, and every name, is a document of its own, so that a pattern
//! with fifty triggers is as easy to find as one with a single trigger. A term
//! weighs what BM25 says (its inverse document frequency, counted in patterns,
//! not triggers); a term counts once, however often it is repeated, since
//! triggers are single sentences. In place of BM25's length normalisation, the
//! score is the share of information that question and trigger have in common:
//!
//! ```text
//!                    weight(question ∩ trigger)
//! score = ─────────────────────────────────────────────────
//!          α · weight(question) + (1 − α) · weight(trigger)
//! ```
//!
//! It is 1 when both say the same words and 0 when they share none, whatever
//! the number of patterns, which is what makes a fixed threshold mean something.
//! Weights are integers, so a score does not depend on the order of addition.

use std::collections::HashMap;

use super::terms::{is_stop, terms};

mod lists;
mod overlay;

use lists::Lists;
pub use overlay::{Overlay, Standing};

/// The least score that counts as an answer.
///
/// Chosen on half of `questions.txt`: 137 paraphrases and 94 unrelated questions
/// that we wrote over the seeded patterns, some of them without a word in common.
/// A wrong answer costs more trust than an honest "none", so precision decided:
/// at 0.46 both halves have a precision and a recall of 0.94 to 0.97. The stop
/// words were completed after reading the mistakes in both halves, so the other
/// half is not wholly untouched.
///
/// | questions | precision | recall |
/// |---|---|---|
/// | half used for choosing | 1.00 | 0.97 |
/// | other half | 0.97 | 0.90 |
/// | all | 0.98 | 0.93 |
///
/// Precision counts unrelated questions that got an answer as wrong; recall is
/// the share of paraphrases that got theirs. A test asserts both. Misspelt words
/// and synonyms are not recognised: teach them as triggers.
pub const THRESHOLD: f64 = 0.5;

/// α: how much the question's own words count beside the trigger's.
const QUESTION_SHARE: f64 = 0.4;
/// What a stop word weighs, in percent of what its rarity says.
const STOP_PERCENT: u32 = 15;
/// What a word that no pattern knows weighs, in percent.
const UNKNOWN_PERCENT: u32 = 60;
/// A small org's words are weighed as if it had this many patterns more.
/// Without it, the only pattern of an org would consist of "common" words.
const PRIOR_PATTERNS: u32 = 100;
/// The most that [`Index::rank`] returns.
const RANK_MAX: usize = 100;

/// The published patterns of one org, ready to be asked.
///
/// Built whole and never changed: a new version of a pattern makes a new index.
#[derive(Debug)]
pub struct Index<K> {
    /// Sorted, so that the lower number is the lower key.
    patterns: Vec<K>,
    vocabulary: HashMap<Box<str>, u32>,
    /// Term → patterns that have it.
    frequencies: Vec<u32>,
    /// Term → how much of what its rarity says it weighs, in percent.
    percents: Vec<u32>,
    /// Term → weight.
    weights: Vec<u32>,
    /// Term → documents.
    postings: Lists,
    /// Document → terms, sorted.
    documents: Lists,
    /// Document → sum of its weights.
    document_weights: Vec<u32>,
    /// Document → pattern.
    owners: Vec<u32>,
}

/// The answer to a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match<'a, K> {
    /// The pattern that fits best.
    pub pattern: &'a K,
    /// How well, from 0 to 1; at least [`THRESHOLD`].
    pub score: f64,
    /// The next pattern that also reaches the threshold, and its score.
    pub runner_up: Option<(&'a K, f64)>,
}

impl<K: Ord> Index<K> {
    /// Builds the index from key, name and triggers of each pattern.
    pub fn build<'a, S>(patterns: impl IntoIterator<Item = (K, &'a str, &'a [S])>) -> Self
    where
        S: AsRef<str> + 'a,
    {
        let mut patterns: Vec<_> = patterns.into_iter().collect();
        patterns.sort_by(|one, other| one.0.cmp(&other.0));
        let mut index = Self {
            patterns: Vec::with_capacity(patterns.len()),
            vocabulary: HashMap::new(),
            frequencies: Vec::new(),
            percents: Vec::new(),
            weights: Vec::new(),
            postings: Lists::default(),
            documents: Lists::default(),
            document_weights: Vec::new(),
            owners: Vec::new(),
        };
        for (key, name, triggers) in patterns {
            let owner = small(index.patterns.len());
            let mut seen = Vec::new();
            for text in triggers.iter().map(AsRef::as_ref).chain([name]) {
                let mut document: Vec<u32> =
                    terms(text).into_iter().map(|term| index.number(term)).collect();
                if document.is_empty() {
                    continue;
                }
                document.sort_unstable();
                seen.extend_from_slice(&document);
                index.documents.push(&document);
                index.owners.push(owner);
            }
            seen.sort_unstable();
            seen.dedup();
            for term in seen {
                if let Some(frequency) = index.frequencies.get_mut(at(term)) {
                    *frequency += 1;
                }
            }
            index.patterns.push(key);
        }
        index.weights = index.weighed(small(index.patterns.len()));
        index.document_weights = (0..small(index.owners.len()))
            .map(|number| index.weight_in(&index.weights, number))
            .collect();
        index.postings = index.documents.inverted(index.vocabulary.len());
        index
    }

    /// The pattern that answers `text`, if one reaches [`THRESHOLD`].
    pub fn best(&self, text: &str) -> Option<Match<'_, K>> {
        let mut ranked = self.rank(text, THRESHOLD, 2).into_iter();
        let (pattern, score) = ranked.next()?;
        Some(Match { pattern, score, runner_up: ranked.next() })
    }

    /// The patterns that score at least `floor` and more than 0, best first.
    /// Equal scores are ordered by key. At most 100 are returned.
    pub fn rank(&self, text: &str, floor: f64, limit: usize) -> Vec<(&K, f64)> {
        let weigh = |document| self.document_weights.get(at(document)).copied();
        self.ranked(&self.question(text), floor, limit, weigh)
    }

    /// The same for a question whose words are weighed. `weigh` says what a document
    /// weighs; one that weighs nothing is passed over.
    fn ranked(
        &self,
        question: &Question,
        floor: f64,
        limit: usize,
        weigh: impl Fn(u32) -> Option<u32>,
    ) -> Vec<(&K, f64)> {
        let mut top = Top { entries: Vec::new(), floor, limit: limit.min(RANK_MAX) };
        if top.limit == 0 {
            return Vec::new();
        }
        let (shared, touched, rest) = self.gather(question, floor);
        let rest_weight: u32 = rest.iter().map(|(weight, _)| weight).sum();
        for document in touched {
            let (Some(&common), Some(weight), Some(&owner)) =
                (shared.get(at(document)), weigh(document), self.owners.get(at(document)))
            else {
                continue;
            };
            let hope = score((common + rest_weight).min(weight), question.weight, weight);
            if hope < top.floor {
                continue;
            }
            let held = self.documents.get(document);
            let common = rest
                .iter()
                .filter(|(_, term)| held.binary_search(term).is_ok())
                .fold(common, |sum, (weight, _)| sum + weight);
            top.offer(owner, score(common, question.weight, weight));
        }
        top.entries
            .into_iter()
            .filter_map(|(owner, score)| Some((self.patterns.get(at(owner))?, score)))
            .collect()
    }

    /// How many patterns can be found.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there is nothing to find.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    fn number(&mut self, term: String) -> u32 {
        if let Some(number) = self.vocabulary.get(term.as_str()) {
            return *number;
        }
        let next = small(self.vocabulary.len());
        self.percents.push(percent_of(&term));
        self.frequencies.push(0);
        self.vocabulary.insert(term.into_boxed_str(), next);
        next
    }

    /// What each term weighs among so many patterns.
    fn weighed(&self, patterns: u32) -> Vec<u32> {
        let each = self.percents.iter().zip(&self.frequencies);
        each.map(|(percent, frequency)| weight_of(*percent, *frequency, patterns)).collect()
    }

    /// What a document weighs when its terms weigh this.
    fn weight_in(&self, weights: &[u32], document: u32) -> u32 {
        let weight = |term: &u32| weights.get(at(*term)).copied().unwrap_or(0);
        self.documents.get(document).iter().map(weight).sum()
    }

    fn weight(&self, term: u32) -> u32 {
        self.weights.get(at(term)).copied().unwrap_or(0)
    }

    fn question(&self, text: &str) -> Question {
        let mut question = Question { known: Vec::new(), weight: 0 };
        let patterns = small(self.patterns.len());
        for term in terms(text) {
            if let Some(&number) = self.vocabulary.get(term.as_str()) {
                let weight = self.weight(number);
                question.known.push((weight, number));
                question.weight += weight;
            } else {
                question.weight += unknown_weight(&term, patterns);
            }
        }
        question.known.sort_unstable_by(|one, other| other.cmp(one));
        question
    }

    /// What each document shares with the question, rarest terms first. Stops
    /// as soon as a document without any of the terms read so far can no
    /// longer reach the floor; the terms that were not read are returned.
    fn gather<'q>(&self, question: &'q Question, floor: f64) -> (Vec<u32>, Vec<u32>, Rest<'q>) {
        let mut shared = vec![0_u32; self.owners.len()];
        let mut touched = Vec::new();
        let mut rest = question.known.as_slice();
        let mut rest_weight: u32 = rest.iter().map(|(weight, _)| weight).sum();
        while let Some(((weight, term), tail)) = rest.split_first() {
            if score(rest_weight, question.weight, rest_weight) < floor {
                break;
            }
            for &document in self.postings.get(*term) {
                if let Some(sum) = shared.get_mut(at(document)) {
                    if *sum == 0 {
                        touched.push(document);
                    }
                    *sum += weight;
                }
            }
            rest_weight -= weight;
            rest = tail;
        }
        (shared, touched, rest)
    }
}

/// Query terms that were not looked up, with their weights.
type Rest<'q> = &'q [(u32, u32)];

struct Question {
    /// Weight and number of the terms that some pattern has, heaviest first.
    known: Vec<(u32, u32)>,
    /// The weight of all terms, known or not.
    weight: u32,
}

/// The best patterns so far, one entry each.
struct Top {
    entries: Vec<(u32, f64)>,
    floor: f64,
    limit: usize,
}

impl Top {
    fn offer(&mut self, owner: u32, score: f64) {
        if score < self.floor || score <= 0.0 {
            return;
        }
        if let Some(place) = self.entries.iter().position(|(held, _)| *held == owner) {
            if self.entries.get(place).is_some_and(|(_, held)| *held >= score) {
                return;
            }
            self.entries.remove(place);
        }
        let place = self
            .entries
            .partition_point(|&(held, best)| best > score || (best >= score && held < owner));
        self.entries.insert(place, (owner, score));
        self.entries.truncate(self.limit);
        if self.entries.len() == self.limit
            && let Some((_, last)) = self.entries.last()
        {
            self.floor = *last;
        }
    }
}

fn score(common: u32, question: u32, document: u32) -> f64 {
    if common == 0 {
        return 0.0;
    }
    let whole = QUESTION_SHARE * f64::from(question) + (1.0 - QUESTION_SHARE) * f64::from(document);
    f64::from(common) / whole
}

/// BM25's inverse document frequency, in thousandths, and this share of it.
fn weight_of(percent: u32, frequency: u32, patterns: u32) -> u32 {
    let without = f64::from((patterns + PRIOR_PATTERNS).saturating_sub(frequency)) + 0.5;
    let rarity = (1.0 + without / (f64::from(frequency) + 0.5)).ln() * 1_000.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 24,000: a logarithm of at most 2^33, times 1,000"
    )]
    let weight = rarity.round() as u32;
    (weight * percent / 100).max(1)
}

/// What a word weighs in a question that no pattern knows it from.
fn unknown_weight(term: &str, patterns: u32) -> u32 {
    weight_of(percent_of(term), 0, patterns) * UNKNOWN_PERCENT / 100
}

/// How much of its weight a word keeps.
fn percent_of(term: &str) -> u32 {
    if is_stop(term) { STOP_PERCENT } else { 100 }
}

/// Sizes fit: an org's patterns, triggers and terms are far below 2^32.
fn small(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

fn at(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
