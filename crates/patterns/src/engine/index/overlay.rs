//! What an index would say if one pattern were taught differently.
//!
//! Building an index of ten thousand patterns takes longer than a person who tries a
//! draft should wait. The overlay gives the same scores, to the last digit, from the
//! index that there is: it weighs the words anew and leaves the rest as it stands.

use std::collections::{HashMap, HashSet};

use super::{Index, Question, at, percent_of, score, small, terms, unknown_weight, weight_of};

/// An index in which one draft takes the place of a pattern, or stands beside all.
#[derive(Debug)]
pub struct Overlay<'a, K> {
    index: &'a Index<K>,
    /// The pattern whose place the draft takes.
    without: Option<u32>,
    /// Patterns, the draft included.
    patterns: u32,
    /// Term → weight; 0 when no pattern has the term any more.
    weights: Vec<u32>,
    /// Terms of the draft that no pattern has, and their weights.
    fresh: HashMap<String, u32>,
    /// The name and the triggers of the draft.
    documents: Vec<Vec<String>>,
}

/// How a draft stands when a question is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing<'a, K> {
    /// The draft's own score.
    pub score: f64,
    /// The other patterns that score at least the floor, best first; at most 100.
    pub others: Vec<(&'a K, f64)>,
}

impl<K: Ord> Index<K> {
    /// This index with a draft in the place of the pattern of that key, if it is there.
    pub fn overlaid<S: AsRef<str>>(
        &self,
        without: Option<&K>,
        name: &str,
        triggers: &[S],
    ) -> Overlay<'_, K> {
        let without = without.and_then(|key| self.patterns.binary_search(key).ok()).map(small);
        let texts = triggers.iter().map(AsRef::as_ref).chain([name]);
        let documents: Vec<_> = texts.map(terms).filter(|terms| !terms.is_empty()).collect();
        let patterns = small(self.patterns.len()) + u32::from(without.is_none());
        let mut overlay = Overlay {
            index: self,
            without,
            patterns,
            weights: Vec::new(),
            fresh: HashMap::new(),
            documents,
        };
        overlay.weigh();
        overlay
    }
}

