//! What a witness counts. Labels are answers and kinds of contradictions: fourteen at most.

use base::metrics::{Counter, Family, Metrics};
use tlog::witness::Refusal;

use crate::contradiction::Contradiction;
use crate::watched::Refused;

#[derive(Debug, Clone)]
pub(crate) struct Counts {
    answers: Family<[(&'static str, &'static str); 1], Counter>,
    contradictions: Family<[(&'static str, &'static str); 1], Counter>,
}

impl Counts {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let answers = "Checkpoints that were answered, by the answer";
        let contradictions = "Checkpoints that contradict a head, also those that were kept before";
        let counts = Self {
            answers: metrics.register("witness_answers", answers, Family::default()),
            contradictions: metrics.register(
                "witness_contradictions",
                contradictions,
                Family::default(),
            ),
        };
        // An alarm needs a zero to rise from.
        for kind in Contradiction::ALL {
            drop(counts.contradictions.get_or_create(&[("kind", kind.as_str())]));
        }
        counts
    }

    pub(crate) fn cosigned(&self) {
        self.answers.get_or_create(&[("answer", "cosigned")]).inc();
    }

    pub(crate) fn refused(&self, why: &Refused) {
        self.answers.get_or_create(&[("answer", code(why))]).inc();
    }

    pub(crate) fn contradicted(&self, kind: Contradiction) {
        self.contradictions.get_or_create(&[("kind", kind.as_str())]).inc();
    }
}

/// A stable word for a refusal.
pub(crate) fn code(why: &Refused) -> &'static str {
    match why {
        Refused::Protocol(why) => match why {
            Refusal::Malformed(_) => "malformed",
            Refusal::OldBeyondNew => "old_beyond_new",
            Refusal::UnknownLog => "unknown_log",
            Refusal::NotSigned => "not_signed",
            Refusal::OtherSize(_) => "other_size",
            Refusal::Forked => "forked",
            Refusal::Inconsistent(_) => "inconsistent",
        },
        Refused::ClockBehind { .. } => "clock_behind",
        Refused::NotKept(_) => "not_kept",
        Refused::NotCosigned(_) => "not_cosigned",
    }
}
