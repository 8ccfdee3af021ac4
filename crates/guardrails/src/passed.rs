//! What was asked lately and met no objection.
//!
//! An answer follows from the question alone: who, in which of the roles and teams that are
//! spoken of, on what (by its name and its class, if those are looked at), under the circumstances that are looked at, to the second or minute.
//! So the same question need not be put twice to the same policies. What met an objection
//! is asked anew.

use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

use access::DataClass;
use cedar_policy::EntityUid;

use crate::asked::Given;

/// Questions that are remembered in one lane at most; then it begins anew.
const KEPT_MAX: usize = 1024;

/// All that an answer follows from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) principal: EntityUid,
    /// For each role and team that the lane speaks of.
    pub(crate) belongs: Vec<bool>,
    pub(crate) resource: EntityUid,
    /// How sensitive that is, if it is looked at and known.
    pub(crate) class: Option<DataClass>,
    pub(crate) given: Given,
}

/// Questions that met no objection.
#[derive(Debug, Default)]
pub(crate) struct Passed(RwLock<HashSet<Question>>);

impl Passed {
    pub(crate) fn knows(&self, question: &Question) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(question)
    }

    pub(crate) fn keep(&self, question: Question) {
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(question);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked::{Asked, Kinds};
    use crate::reads::Read;
    use access::Actor;
    use jiff::tz::TimeZone;

    #[test]
    fn a_flood_of_questions_does_not_fill_the_memory() {
        let (passed, kinds) = (Passed::default(), Kinds::read().unwrap());
        let question = |number: usize| {
            let actor = Actor::Operator(number.to_string());
            let asked = Asked {
                actor: &actor,
                teams: &[],
                access: None,
                ip: None,
                with_key: false,
                method: None,
                factor_at: None,
                at: None,
                on: None,
            };
            Question {
                principal: kinds.principal(&actor),
                belongs: Vec::new(),
                resource: kinds.org("org_1"),
                class: None,
                given: asked.circumstances(Read::default(), &TimeZone::UTC),
            }
        };
        for number in 0..KEPT_MAX * 3 {
            passed.keep(question(number));
            assert!(passed.knows(&question(number)));
        }
        assert!(passed.0.read().unwrap().len() <= KEPT_MAX);
        assert!(!passed.knows(&question(KEPT_MAX * 3)));
    }
}