impl<'a, K: Ord> Overlay<'a, K> {
    /// How the draft stands when this is asked, beside patterns that score `floor`.
    pub fn standing(&self, text: &str, floor: f64) -> Standing<'a, K> {
        let asked = terms(text);
        let question = self.question(&asked);
        let own = self.documents.iter().map(|document| {
            let weight = document.iter().map(|term| self.weight(term)).sum();
            let common = document.iter().filter(|term| asked.binary_search(term).is_ok());
            score(common.map(|term| self.weight(term)).sum(), question.weight, weight)
        });
        let own = own.fold(0.0, f64::max);
        let weigh = |document: u32| {
            let owner = self.index.owners.get(at(document)).copied();
            (owner != self.without).then(|| self.index.weight_in(&self.weights, document))
        };
        let others = self.index.ranked(&question, floor, usize::MAX, weigh);
        Standing { score: own, others }
    }

    fn weigh(&mut self) {
        let index = self.index;
        let mut frequencies: HashMap<u32, u32> = HashMap::new();
        let mut frequency_of = |term: u32, change: fn(u32, u32) -> u32| {
            let known = index.frequencies.get(at(term)).copied().unwrap_or(0);
            let frequency = frequencies.entry(term).or_insert(known);
            *frequency = change(*frequency, 1);
        };
        let left: HashSet<u32> = self.replaced().copied().collect();
        for term in left {
            frequency_of(term, u32::saturating_sub);
        }
        let taught: HashSet<&String> = self.documents.iter().flatten().collect();
        for term in taught {
            if let Some(number) = index.vocabulary.get(term.as_str()) {
                frequency_of(*number, u32::saturating_add);
            } else {
                self.fresh.insert(term.clone(), weight_of(percent_of(term), 1, self.patterns));
            }
        }
        // Without another pattern the other words weigh what they weighed.
        self.weights = if self.without.is_some() {
            index.weights.clone()
        } else {
            index.weighed(self.patterns)
        };
        for (term, frequency) in frequencies {
            let percent = index.percents.get(at(term)).copied().unwrap_or(0);
            if let Some(weight) = self.weights.get_mut(at(term)) {
                let weighed = || weight_of(percent, frequency, self.patterns);
                *weight = if frequency == 0 { 0 } else { weighed() };
            }
        }
    }

    /// The terms of the pattern whose place the draft takes.
    fn replaced(&self) -> impl Iterator<Item = &'a u32> + use<'a, K> {
        let (index, without) = (self.index, self.without);
        let owners = without.map(|without| {
            let start = index.owners.partition_point(|owner| *owner < without);
            start..index.owners.partition_point(|owner| *owner <= without)
        });
        owners.into_iter().flatten().flat_map(|document| index.documents.get(small(document)))
    }

    fn question(&self, asked: &[String]) -> Question {
        let mut question = Question { known: Vec::new(), weight: 0 };
        for term in asked {
            let number = self.index.vocabulary.get(term.as_str()).copied();
            match (number, self.weight(term)) {
                (_, 0) => question.weight += unknown_weight(term, self.patterns),
                (Some(number), weight) => {
                    question.known.push((weight, number));
                    question.weight += weight;
                }
                (None, weight) => question.weight += weight,
            }
        }
        question.known.sort_unstable_by(|one, other| other.cmp(one));
        question
    }

    fn weight(&self, term: &str) -> u32 {
        let known = self.index.vocabulary.get(term);
        let known = known.and_then(|number| self.weights.get(at(*number)));
        known.or_else(|| self.fresh.get(term)).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::seeds;
    use super::super::super::yaml::import;
    use super::*;

    type Taught = (String, String, Vec<String>);

    fn built(all: &[Taught]) -> Index<&str> {
        Index::build(all.iter().map(|(slug, name, triggers)| (&**slug, &**name, &**triggers)))
    }

    /// What the overlay says, as a rebuilt index says it.
    fn agrees(all: &[Taught], draft: &Taught, questions: &[String]) {
        let base = built(all);
        let (slug, name, triggers) = draft;
        let overlay = base.overlaid(Some(&slug.as_str()), name, triggers);
        let mut rebuilt: Vec<Taught> = all.iter().filter(|one| one.0 != *slug).cloned().collect();
        rebuilt.push(draft.clone());
        let rebuilt = built(&rebuilt);
        for question in questions {
            for floor in [0.0, 0.5] {
                let standing = overlay.standing(question, floor);
                let ranked = rebuilt.rank(question, floor, usize::MAX);
                let own = ranked.iter().find(|(key, _)| *key == slug).map(|(_, score)| *score);
                assert!(
                    own.is_none_or(|own| own.to_bits() == standing.score.to_bits()),
                    "{question}"
                );
                assert!(own.is_some() || standing.score <= floor, "{question}");
                let others: Vec<_> = ranked.into_iter().filter(|(key, _)| *key != slug).collect();
                assert_eq!(standing.others, others, "{question}");
            }
        }
    }

    #[test]
    fn an_overlay_scores_as_an_index_that_was_built_anew() {
        let all: Vec<Taught> = import(seeds::EU)
            .unwrap()
            .into_iter()
            .map(|one| (one.draft.slug, one.draft.name, one.draft.triggers))
            .collect();
        let questions: Vec<String> = all
            .iter()
            .flat_map(|(_, name, triggers)| [name].into_iter().chain(triggers).cloned())
            .chain(["Where is the crocodile?", "", "?!", "password crocodile vpn"].map(Into::into))
            .collect();
        let taught = |slug: &str, name: &str, triggers: &[&str]| {
            (slug.to_owned(), name.to_owned(), triggers.iter().map(|&one| one.to_owned()).collect())
        };
        for (slug, ..) in &all {
            agrees(
                &all,
                &taught(slug, "Crocodile", &["Where is the crocodile?", "Reset VPN"]),
                &questions,
            );
        }
        for draft in [
            all[0].clone(),
            taught("new", "New", &["I forgot my password", "Crocodile!"]),
            taught("new", "", &[]),
        ] {
            agrees(&all, &draft, &questions);
            agrees(&[], &draft, &questions);
        }
    }
}
